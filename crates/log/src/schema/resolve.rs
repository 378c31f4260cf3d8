//! From a user's spelling of a column to the column.
//!
//! Names are compared without regard to case, as the protocol demands that they be unique so. A name that matches
//! nothing is an error, never "no rows".

use super::{ColumnPath, DataType, StructField, StructType, near_names};
use crate::{Error, ErrorKind, Result};
use std::collections::HashSet;

/// A column that a path resolved to.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedColumn<'a> {
    /// The path, spelled as in the schema.
    pub path: ColumnPath,
    /// The field that the path leads to, or, for a part of a list or map, the nearest field above it.
    pub field: &'a StructField,
    /// The type of what the path leads to.
    pub data_type: &'a DataType,
}

impl StructType {
    /// The column that `path` names, without regard to case; an exact spelling wins.
    ///
    /// Fails with [`ErrorKind::UnknownColumn`] where no column has this name (the message lists near ones) and where
    /// more than one has.
    ///
    /// ```
    /// use deltaic_log::schema::{ColumnPath, PrimitiveType, StructField, StructType};
    /// let inner = StructType::new([StructField::nullable("Zip", PrimitiveType::String)]);
    /// let schema = StructType::new([StructField::nullable("Address", inner)]);
    /// let column = schema.resolve(&ColumnPath::parse("address.zip")?)?;
    /// assert_eq!(column.path.to_string(), "Address.Zip");
    /// # Ok::<(), deltaic_log::Error>(())
    /// ```
    pub fn resolve(&self, path: &ColumnPath) -> Result<ResolvedColumn<'_>> {
        let (first, rest) = path.names().split_first().ok_or_else(|| self.unknown(path))?;
        let field = self.member(first, path)?.ok_or_else(|| self.unknown(path))?;
        let top = ResolvedColumn { path: ColumnPath::from(field.name.as_str()), field, data_type: &field.data_type };
        rest.iter().try_fold(top, |parent, name| {
            let child = match parent.data_type {
                DataType::Struct(fields) => {
                    fields.member(name, path)?.map(|field| (field, &field.data_type, field.name.as_str()))
                }
                container => CONTAINER_STEPS
                    .into_iter()
                    .find(|step| same_name(step, name))
                    .and_then(|step| Some((parent.field, container.step(step)?, step))),
            };
            let (field, data_type, spelling) = child.ok_or_else(|| self.unknown(path))?;
            Ok(ResolvedColumn { path: parent.path.child(spelling), field, data_type })
        })
    }

    /// The column that this text names: see [`ColumnPath::parse`] and [`Self::resolve`].
    pub fn resolve_text(&self, text: &str) -> Result<ResolvedColumn<'_>> {
        self.resolve(&ColumnPath::parse(text)?)
    }

    /// Fails with [`ErrorKind::CorruptLog`] where two fields of one struct, at any depth, have the same name but for case.
    pub fn check_unique_names(&self) -> Result<()> {
        let mut seen = HashSet::new();
        let twice = |(path, _): &(ColumnPath, &StructField)| {
            !seen.insert(path.names().iter().map(|name| name.to_lowercase()).collect::<Vec<_>>())
        };
        match self.fields_at_every_depth().into_iter().find(twice) {
            None => Ok(()),
            Some((path, _)) => Err(Error::new(
                ErrorKind::CorruptLog,
                "the table's schema has two columns whose names differ in case at most",
            )
            .with("column", path)),
        }
    }

    fn member(&self, name: &str, path: &ColumnPath) -> Result<Option<&StructField>> {
        if let Some(exact) = self.field(name) {
            return Ok(Some(exact));
        }
        let mut matches = self.fields.iter().filter(|field| same_name(&field.name, name));
        match (matches.next(), matches.next()) {
            (Some(one), Some(other)) => Err(ambiguous(path, one, other)),
            (found, _) => Ok(found),
        }
    }

    fn unknown(&self, path: &ColumnPath) -> Error {
        let columns = self.fields_at_every_depth().into_iter().take(COLUMNS_SEARCHED_MAX);
        let columns = columns.map(|(column, field)| (column.to_string(), field.name.as_str()));
        let near = near_names(&path.to_string(), columns);
        let advice = match near.is_empty() {
            true if self.fields.is_empty() => "it has none".to_owned(),
            true => format!("there are {}", shown(self)),
            false => format!("did you mean {}?", near.join(" or ")),
        };
        Error::new(ErrorKind::UnknownColumn, format!("the table has no column {path}: {advice}")).with("column", path)
    }
}

/// How many columns are compared with a name that none has.
const COLUMNS_SEARCHED_MAX: usize = 10_000;

/// The names of the first columns.
fn shown(schema: &StructType) -> String {
    const COUNT: usize = 20;
    let names: Vec<_> = schema.fields.iter().take(COUNT).map(|field| field.name.as_str()).collect();
    format!("{}{}", names.join(", "), if schema.fields.len() > COUNT { ", …" } else { "" })
}

const CONTAINER_STEPS: [&str; 3] = ["element", "key", "value"];

/// Whether two names are one to the protocol: equal but for case.
pub fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!(a.is_ascii() && b.is_ascii()) && a.to_lowercase() == b.to_lowercase())
}

fn ambiguous(path: &ColumnPath, one: &StructField, other: &StructField) -> Error {
    let message = format!(
        "the column name {path} fits both {:?} and {:?}: spell it exactly as in the schema",
        one.name, other.name
    );
    Error::new(ErrorKind::UnknownColumn, message).with("column", path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::PrimitiveType::{Date, Long};
    use rstest::rstest;

    fn schema() -> StructType {
        let inner = StructType::new([StructField::nullable("Zip", Long), StructField::nullable("zap.Zop", Date)]);
        StructType::new([
            StructField::nullable("Straße", Long),
            StructField::nullable("address", inner.clone()),
            StructField::nullable("list", DataType::array(inner, true)),
            StructField::nullable("Twin", Long),
            StructField::nullable("TWIN", Long),
        ])
    }

    #[rstest]
    #[case("STRASSE", None)]
    #[case("straße", Some("Straße"))]
    #[case("ADDRESS.zip", Some("address.Zip"))]
    #[case("address.`ZAP.zop`", Some("address.`zap.Zop`"))]
    #[case("list.Element.zip", Some("list.element.Zip"))]
    #[case("Twin", Some("Twin"))]
    #[case("twin", None)]
    #[case("address.zip.x", None)]
    #[case("list.key", None)]
    fn resolves(#[case] text: &str, #[case] expected: Option<&str>) {
        let schema = schema();
        let found = schema.resolve_text(text).map(|column| column.path.to_string());
        assert_eq!(found.as_deref().ok(), expected);
        if let Err(error) = found {
            assert_eq!(error.kind(), ErrorKind::UnknownColumn);
        }
    }

    #[test]
    fn an_unknown_name_brings_near_ones() {
        let message = schema().resolve_text("addres.zip").unwrap_err().to_string();
        assert!(message.contains("did you mean address.Zip"), "{message}");
    }

    #[test]
    fn an_ambiguous_name_brings_both() {
        let message = schema().resolve_text("twin").unwrap_err().to_string();
        assert!(message.contains("\"Twin\" and \"TWIN\""), "{message}");
    }

    #[test]
    fn names_that_differ_in_case_only_are_refused() {
        let error = schema().check_unique_names().unwrap_err();
        assert_eq!((error.kind(), error.context("column")), (ErrorKind::CorruptLog, Some("TWIN")));
    }
}
