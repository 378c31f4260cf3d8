//! Numbers and Booleans.

use super::super::eval::decimal::{magnitude, power_of_ten, rescaled};
use super::super::number_text;
use super::{Conversion, with_primitive};
use arrow_array::cast::AsArray;
use arrow_array::types::{self, Decimal128Type};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, BooleanArray};
use arrow_buffer::i256;
use arrow_schema::DataType;
use arrow_select::nullif::nullif;
use deltaic_log::{Error, ErrorKind, Result};
use std::sync::Arc;

/// Any number or Boolean to any other.
pub(super) fn between(cast: &Conversion<'_>, values: &ArrayRef) -> Result<ArrayRef> {
    match (values.data_type(), cast.to) {
        (_, DataType::Boolean) => to_boolean(values),
        (DataType::Boolean, _) => from_boolean(cast, values),
        (DataType::Decimal128(_, scale), DataType::Decimal128(precision, to_scale)) => {
            let shift = i32::from(*to_scale) - i32::from(*scale);
            cast.map::<Decimal128Type, Decimal128Type>(values, |v| rescale(v, shift, *precision))
        }
        (DataType::Decimal128(_, scale), to) => {
            let scale = u8::try_from(*scale).unwrap_or(0);
            with_primitive!(to, T => cast.map::<Decimal128Type, T>(values, |v| Number::from_decimal(v, scale)))
        }
        (DataType::Float32 | DataType::Float64, DataType::Decimal128(..)) if has_non_finite(values) => {
            between(cast, &finite(values)?)
        }
        (from, DataType::Decimal128(precision, scale)) => {
            let (precision, scale) = (*precision, u8::try_from(*scale).unwrap_or(0));
            with_primitive!(from, F => cast.map::<F, Decimal128Type>(values, |v| v.to_decimal(precision, scale)))
        }
        (from, to) => with_primitive!(from, F => between_plain::<F>(cast, values, to)),
    }
}

fn between_plain<F: ArrowPrimitiveType>(cast: &Conversion<'_>, values: &ArrayRef, to: &DataType) -> Result<ArrayRef>
where
    F::Native: Number,
{
    with_primitive!(to, T => cast.map::<F, T>(values, Number::from_number))
}

/// What casts need of a number.
pub(super) trait Number: Copy {
    /// The number as an integer, cut towards zero, if it is one at all.
    fn whole(self) -> Option<i128>;
    /// The nearest double.
    fn double(self) -> f64;
    /// The same number in this type, if it fits. Whole numbers are cut, floats rounded to the nearest.
    fn from_number<N: Number>(number: N) -> Option<Self>;
    /// The decimal `unscaled / 10^scale` in this type, if it fits.
    fn from_decimal(unscaled: i128, scale: u8) -> Option<Self>;
    /// The number with `scale` digits after the point, unscaled, if `precision` digits suffice.
    fn to_decimal(self, precision: u8, scale: u8) -> Option<i128>;
}

macro_rules! integer {
    ($($type:ty),*) => {$(
        impl Number for $type {
            fn whole(self) -> Option<i128> {
                Some(self.into())
            }

            fn double(self) -> f64 {
                self as f64
            }

            fn from_number<N: Number>(number: N) -> Option<Self> {
                number.whole()?.try_into().ok()
            }

            fn from_decimal(unscaled: i128, scale: u8) -> Option<Self> {
                (unscaled / 10i128.checked_pow(scale.into())?).try_into().ok()
            }

            fn to_decimal(self, precision: u8, scale: u8) -> Option<i128> {
                rescale(self.into(), scale.into(), precision)
            }
        }
    )*};
}

macro_rules! float {
    ($($type:ty),*) => {$(
        impl Number for $type {
            fn whole(self) -> Option<i128> {
                const EDGE: $type = 1e30;
                (self.abs() < EDGE).then_some(self as i128)
            }

            fn double(self) -> f64 {
                self.into()
            }

            fn from_number<N: Number>(number: N) -> Option<Self> {
                Some(number.double() as $type)
            }

            fn from_decimal(unscaled: i128, scale: u8) -> Option<Self> {
                number_text::decimal(unscaled, scale).parse().ok()
            }

            fn to_decimal(self, precision: u8, scale: u8) -> Option<i128> {
                // By its shortest digits, as java.math.BigDecimal.valueOf: 0.1 is 0.1, not 0.1000000000000000055.
                let unscaled = number_text::parse_decimal(&number_text::double(self.into()))?.to_unscaled(scale)?;
                rescale(unscaled, 0, precision)
            }
        }
    )*};
}

integer!(i8, i16, i32, i64);
float!(f32, f64);

/// A decimal with `shift` more digits after the point, rounded half up, if `precision` digits suffice.
pub(super) fn rescale(unscaled: i128, shift: i32, precision: u8) -> Option<i128> {
    let value = rescaled(i256::from_i128(unscaled), shift)?;
    (magnitude(value) < power_of_ten(precision.into())?).then(|| value.to_i128())?
}

/// Spark has null for the decimal of a float that is no number, even where other failures are errors.
fn finite(values: &ArrayRef) -> Result<ArrayRef> {
    Ok(nullif(values, &non_finite(values)?)?)
}

fn has_non_finite(values: &ArrayRef) -> bool {
    non_finite(values).is_ok_and(|mask| mask.has_true())
}

fn non_finite(values: &ArrayRef) -> Result<BooleanArray> {
    with_primitive!(values.data_type(), F => {
        Ok(BooleanArray::from_unary(values.as_primitive::<F>(), |v| !v.double().is_finite()))
    })
}

fn to_boolean(values: &ArrayRef) -> Result<ArrayRef> {
    let nonzero: Result<BooleanArray> = match values.data_type() {
        DataType::Decimal128(..) => Ok(BooleanArray::from_unary(values.as_primitive::<Decimal128Type>(), |v| v != 0)),
        from => with_primitive!(from, F => {
            Ok(BooleanArray::from_unary(values.as_primitive::<F>(), |v| v.double() != 0.0))
        }),
    };
    Ok(Arc::new(nonzero?))
}

fn from_boolean(cast: &Conversion<'_>, values: &ArrayRef) -> Result<ArrayRef> {
    let flags = values.as_boolean();
    match cast.to {
        DataType::Decimal128(precision, scale) => {
            cast.collect::<Decimal128Type>(flags, |row| rescale(flags.value(row).into(), i32::from(*scale), *precision))
        }
        to => with_primitive!(to, T => cast.collect::<T>(flags, |row| {
            Number::from_number(i8::from(flags.value(row)))
        })),
    }
}
