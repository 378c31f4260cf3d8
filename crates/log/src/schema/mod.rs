//! Spec: [Schema Serialization Format](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format).
//!
//! | what | module |
//! |---|---|
//! | the types, as values | `data_type` |
//! | `schemaString` to types and back | `json` |
//! | what a column's metadata says | [`column_metadata`] |
//! | logical and physical names | `column_mapping` |
//! | the types that a column had before | `type_widening` |
//! | a user's spelling of a column | `column_path`, `resolve`, `near_names` |
//! | the same types in Arrow | `arrow` |

mod arrow;
mod column_mapping;
pub mod column_metadata;
mod column_path;
mod data_type;
mod json;
mod near_names;
mod resolve;
#[cfg(test)]
pub(crate) mod test_schema;
mod type_widening;
mod walk;

pub use arrow::{UTC, VARIANT_EXTENSION};
pub use column_mapping::ColumnMappingMode;
pub use column_path::ColumnPath;
pub use data_type::{
    ArrayType, ColumnMetadata, DataType, DecimalType, MapType, PrimitiveType, StructField, StructType,
};
pub use near_names::near_names;
pub use resolve::{ResolvedColumn, same_name};
pub use type_widening::TypeChange;
