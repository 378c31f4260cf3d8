//! The types of the log's schemas, as values.

use serde_json::{Map, Value};

/// The metadata of a column: any JSON, kept as it is. Typed access: [`super::column_metadata`].
pub type ColumnMetadata = Map<String, Value>;

/// Spec: [Struct Type](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#struct-type). Also a table's schema.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StructType {
    /// The fields, in order.
    pub fields: Vec<StructField>,
}

/// Spec: [Struct Field](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#struct-field).
#[derive(Clone, Debug, PartialEq)]
pub struct StructField {
    /// The field's logical name.
    pub name: String,
    /// The field's type.
    pub data_type: DataType,
    /// Whether the field may be null.
    pub nullable: bool,
    /// The field's metadata.
    pub metadata: ColumnMetadata,
}

/// A type of the Delta protocol.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DataType {
    /// A type without parts.
    Primitive(PrimitiveType),
    /// Named fields.
    Struct(Box<StructType>),
    /// A list.
    Array(Box<ArrayType>),
    /// Keys and values.
    Map(Box<MapType>),
    /// Spec: [Variant Type](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#variant-type).
    Variant,
}

/// Spec: [Primitive Types](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#primitive-types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PrimitiveType {
    /// UTF-8 text.
    String,
    /// 64-bit signed.
    Long,
    /// 32-bit signed.
    Integer,
    /// 16-bit signed.
    Short,
    /// 8-bit signed.
    Byte,
    /// 32-bit IEEE 754.
    Float,
    /// 64-bit IEEE 754.
    Double,
    /// Fixed point.
    Decimal(DecimalType),
    /// True or false.
    Boolean,
    /// Bytes.
    Binary,
    /// A day without time zone.
    Date,
    /// An instant, microseconds, UTC.
    Timestamp,
    /// A wall-clock time, microseconds, without zone.
    TimestampNtz,
    /// No value but null.
    Void,
}

/// A decimal's shape: `0 < precision <= 38`, `0 <= scale <= precision`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecimalType {
    /// All digits.
    pub precision: u8,
    /// Digits after the point.
    pub scale: u8,
}

/// Spec: [Array Type](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#array-type).
#[derive(Clone, Debug, PartialEq)]
pub struct ArrayType {
    /// The type of the elements.
    pub element_type: DataType,
    /// Whether elements may be null.
    pub contains_null: bool,
}

/// Spec: [Map Type](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#map-type).
#[derive(Clone, Debug, PartialEq)]
pub struct MapType {
    /// The type of the keys, which are never null.
    pub key_type: DataType,
    /// The type of the values.
    pub value_type: DataType,
    /// Whether values may be null.
    pub value_contains_null: bool,
}
