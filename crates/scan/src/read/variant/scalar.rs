//! Spec: [Shredded Value Types](https://github.com/apache/parquet-format/blob/master/VariantShredding.md#shredded-value-types):
//! the columns of one type that hold a variant's value.

use super::cursor::corrupt;
use super::encode::{write_scalar, write_sized, write_text};
use super::type_id as T;
use super::value::DECIMAL_DIGITS_MAX;
use crate::expr::calendar::MICROS_PER_DAY;
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_schema::{DataType, TimeUnit};
use deltaic_log::Result;

/// Writes the value of a row, which is not null, as a variant.
pub(super) type WriteRow = fn(&dyn Array, usize, &mut Vec<u8>) -> Result<()>;

macro_rules! number {
    ($arrow:ty, $type_id:expr) => {
        |array, row, out| {
            write_scalar(out, $type_id, &array.as_primitive::<$arrow>().value(row).to_le_bytes());
            Ok(())
        }
    };
}

/// How a column of the type is written; nothing where variants are not shredded to it.
pub(super) fn writer_of(data_type: &DataType) -> Option<WriteRow> {
    use DataType as D;
    Some(match data_type {
        D::Boolean => |array, row, out| {
            write_scalar(out, if array.as_boolean().value(row) { T::TRUE } else { T::FALSE }, &[]);
            Ok(())
        },
        D::Int8 => number!(Int8Type, T::INT8),
        D::Int16 => number!(Int16Type, T::INT16),
        D::Int32 => number!(Int32Type, T::INT32),
        D::Int64 => number!(Int64Type, T::INT64),
        D::Float32 => number!(Float32Type, T::FLOAT),
        D::Float64 => number!(Float64Type, T::DOUBLE),
        D::Date32 => number!(Date32Type, T::DATE),
        D::Timestamp(TimeUnit::Microsecond, Some(_)) => number!(TimestampMicrosecondType, T::TIMESTAMP),
        D::Timestamp(TimeUnit::Microsecond, None) => number!(TimestampMicrosecondType, T::TIMESTAMP_NTZ),
        D::Timestamp(TimeUnit::Nanosecond, Some(_)) => number!(TimestampNanosecondType, T::TIMESTAMP_NANOS),
        D::Timestamp(TimeUnit::Nanosecond, None) => number!(TimestampNanosecondType, T::TIMESTAMP_NTZ_NANOS),
        D::Time64(TimeUnit::Microsecond) => write_time,
        D::Decimal128(..) => write_decimal,
        D::Utf8 => |array, row, out| write_text(out, array.as_string::<i32>().value(row)),
        D::Binary => |array, row, out| write_sized(out, T::BINARY, array.as_binary::<i32>().value(row)),
        D::FixedSizeBinary(16) => |array, row, out| {
            write_scalar(out, T::UUID, array.as_fixed_size_binary().value(row));
            Ok(())
        },
        _ => return None,
    })
}

fn write_time(array: &dyn Array, row: usize, out: &mut Vec<u8>) -> Result<()> {
    let micros = array.as_primitive::<Time64MicrosecondType>().value(row);
    if !(0..MICROS_PER_DAY).contains(&micros) {
        return Err(corrupt("a time is not within a day"));
    }
    write_scalar(out, T::TIME_NTZ, &micros.to_le_bytes());
    Ok(())
}

/// The declared precision says which of three widths it is, whatever the digits.
fn write_decimal(array: &dyn Array, row: usize, out: &mut Vec<u8>) -> Result<()> {
    let decimals = array.as_primitive::<Decimal128Type>();
    let (unscaled, precision) = (decimals.value(row), decimals.precision());
    let scale = u8::try_from(decimals.scale()).ok().filter(|scale| *scale <= DECIMAL_DIGITS_MAX);
    let Some(scale) = scale.filter(|_| Decimal128Type::is_valid_decimal_precision(unscaled, precision)) else {
        return Err(corrupt("a decimal has too many digits"));
    };
    let (type_id, width) = match precision {
        0..=9 => (T::DECIMAL4, 4),
        10..=18 => (T::DECIMAL8, 8),
        _ => (T::DECIMAL16, 16),
    };
    write_scalar(out, type_id, &[scale]);
    out.extend_from_slice(&unscaled.to_le_bytes()[..width]);
    Ok(())
}
