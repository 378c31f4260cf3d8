//! Dates and timestamps.

use super::super::calendar::MICROS_PER_DAY;
use super::super::time_zone::Zone;
use super::number::{Number, rescale};
use super::{Conversion, with_primitive};
use arrow_array::types::{self, Date32Type, Decimal128Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use deltaic_log::{Error, ErrorKind, Result};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Dates, instants and wall clocks to one another.
pub(super) fn between(cast: &Conversion<'_>, values: &ArrayRef) -> Result<ArrayRef> {
    let zone = |data_type: &DataType| match data_type {
        DataType::Timestamp(_, Some(_)) => *cast.zone,
        _ => Zone::UTC,
    };
    let (from_zone, to_zone) = (zone(values.data_type()), zone(cast.to));
    match (values.data_type(), cast.to) {
        (DataType::Date32, _) => cast.map::<Date32Type, TimestampMicrosecondType>(values, |days| {
            to_zone.to_instant(i64::from(days).checked_mul(MICROS_PER_DAY)?)
        }),
        (_, DataType::Date32) => cast.map::<TimestampMicrosecondType, Date32Type>(values, |micros| {
            i32::try_from(from_zone.to_local(micros)?.div_euclid(MICROS_PER_DAY)).ok()
        }),
        _ => cast.map::<TimestampMicrosecondType, TimestampMicrosecondType>(values, |micros| {
            to_zone.to_instant(from_zone.to_local(micros)?)
        }),
    }
}

/// Seconds since the epoch to an instant.
pub(super) fn from_number(cast: &Conversion<'_>, values: &ArrayRef) -> Result<ArrayRef> {
    match values.data_type() {
        DataType::Decimal128(_, scale) => cast.map::<Decimal128Type, TimestampMicrosecondType>(values, |v| {
            // Digits beyond microseconds are cut.
            let shift = 6 - i32::from(*scale);
            let micros =
                if shift >= 0 { rescale(v, shift, 38)? } else { v / 10i128.checked_pow(shift.unsigned_abs())? };
            i64::try_from(micros).ok()
        }),
        DataType::Float32 | DataType::Float64 => {
            with_primitive!(values.data_type(), F => cast.map::<F, TimestampMicrosecondType>(values, |v| {
                i64::from_number(v.double() * 1e6)
            }))
        }
        from => with_primitive!(from, F => cast.map::<F, TimestampMicrosecondType>(values, |v| {
            // Seconds that no timestamp can hold mean the first or the last one.
            i64::try_from(v.whole()?).ok().map(|seconds| seconds.saturating_mul(MICROS_PER_SECOND))
        })),
    }
}

/// An instant as seconds since the epoch: whole numbers are rounded down.
pub(super) fn to_number(cast: &Conversion<'_>, values: &ArrayRef) -> Result<ArrayRef> {
    match cast.to {
        DataType::Decimal128(precision, scale) => {
            let shift = i32::from(*scale) - 6;
            cast.map::<TimestampMicrosecondType, Decimal128Type>(values, |us| rescale(us.into(), shift, *precision))
        }
        DataType::Float32 | DataType::Float64 => {
            with_primitive!(cast.to, T => cast.map::<TimestampMicrosecondType, T>(values, |us| {
                Number::from_number(us.double() / 1e6)
            }))
        }
        to => with_primitive!(to, T => cast.map::<TimestampMicrosecondType, T>(values, |us| {
            Number::from_number(us.div_euclid(MICROS_PER_SECOND))
        })),
    }
}
