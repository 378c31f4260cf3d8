//! `stats`, the JSON text, from the typed statistics of `stats_parsed`.
//!
//! Spec: [Per-file Statistics](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics). Members that
//! are null are left out, as the text's writers leave them out; instants are cut to milliseconds, as the text has them.

use arrow_array::cast::AsArray;
use arrow_array::{Array, StructArray, types};
use arrow_schema::{DataType, TimeUnit};
use chrono::DateTime;

use crate::scalar_text;

/// The text for a row; `None` where the row is null.
pub(super) fn text(stats: &StructArray, row: usize) -> Option<String> {
    if stats.is_null(row) {
        return None;
    }
    let mut json = String::new();
    write_struct(stats, row, &mut json);
    Some(json)
}

fn write_struct(of: &StructArray, row: usize, json: &mut String) {
    json.push('{');
    let mut is_first = true;
    for (field, column) in of.fields().iter().zip(of.columns()) {
        let before = json.len();
        if column.is_null(row) {
            continue;
        }
        if !is_first {
            json.push(',');
        }
        push_quoted(field.name(), json);
        json.push(':');
        match write_value(column.as_ref(), row, json) {
            Some(()) => is_first = false,
            None => json.truncate(before),
        }
    }
    json.push('}');
}

/// `None` where the value has no text: its bound is unknown then.
fn write_value(column: &dyn Array, row: usize, json: &mut String) -> Option<()> {
    match column.data_type() {
        DataType::Struct(_) => write_struct(column.as_struct(), row, json),
        DataType::Boolean => json.push_str(if column.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Int8 => push_number(column.as_primitive::<types::Int8Type>().value(row), json),
        DataType::Int16 => push_number(column.as_primitive::<types::Int16Type>().value(row), json),
        DataType::Int32 => push_number(column.as_primitive::<types::Int32Type>().value(row), json),
        DataType::Int64 => push_number(column.as_primitive::<types::Int64Type>().value(row), json),
        DataType::Float32 => push_float(column.as_primitive::<types::Float32Type>().value(row), json)?,
        DataType::Float64 => push_float(column.as_primitive::<types::Float64Type>().value(row), json)?,
        DataType::Decimal128(_, scale) => {
            let unscaled = column.as_primitive::<types::Decimal128Type>().value(row);
            json.push_str(&scalar_text::format_decimal(unscaled, u8::try_from(*scale).ok()?));
        }
        DataType::Date32 => {
            push_quoted(&scalar_text::format_date(column.as_primitive::<types::Date32Type>().value(row))?, json);
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let micros = column.as_primitive::<types::TimestampMicrosecondType>().value(row);
            push_quoted(&format_millis(micros, zone.is_some())?, json);
        }
        DataType::Utf8 => push_quoted(column.as_string::<i32>().value(row), json),
        _ => return None,
    }
    Some(())
}

fn format_millis(micros: i64, is_instant: bool) -> Option<String> {
    let time = DateTime::from_timestamp_millis(micros.div_euclid(1000))?;
    let format = if is_instant { "%Y-%m-%dT%H:%M:%S%.3fZ" } else { "%Y-%m-%dT%H:%M:%S%.3f" };
    Some(time.format(format).to_string())
}

fn push_number(number: impl std::fmt::Display, json: &mut String) {
    use std::fmt::Write;
    // Writing to a string does not fail.
    let _ = write!(json, "{number}");
}

/// What JSON has no number for stands quoted, by its name.
fn push_float<F: serde::Serialize + Into<f64> + Copy>(number: F, json: &mut String) -> Option<()> {
    let wide: f64 = number.into();
    match wide.is_finite() {
        true => json.push_str(&serde_json::to_string(&number).ok()?),
        false if wide.is_nan() => push_quoted("NaN", json),
        false => push_quoted(if wide > 0.0 { "Infinity" } else { "-Infinity" }, json),
    }
    Some(())
}

fn push_quoted(text: &str, json: &mut String) {
    json.push_str(&serde_json::Value::from(text).to_string());
}
