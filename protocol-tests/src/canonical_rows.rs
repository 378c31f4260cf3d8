//! Rows as text that does not depend on who read them: a JSON object a row, and one hash for all.
//!
//! Objects are by logical column, sorted; floating-point numbers as the shortest text that reads back, those that are no
//! numbers as `"NaN"`, `"Infinity"`, `"-Infinity"`;
//! decimals as text at their scale; binary as hex; dates and times in ISO form with microseconds, `Z` where they are
//! instants; maps as sorted lists of pairs; variants as their two binaries.

use std::collections::BTreeMap;
use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, RecordBatch, StructArray};
use arrow_schema::{DataType, TimeUnit};
use parquet_variant::Variant;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The rows of some batches, sorted: the order of rows is of no matter to a table.
pub fn canonical_rows<'a>(batches: impl IntoIterator<Item = &'a RecordBatch>) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in batches {
        let columns = StructArray::from(batch.clone());
        rows.extend((0..batch.num_rows()).map(|row| canonical_struct(&columns, row)));
    }
    rows.sort_unstable();
    rows
}

/// The SHA-256 of sorted rows, as hex.
pub fn hash_rows(rows: &[String]) -> String {
    hex(&Sha256::digest(rows.join("\n")))
}

/// An expected row, given as JSON, in the form of [`canonical_rows`]. It is read as text, for numbers to stay exact.
///
/// # Panics
/// Where it is no JSON.
pub fn canonical_json(json: &RawValue) -> String {
    let text_of = json.get();
    match text_of.as_bytes()[0] {
        b'{' => {
            let fields: BTreeMap<String, &RawValue> = parsed(text_of);
            object(fields.iter().map(|(name, value)| (name.as_str(), canonical_json(value))))
        }
        b'[' => list(parsed::<Vec<&RawValue>>(text_of).into_iter().map(canonical_json)),
        b'"' => text(&parsed::<String>(text_of)),
        b'-' | b'0'..=b'9' if text_of.contains(['.', 'e', 'E']) => {
            float(text_of.parse().expect("JSON's numbers are Rust's"))
        }
        _ => text_of.to_owned(),
    }
}

/// The same row with each variant spelt out: one value has many encodings.
///
/// # Panics
/// Where a variant is malformed.
pub fn with_variants_decoded(row: &str) -> String {
    let Some((before, rest)) = row.split_once(r#"{"metadata": ""#) else { return row.to_owned() };
    let (metadata, rest) = rest.split_once(r#"", "value": ""#).expect("a variant has two parts");
    let (value, rest) = rest.split_once(r#""}"#).expect("a variant ends");
    let (metadata, value) = (bytes(metadata), bytes(value));
    // Not `try_new`: it refuses dictionaries with an empty key.
    let variant = Variant::new(&metadata, &value);
    format!("{before}{}{}", variant_text(&variant), with_variants_decoded(rest))
}

/// Numbers of every width are one.
fn variant_text(variant: &Variant<'_, '_>) -> String {
    match variant {
        Variant::Object(fields) => object(fields.iter().map(|(name, value)| (name, variant_text(&value)))),
        Variant::List(items) => list(items.iter().map(|item| variant_text(&item))),
        Variant::Int8(number) => number.to_string(),
        Variant::Int16(number) => number.to_string(),
        Variant::Int32(number) => number.to_string(),
        Variant::Int64(number) => number.to_string(),
        Variant::Decimal4(number) => decimal(number.integer().into(), number.scale()),
        Variant::Decimal8(number) => decimal(number.integer().into(), number.scale()),
        Variant::Decimal16(number) => decimal(number.integer(), number.scale()),
        other => other.as_string().map_or_else(|| format!("{other:?}"), text),
    }
}

fn parsed<'a, T: serde::Deserialize<'a>>(json: &'a str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte =
        |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("hex is ASCII"), 16).expect("it is hex");
    hex.as_bytes().chunks(2).map(byte).collect()
}

fn canonical_struct(columns: &StructArray, row: usize) -> String {
    let fields = columns.fields().iter().zip(columns.columns());
    object(fields.map(|(field, column)| (field.name().as_str(), canonical(column, row))))
}

fn canonical(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return "null".to_owned();
    }
    match array.data_type() {
        DataType::Null => "null".to_owned(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float32 => float(f64::from(array.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => {
            let scale = u8::try_from(*scale).expect("no scale of a table is negative");
            text(&decimal(array.as_primitive::<Decimal128Type>().value(row), scale))
        }
        DataType::Utf8 => text(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => text(array.as_string::<i64>().value(row)),
        DataType::Utf8View => text(array.as_string_view().value(row)),
        DataType::Binary => text(&hex(array.as_binary::<i32>().value(row))),
        DataType::LargeBinary => text(&hex(array.as_binary::<i64>().value(row))),
        DataType::BinaryView => text(&hex(array.as_binary_view().value(row))),
        DataType::Date32 => text(&date(array.as_primitive::<Date32Type>().value(row))),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            text(&(timestamp(micros) + if zone.is_some() { "Z" } else { "" }))
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            list((0..items.len()).map(|item| canonical(&items, item)))
        }
        DataType::Map(_, _) => {
            let entries = array.as_map().value(row);
            let pair = |entry| list([canonical(entries.column(0), entry), canonical(entries.column(1), entry)]);
            let mut pairs: Vec<_> = (0..entries.len()).map(pair).collect();
            pairs.sort_unstable();
            list(pairs)
        }
        DataType::Struct(_) => canonical_struct(array.as_struct(), row),
        other => panic!("no column of a table has the type {other}"),
    }
}

fn object<'a>(fields: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut fields: Vec<_> = fields.collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    let fields: Vec<_> = fields.into_iter().map(|(name, value)| format!("{}: {value}", text(name))).collect();
    format!("{{{}}}", fields.join(", "))
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}

fn text(value: &str) -> String {
    serde_json::to_string(value).expect("text is JSON")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The shortest decimal text that reads back, with an exponent below 1e-4 and from 1e16 on.
fn float(value: f64) -> String {
    if value.is_nan() {
        return "\"NaN\"".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').expect("it has an exponent");
    let exponent: i32 = exponent.parse().expect("it is a number");
    match exponent {
        -4..16 if value.fract() == 0.0 => format!("{value:.1}"),
        -4..16 => value.to_string(),
        _ => format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()),
    }
}

fn decimal(unscaled: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn date(days: i32) -> String {
    let date = chrono::DateTime::from_timestamp(i64::from(days) * 86_400, 0);
    date.map_or_else(|| format!("{days} days"), |date| date.format("%Y-%m-%d").to_string())
}

fn timestamp(micros: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(micros);
    time.map_or_else(|| format!("{micros} us"), |time| time.format("%Y-%m-%dT%H:%M:%S%.6f").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_the_shortest_text() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e-5, "1.5e-05"),
            (1e-4, "0.0001"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::from(0.1_f32), "0.10000000149011612"),
        ] {
            assert_eq!(float(value), expected);
        }
    }

    #[test]
    fn decimals_keep_their_scale() {
        for (unscaled, scale, expected) in [(0, 2, "0.00"), (-5, 2, "-0.05"), (12345, 2, "123.45"), (7, 0, "7")] {
            assert_eq!(decimal(unscaled, scale), expected);
        }
    }

    #[test]
    fn times_are_iso() {
        assert_eq!(timestamp(1), "1970-01-01T00:00:00.000001");
        assert_eq!(timestamp(-1), "1969-12-31T23:59:59.999999");
        assert_eq!(date(-719_162), "0001-01-01");
    }
}
