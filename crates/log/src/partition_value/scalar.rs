use super::interval;
use crate::scalar_text::{self as text, DecimalText, Rounding, Zone};
use crate::schema::{DataType, DecimalType, PrimitiveType};
use crate::{Error, ErrorKind, Result};
use std::borrow::Cow;
use std::fmt::Write;

/// One typed value that is not null.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Scalar {
    /// UTF-8 text.
    String(String),
    /// 64-bit signed.
    Long(i64),
    /// 32-bit signed.
    Integer(i32),
    /// 16-bit signed.
    Short(i16),
    /// 8-bit signed.
    Byte(i8),
    /// 32-bit IEEE 754.
    Float(f32),
    /// 64-bit IEEE 754.
    Double(f64),
    /// The unscaled value, and the type that scales it.
    Decimal(i128, DecimalType),
    /// True or false.
    Boolean(bool),
    /// Bytes.
    Binary(Vec<u8>),
    /// Days since the epoch.
    Date(i32),
    /// Microseconds since the epoch, UTC.
    Timestamp(i64),
    /// Microseconds since the epoch, wall-clock.
    TimestampNtz(i64),
    /// Months.
    IntervalYearMonth(i32),
    /// Microseconds.
    IntervalDaySecond(i64),
}

impl Scalar {
    /// The value that a partition value's text means in a column of this type; `None` is null.
    ///
    /// A timestamp without a zone is read as UTC: the zone of its writer is not recorded. Text that is no value of the
    /// type is [`ErrorKind::CorruptLog`].
    ///
    /// ```
    /// use deltaic_log::{partition_value::Scalar, schema::PrimitiveType};
    /// assert_eq!(Scalar::parse("1970-01-02", &PrimitiveType::Date.into())?, Some(Scalar::Date(1)));
    /// assert_eq!(Scalar::parse("", &PrimitiveType::String.into())?, None);
    /// assert!(Scalar::parse("soon", &PrimitiveType::Date.into()).is_err());
    /// # deltaic_log::Result::Ok(())
    /// ```
    pub fn parse(value: &str, data_type: &DataType) -> Result<Option<Self>> {
        if value.is_empty() {
            return Ok(None);
        }
        let primitive = data_type.as_primitive().filter(|primitive| *primitive != PrimitiveType::Void);
        let parsed = primitive.and_then(|primitive| parse_primitive(value, primitive));
        parsed.map(Some).ok_or_else(|| no_value(value, data_type))
    }

    /// The text that the log holds for the value. An empty text or binary has none of its own: both read back as null.
    ///
    /// Dates outside of the calendar's range are [`ErrorKind::InvalidArgument`].
    ///
    /// ```
    /// use deltaic_log::partition_value::Scalar;
    /// assert_eq!(Scalar::Timestamp(1).to_text()?, "1970-01-01T00:00:00.000001Z");
    /// # deltaic_log::Result::Ok(())
    /// ```
    pub fn to_text(&self) -> Result<String> {
        let formatted = match self {
            Self::String(value) => Some(value.clone()),
            Self::Long(value) => Some(value.to_string()),
            Self::Integer(value) => Some(value.to_string()),
            Self::Short(value) => Some(value.to_string()),
            Self::Byte(value) => Some(value.to_string()),
            Self::Float(value) => Some(float_text(f64::from(*value), format!("{value:?}"))),
            Self::Double(value) => Some(float_text(*value, format!("{value:?}"))),
            Self::Decimal(unscaled, decimal) => Some(text::format_decimal(*unscaled, decimal.scale)),
            Self::Boolean(value) => Some(value.to_string()),
            Self::Binary(value) => Some(binary_text(value)),
            Self::Date(days) => text::format_date(*days),
            Self::Timestamp(micros) => text::format_timestamp_utc(*micros),
            Self::TimestampNtz(micros) => text::format_timestamp_ntz(*micros),
            Self::IntervalYearMonth(months) => Some(interval::format_year_month(*months)),
            Self::IntervalDaySecond(micros) => Some(interval::format_day_second(*micros)),
        };
        formatted.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("{self:?} is outside of the calendar that the log can write"),
            )
        })
    }
}

fn parse_primitive(value: &str, primitive: PrimitiveType) -> Option<Scalar> {
    let bytes = value.trim().as_bytes();
    Some(match primitive {
        PrimitiveType::String => Scalar::String(value.to_owned()),
        PrimitiveType::Binary => Scalar::Binary(binary(value).into_owned()),
        PrimitiveType::Long => Scalar::Long(text::integer(bytes)?),
        PrimitiveType::Integer => Scalar::Integer(text::integer(bytes)?.try_into().ok()?),
        PrimitiveType::Short => Scalar::Short(text::integer(bytes)?.try_into().ok()?),
        PrimitiveType::Byte => Scalar::Byte(text::integer(bytes)?.try_into().ok()?),
        PrimitiveType::Float => Scalar::Float(text::float(bytes)?),
        PrimitiveType::Double => Scalar::Double(text::float(bytes)?),
        PrimitiveType::Decimal(decimal) => Scalar::Decimal(self::decimal(bytes, decimal)?, decimal),
        PrimitiveType::Boolean => Scalar::Boolean(text::boolean(bytes)?),
        PrimitiveType::Date => Scalar::Date(text::date(bytes)?),
        PrimitiveType::Timestamp => Scalar::Timestamp(timestamp(bytes)?),
        PrimitiveType::TimestampNtz => Scalar::TimestampNtz(timestamp_ntz(bytes)?),
        PrimitiveType::IntervalYearMonth => Scalar::IntervalYearMonth(interval::year_month(bytes)?),
        PrimitiveType::IntervalDaySecond => Scalar::IntervalDaySecond(interval::day_second(bytes)?),
        PrimitiveType::Void => return None,
    })
}

pub(super) fn no_value(value: &str, data_type: &DataType) -> Error {
    Error::new(
        ErrorKind::CorruptLog,
        format!("the partition value {value:?} is no value of the column's type {data_type}"),
    )
}

pub(super) fn decimal(bytes: &[u8], decimal: DecimalType) -> Option<i128> {
    DecimalText::parse(bytes)?.rescale(decimal, Rounding::Exact)
}

pub(super) fn timestamp(bytes: &[u8]) -> Option<i64> {
    text::timestamp(bytes).map(|(micros, _)| micros)
}

/// A wall-clock time: an offset would make it an instant, and is refused; `Z` is what some writers put after any time.
pub(super) fn timestamp_ntz(bytes: &[u8]) -> Option<i64> {
    text::timestamp(bytes).filter(|(_, zone)| *zone != Zone::Offset).map(|(micros, _)| micros)
}

/// The bytes of a binary value's text: its UTF-8, or, where all of it is spelled out as `\u00XX`, one byte for each.
pub(super) fn binary(value: &str) -> Cow<'_, [u8]> {
    match spelled_out(value) {
        Some(bytes) => Cow::Owned(bytes),
        None => Cow::Borrowed(value.as_bytes()),
    }
}

fn spelled_out(value: &str) -> Option<Vec<u8>> {
    let digits = value.strip_prefix("\\u00")?.split("\\u00");
    digits.map(|hex| (hex.len() == 2).then(|| u8::from_str_radix(hex, 16).ok())?).collect()
}

fn binary_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if spelled_out(text).is_none() => text.to_owned(),
        _ => bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "\\u{byte:04X}").expect("writing to a String never fails");
            text
        }),
    }
}

/// Floating-point numbers as Java writes them, which all readers of partition values parse.
fn float_text(value: f64, shortest: String) -> String {
    match value {
        _ if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        _ => shortest.replace('e', "E"),
    }
}
