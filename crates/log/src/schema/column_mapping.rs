//! Spec: [Column Mapping](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#column-mapping).
//!
//! Users see logical names. Data files, statistics and partition values know physical ones, so that a column can be
//! renamed or dropped without touching a file. Without column mapping, the two are the same.

use super::{ArrayType, ColumnPath, DataType, MapType, StructField, StructType, column_metadata::key};
use crate::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// How columns are found in data files: `delta.columnMapping.mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnMappingMode {
    /// By logical name.
    #[default]
    None,
    /// By physical name.
    Name,
    /// By the field id of the Parquet schema. Statistics and partition values still use physical names.
    Id,
}

impl StructField {
    /// The field's name in statistics and partition values, and, but for [`ColumnMappingMode::Id`], in data files.
    ///
    /// A field that column mapping forgot keeps its logical name; [`StructType::check_column_mapping`] finds those.
    pub fn physical_name(&self, mode: ColumnMappingMode) -> &str {
        let mapped = self.metadata.get(key::COLUMN_MAPPING_PHYSICAL_NAME).and_then(|name| name.as_str());
        mapped.filter(|_| mode != ColumnMappingMode::None).unwrap_or(&self.name)
    }
}

impl StructType {
    /// The same schema under physical names, at every depth. Types, order and metadata stay.
    #[must_use]
    pub fn physical(&self, mode: ColumnMappingMode) -> StructType {
        let physical = |field: &StructField| StructField {
            name: field.physical_name(mode).to_owned(),
            data_type: physical_type(&field.data_type, mode),
            ..field.clone()
        };
        self.fields.iter().map(physical).collect()
    }

    /// The physical path of a column, whose logical path is spelled as in the schema. For a user's spelling,
    /// [`Self::resolve`] comes first.
    pub fn to_physical_path(&self, logical: &ColumnPath, mode: ColumnMappingMode) -> Option<ColumnPath> {
        translate(self, logical.names(), |field| &field.name, |field| field.physical_name(mode)).map(ColumnPath::new)
    }

    /// The logical path of a column, given its physical one.
    pub fn to_logical_path(&self, physical: &ColumnPath, mode: ColumnMappingMode) -> Option<ColumnPath> {
        translate(self, physical.names(), |field| field.physical_name(mode), |field| &field.name).map(ColumnPath::new)
    }

    /// Fails where a field, at any depth, lacks the physical name, or in [`ColumnMappingMode::Id`] the id, that the
    /// table's column mapping needs.
    pub fn check_column_mapping(&self, mode: ColumnMappingMode) -> Result<()> {
        if mode == ColumnMappingMode::None {
            return Ok(());
        }
        self.fields_at_every_depth().into_iter().try_for_each(|(path, field)| {
            let missing = |what| Err(unmapped(what, &path));
            match (field.metadata.get(key::COLUMN_MAPPING_PHYSICAL_NAME), field.column_mapping_id()?) {
                (None, _) => missing(key::COLUMN_MAPPING_PHYSICAL_NAME),
                (Some(name), _) if !name.is_string() => Err(field.malformed(key::COLUMN_MAPPING_PHYSICAL_NAME, "text")),
                (_, None) if mode == ColumnMappingMode::Id => missing(key::COLUMN_MAPPING_ID),
                _ => Ok(()),
            }
        })
    }
}

fn unmapped(what: &'static str, path: &ColumnPath) -> Error {
    Error::new(ErrorKind::CorruptLog, format!("the table uses column mapping, but a column lacks {what}"))
        .with("column", path)
        .with("key", what)
}

fn physical_type(data_type: &DataType, mode: ColumnMappingMode) -> DataType {
    match data_type {
        DataType::Primitive(_) | DataType::Variant => data_type.clone(),
        DataType::Struct(fields) => fields.physical(mode).into(),
        DataType::Array(array) => DataType::Array(Box::new(ArrayType {
            element_type: physical_type(&array.element_type, mode),
            contains_null: array.contains_null,
        })),
        DataType::Map(map) => DataType::Map(Box::new(MapType {
            key_type: physical_type(&map.key_type, mode),
            value_type: physical_type(&map.value_type, mode),
            value_contains_null: map.value_contains_null,
        })),
    }
}

/// The path `names`, which `known_as` spells, as `wanted` spells it.
fn translate<'a>(
    schema: &'a StructType,
    names: &'a [String],
    known_as: impl Fn(&'a StructField) -> &'a str,
    wanted: impl Fn(&'a StructField) -> &'a str,
) -> Option<Vec<&'a str>> {
    let (first, rest) = names.split_first()?;
    let field = schema.fields.iter().find(|field| known_as(field) == first.as_str())?;
    let mut path = vec![wanted(field)];
    let mut here = &field.data_type;
    for name in rest {
        (here, path) = match (here, name.as_str()) {
            (DataType::Struct(fields), name) => {
                let field = fields.fields.iter().find(|field| known_as(field) == name)?;
                path.push(wanted(field));
                (&field.data_type, path)
            }
            (container, step) => {
                path.push(step);
                (container.step(step)?, path)
            }
        };
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::PrimitiveType::Long;

    fn mapped(name: &str, data_type: impl Into<DataType>) -> StructField {
        StructField::nullable(name, data_type)
            .with_metadata(key::COLUMN_MAPPING_PHYSICAL_NAME, format!("col-{name}"))
            .with_metadata(key::COLUMN_MAPPING_ID, 1)
    }

    fn schema() -> StructType {
        let inner = StructType::new([mapped("b", Long)]);
        StructType::new([
            mapped("a", inner.clone()),
            mapped("l", DataType::array(DataType::map(Long, inner, true), true)),
        ])
    }

    #[test]
    fn names_map_both_ways_at_every_depth() {
        let pairs =
            [("a.b", "`col-a`.`col-b`"), ("l.element.value.b", "`col-l`.element.value.`col-b`"), ("a", "`col-a`")];
        for (logical, physical) in pairs.map(|(l, p)| (ColumnPath::parse(l).unwrap(), ColumnPath::parse(p).unwrap())) {
            assert_eq!(schema().to_physical_path(&logical, ColumnMappingMode::Name), Some(physical.clone()));
            assert_eq!(schema().to_logical_path(&physical, ColumnMappingMode::Id), Some(logical.clone()));
            assert_eq!(schema().to_physical_path(&logical, ColumnMappingMode::None), Some(logical));
            assert!(schema().physical(ColumnMappingMode::Name).resolve(&physical).is_ok());
        }
    }

    #[test]
    fn a_forgotten_field_is_found() {
        let mut schema = schema();
        assert!(schema.check_column_mapping(ColumnMappingMode::Id).is_ok());
        schema.fields[0].metadata.remove(key::COLUMN_MAPPING_ID);
        assert!(schema.check_column_mapping(ColumnMappingMode::Name).is_ok());
        let error = schema.check_column_mapping(ColumnMappingMode::Id).unwrap_err();
        assert_eq!((error.context("column"), error.context("key")), (Some("a"), Some(key::COLUMN_MAPPING_ID)));
    }
}
