//! What a table's features ask of readers together, as plain data: an engine can carry it to another machine.

use super::ALL;
use crate::TableConfiguration;
use crate::schema::{ColumnMappingMode, ColumnPath, DataType, PrimitiveType, StructField, TypeChange};
use crate::{Result, ResultExt};
use serde::{Deserialize, Serialize};

/// Where each logical column comes from, and which rows count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReaderRequirements {
    /// The table's columns, in the order of its schema.
    pub columns: Vec<ColumnSource>,
    /// How fields are found in data files: by id where [`ColumnMappingMode::Id`], else by physical name.
    pub column_mapping_mode: ColumnMappingMode,
    /// Whether files may have deletion vectors, whose rows must not be read.
    pub deletion_vectors: bool,
    /// Whether files may hold columns in a former, narrower type.
    pub type_widening: bool,
    /// How stable row ids and row commit versions are made, if the table tracks its rows.
    pub row_tracking: Option<RowTrackingSource>,
}

/// One column of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnSource {
    /// The logical name.
    pub name: String,
    /// The logical type.
    pub data_type: DataType,
    /// Whether the column may be null.
    pub nullable: bool,
    /// Where the values come from.
    pub origin: Origin,
}

/// Where a column's values come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// A column of the data file. Files that lack it have null in every row.
    DataFile(FieldSource),
    /// One value for the whole file: the text under this key of the file's `partitionValues`, parsed as the column's
    /// type. A key that is absent means null.
    PartitionValue {
        /// The column's physical name.
        key: String,
    },
    /// Null in every row: the column's type is void, and no file holds it.
    Null,
}

/// A field as data files hold it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldSource {
    /// The logical name.
    pub name: String,
    /// The name in data files.
    pub physical_name: String,
    /// The Parquet field id, where ids decide ([`ColumnMappingMode::Id`]).
    pub field_id: Option<i32>,
    /// Whether the field may be null.
    pub nullable: bool,
    /// What it is made of.
    pub shape: Shape,
}

/// What a field, or a part of one, is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Shape {
    /// A value without parts.
    Primitive {
        /// The type that readers give out.
        data_type: PrimitiveType,
        /// The narrower types that older files may hold it in, oldest first; to be cast.
        former_types: Vec<PrimitiveType>,
    },
    /// A variant, shredded or not.
    Variant,
    /// Named fields, which are found in the file as columns are.
    Struct(Vec<FieldSource>),
    /// A list.
    Array {
        /// Its elements.
        element: Box<PartSource>,
    },
    /// A map.
    Map {
        /// Its keys.
        key: Box<PartSource>,
        /// Its values.
        value: Box<PartSource>,
    },
}

/// The element of a list, the key or the value of a map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartSource {
    /// The Parquet field id, if the schema assigns one (`delta.columnMapping.nested.ids`).
    pub field_id: Option<i32>,
    /// Whether the part may be null.
    pub nullable: bool,
    /// What it is made of.
    pub shape: Shape,
}

/// Spec: [Reader Requirements for Row Tracking](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#reader-requirements-for-row-tracking).
///
/// A row's id is the value of `row_id_column`, where the file has that column and the row a value, else `baseRowId` of
/// the file plus the row's position in it. Its commit version, likewise, is the column's, else `defaultRowCommitVersion`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowTrackingSource {
    /// The physical name of the column of materialised row ids.
    pub row_id_column: Option<String>,
    /// The physical name of the column of materialised row commit versions.
    pub row_commit_version_column: Option<String>,
}

impl ReaderRequirements {
    /// What the features that the table supports require, in the order of [`ALL`], over a table of plain columns.
    pub(crate) fn of(table: &TableConfiguration) -> Result<Self> {
        let mut requirements = Self::default();
        for feature in ALL.iter().filter(|feature| table.protocol().supports(feature)) {
            (feature.reader_requirements)(table, &mut requirements);
        }
        requirements.columns =
            table.schema().fields.iter().map(|field| requirements.column(table, field)).collect::<Result<_>>()?;
        Ok(requirements)
    }

    fn column(&self, table: &TableConfiguration, field: &StructField) -> Result<ColumnSource> {
        let origin = if table.is_partition_column(&field.name) {
            Origin::PartitionValue { key: field.physical_name(self.column_mapping_mode).to_owned() }
        } else if field.data_type == PrimitiveType::Void.into() {
            Origin::Null
        } else {
            Origin::DataFile(self.field(field)?)
        };
        let (name, data_type) = (field.name.clone(), field.data_type.clone());
        Ok(ColumnSource { name, data_type, nullable: field.nullable, origin })
    }

    fn field(&self, field: &StructField) -> Result<FieldSource> {
        let by_id = self.column_mapping_mode == ColumnMappingMode::Id;
        let parts = Parts { requirements: self, field, changes: self.changes(field)? };
        Ok(FieldSource {
            name: field.name.clone(),
            physical_name: field.physical_name(self.column_mapping_mode).to_owned(),
            field_id: if by_id { field.column_mapping_id()? } else { None },
            nullable: field.nullable,
            shape: parts.shape(&field.data_type, &ColumnPath::root())?,
        })
    }

    fn changes(&self, field: &StructField) -> Result<Vec<TypeChange>> {
        if self.type_widening { field.type_changes() } else { Ok(Vec::new()) }
    }
}

/// The lists and maps directly below one field, whose metadata speaks of their parts.
struct Parts<'a> {
    requirements: &'a ReaderRequirements,
    field: &'a StructField,
    changes: Vec<TypeChange>,
}

impl Parts<'_> {
    fn shape(&self, data_type: &DataType, at: &ColumnPath) -> Result<Shape> {
        Ok(match data_type {
            DataType::Primitive(primitive) => {
                Shape::Primitive { data_type: *primitive, former_types: self.former_types(at) }
            }
            DataType::Variant => Shape::Variant,
            DataType::Struct(fields) => {
                Shape::Struct(fields.fields.iter().map(|field| self.requirements.field(field)).collect::<Result<_>>()?)
            }
            DataType::Array(array) => {
                Shape::Array { element: self.part(&array.element_type, array.contains_null, &at.child("element"))? }
            }
            DataType::Map(map) => Shape::Map {
                key: self.part(&map.key_type, false, &at.child("key"))?,
                value: self.part(&map.value_type, map.value_contains_null, &at.child("value"))?,
            },
        })
    }

    fn part(&self, data_type: &DataType, nullable: bool, at: &ColumnPath) -> Result<Box<PartSource>> {
        let field_id = self.nested_id(at).with("column", &self.field.name)?;
        Ok(Box::new(PartSource { field_id, nullable, shape: self.shape(data_type, at)? }))
    }

    fn former_types(&self, at: &ColumnPath) -> Vec<PrimitiveType> {
        self.changes.iter().filter(|change| change.field_path == *at).map(|change| change.from).collect()
    }

    fn nested_id(&self, at: &ColumnPath) -> Result<Option<i32>> {
        if self.requirements.column_mapping_mode != ColumnMappingMode::Id {
            return Ok(None);
        }
        let physical_name = self.field.physical_name(self.requirements.column_mapping_mode);
        let path = format!("{physical_name}.{}", at.names().join("."));
        Ok(self.field.column_mapping_nested_ids()?.get(&path).copied())
    }
}
