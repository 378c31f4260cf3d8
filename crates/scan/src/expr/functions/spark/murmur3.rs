//! `hash`: Spark's 32-bit Murmur3, which bucketing and partitioning in Spark rely on.
//!
//! Each argument is hashed with the hash of those before it as the seed; nulls leave the hash as it is. Arrays and structs hash their elements in turn.
//! The bytes after the last whole word are mixed one by one, each as a word of its own, unlike in the original.

use super::call::Call;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, Int32Array};
use arrow_schema::{DataType, TimeUnit};
use deltaic_log::{Error, ErrorKind, Result};
use std::sync::Arc;

const SEED: u32 = 42;

/// The digits of a decimal that is hashed as a bigint.
pub(super) const LONG_DIGITS: u8 = 18;

/// The hash of each row.
pub(super) fn hash(call: &Call<'_>) -> Result<ArrayRef> {
    let hash = |row: usize| call.args.iter().try_fold(SEED, |seed, arg| of_value(arg, row, seed)).map(u32::cast_signed);
    let hashes = (0..call.rows).map(hash).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(Int32Array::from(hashes)))
}

fn of_value(values: &dyn Array, row: usize, seed: u32) -> Result<u32> {
    if values.data_type().is_null() || values.is_null(row) {
        return Ok(seed);
    }
    Ok(match values.data_type() {
        DataType::Boolean => of_int(values.as_boolean().value(row).into(), seed),
        DataType::Int8 => of_int(values.as_primitive::<Int8Type>().value(row).into(), seed),
        DataType::Int16 => of_int(values.as_primitive::<Int16Type>().value(row).into(), seed),
        DataType::Int32 => of_int(values.as_primitive::<Int32Type>().value(row), seed),
        DataType::Date32 => of_int(values.as_primitive::<Date32Type>().value(row), seed),
        DataType::Int64 => of_long(values.as_primitive::<Int64Type>().value(row), seed),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            of_long(values.as_primitive::<TimestampMicrosecondType>().value(row), seed)
        }
        DataType::Float32 => of_int(float_bits(values.as_primitive::<Float32Type>().value(row)), seed),
        DataType::Float64 => of_long(double_bits(values.as_primitive::<Float64Type>().value(row)), seed),
        DataType::Decimal128(precision, _) => {
            let unscaled = values.as_primitive::<Decimal128Type>().value(row);
            match i64::try_from(unscaled) {
                Ok(long) if *precision <= LONG_DIGITS => of_long(long, seed),
                _ => of_bytes(shortest(&unscaled.to_be_bytes()), seed),
            }
        }
        DataType::Utf8 => of_bytes(values.as_string::<i32>().value(row).as_bytes(), seed),
        DataType::Binary => of_bytes(values.as_binary::<i32>().value(row), seed),
        DataType::List(_) => {
            let items = values.as_list::<i32>().value(row);
            (0..items.len()).try_fold(seed, |seed, item| of_value(&items, item, seed))?
        }
        DataType::Struct(_) => {
            values.as_struct().columns().iter().try_fold(seed, |seed, column| of_value(column, row, seed))?
        }
        other => return Err(Error::new(ErrorKind::Evaluation, format!("values of type {other} cannot be hashed"))),
    })
}

/// All zeros and all `NaN`s hash alike.
fn float_bits(value: f32) -> i32 {
    let one = if value.is_nan() { f32::NAN } else { value + 0.0 };
    one.to_bits().cast_signed()
}

fn double_bits(value: f64) -> i64 {
    let one = if value.is_nan() { f64::NAN } else { value + 0.0 };
    one.to_bits().cast_signed()
}

/// A two's complement number without the leading bytes that repeat its sign.
pub(super) fn shortest(bytes: &[u8]) -> &[u8] {
    let redundant = |pair: &[u8]| matches!((pair[0], pair[1]), (0, 0..=0x7f) | (0xff, 0x80..=0xff));
    let skipped = bytes.windows(2).take_while(|pair| redundant(pair)).count();
    &bytes[skipped..]
}

fn of_int(value: i32, seed: u32) -> u32 {
    finish(mix(seed, value.cast_unsigned()), 4)
}

fn of_long(value: i64, seed: u32) -> u32 {
    let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
    finish(mix(mix(seed, u32::from_le_bytes([a, b, c, d])), u32::from_le_bytes([e, f, g, h])), 8)
}

fn of_bytes(bytes: &[u8], seed: u32) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let hash = words.iter().fold(seed, |hash, word| mix(hash, u32::from_le_bytes(*word)));
    let hash = rest.iter().fold(hash, |hash, byte| mix(hash, i32::from(byte.cast_signed()).cast_unsigned()));
    finish(hash, u32::try_from(bytes.len()).unwrap_or(u32::MAX))
}

fn mix(hash: u32, word: u32) -> u32 {
    let word = word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    (hash ^ word).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
}

fn finish(hash: u32, length: u32) -> u32 {
    let hash = hash ^ length;
    let hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}
