//! Literals: what a token's text means.

use super::super::calendar;
use super::super::expr::{Expr, OnCastFailure};
use super::super::number_text::{decimal_shape, parse_decimal};
use super::super::scalar::Scalar;
use super::super::sql_type::{decimal_type, primitive_named};
use super::invalid;
use deltaic_log::Result;
use deltaic_log::schema::{DecimalType, PrimitiveType};
use sqlparser::ast::{DataType, DateTimeField, ExactNumberInfo, Interval, TimezoneInfo};

/// A number without suffix: the smallest of int, bigint and decimal that holds it; a double if it has an exponent.
pub(super) fn number(text: &str) -> Result<Scalar> {
    if text.contains(['e', 'E']) {
        return text.parse().map(Scalar::Double).map_err(|_| out_of_range(text, "DOUBLE"));
    }
    let whole = text.parse::<i32>().map(Scalar::Integer).or_else(|_| text.parse::<i64>().map(Scalar::Long));
    whole.ok().or_else(|| decimal(text)).ok_or_else(|| out_of_range(text, "DECIMAL(38)"))
}

/// A decimal whose precision and scale are those of its digits.
fn decimal(text: &str) -> Option<Scalar> {
    let (precision, scale) = decimal_shape(text.trim_start_matches(['-', '+']))?;
    Scalar::decimal(parse_decimal(text)?.to_unscaled(scale)?, precision, scale)
}

/// A typed literal, `TYPE 'text'`. A timestamp without zone stays a cast: its meaning depends on the session's zone.
pub(super) fn typed(data_type: &DataType, text: &str) -> Result<Expr> {
    let shapeless_decimal = matches!(data_type, DataType::Decimal(ExactNumberInfo::None));
    let primitive = primitive(data_type)?;
    let scalar = match primitive {
        PrimitiveType::Timestamp => match calendar::parse_timestamp(text) {
            Some(parsed) if parsed.zone.is_none() => return Ok(session_timestamp(text)),
            parsed => parsed.and_then(|parsed| parsed.instant_us(&Default::default())).map(Scalar::Timestamp),
        },
        PrimitiveType::Decimal(_) if shapeless_decimal => decimal(text),
        PrimitiveType::Decimal(DecimalType { precision, scale }) => parse_decimal(text)
            .and_then(|parsed| parsed.to_unscaled(scale))
            .and_then(|unscaled| Scalar::decimal(unscaled, precision, scale)),
        other => plain(other, text),
    };
    scalar.map(Expr::Literal).ok_or_else(|| out_of_range(text, &data_type.to_string()))
}

fn session_timestamp(text: &str) -> Expr {
    Expr::Cast {
        expr: Box::new(Expr::literal(text)),
        data_type: PrimitiveType::Timestamp,
        on_failure: OnCastFailure::Error,
    }
}

fn plain(primitive: PrimitiveType, text: &str) -> Option<Scalar> {
    match primitive {
        PrimitiveType::String => Some(Scalar::from(text)),
        PrimitiveType::Byte => text.parse().ok().map(Scalar::Byte),
        PrimitiveType::Short => text.parse().ok().map(Scalar::Short),
        PrimitiveType::Integer => text.parse().ok().map(Scalar::Integer),
        PrimitiveType::Long => text.parse().ok().map(Scalar::Long),
        PrimitiveType::Float => text.parse().ok().map(Scalar::Float),
        PrimitiveType::Double => text.parse().ok().map(Scalar::Double),
        PrimitiveType::Boolean => text.to_ascii_lowercase().parse().ok().map(Scalar::Boolean),
        PrimitiveType::Date => calendar::parse_date(text).map(Scalar::Date),
        PrimitiveType::TimestampNtz => calendar::parse_timestamp(text).map(|t| Scalar::TimestampNtz(t.local_us)),
        _ => None,
    }
}

/// The bytes of `X'…'`; an odd number of digits means a leading zero, as in Spark.
pub(super) fn hex(text: &str) -> Result<Scalar> {
    let padded = if text.len() % 2 == 1 { format!("0{text}") } else { text.to_owned() };
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = padded.as_bytes().chunks(2).map(byte).collect();
    bytes.map(Scalar::Binary).ok_or_else(|| out_of_range(text, "BINARY"))
}

/// The type of a cast or typed literal: only primitive types can be named.
pub(super) fn primitive(data_type: &DataType) -> Result<PrimitiveType> {
    let found = match data_type {
        DataType::Decimal(shape) | DataType::Dec(shape) | DataType::Numeric(shape) => match shape {
            ExactNumberInfo::None => decimal_type(10, 0),
            ExactNumberInfo::Precision(precision) => decimal_type(*precision, 0),
            ExactNumberInfo::PrecisionAndScale(precision, scale) => {
                u64::try_from(*scale).ok().and_then(|scale| decimal_type(*precision, scale))
            }
        },
        DataType::Timestamp(None, TimezoneInfo::None) => Some(PrimitiveType::Timestamp),
        DataType::TimestampNtz(None) => Some(PrimitiveType::TimestampNtz),
        other => primitive_named(&other.to_string()),
    };
    found.ok_or_else(|| {
        invalid(format!(
            "`{data_type}` is no type that a value can be cast to: use one of Delta's primitive types \
             (decimals have 1 to 38 digits)"
        ))
    })
}

/// `INTERVAL '3' DAY`, `INTERVAL 1 MONTH`: a number of one unit.
pub(super) fn interval(interval: &Interval) -> Result<Scalar> {
    let text = interval.value.to_string();
    let text = text.trim_matches(['\'', '"']);
    let unit = match (&interval.leading_field, &interval.last_field) {
        (Some(unit), None) => unit,
        _ => return Err(invalid("an interval takes one unit, as in INTERVAL '3' DAY")),
    };
    let amount = || parse_decimal(text);
    let scalar = match unit_of(unit) {
        Some(Unit::Months(months)) => amount()
            .filter(|amount| amount.scale <= 0)
            .and_then(|amount| amount.to_unscaled(0)?.checked_mul(months))
            .and_then(|months| i32::try_from(months).ok())
            .map(Scalar::YearMonthInterval),
        Some(Unit::Micros(micros)) => amount()
            .filter(|amount| amount.scale <= if micros == 1_000_000 { 6 } else { 0 })
            .and_then(|amount| amount.to_unscaled(6)?.checked_mul(micros))
            .and_then(|micros| i64::try_from(micros / 1_000_000).ok())
            .map(Scalar::DayTimeInterval),
        None => return Err(invalid(format!("`{unit}` is no unit of an interval"))),
    };
    scalar.ok_or_else(|| out_of_range(text, "INTERVAL"))
}

enum Unit {
    Months(i128),
    Micros(i128),
}

fn unit_of(field: &DateTimeField) -> Option<Unit> {
    use DateTimeField as F;
    Some(match field {
        F::Year | F::Years => Unit::Months(12),
        F::Month | F::Months => Unit::Months(1),
        F::Week(None) | F::Weeks => Unit::Micros(7 * 86_400_000_000),
        F::Day | F::Days => Unit::Micros(86_400_000_000),
        F::Hour | F::Hours => Unit::Micros(3_600_000_000),
        F::Minute | F::Minutes => Unit::Micros(60_000_000),
        F::Second | F::Seconds => Unit::Micros(1_000_000),
        F::Millisecond | F::Milliseconds => Unit::Micros(1_000),
        F::Microsecond | F::Microseconds => Unit::Micros(1),
        _ => return None,
    })
}

fn out_of_range(text: &str, data_type: &str) -> deltaic_log::Error {
    invalid(format!("`{text}` is no value of type {data_type}"))
}
