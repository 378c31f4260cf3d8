//! Literals: one value of each primitive type.

use super::sql_type::{arrow_type, decimal_type, timestamp};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, IntervalYearMonthType, TimestampMicrosecondType,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DurationMicrosecondArray, Float32Array,
    Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, IntervalYearMonthArray, NullArray, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType as ArrowType, IntervalUnit, TimeUnit};
use deltaic_log::schema::{DecimalType, PrimitiveType};
use deltaic_log::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A literal value.
///
/// Two scalars are equal when they are the same literal: `NaN` equals itself and `-0.0` differs from `0.0`, unlike in SQL.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Scalar {
    /// `NULL`, of no type.
    Null,
    /// `TRUE` or `FALSE`.
    Boolean(bool),
    /// `1Y`.
    Byte(i8),
    /// `1S`.
    Short(i16),
    /// `1`.
    Integer(i32),
    /// `1L`.
    Long(i64),
    /// `1.5F`.
    Float(#[serde(with = "bits_f32")] f32),
    /// `1.5D`.
    Double(#[serde(with = "bits_f64")] f64),
    /// `1.50BD`: the value times ten to the power of `scale`.
    Decimal {
        /// The digits, with sign.
        unscaled: i128,
        /// All digits.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `'text'`.
    String(String),
    /// `X'CAFE'`.
    Binary(Vec<u8>),
    /// `DATE'2026-01-31'`: days since 1970-01-01.
    Date(i32),
    /// `TIMESTAMP'2026-01-31 00:00:00Z'`: microseconds since the Unix epoch.
    Timestamp(i64),
    /// `TIMESTAMP_NTZ'2026-01-31 00:00:00'`: microseconds since 1970-01-01 00:00:00, on the wall clock.
    TimestampNtz(i64),
    /// `INTERVAL '1-2' YEAR TO MONTH`: months.
    YearMonthInterval(i32),
    /// `INTERVAL '1 02:03:04' DAY TO SECOND`: microseconds.
    DayTimeInterval(i64),
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        use Scalar as S;
        match (self, other) {
            (S::Null, S::Null) => true,
            (S::Boolean(a), S::Boolean(b)) => a == b,
            (S::Byte(a), S::Byte(b)) => a == b,
            (S::Short(a), S::Short(b)) => a == b,
            (S::Integer(a), S::Integer(b))
            | (S::Date(a), S::Date(b))
            | (S::YearMonthInterval(a), S::YearMonthInterval(b)) => a == b,
            (S::Long(a), S::Long(b))
            | (S::Timestamp(a), S::Timestamp(b))
            | (S::TimestampNtz(a), S::TimestampNtz(b))
            | (S::DayTimeInterval(a), S::DayTimeInterval(b)) => a == b,
            (S::Float(a), S::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (S::Double(a), S::Double(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (
                S::Decimal { unscaled, precision, scale },
                S::Decimal { unscaled: unscaled2, precision: precision2, scale: scale2 },
            ) => unscaled == unscaled2 && precision == precision2 && scale == scale2,
            (S::String(a), S::String(b)) => a == b,
            (S::Binary(a), S::Binary(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Scalar {}

impl Scalar {
    /// A decimal of `unscaled / 10^scale`, or nothing if it has more than `precision` digits or the shape is illegal.
    pub fn decimal(unscaled: i128, precision: u8, scale: u8) -> Option<Self> {
        let PrimitiveType::Decimal(_) = decimal_type(precision.into(), scale.into())? else { return None };
        let fits = unscaled.unsigned_abs() < 10u128.checked_pow(precision.into())?;
        fits.then_some(Self::Decimal { unscaled, precision, scale })
    }

    /// Whether this is `NULL`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The Arrow type that holds the value.
    pub fn data_type(&self) -> ArrowType {
        match self {
            Self::YearMonthInterval(_) => ArrowType::Interval(IntervalUnit::YearMonth),
            Self::DayTimeInterval(_) => ArrowType::Duration(TimeUnit::Microsecond),
            other => arrow_type(other.primitive_type()),
        }
    }

    fn primitive_type(&self) -> PrimitiveType {
        match self {
            Self::Null | Self::YearMonthInterval(_) | Self::DayTimeInterval(_) => PrimitiveType::Void,
            Self::Boolean(_) => PrimitiveType::Boolean,
            Self::Byte(_) => PrimitiveType::Byte,
            Self::Short(_) => PrimitiveType::Short,
            Self::Integer(_) => PrimitiveType::Integer,
            Self::Long(_) => PrimitiveType::Long,
            Self::Float(_) => PrimitiveType::Float,
            Self::Double(_) => PrimitiveType::Double,
            Self::Decimal { precision, scale, .. } => {
                PrimitiveType::Decimal(DecimalType { precision: *precision, scale: *scale })
            }
            Self::String(_) => PrimitiveType::String,
            Self::Binary(_) => PrimitiveType::Binary,
            Self::Date(_) => PrimitiveType::Date,
            Self::Timestamp(_) => PrimitiveType::Timestamp,
            Self::TimestampNtz(_) => PrimitiveType::TimestampNtz,
        }
    }

    /// The value as an array of one row.
    ///
    /// ```
    /// use deltaic_scan::expr::Scalar;
    /// let array = Scalar::Long(7).to_array();
    /// assert_eq!(Scalar::from_array(&array, 0).unwrap(), Scalar::Long(7));
    /// ```
    pub fn to_array(&self) -> ArrayRef {
        match self {
            Self::Null => Arc::new(NullArray::new(1)),
            Self::Boolean(v) => Arc::new(BooleanArray::from(vec![*v])),
            Self::Byte(v) => Arc::new(Int8Array::from(vec![*v])),
            Self::Short(v) => Arc::new(Int16Array::from(vec![*v])),
            Self::Integer(v) => Arc::new(Int32Array::from(vec![*v])),
            Self::Long(v) => Arc::new(Int64Array::from(vec![*v])),
            Self::Float(v) => Arc::new(Float32Array::from(vec![*v])),
            Self::Double(v) => Arc::new(Float64Array::from(vec![*v])),
            Self::Decimal { unscaled, .. } => {
                Arc::new(Decimal128Array::from(vec![*unscaled]).with_data_type(self.data_type()))
            }
            Self::String(v) => Arc::new(StringArray::from(vec![v.as_str()])),
            Self::Binary(v) => Arc::new(BinaryArray::from(vec![v.as_slice()])),
            Self::Date(v) => Arc::new(Date32Array::from(vec![*v])),
            Self::Timestamp(v) => Arc::new(TimestampMicrosecondArray::from(vec![*v]).with_data_type(timestamp())),
            Self::TimestampNtz(v) => Arc::new(TimestampMicrosecondArray::from(vec![*v])),
            Self::YearMonthInterval(v) => Arc::new(IntervalYearMonthArray::from(vec![*v])),
            Self::DayTimeInterval(v) => Arc::new(DurationMicrosecondArray::from(vec![*v])),
        }
    }

    /// The value in one row of an array: [`ErrorKind::InvalidArgument`] for types that have no literal.
    pub fn from_array(array: &dyn Array, row: usize) -> Result<Self> {
        if array.is_null(row) || array.data_type().is_null() {
            return Ok(Self::Null);
        }
        Ok(match array.data_type() {
            ArrowType::Boolean => Self::Boolean(array.as_boolean().value(row)),
            ArrowType::Int8 => Self::Byte(array.as_primitive::<Int8Type>().value(row)),
            ArrowType::Int16 => Self::Short(array.as_primitive::<Int16Type>().value(row)),
            ArrowType::Int32 => Self::Integer(array.as_primitive::<Int32Type>().value(row)),
            ArrowType::Int64 => Self::Long(array.as_primitive::<Int64Type>().value(row)),
            ArrowType::Float32 => Self::Float(array.as_primitive::<Float32Type>().value(row)),
            ArrowType::Float64 => Self::Double(array.as_primitive::<Float64Type>().value(row)),
            ArrowType::Decimal128(precision, scale) => Self::Decimal {
                unscaled: array.as_primitive::<Decimal128Type>().value(row),
                precision: *precision,
                scale: u8::try_from(*scale).map_err(|_| no_literal(array.data_type()))?,
            },
            ArrowType::Utf8 => Self::String(array.as_string::<i32>().value(row).to_owned()),
            ArrowType::Binary => Self::Binary(array.as_binary::<i32>().value(row).to_owned()),
            ArrowType::Date32 => Self::Date(array.as_primitive::<Date32Type>().value(row)),
            ArrowType::Timestamp(TimeUnit::Microsecond, zone) => {
                let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
                if zone.is_some() { Self::Timestamp(micros) } else { Self::TimestampNtz(micros) }
            }
            ArrowType::Interval(IntervalUnit::YearMonth) => {
                Self::YearMonthInterval(array.as_primitive::<IntervalYearMonthType>().value(row))
            }
            ArrowType::Duration(TimeUnit::Microsecond) => {
                Self::DayTimeInterval(array.as_primitive::<DurationMicrosecondType>().value(row))
            }
            other => return Err(no_literal(other)),
        })
    }
}

fn no_literal(data_type: &ArrowType) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("a value of type {data_type} cannot be written as a literal"))
}

/// Floats as their bits, since JSON has no `NaN` or infinities.
mod bits_f32 {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(value.to_bits())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
        u32::deserialize(deserializer).map(f32::from_bits)
    }
}

/// Floats as their bits, since JSON has no `NaN` or infinities.
mod bits_f64 {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(value.to_bits())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        u64::deserialize(deserializer).map(f64::from_bits)
    }
}
