//! Strings to values, and values to strings.

use super::super::calendar::{format_date, format_timestamp, parse_date, parse_timestamp};
use super::super::number_text;
use super::super::time_zone::Zone;
use super::{Conversion, number::rescale, with_primitive};
use arrow_array::builder::BooleanBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    self, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_schema::DataType;
use deltaic_log::{Error, ErrorKind, Result};
use std::str::FromStr;
use std::sync::Arc;

/// Strings as `to`. Blanks and control characters around a value do not count.
pub(super) fn parsed(cast: &Conversion<'_>, values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let strings = values.as_string::<i32>();
    let text = |row: usize| strings.value(row).trim_matches(|c: char| c <= ' ');
    match to {
        DataType::Boolean => booleans(cast, strings),
        DataType::Date32 => cast.collect::<Date32Type>(strings, |row| parse_date(text(row))),
        DataType::Timestamp(_, zone) => cast.collect::<TimestampMicrosecondType>(strings, |row| {
            let parsed = parse_timestamp(text(row))?;
            if zone.is_some() { parsed.instant_us(cast.zone) } else { Some(parsed.local_us) }
        }),
        DataType::Decimal128(precision, scale) => {
            let (precision, scale) = (*precision, u8::try_from(*scale).unwrap_or(0));
            cast.collect::<Decimal128Type>(strings, |row| {
                rescale(number_text::parse_decimal(text(row))?.to_unscaled(scale)?, 0, precision)
            })
        }
        DataType::Float32 => cast.collect::<Float32Type>(strings, |row| float(text(row))),
        DataType::Float64 => cast.collect::<Float64Type>(strings, |row| float(text(row))),
        _ => with_primitive!(to, T => cast.collect::<T>(strings, |row| text(row).parse().ok())),
    }
}

/// Decimal notation, `NaN`, `Infinity`, `Inf`; as in Java, one `d` or `f` may follow the digits.
fn float<F: FromStr>(text: &str) -> Option<F> {
    let lower = text.to_ascii_lowercase();
    if matches!(lower.trim_start_matches(['+', '-']), "infinity" | "inf" | "nan") {
        return lower.parse().ok();
    }
    let digits = lower.strip_suffix(['d', 'f']).unwrap_or(&lower);
    let numeric = digits.ends_with(|c: char| c.is_ascii_digit() || c == '.');
    numeric.then(|| digits.parse().ok())?
}

fn booleans(cast: &Conversion<'_>, strings: &StringArray) -> Result<ArrayRef> {
    let mut out = BooleanBuilder::with_capacity(strings.len());
    for (row, text) in strings.iter().enumerate() {
        let value = text.and_then(|text| boolean(text.trim_matches(|c: char| c <= ' ')));
        if value.is_none() && text.is_some() && cast.on_failure == super::OnCastFailure::Error {
            return Err(cast.failure(strings, row));
        }
        out.append_option(value);
    }
    Ok(Arc::new(out.finish()))
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// Values as strings. Bytes that are no UTF-8 become replacement characters.
pub(super) fn from_any(values: &ArrayRef, zone: &Zone) -> Result<ArrayRef> {
    let shown = |show: &dyn Fn(usize) -> String| -> ArrayRef {
        let rows = (0..values.len()).map(|row| values.is_valid(row).then(|| show(row)));
        Arc::new(rows.collect::<StringArray>())
    };
    Ok(match values.data_type() {
        DataType::Boolean => shown(&|row| values.as_boolean().value(row).to_string()),
        DataType::Int8 => shown(&|row| values.as_primitive::<Int8Type>().value(row).to_string()),
        DataType::Int16 => shown(&|row| values.as_primitive::<Int16Type>().value(row).to_string()),
        DataType::Int32 => shown(&|row| values.as_primitive::<Int32Type>().value(row).to_string()),
        DataType::Int64 => shown(&|row| values.as_primitive::<Int64Type>().value(row).to_string()),
        DataType::Float32 => shown(&|row| number_text::float(values.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => shown(&|row| number_text::double(values.as_primitive::<Float64Type>().value(row))),
        DataType::Decimal128(_, scale) => {
            let scale = u8::try_from(*scale).unwrap_or(0);
            shown(&|row| number_text::decimal(values.as_primitive::<Decimal128Type>().value(row), scale))
        }
        DataType::Date32 => shown(&|row| format_date(values.as_primitive::<Date32Type>().value(row))),
        DataType::Timestamp(_, instant) => shown(&|row| {
            let micros = values.as_primitive::<TimestampMicrosecondType>().value(row);
            let local = if instant.is_some() { zone.to_local(micros) } else { Some(micros) };
            format_timestamp(local.unwrap_or(micros))
        }),
        DataType::Binary => shown(&|row| String::from_utf8_lossy(values.as_binary::<i32>().value(row)).into_owned()),
        other => return Err(Error::new(ErrorKind::Internal, format!("no cast of {other} to a string"))),
    })
}

/// For each row, strings with commas between them; null is written out.
pub(super) fn joined<'a>(
    values: &ArrayRef,
    parts: impl Fn(usize) -> Vec<(&'a ArrayRef, usize)>,
    [open, close]: [&str; 2],
) -> ArrayRef {
    let row_text = |row: usize| {
        let parts: Vec<_> = parts(row).into_iter().map(|(strings, i)| shown(strings, i).to_owned()).collect();
        values.is_valid(row).then(|| format!("{open}{}{close}", parts.join(", ")))
    };
    Arc::new((0..values.len()).map(row_text).collect::<StringArray>())
}

/// `key -> value`.
pub(super) fn pairs(keys: &ArrayRef, values: &ArrayRef) -> ArrayRef {
    let pair = |i: usize| Some(format!("{} -> {}", shown(keys, i), shown(values, i)));
    Arc::new((0..keys.len()).map(pair).collect::<StringArray>())
}

fn shown(strings: &ArrayRef, row: usize) -> &str {
    if strings.is_null(row) { "null" } else { strings.as_string::<i32>().value(row) }
}
