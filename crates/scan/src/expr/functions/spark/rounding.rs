//! Rounding to a number of digits: of decimals exactly, of floats by their shortest decimal text, as Java does.

use super::super::ArgType;
use super::call::Call;
use super::function::{Function, Returns, library, overloaded, own};
use super::parameter::Param;
use crate::expr::bind::coerce::PRECISION_MAX;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Decimal128Array, Float32Array, Float64Array, Int64Array};
use arrow_schema::DataType;
use datafusion_spark::function::math as spark;
use deltaic_log::{Error, ErrorKind, Result};
use std::cmp::Ordering;
use std::sync::Arc;

/// Where values between two neighbours go.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    HalfUp,
    HalfEven,
    Ceiling,
    Floor,
}

/// `round` and `bround`.
pub(super) fn table() -> Vec<Function> {
    use Param::{Decimal, Int, Integral, Number};
    let decimal = |body| own(&[Decimal, Int], Returns::By(scaled), body).optional(1);
    let float = |body| own(&[Number, Int], Returns::Argument(0), body).optional(1);
    let integers = || library(&[Integral, Int], Returns::Argument(0), spark::round()).optional(1);
    vec![
        overloaded("round", &[], vec![decimal(round), integers(), float(round_float)]),
        overloaded(
            "bround",
            &[],
            vec![
                decimal(bround),
                own(&[Integral, Int], Returns::Argument(0), bround_integer).optional(1),
                float(bround_float),
            ],
        ),
    ]
}

/// The type of a decimal rounded to a whole number; other numbers become bigint.
pub(super) fn whole(_: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    Ok(match &arg_types[0] {
        DataType::Decimal128(precision, scale) => shape(i32::from(*precision) - i32::from(*scale) + 1, 0),
        _ => DataType::Int64,
    })
}

/// The type of a decimal rounded to a constant number of digits.
pub(super) fn scaled(args: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    let DataType::Decimal128(precision, scale) = arg_types[0] else {
        return Err(Error::new(ErrorKind::Internal, "only decimals have a scale"));
    };
    let (precision, scale) = (i32::from(precision), i32::from(scale));
    let digits = match args.get(1) {
        None => 0,
        Some(arg) => constant_digits(arg)?,
    };
    let whole = precision - scale + 1;
    Ok(if digits < 0 {
        shape(whole.max(digits.saturating_neg().saturating_add(1)), 0)
    } else {
        shape(whole + scale.min(digits), scale.min(digits))
    })
}

fn constant_digits(arg: &ArgType<'_>) -> Result<i32> {
    let misfit = || Error::new(ErrorKind::InvalidExpression, "the number of digits must be a constant integer");
    let constant = arg.constant.ok_or_else(misfit)?;
    if constant.data_type().is_null() || constant.is_null(0) {
        return Ok(0);
    }
    let wide = arrow_cast::cast(constant, &DataType::Int32)?;
    if wide.is_null(0) { Err(misfit()) } else { Ok(wide.as_primitive::<Int32Type>().value(0)) }
}

fn shape(precision: i32, scale: i32) -> DataType {
    let precision = u8::try_from(precision.clamp(1, i32::from(PRECISION_MAX))).unwrap_or(PRECISION_MAX);
    DataType::Decimal128(precision, i8::try_from(scale.clamp(0, i32::from(precision))).unwrap_or(0))
}

fn round(call: &Call<'_>) -> Result<ArrayRef> {
    decimals(call, Mode::HalfUp)
}

fn bround(call: &Call<'_>) -> Result<ArrayRef> {
    decimals(call, Mode::HalfEven)
}

/// `ceil` of decimals to a number of digits.
pub(super) fn ceil(call: &Call<'_>) -> Result<ArrayRef> {
    decimals(call, Mode::Ceiling)
}

/// `floor` of decimals to a number of digits.
pub(super) fn floor(call: &Call<'_>) -> Result<ArrayRef> {
    decimals(call, Mode::Floor)
}

fn round_float(call: &Call<'_>) -> Result<ArrayRef> {
    floats(call, Mode::HalfUp)
}

fn bround_float(call: &Call<'_>) -> Result<ArrayRef> {
    floats(call, Mode::HalfEven)
}

/// The library rounds integers half up only.
fn bround_integer(call: &Call<'_>) -> Result<ArrayRef> {
    let wide = arrow_cast::cast(&call.args[0], &DataType::Int64)?;
    let values = wide.as_primitive::<Int64Type>();
    call.collect::<Int64Array, i64>(|row| {
        let digits = if call.has(1) { call.int(1).value(row).min(0) } else { 0 };
        let quotient = rounded(values.value(row).into(), -i64::from(digits), Mode::HalfEven);
        let rounded = 10i128.checked_pow(digits.unsigned_abs()).map_or(Some(0), |unit| quotient.checked_mul(unit));
        let narrow = rounded.and_then(|value| i64::try_from(value).ok());
        narrow.map(Some).ok_or_else(|| call.failure(row, "the rounded value has too many digits"))
    })
}

fn decimals(call: &Call<'_>, mode: Mode) -> Result<ArrayRef> {
    let (DataType::Decimal128(_, from), DataType::Decimal128(precision, to)) =
        (call.args[0].data_type(), call.return_type)
    else {
        return Err(Error::new(ErrorKind::Internal, "only decimals are rounded as decimals"));
    };
    let (from, to) = (i32::from(*from), i32::from(*to));
    let values = call.primitive::<Decimal128Type>(0);
    let bound = 10i128.saturating_pow(u32::from(*precision));
    let one = |row: usize| {
        let digits = if call.has(1) { call.int(1).value(row) } else { 0 };
        let dropped = i64::from(from) - i64::from(digits.min(from));
        // Digits before the point are dropped, and zeros take their place.
        let zeros = u32::try_from(i64::from(to) - i64::from(digits.min(from))).unwrap_or(0);
        let rounded = rounded(values.value(row), dropped, mode);
        let value = 10i128.checked_pow(zeros).and_then(|ten| rounded.checked_mul(ten)).or((rounded == 0).then_some(0));
        match value.filter(|value| value.abs() < bound) {
            Some(value) => Ok(Some(value)),
            None => Err(call.failure(row, "the rounded value has too many digits")),
        }
    };
    let array = call.collect::<Decimal128Array, i128>(one)?;
    Ok(Arc::new(array.as_primitive::<Decimal128Type>().clone().with_data_type(call.return_type.clone())))
}

/// The value without its last `dropped` decimal digits.
fn rounded(value: i128, dropped: i64, mode: Mode) -> i128 {
    let Some(unit) = u32::try_from(dropped).ok().and_then(|dropped| 10i128.checked_pow(dropped)) else {
        return i128::from(away_from_zero(value, None, mode));
    };
    let (quotient, rest) = (value / unit, value % unit);
    quotient + i128::from(away_from_zero(if rest == 0 { 0 } else { value }, Some((quotient, rest, unit)), mode))
}

/// -1, 0 or 1: the step from the truncated quotient to the rounded one. Without a quotient the value is below half a unit.
fn away_from_zero(value: i128, division: Option<(i128, i128, i128)>, mode: Mode) -> i8 {
    if value == 0 {
        return 0;
    }
    let sign = if value < 0 { -1 } else { 1 };
    let (to_half, odd) = match division {
        Some((quotient, rest, unit)) => {
            (rest.unsigned_abs().cmp(&(unit.unsigned_abs() - rest.unsigned_abs())), quotient % 2 != 0)
        }
        None => (Ordering::Less, false),
    };
    let steps = match mode {
        Mode::HalfUp => to_half != Ordering::Less,
        Mode::HalfEven => to_half == Ordering::Greater || to_half == Ordering::Equal && odd,
        Mode::Ceiling => sign > 0,
        Mode::Floor => sign < 0,
    };
    if steps { sign } else { 0 }
}

fn floats(call: &Call<'_>, mode: Mode) -> Result<ArrayRef> {
    let digits = |row: usize| if call.has(1) { call.int(1).value(row) } else { 0 };
    match call.args[0].data_type() {
        DataType::Float32 => {
            let values = call.args[0].as_primitive::<arrow_array::types::Float32Type>();
            call.collect::<Float32Array, f32>(|row| {
                let value = round_text(f64::from(values.value(row)), digits(row), mode);
                Ok(Some(value as f32))
            })
        }
        _ => {
            let values = call.double(0);
            call.collect::<Float64Array, f64>(|row| Ok(Some(round_text(values.value(row), digits(row), mode))))
        }
    }
}

/// Rounds the shortest decimal that reads back as the value.
fn round_text(value: f64, digits: i32, mode: Mode) -> f64 {
    if !value.is_finite() || value == 0.0 {
        return value;
    }
    let text = format!("{value:e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return value };
    let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let unscaled: String = mantissa.chars().filter(|c| *c != '.').collect();
    let (Ok(unscaled), Ok(exponent), Ok(fraction)) =
        (unscaled.parse::<i128>(), exponent.parse::<i64>(), i64::try_from(fraction))
    else {
        return value;
    };
    // value = unscaled * 10^(exponent - fraction)
    let dropped = fraction - exponent - i64::from(digits);
    if dropped <= 0 {
        return value;
    }
    format!("{}e{}", rounded(unscaled, dropped, mode), exponent - fraction + dropped).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_round_by_their_text() {
        for (value, digits, up, even) in [
            (1.005, 2, 1.01, 1.0),
            (2.675, 2, 2.68, 2.68),
            (2.5, 0, 3.0, 2.0),
            (-2.5, 0, -3.0, -2.0),
            (1e300, 2, 1e300, 1e300),
            (12345.678, -2, 12300.0, 12300.0),
            (5e-324, 3, 0.0, 0.0),
        ] {
            assert_eq!(round_text(value, digits, Mode::HalfUp), up);
            assert_eq!(round_text(value, digits, Mode::HalfEven), even);
        }
    }

    #[test]
    fn digits_are_dropped_by_mode() {
        let all = |value, dropped| {
            [Mode::HalfUp, Mode::HalfEven, Mode::Ceiling, Mode::Floor].map(|mode| rounded(value, dropped, mode))
        };
        assert_eq!(all(25, 1), [3, 2, 3, 2]);
        assert_eq!(all(-25, 1), [-3, -2, -2, -3]);
        assert_eq!(all(7, 60), [0, 0, 1, 0]);
        assert_eq!(all(40, 1), [4, 4, 4, 4]);
    }
}
