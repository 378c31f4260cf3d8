//! Casts that lose nothing, or are refused: by their types where no value can tell, else by each value.
//!
//! What was `1.5` is not stored as `1`, and `true` is no number: an input that means another type says so by a cast of its
//! own.

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float16Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef};
use arrow_cast::display::array_value_to_string;
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType as Arrow, IntervalUnit, TimeUnit};
use deltaic_log::schema::PrimitiveType;

/// From one Arrow form to the table's own.
#[derive(Clone, Debug)]
pub(crate) struct Cast {
    to: Arrow,
    certainty: Certainty,
}

/// Whether every value survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    Always,
    /// Each value is cast there and back, and compared.
    ByValue,
}

/// A value that would change.
#[derive(Debug)]
pub(crate) struct Misfit {
    /// Its place in the array.
    pub(crate) index: usize,
    /// What it is.
    pub(crate) value: String,
}

impl Cast {
    /// The cast, if it can be without loss for some value at least.
    pub(crate) fn new(from: &Arrow, to: PrimitiveType) -> Option<Self> {
        certainty(from, to).map(|certainty| Self { to: to.to_arrow(), certainty })
    }

    /// The values in the table's form.
    pub(crate) fn apply(&self, array: &ArrayRef) -> Result<ArrayRef, Misfit> {
        if *array.data_type() == self.to {
            return Ok(array.clone());
        }
        let unpacked = unpacked(array);
        let options = CastOptions { safe: true, ..CastOptions::default() };
        let first = |_| Misfit { index: 0, value: shown(&unpacked, 0) };
        let cast = cast_with_options(&unpacked, &self.to, &options).map_err(first)?;
        if self.certainty == Certainty::Always {
            return Ok(cast);
        }
        let back = cast_with_options(&cast, unpacked.data_type(), &options).map_err(first)?;
        match first_difference(&unpacked, &back) {
            None => Ok(cast),
            Some(index) => Err(Misfit { index, value: shown(&unpacked, index) }),
        }
    }
}

fn shown(array: &ArrayRef, index: usize) -> String {
    array_value_to_string(array, index).unwrap_or_default()
}

/// Without dictionary or runs.
fn unpacked(array: &ArrayRef) -> ArrayRef {
    let values = match array.data_type() {
        Arrow::Dictionary(_, values) => values.as_ref(),
        Arrow::RunEndEncoded(_, values) => values.data_type(),
        _ => return array.clone(),
    };
    cast_with_options(array, values, &CastOptions::default()).unwrap_or_else(|_| array.clone())
}

fn certainty(from: &Arrow, to: PrimitiveType) -> Option<Certainty> {
    use Certainty::{Always, ByValue};
    use PrimitiveType as P;
    match (from, to) {
        (from, to) if *from == to.to_arrow() => Some(Always),
        (Arrow::Dictionary(_, values), to) => certainty(values, to),
        (Arrow::RunEndEncoded(_, values), to) => certainty(values.data_type(), to),
        (Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View, P::String) => Some(Always),
        (Arrow::Binary | Arrow::LargeBinary | Arrow::BinaryView | Arrow::FixedSizeBinary(_), P::Binary) => Some(Always),
        (Arrow::Date64, P::Date) => Some(ByValue),
        (Arrow::Date32, P::TimestampNtz) => Some(ByValue),
        (Arrow::Timestamp(unit, Some(_)), P::Timestamp) | (Arrow::Timestamp(unit, None), P::TimestampNtz) => {
            Some(if *unit == TimeUnit::Microsecond { Always } else { ByValue })
        }
        (Arrow::Interval(IntervalUnit::YearMonth), P::IntervalYearMonth) => Some(Always),
        (Arrow::Duration(_), P::IntervalDaySecond) => Some(ByValue),
        (from, to) if from.is_numeric() && to.to_arrow().is_numeric() => {
            Some(if always_fits(from, &to.to_arrow()) { Always } else { ByValue })
        }
        _ => None,
    }
}

fn always_fits(from: &Arrow, to: &Arrow) -> bool {
    use Arrow as A;
    matches!(
        (from, to),
        (A::Int8 | A::UInt8, A::Int16 | A::Int32 | A::Int64 | A::Float32 | A::Float64)
            | (A::Int16 | A::UInt16, A::Int32 | A::Int64 | A::Float32 | A::Float64)
            | (A::Int32 | A::UInt32, A::Int64 | A::Float64)
            | (A::Float16, A::Float32 | A::Float64)
            | (A::Float32, A::Float64)
    )
}

/// The first place where a value is not what it was. Floating-point numbers are compared as numbers: of zero and NaN there is
/// one each.
fn first_difference(before: &ArrayRef, after: &ArrayRef) -> Option<usize> {
    match before.data_type() {
        Arrow::Float16 => first_difference_of::<Float16Type>(before, after, |value| value.to_f64()),
        Arrow::Float32 => first_difference_of::<Float32Type>(before, after, f64::from),
        Arrow::Float64 => first_difference_of::<Float64Type>(before, after, |value| value),
        _ => {
            let differs = arrow_ord::cmp::distinct(before, after).ok()?;
            (0..before.len()).find(|row| differs.value(*row))
        }
    }
}

fn first_difference_of<T: ArrowPrimitiveType>(
    before: &ArrayRef,
    after: &ArrayRef,
    number: impl Fn(T::Native) -> f64,
) -> Option<usize> {
    let (before, after) = (before.as_primitive::<T>(), after.as_primitive::<T>());
    let is_same = |row: &usize| {
        let (a, b) = (number(before.value(*row)), number(after.value(*row)));
        before.is_null(*row) || after.is_valid(*row) && (a == b || a.is_nan() && b.is_nan())
    };
    (0..before.len()).find(|row| !is_same(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::*;
    use deltaic_log::schema::DecimalType;
    use rstest::rstest;
    use std::sync::Arc;

    fn decimal(precision: u8, scale: u8) -> PrimitiveType {
        PrimitiveType::Decimal(DecimalType { precision, scale })
    }

    #[rstest]
    #[case(Arc::new(Float64Array::from(vec![1.0, 1.5])), PrimitiveType::Integer, Some("1.5"))]
    #[case(Arc::new(Float64Array::from(vec![Some(1.0), None, Some(-0.0)])), PrimitiveType::Integer, None)]
    #[case(Arc::new(Float64Array::from(vec![f64::NAN])), PrimitiveType::Long, Some("NaN"))]
    #[case(Arc::new(Float64Array::from(vec![9_223_372_036_854_775_808.0])), PrimitiveType::Long, Some("9.223372036854776e18"))]
    #[case(Arc::new(Float64Array::from(vec![f64::NAN, f64::INFINITY, 0.5])), PrimitiveType::Float, None)]
    #[case(Arc::new(Float64Array::from(vec![0.1])), PrimitiveType::Float, Some("0.1"))]
    #[case(Arc::new(Float64Array::from(vec![0.1])), decimal(4, 2), None)]
    #[case(Arc::new(Float64Array::from(vec![0.123])), decimal(4, 2), Some("0.123"))]
    #[case(Arc::new(Int64Array::from(vec![127, 128])), PrimitiveType::Byte, Some("128"))]
    #[case(Arc::new(Int64Array::from(vec![(1 << 53) + 1])), PrimitiveType::Double, Some("9007199254740993"))]
    #[case(Arc::new(Int64Array::from(vec![i64::MAX])), PrimitiveType::Double, Some("9223372036854775807"))]
    #[case(Arc::new(UInt64Array::from(vec![u64::MAX])), PrimitiveType::Long, Some("18446744073709551615"))]
    #[case(Arc::new(UInt64Array::from(vec![u64::MAX])), decimal(20, 0), None)]
    #[case(Arc::new(Int32Array::from(vec![1000])), decimal(4, 2), Some("1000"))]
    #[case(Arc::new(TimestampNanosecondArray::from(vec![1_000])), PrimitiveType::TimestampNtz, None)]
    #[case(Arc::new(TimestampNanosecondArray::from(vec![1_001])), PrimitiveType::TimestampNtz, Some("1970-01-01T00:00:00.000001001"))]
    #[case(Arc::new(TimestampSecondArray::from(vec![i64::MAX])), PrimitiveType::TimestampNtz, Some("ERROR"))]
    fn values(#[case] from: ArrayRef, #[case] to: PrimitiveType, #[case] misfit: Option<&str>) {
        let found = Cast::new(from.data_type(), to).unwrap().apply(&from).err().map(|misfit| misfit.value);
        let is_expected = match (&found, misfit) {
            (Some(found), Some(expected)) => expected == "ERROR" || found == expected,
            (found, expected) => found.is_none() && expected.is_none(),
        };
        assert!(is_expected, "{found:?}");
    }

    /// A neighbour stored `True` as 1, `"7"` as 7 and 1.5 as 1.
    #[rstest]
    #[case(Arrow::Boolean, PrimitiveType::Integer)]
    #[case(Arrow::Utf8, PrimitiveType::Integer)]
    #[case(Arrow::Int32, PrimitiveType::String)]
    #[case(Arrow::Int32, PrimitiveType::Boolean)]
    #[case(Arrow::Utf8, PrimitiveType::Binary)]
    #[case(Arrow::Timestamp(TimeUnit::Microsecond, None), PrimitiveType::Timestamp)]
    #[case(Arrow::Int64, PrimitiveType::Timestamp)]
    #[case(Arrow::Int32, PrimitiveType::Date)]
    fn types_that_do_not_meet(#[case] from: Arrow, #[case] to: PrimitiveType) {
        assert!(Cast::new(&from, to).is_none());
    }
}
