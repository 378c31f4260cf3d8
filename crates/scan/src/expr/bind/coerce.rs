//! Which types meet in which: Spark's ANSI rules for implicit conversion.

use super::super::sql_type::{timestamp, timestamp_ntz};
use arrow_array::Array;
use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int16Type, Int32Type, Int64Type};
use arrow_schema::{DataType, Field, FieldRef, Fields, TimeUnit};
use std::sync::Arc;

/// The most digits of a decimal.
pub(crate) const PRECISION_MAX: u8 = 38;
/// The digits after the point that a result keeps at least, when it has too many digits.
const SCALE_KEPT: i32 = 6;

/// The type that values of both types convert to without a cast being written. Nothing if there is none.
pub(crate) fn wider(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType as T;
    match (a, b) {
        (T::Timestamp(TimeUnit::Microsecond, Some(_)), T::Timestamp(TimeUnit::Microsecond, Some(_))) => {
            Some(timestamp())
        }
        _ if a == b => Some(a.clone()),
        (T::Null, other) | (other, T::Null) => Some(other.clone()),
        (T::Decimal128(..), _) | (_, T::Decimal128(..)) if is_numeric(a) && is_numeric(b) => wider_decimal(a, b),
        _ if is_numeric(a) && is_numeric(b) => wider_number(a, b),
        _ if is_datetime(a) && is_datetime(b) => wider_datetime(a, b),
        (T::Utf8, other) | (other, T::Utf8) => string_with(other),
        (T::List(a), T::List(b)) => Some(T::List(wider_field(a, b)?)),
        (T::Struct(a), T::Struct(b)) if a.len() == b.len() => wider_fields(a, b).map(T::Struct),
        (T::Map(a, sorted), T::Map(b, _)) => Some(T::Map(wider_field(a, b)?, *sorted)),
        _ => None,
    }
}

/// The common type of all, if they have one; `Null` for none.
pub(crate) fn widest<'a>(types: impl IntoIterator<Item = &'a DataType>) -> Option<DataType> {
    // Strings go last: `'1', 2, 3.5` is a list of numbers.
    let (strings, others): (Vec<_>, Vec<_>) = types.into_iter().partition(|t| **t == DataType::Utf8);
    others.into_iter().chain(strings).try_fold(DataType::Null, |wide, next| wider(&wide, next))
}

fn wider_field(a: &FieldRef, b: &FieldRef) -> Option<FieldRef> {
    let nullable = a.is_nullable() || b.is_nullable();
    Some(Arc::new(Field::new(a.name(), wider(a.data_type(), b.data_type())?, nullable)))
}

fn wider_fields(a: &Fields, b: &Fields) -> Option<Fields> {
    let same_names = a.iter().zip(b).all(|(a, b)| a.name().eq_ignore_ascii_case(b.name()));
    same_names.then(|| a.iter().zip(b).map(|(a, b)| wider_field(a, b)).collect())?
}

/// Whether the type is an integer.
pub(crate) fn is_integral(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64)
}

/// Whether the type is a number.
pub(crate) fn is_numeric(data_type: &DataType) -> bool {
    is_integral(data_type) || matches!(data_type, DataType::Float32 | DataType::Float64 | DataType::Decimal128(..))
}

fn is_datetime(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Timestamp(..))
}

/// A string beside another type is read as that type: integers as bigint, fractions as double.
fn string_with(other: &DataType) -> Option<DataType> {
    match other {
        t if is_integral(t) => Some(DataType::Int64),
        t if is_numeric(t) => Some(DataType::Float64),
        DataType::Boolean | DataType::Date32 | DataType::Timestamp(..) | DataType::Binary => Some(other.clone()),
        _ => None,
    }
}

/// An integer beside a float is a double, since a float cannot hold every integer.
fn wider_number(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType as T;
    const RANKS: [DataType; 6] = [T::Int8, T::Int16, T::Int32, T::Int64, T::Float32, T::Float64];
    match RANKS.into_iter().rfind(|rank| rank == a || rank == b)? {
        T::Float32 => Some(T::Float64),
        wide => Some(wide),
    }
}

fn wider_decimal(a: &DataType, b: &DataType) -> Option<DataType> {
    let (Some((p1, s1)), Some((p2, s2))) = (decimal_shape(a), decimal_shape(b)) else {
        return Some(DataType::Float64);
    };
    let scale = s1.max(s2);
    Some(bounded_decimal((p1 - s1).max(p2 - s2) + scale, scale))
}

fn wider_datetime(a: &DataType, b: &DataType) -> Option<DataType> {
    let instant = |t: &DataType| matches!(t, DataType::Timestamp(_, Some(_)));
    Some(if instant(a) || instant(b) { timestamp() } else { timestamp_ntz() })
}

/// Precision and scale of a decimal, or of the decimal that holds every value of an integer type.
pub(crate) fn decimal_shape(data_type: &DataType) -> Option<(i32, i32)> {
    match data_type {
        DataType::Int8 => Some((3, 0)),
        DataType::Int16 => Some((5, 0)),
        DataType::Int32 => Some((10, 0)),
        DataType::Int64 => Some((20, 0)),
        DataType::Decimal128(precision, scale) => Some((i32::from(*precision), i32::from(*scale))),
        _ => None,
    }
}

/// The decimal type that just holds a constant integer.
pub(crate) fn decimal_of_constant(constant: &ArrayRef) -> Option<DataType> {
    if constant.is_null(0) {
        return None;
    }
    let value = match constant.data_type() {
        DataType::Int8 => constant.as_primitive::<Int8Type>().value(0).into(),
        DataType::Int16 => constant.as_primitive::<Int16Type>().value(0).into(),
        DataType::Int32 => constant.as_primitive::<Int32Type>().value(0).into(),
        DataType::Int64 => constant.as_primitive::<Int64Type>().value(0),
        _ => return None,
    };
    let digits = value.unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
    Some(DataType::Decimal128(u8::try_from(digits).ok()?, 0))
}

/// A decimal of these digits, cut to what fits: of the digits after the point, six are kept before the whole part suffers.
pub(crate) fn adjusted_decimal(precision: i32, scale: i32) -> DataType {
    let max = i32::from(PRECISION_MAX);
    if precision <= max {
        return bounded_decimal(precision, scale);
    }
    let whole = precision - scale;
    bounded_decimal(max, (max - whole).max(scale.min(SCALE_KEPT)))
}

fn bounded_decimal(precision: i32, scale: i32) -> DataType {
    let max = i32::from(PRECISION_MAX);
    let precision = precision.clamp(1, max);
    let narrow = |n: i32| u8::try_from(n).unwrap_or(PRECISION_MAX);
    DataType::Decimal128(narrow(precision), narrow(scale.clamp(0, precision)).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use DataType as T;

    #[test]
    fn types_meet_as_in_spark() {
        for (a, b, expected) in [
            (T::Int8, T::Int64, Some(T::Int64)),
            (T::Int8, T::Float32, Some(T::Float64)),
            (T::Float32, T::Float32, Some(T::Float32)),
            (T::Decimal128(10, 2), T::Int32, Some(T::Decimal128(12, 2))),
            (T::Decimal128(10, 2), T::Float32, Some(T::Float64)),
            (T::Decimal128(38, 0), T::Decimal128(38, 38), Some(T::Decimal128(38, 38))),
            (T::Utf8, T::Int8, Some(T::Int64)),
            (T::Utf8, T::Decimal128(5, 1), Some(T::Float64)),
            (T::Utf8, T::Date32, Some(T::Date32)),
            (T::Date32, timestamp_ntz(), Some(timestamp_ntz())),
            (timestamp_ntz(), timestamp(), Some(timestamp())),
            (T::Boolean, T::Int32, None),
            (T::Binary, T::Int32, None),
            (T::Null, T::Int32, Some(T::Int32)),
        ] {
            assert_eq!(wider(&a, &b), expected, "{a} and {b}");
            assert_eq!(wider(&b, &a), expected, "{b} and {a}");
        }
    }

    #[test]
    fn too_many_digits_are_cut_after_the_point() {
        assert_eq!(adjusted_decimal(40, 10), T::Decimal128(38, 8));
        assert_eq!(adjusted_decimal(77, 38), T::Decimal128(38, 6));
        assert_eq!(adjusted_decimal(45, 2), T::Decimal128(38, 2));
    }
}
