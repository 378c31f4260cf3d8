//! Spec: [Type Widening](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#type-widening), and the many ways in
//! which engines store one type: how the values of a file's leaf column become the table's.

use super::error::corrupt_values;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, TimestampMicrosecondType, TimestampNanosecondType};
use arrow_array::{Array, ArrayRef, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};
use deltaic_log::Result;
use std::sync::Arc;

/// How the values of one leaf become those of the table's type. Every way but [`Convert::Keep`] ends in that type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Convert {
    /// They are.
    Keep,
    /// The same numbers under another name: a time zone, a decimal's precision.
    Relabel(DataType),
    /// Arrow's cast, where a value that does not fit is an error.
    Cast(DataType),
    /// Nanoseconds to microseconds, towards the past.
    NanosToMicros(DataType),
    /// The file holds nothing but null.
    Null(DataType),
}

impl Convert {
    /// The conversion of a file's type to the table's, if the protocol or the usage of other engines knows one.
    pub(super) fn between(file: &DataType, table: &DataType) -> Option<Self> {
        use DataType as D;
        let target = table.clone();
        Some(match (file, table) {
            (file, table) if file == table => Self::Keep,
            (D::Null, _) => Self::Null(target),
            (file, D::Int8 | D::Int16 | D::Int32 | D::Int64) if file.is_integer() => Self::Cast(target),
            (D::Int8 | D::Int16 | D::Int32 | D::UInt8 | D::UInt16, D::Float64) => Self::Cast(target),
            (D::Float16, D::Float32) | (D::Float16 | D::Float32, D::Float64) => Self::Cast(target),
            (file, D::Decimal128(..)) if file.is_integer() => Self::Cast(target),
            (D::Decimal128(p, s), D::Decimal128(table_p, table_s)) if s == table_s && p <= table_p => {
                Self::Relabel(target)
            }
            (D::Decimal128(_, s) | D::Decimal256(_, s), D::Decimal128(_, table_s)) if s <= table_s => {
                Self::Cast(target)
            }
            (D::Date32, D::Timestamp(TimeUnit::Microsecond, None)) => Self::Cast(target),
            (D::Timestamp(TimeUnit::Microsecond, _), D::Timestamp(TimeUnit::Microsecond, _)) => Self::Relabel(target),
            (D::Timestamp(TimeUnit::Millisecond, _), D::Timestamp(TimeUnit::Microsecond, _)) => Self::Cast(target),
            (D::Timestamp(TimeUnit::Nanosecond, _), D::Timestamp(TimeUnit::Microsecond, _)) => {
                Self::NanosToMicros(target)
            }
            (D::Binary | D::Utf8 | D::FixedSizeBinary(_), D::Utf8 | D::Binary) => Self::Cast(target),
            (D::Int32, D::Interval(IntervalUnit::YearMonth)) | (D::Int64, D::Duration(TimeUnit::Microsecond)) => {
                Self::Cast(target)
            }
            _ => return None,
        })
    }

    pub(super) fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match self {
            Self::Keep => Ok(array.clone()),
            Self::Relabel(target) => relabel(array, target),
            Self::Cast(target) => cast(array, target),
            Self::NanosToMicros(target) => Ok(nanos_to_micros(array, target)),
            Self::Null(target) => Ok(new_null_array(target, array.len())),
        }
    }
}

/// The type in which the decoder can give out a leaf at once, without a conversion behind it.
///
/// 96-bit timestamps above all: as nanoseconds, their default, they span 584 years only.
pub(super) fn decoded_type(file: &DataType, is_int96: bool, table: &DataType) -> Option<DataType> {
    match (file, table) {
        (DataType::Timestamp(..), DataType::Timestamp(TimeUnit::Microsecond, _)) if is_int96 => Some(table.clone()),
        (DataType::Timestamp(TimeUnit::Microsecond, None), DataType::Timestamp(TimeUnit::Microsecond, Some(_)))
        | (DataType::Binary, DataType::Utf8) => Some(table.clone()),
        _ => None,
    }
}

fn cast(array: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    // From milliseconds without a zone, Arrow would take the wall clock of the target's zone: the zone is set first.
    let utc = |zone: &Arc<str>| DataType::Timestamp(TimeUnit::Millisecond, Some(zone.clone()));
    let array = match (array.data_type(), target) {
        (DataType::Timestamp(TimeUnit::Millisecond, None), DataType::Timestamp(_, Some(zone))) => {
            relabel(array, &utc(zone))?
        }
        (DataType::Timestamp(TimeUnit::Millisecond, Some(_)), DataType::Timestamp(_, None)) => {
            relabel(array, &DataType::Timestamp(TimeUnit::Millisecond, None))?
        }
        _ => array.clone(),
    };
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&array, target, &options).map_err(corrupt_values)
}

fn relabel(array: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    if let DataType::Decimal128(precision, scale) = target {
        let decimals = array.as_primitive::<Decimal128Type>().clone();
        return Ok(Arc::new(decimals.with_precision_and_scale(*precision, *scale).map_err(corrupt_values)?));
    }
    let data = array.to_data().into_builder().data_type(target.clone());
    Ok(arrow_array::make_array(data.build().map_err(corrupt_values)?))
}

fn nanos_to_micros(array: &ArrayRef, target: &DataType) -> ArrayRef {
    let zone = match target {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let micros =
        array.as_primitive::<TimestampNanosecondType>().unary::<_, TimestampMicrosecondType>(|n| n.div_euclid(1_000));
    Arc::new(micros.with_timezone_opt(zone))
}
