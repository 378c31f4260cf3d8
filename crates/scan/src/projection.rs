//! Which columns a scan reads: whole ones, and parts of nested ones.

use std::collections::BTreeMap;

use deltaic_log::Result;
use deltaic_log::feature::{ColumnSource, FieldSource, Origin, Shape};
use deltaic_log::schema::{ColumnPath, DataType, StructType};

/// Parts of a schema: a column, or some fields of it.
#[derive(Debug, Default)]
struct Wanted {
    /// Whether everything below is wanted; else `fields`.
    whole: bool,
    fields: BTreeMap<String, Wanted>,
}

/// The sources of the columns that `paths` name, in the order of their first mention. Several paths into one column give
/// it once, with the fields wanted, in the order of the schema.
///
/// # Errors
/// [`deltaic_log::ErrorKind::UnknownColumn`] where a path names no column, or more than one.
pub(crate) fn project(
    schema: &StructType,
    sources: &[ColumnSource],
    paths: &[ColumnPath],
) -> Result<Vec<ColumnSource>> {
    let mut roots: Vec<(String, Wanted)> = Vec::new();
    for path in paths {
        let path = schema.resolve(path)?.path;
        let Some((root, rest)) = path.names().split_first() else { continue };
        let at = roots.iter().position(|(name, _)| name == root).unwrap_or_else(|| {
            roots.push((root.clone(), Wanted::default()));
            roots.len() - 1
        });
        roots[at].1.want(rest);
    }
    let source =
        |(root, wanted): &(String, Wanted)| sources.iter().find(|s| s.name == *root).map(|s| wanted.of_column(s));
    Ok(roots.iter().filter_map(source).collect())
}

impl Wanted {
    fn want(&mut self, path: &[String]) {
        match path.split_first() {
            None => self.whole = true,
            Some((name, rest)) => self.fields.entry(name.clone()).or_default().want(rest),
        }
    }

    fn of_column(&self, column: &ColumnSource) -> ColumnSource {
        let mut column = column.clone();
        if let Origin::DataFile(field) = &mut column.origin {
            self.narrow(&mut field.shape, &mut column.data_type);
        }
        column
    }

    /// Leaves out the fields of structs that are not wanted. Lists and maps stay whole.
    fn narrow(&self, shape: &mut Shape, data_type: &mut DataType) {
        let (Shape::Struct(sources), DataType::Struct(fields)) = (shape, data_type) else { return };
        if self.whole {
            return;
        }
        sources.retain(|source: &FieldSource| self.fields.contains_key(&source.name));
        fields.fields.retain(|field| self.fields.contains_key(&field.name));
        for (source, field) in sources.iter_mut().zip(&mut fields.fields) {
            self.fields[&field.name].narrow(&mut source.shape, &mut field.data_type);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deltaic_log::action::{Metadata, Protocol};
    use deltaic_log::{ErrorKind, TableConfiguration};

    const SCHEMA: &str = r#"{"type":"struct","fields":[
        {"name":"id","type":"long","nullable":true,"metadata":{}},
        {"name":"Person","nullable":true,"metadata":{},"type":{"type":"struct","fields":[
            {"name":"name","type":"string","nullable":true,"metadata":{}},
            {"name":"home","nullable":true,"metadata":{},"type":{"type":"struct","fields":[
                {"name":"zip","type":"string","nullable":true,"metadata":{}},
                {"name":"town","type":"string","nullable":true,"metadata":{}}]}}]}}]}"#;

    fn projected(paths: &[&str]) -> Result<String> {
        let protocol =
            Protocol { min_reader_version: 1, min_writer_version: 2, reader_features: None, writer_features: None };
        let metadata = Metadata { schema_string: Some(SCHEMA.to_owned()), ..Metadata::default() };
        let table = TableConfiguration::try_new(protocol, metadata)?;
        let paths = paths.iter().map(|path| ColumnPath::parse(path)).collect::<Result<Vec<_>>>()?;
        let columns = project(table.schema(), &table.reader_requirements()?.columns, &paths)?;
        let fields =
            columns.iter().map(|c| deltaic_log::schema::StructField::new(c.name.clone(), c.data_type.clone(), true));
        let leaves = StructType::new(fields.collect::<Vec<_>>());
        Ok(leaves.leaves().iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn columns_and_parts_of_them() {
        for (paths, expected) in [
            (&["ID"][..], "id"),
            (&["person.home.zip"], "Person.home.zip"),
            (&["person.home.zip", "id", "PERSON.NAME"], "Person.name Person.home.zip id"),
            (&["person.home", "person.home.zip"], "Person.home.zip Person.home.town"),
            (&["id", "id"], "id"),
            (&[], ""),
        ] {
            assert_eq!(projected(paths).unwrap(), expected, "{paths:?}");
        }
    }

    #[test]
    fn a_column_that_is_not_there_is_an_error() {
        for path in ["nope", "id.x", "person.nope"] {
            assert_eq!(projected(&[path]).unwrap_err().kind(), ErrorKind::UnknownColumn, "{path}");
        }
    }
}
