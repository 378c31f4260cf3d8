//! Spec: [Schema Serialization Format](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format).

mod data_type;

pub use data_type::{ArrayType, ColumnMetadata, DataType, DecimalType, MapType, PrimitiveType, StructField, StructType};
