//! The types of the log's schemas, as values.

use serde_json::{Map, Value};
use std::fmt;

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
    /// A signed count of months (RFC: "Interval Types").
    IntervalYearMonth,
    /// A signed count of microseconds (RFC: "Interval Types").
    IntervalDaySecond,
}

impl PrimitiveType {
    /// Every type but the decimals, of which there are many.
    pub const ALL_BUT_DECIMALS: [Self; 15] = [
        Self::String,
        Self::Long,
        Self::Integer,
        Self::Short,
        Self::Byte,
        Self::Float,
        Self::Double,
        Self::Boolean,
        Self::Binary,
        Self::Date,
        Self::Timestamp,
        Self::TimestampNtz,
        Self::Void,
        Self::IntervalYearMonth,
        Self::IntervalDaySecond,
    ];
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

impl StructType {
    /// A struct of these fields.
    pub fn new(fields: impl IntoIterator<Item = StructField>) -> Self {
        Self { fields: fields.into_iter().collect() }
    }

    /// The field of exactly this name. For a user's spelling, see [`Self::resolve`].
    pub fn field(&self, name: &str) -> Option<&StructField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl StructField {
    /// A field without metadata.
    pub fn new(name: impl Into<String>, data_type: impl Into<DataType>, nullable: bool) -> Self {
        Self { name: name.into(), data_type: data_type.into(), nullable, metadata: ColumnMetadata::new() }
    }

    /// A field that may be null.
    pub fn nullable(name: impl Into<String>, data_type: impl Into<DataType>) -> Self {
        Self::new(name, data_type, true)
    }

    /// The same field with one more metadata key.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }
}

impl DataType {
    /// A list type.
    pub fn array(element_type: impl Into<DataType>, contains_null: bool) -> Self {
        Self::Array(Box::new(ArrayType { element_type: element_type.into(), contains_null }))
    }

    /// A map type.
    pub fn map(key_type: impl Into<DataType>, value_type: impl Into<DataType>, value_contains_null: bool) -> Self {
        let (key_type, value_type) = (key_type.into(), value_type.into());
        Self::Map(Box::new(MapType { key_type, value_type, value_contains_null }))
    }

    /// The primitive type that this is, if it is one.
    pub fn as_primitive(&self) -> Option<PrimitiveType> {
        match self {
            Self::Primitive(primitive) => Some(*primitive),
            _ => None,
        }
    }

    /// The struct that this is, if it is one.
    pub fn as_struct(&self) -> Option<&StructType> {
        match self {
            Self::Struct(fields) => Some(fields),
            _ => None,
        }
    }
}

impl DecimalType {
    /// The most digits that a decimal can have.
    pub const PRECISION_MAX: u8 = 38;

    /// A decimal of this shape, if the protocol has one: `0 < precision <= 38`, `scale <= precision`.
    ///
    /// ```
    /// use deltaic_log::schema::DecimalType;
    /// assert_eq!(DecimalType::new(10, 2), Some(DecimalType { precision: 10, scale: 2 }));
    /// assert_eq!(DecimalType::new(2, 10), None);
    /// ```
    pub fn new(precision: u8, scale: u8) -> Option<Self> {
        (1..=Self::PRECISION_MAX)
            .contains(&precision)
            .then_some(Self { precision, scale })
            .filter(|_| scale <= precision)
    }

    /// How many digits stand before the point.
    pub fn integer_digits(self) -> u8 {
        self.precision.saturating_sub(self.scale)
    }
}

impl From<PrimitiveType> for DataType {
    fn from(primitive: PrimitiveType) -> Self {
        Self::Primitive(primitive)
    }
}

impl From<DecimalType> for DataType {
    fn from(decimal: DecimalType) -> Self {
        Self::Primitive(PrimitiveType::Decimal(decimal))
    }
}

impl From<StructType> for DataType {
    fn from(fields: StructType) -> Self {
        Self::Struct(Box::new(fields))
    }
}

impl FromIterator<StructField> for StructType {
    fn from_iter<I: IntoIterator<Item = StructField>>(fields: I) -> Self {
        Self::new(fields)
    }
}

impl fmt::Display for PrimitiveType {
    /// The name that the protocol's schema JSON gives the type.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "string",
            Self::Long => "long",
            Self::Integer => "integer",
            Self::Short => "short",
            Self::Byte => "byte",
            Self::Float => "float",
            Self::Double => "double",
            Self::Decimal(decimal) => return write!(f, "decimal({},{})", decimal.precision, decimal.scale),
            Self::Boolean => "boolean",
            Self::Binary => "binary",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::TimestampNtz => "timestamp_ntz",
            Self::Void => "void",
            Self::IntervalYearMonth => "interval year to month",
            Self::IntervalDaySecond => "interval day to second",
        })
    }
}

impl fmt::Display for DataType {
    /// The type as people write it: `array<struct<a: long, b: map<string, date>>>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Primitive(primitive) => primitive.fmt(f),
            Self::Struct(fields) => fields.fmt(f),
            Self::Array(array) => write!(f, "array<{}>", array.element_type),
            Self::Map(map) => write!(f, "map<{}, {}>", map.key_type, map.value_type),
            Self::Variant => f.write_str("variant"),
        }
    }
}

impl fmt::Display for StructType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("struct<")?;
        for (i, field) in self.fields.iter().enumerate() {
            write!(f, "{}{}: {}", if i == 0 { "" } else { ", " }, field.name, field.data_type)?;
        }
        f.write_str(">")
    }
}
