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
    /// # Ok::<(), deltaic_log::Error>(())
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
    /// # Ok::<(), deltaic_log::Error>(())
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

#[cfg(test)]
mod tests {
    use super::super::parse_column;
    use super::*;
    use crate::schema::test_schema::any_primitive;
    use proptest::prelude::*;
    use rstest::rstest;

    fn data_type(name: &str) -> DataType {
        name.parse().unwrap()
    }

    #[rstest]
    #[case("string", "null", Scalar::String("null".to_owned()))]
    #[case("string", " a ", Scalar::String(" a ".to_owned()))]
    #[case("long", "-7", Scalar::Long(-7))]
    #[case("byte", "-128", Scalar::Byte(-128))]
    #[case("float", "Infinity", Scalar::Float(f32::INFINITY))]
    #[case("double", "1.0E10", Scalar::Double(1e10))]
    #[case("boolean", "TRUE", Scalar::Boolean(true))]
    #[case("decimal(12,5)", "234.00000", Scalar::Decimal(23_400_000, DecimalType { precision: 12, scale: 5 }))]
    #[case("date", "1970-01-02", Scalar::Date(1))]
    #[case("timestamp", "1970-01-01 00:00:01", Scalar::Timestamp(1_000_000))]
    #[case("timestamp", "1970-01-01T00:00:01.000000Z", Scalar::Timestamp(1_000_000))]
    #[case("timestamp", "1970-01-01T01:00:01+01:00", Scalar::Timestamp(1_000_000))]
    #[case("timestamp_ntz", "1970-01-02", Scalar::TimestampNtz(86_400_000_000))]
    #[case("binary", "\u{1}\u{2}", Scalar::Binary(vec![1, 2]))]
    #[case("binary", "\\u0001\\u00FF", Scalar::Binary(vec![1, 255]))]
    #[case("interval year to month", "INTERVAL '-1-6' YEAR TO MONTH", Scalar::IntervalYearMonth(-18))]
    #[case("interval year to month", "INTERVAL '3' YEAR", Scalar::IntervalYearMonth(36))]
    #[case(
        "interval day to second",
        "INTERVAL '1 00:00:01.5' DAY TO SECOND",
        Scalar::IntervalDaySecond(86_401_500_000)
    )]
    #[case("interval day to second", "interval '90' minute", Scalar::IntervalDaySecond(5_400_000_000))]
    fn texts(#[case] name: &str, #[case] text: &str, #[case] expected: Scalar) {
        assert_eq!(Scalar::parse(text, &data_type(name)).unwrap(), Some(expected));
    }

    #[rstest]
    #[case("integer", "7.0")]
    #[case("integer", "2147483648")]
    #[case("byte", "128")]
    #[case("boolean", "yes")]
    #[case("decimal(4,2)", "123.45")]
    #[case("date", "2000-13-01")]
    #[case("timestamp_ntz", "1970-01-01T00:00:00+01:00")]
    #[case("void", "x")]
    #[case("variant", "x")]
    #[case("interval year to month", "INTERVAL '1-6-3' YEAR TO MONTH")]
    #[case("interval year to month", "INTERVAL '999999999-0' YEAR TO MONTH")]
    #[case("interval day to second", "INTERVAL '1.5' DAY")]
    fn texts_of_no_value(#[case] name: &str, #[case] text: &str) {
        let error = Scalar::parse(text, &data_type(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptLog);
        assert!(parse_column([Some(text)], &data_type(name)).is_err());
    }

    #[test]
    fn nothing_is_null_in_every_type() {
        for name in ["string", "binary", "long", "date", "void", "decimal(3,1)", "timestamp"] {
            assert_eq!(Scalar::parse("", &data_type(name)).unwrap(), None);
            assert_eq!(parse_column([Some(""), None], &data_type(name)).unwrap().logical_null_count(), 2, "{name}");
        }
    }

    fn any_scalar() -> impl Strategy<Value = (Scalar, PrimitiveType)> {
        any_primitive().prop_filter("void has no value", |p| *p != PrimitiveType::Void).prop_flat_map(|primitive| {
            use PrimitiveType as P;
            let scalar: BoxedStrategy<Scalar> = match primitive {
                P::String => "\\PC{1,9}".prop_map(Scalar::String).boxed(),
                P::Long => any::<i64>().prop_map(Scalar::Long).boxed(),
                P::Integer => any::<i32>().prop_map(Scalar::Integer).boxed(),
                P::Short => any::<i16>().prop_map(Scalar::Short).boxed(),
                P::Byte => any::<i8>().prop_map(Scalar::Byte).boxed(),
                P::Float => any::<f32>().prop_map(Scalar::Float).boxed(),
                P::Double => any::<f64>().prop_map(Scalar::Double).boxed(),
                P::Boolean => any::<bool>().prop_map(Scalar::Boolean).boxed(),
                P::Binary => proptest::collection::vec(any::<u8>(), 1..9).prop_map(Scalar::Binary).boxed(),
                P::Date => (-3_000_000_i32..3_000_000).prop_map(Scalar::Date).boxed(),
                P::Timestamp => {
                    (-60_000_000_000_000_000_i64..250_000_000_000_000_000).prop_map(Scalar::Timestamp).boxed()
                }
                P::TimestampNtz => {
                    (-60_000_000_000_000_000_i64..250_000_000_000_000_000).prop_map(Scalar::TimestampNtz).boxed()
                }
                P::IntervalYearMonth => any::<i32>().prop_map(Scalar::IntervalYearMonth).boxed(),
                P::IntervalDaySecond => any::<i64>().prop_map(Scalar::IntervalDaySecond).boxed(),
                P::Decimal(decimal) => {
                    let limit = 10_i128.pow(u32::from(decimal.precision));
                    (-limit + 1..limit).prop_map(move |unscaled| Scalar::Decimal(unscaled, decimal)).boxed()
                }
                P::Void => unreachable!("filtered"),
            };
            scalar.prop_map(move |scalar| (scalar, primitive))
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read((scalar, primitive) in any_scalar()) {
            let text = scalar.to_text().unwrap();
            let column = parse_column([Some(text.as_str())], &primitive.into()).unwrap();
            prop_assert_eq!(column.data_type(), &primitive.to_arrow());
            prop_assert!(column.is_valid(0));
            prop_assert_eq!(Scalar::parse(&text, &primitive.into()).unwrap(), Some(scalar));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}", primitive in any_primitive()) {
            let one = Scalar::parse(&text, &primitive.into());
            prop_assert_eq!(one.is_ok(), parse_column([Some(text.as_str())], &primitive.into()).is_ok());
        }
    }
}
