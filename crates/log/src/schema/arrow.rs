//! Delta's types and Arrow's, both ways.
//!
//! To Arrow, each type has exactly one form: see [`DataType::to_arrow`]. From Arrow, every form that holds the same
//! values is taken: views, large offsets, dictionaries, other time units; unsigned integers become the next wider type.

use super::{DataType, DecimalType, PrimitiveType, StructField, StructType};
use crate::{Error, ErrorKind, Result, ResultExt};
use arrow_schema::{DataType as Arrow, Field, FieldRef, Fields, IntervalUnit, Schema, TimeUnit, extension};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// The Arrow extension type of variant columns.
pub const VARIANT_EXTENSION: &str = "arrow.parquet.variant";

/// The time zone of every instant.
pub const UTC: &str = "UTC";

impl StructType {
    /// The schema in Arrow.
    pub fn to_arrow(&self) -> Schema {
        Schema::new(self.to_arrow_fields())
    }

    /// The fields in Arrow.
    pub fn to_arrow_fields(&self) -> Fields {
        self.fields.iter().map(StructField::to_arrow).collect()
    }

    /// The schema that fits data of this Arrow schema.
    ///
    /// A type that Delta has no counterpart for is [`ErrorKind::InvalidArgument`], with the path as context `column`.
    pub fn from_arrow(schema: &Schema) -> Result<Self> {
        schema.fields().iter().map(|field| StructField::from_arrow(field)).collect()
    }
}

impl StructField {
    /// The field in Arrow. The user's own metadata that is text, such as `comment`, goes along; the protocol's stays.
    pub fn to_arrow(&self) -> Field {
        arrow_field(&self.name, &self.data_type, self.nullable).with_metadata_of(self)
    }

    /// The field that fits data of this Arrow field.
    pub fn from_arrow(field: &Field) -> Result<Self> {
        let metadata = field.metadata().iter().filter(|(key, _)| is_users(key));
        Ok(StructField {
            name: field.name().clone(),
            data_type: from_arrow(field).with("column", field.name())?,
            nullable: field.is_nullable(),
            metadata: metadata.map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect(),
        })
    }
}

impl DataType {
    /// The type in Arrow.
    ///
    /// | Delta | Arrow |
    /// |---|---|
    /// | string, binary, boolean | Utf8, Binary, Boolean |
    /// | byte, short, integer, long | Int8, Int16, Int32, Int64 |
    /// | float, double, decimal(p,s) | Float32, Float64, Decimal128(p, s) |
    /// | date, timestamp, timestamp_ntz | Date32, Timestamp(µs, "UTC"), Timestamp(µs) |
    /// | interval year to month, interval day to second | Interval(YearMonth), Duration(µs) |
    /// | void | Null |
    /// | struct, array, map | Struct, List(`element`), Map(`key_value`: `key`, `value`) |
    /// | variant | Struct(`metadata`: Binary, `value`: Binary); the field has the extension name `arrow.parquet.variant` |
    pub fn to_arrow(&self) -> Arrow {
        match self {
            Self::Primitive(primitive) => primitive.to_arrow(),
            Self::Struct(fields) => Arrow::Struct(fields.to_arrow_fields()),
            Self::Array(array) => Arrow::List(part("element", &array.element_type, array.contains_null)),
            Self::Map(map) => {
                let entry =
                    [part("key", &map.key_type, false), part("value", &map.value_type, map.value_contains_null)];
                Arrow::Map(Arc::new(Field::new("key_value", Arrow::Struct(Fields::from_iter(entry)), false)), false)
            }
            Self::Variant => Arrow::Struct(Fields::from(vec![
                Field::new("metadata", Arrow::Binary, false),
                Field::new("value", Arrow::Binary, false),
            ])),
        }
    }
}

impl PrimitiveType {
    /// The type in Arrow: see [`DataType::to_arrow`].
    pub fn to_arrow(self) -> Arrow {
        match self {
            Self::String => Arrow::Utf8,
            Self::Long => Arrow::Int64,
            Self::Integer => Arrow::Int32,
            Self::Short => Arrow::Int16,
            Self::Byte => Arrow::Int8,
            Self::Float => Arrow::Float32,
            Self::Double => Arrow::Float64,
            Self::Decimal(DecimalType { precision, scale }) => Arrow::Decimal128(precision, scale as i8),
            Self::Boolean => Arrow::Boolean,
            Self::Binary => Arrow::Binary,
            Self::Date => Arrow::Date32,
            Self::Timestamp => Arrow::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            Self::TimestampNtz => Arrow::Timestamp(TimeUnit::Microsecond, None),
            Self::Void => Arrow::Null,
            Self::IntervalYearMonth => Arrow::Interval(IntervalUnit::YearMonth),
            Self::IntervalDaySecond => Arrow::Duration(TimeUnit::Microsecond),
        }
    }
}

trait WithMetadataOf {
    fn with_metadata_of(self, field: &StructField) -> Self;
}

impl WithMetadataOf for Field {
    fn with_metadata_of(mut self, field: &StructField) -> Self {
        let users = field.metadata.iter().filter(|(key, _)| is_users(key));
        let mut metadata: HashMap<_, _> =
            users.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        metadata.extend(std::mem::take(self.metadata_mut()));
        self.with_metadata(metadata)
    }
}

/// Whether a metadata key is the user's, not the protocol's or Arrow's.
fn is_users(key: &str) -> bool {
    !["delta.", "__", "ARROW:", "PARQUET:"].iter().any(|reserved| key.starts_with(reserved))
}

fn part(name: &str, data_type: &DataType, nullable: bool) -> FieldRef {
    Arc::new(arrow_field(name, data_type, nullable))
}

fn arrow_field(name: &str, data_type: &DataType, nullable: bool) -> Field {
    let field = Field::new(name, data_type.to_arrow(), nullable || *data_type == PrimitiveType::Void.into());
    match data_type {
        DataType::Variant => field.with_metadata(HashMap::from([(
            extension::EXTENSION_TYPE_NAME_KEY.to_owned(),
            VARIANT_EXTENSION.to_owned(),
        )])),
        _ => field,
    }
}

fn from_arrow(field: &Field) -> Result<DataType> {
    if field.extension_type_name() == Some(VARIANT_EXTENSION) {
        return Ok(DataType::Variant);
    }
    match field.data_type() {
        Arrow::Struct(fields) => {
            Ok(fields.iter().map(|field| StructField::from_arrow(field)).collect::<Result<StructType>>()?.into())
        }
        Arrow::List(element)
        | Arrow::LargeList(element)
        | Arrow::FixedSizeList(element, _)
        | Arrow::ListView(element)
        | Arrow::LargeListView(element) => Ok(DataType::array(from_arrow(element)?, element.is_nullable())),
        Arrow::Map(entries, _) => map_from_arrow(entries),
        Arrow::Dictionary(_, values) => from_arrow(&Field::new("", values.as_ref().clone(), true)),
        Arrow::RunEndEncoded(_, values) => from_arrow(values),
        other => primitive_from_arrow(other).map(DataType::Primitive).ok_or_else(|| no_counterpart(other)),
    }
}

fn map_from_arrow(entries: &Field) -> Result<DataType> {
    match entries.data_type() {
        Arrow::Struct(fields) if fields.len() == 2 => {
            Ok(DataType::map(from_arrow(&fields[0])?, from_arrow(&fields[1])?, fields[1].is_nullable()))
        }
        other => Err(no_counterpart(other)),
    }
}

fn primitive_from_arrow(data_type: &Arrow) -> Option<PrimitiveType> {
    use PrimitiveType as P;
    Some(match data_type {
        Arrow::Null => P::Void,
        Arrow::Boolean => P::Boolean,
        Arrow::Int8 => P::Byte,
        Arrow::Int16 | Arrow::UInt8 => P::Short,
        Arrow::Int32 | Arrow::UInt16 => P::Integer,
        Arrow::Int64 | Arrow::UInt32 => P::Long,
        Arrow::UInt64 => P::Decimal(DecimalType { precision: 20, scale: 0 }),
        Arrow::Float16 | Arrow::Float32 => P::Float,
        Arrow::Float64 => P::Double,
        Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View => P::String,
        Arrow::Binary | Arrow::LargeBinary | Arrow::BinaryView | Arrow::FixedSizeBinary(_) => P::Binary,
        Arrow::Date32 | Arrow::Date64 => P::Date,
        Arrow::Timestamp(_, Some(_)) => P::Timestamp,
        Arrow::Timestamp(_, None) => P::TimestampNtz,
        Arrow::Interval(IntervalUnit::YearMonth) => P::IntervalYearMonth,
        Arrow::Duration(_) => P::IntervalDaySecond,
        Arrow::Decimal32(p, s) | Arrow::Decimal64(p, s) | Arrow::Decimal128(p, s) | Arrow::Decimal256(p, s) => {
            P::Decimal(DecimalType::new(*p, u8::try_from(*s).ok()?)?)
        }
        _ => return None,
    })
}

fn no_counterpart(data_type: &Arrow) -> Error {
    let message = format!("Delta has no type for Arrow's {data_type}: cast the column first");
    Error::new(ErrorKind::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::test_schema::any_schema;
    use proptest::prelude::*;
    use rstest::rstest;

    proptest! {
        #[test]
        fn there_and_back(schema in any_schema()) {
            // A void column is always nullable in Arrow.
            prop_assume!(!schema.contains_type(&PrimitiveType::Void.into()));
            prop_assert_eq!(StructType::from_arrow(&schema.to_arrow()).unwrap(), schema);
        }
    }

    #[rstest]
    #[case(Arrow::Utf8View, Some("string"))]
    #[case(Arrow::Dictionary(Box::new(Arrow::Int8), Box::new(Arrow::LargeUtf8)), Some("string"))]
    #[case(Arrow::Timestamp(TimeUnit::Nanosecond, Some("Asia/Tokyo".into())), Some("timestamp"))]
    #[case(Arrow::UInt64, Some("decimal(20,0)"))]
    #[case(Arrow::Decimal256(50, 2), None)]
    #[case(Arrow::Decimal128(10, -2), None)]
    #[case(Arrow::Time64(TimeUnit::Microsecond), None)]
    fn other_forms_of_arrow(#[case] arrow: Arrow, #[case] expected: Option<&str>) {
        let found = StructField::from_arrow(&Field::new("a", arrow, true));
        match (found, expected) {
            (Ok(field), Some(expected)) => assert_eq!(field.data_type.to_string(), expected),
            (Err(error), None) => {
                assert_eq!((error.kind(), error.context("column")), (ErrorKind::InvalidArgument, Some("a")))
            }
            (found, expected) => panic!("{found:?} is not {expected:?}"),
        }
    }
}
