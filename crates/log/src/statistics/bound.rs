//! From the text of a bound to a typed bound, always on the safe side.
//!
//! What is written is not always what is in the file. Timestamps are cut to milliseconds and strings to a prefix; some
//! writers pass decimals through floating point; and files that are older than a widening of their column's type wrote
//! the old type. Each of these moves a bound outwards here, so that it holds whoever wrote it.

use super::wanted::Token;
use crate::Result;
use crate::scalar_text::{self as text, DecimalText, Rounding, Zone};
use crate::schema::{DataType, DecimalType, PrimitiveType, StructField};
use arrow_array::builder::{BooleanBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, new_null_array, types};
use arrow_cast::{CastOptions, cast_with_options};
use std::sync::Arc;

/// Which end of a column's values a bound is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// No value is less.
    Min,
    /// No value is greater.
    Max,
}

/// What bounds are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// To skip files: moved outwards by whatever a writer may have lost.
    Safe,
    /// To be written again: as they are.
    AsWritten,
}

/// How many microseconds a timestamp may lose when it is cut to milliseconds.
const LOST_MICROS_MAX: i64 = 999;
/// Decimals of fewer digits survive the way through a double.
const EXACT_IN_A_DOUBLE: u128 = 1_000_000_000_000_000;

/// Collects the bounds of one column, a file at a time.
pub(super) trait BoundsBuilder: Send {
    fn push(&mut self, bounds: [Option<TokenText<'_>>; 2]);
    /// The lower and the upper bounds.
    fn finish(&mut self) -> [ArrayRef; 2];
}

/// A token with the text that it is a range of.
#[derive(Clone, Copy)]
pub(super) struct TokenText<'t> {
    bytes: &'t [u8],
    quoted: bool,
}

impl<'t> TokenText<'t> {
    pub(super) fn new(token: &Token, text: &'t [u8]) -> Option<Self> {
        Some(Self { bytes: text.get(token.range.clone())?, quoted: token.quoted })
    }

    /// The text of a value that JSON does not quote.
    pub(super) fn bare(self) -> Option<&'t [u8]> {
        (!self.quoted).then_some(self.bytes)
    }

    fn string(self) -> Option<&'t str> {
        std::str::from_utf8(self.quoted()?).ok()
    }

    /// The text of a value that JSON quotes.
    fn quoted(self) -> Option<&'t [u8]> {
        self.quoted.then_some(self.bytes)
    }
}

/// The builder for a column's bounds; columns that have none get nulls.
pub(super) fn builder(field: &StructField, reading: Reading) -> Box<dyn BoundsBuilder> {
    use PrimitiveType as P;
    let safe = reading == Reading::Safe;
    match field.data_type.as_primitive() {
        Some(P::String) => Box::new(Strings::default()),
        Some(P::Boolean) => Box::new(Booleans::default()),
        Some(P::Long) => integers::<types::Int64Type>(field),
        Some(P::Integer) => integers::<types::Int32Type>(field),
        Some(P::Short) => integers::<types::Int16Type>(field),
        Some(P::Byte) => integers::<types::Int8Type>(field),
        Some(P::Float) => {
            numbers::<types::Float32Type>(field, move |token, _| float(token).filter(|v: &f32| !(safe && v.is_nan())))
        }
        Some(P::Double) if !safe => numbers::<types::Float64Type>(field, |token, _| float(token)),
        Some(P::Double) => {
            let once_float = was_float(field);
            numbers::<types::Float64Type>(field, move |token, side| double(float(token)?, once_float, side))
        }
        // What was lost on the way to this text stays lost: typed, a bound is taken for exact.
        Some(P::Decimal(to)) => numbers::<types::Decimal128Type>(field, move |token, side| decimal(token, to, side)),
        Some(P::Date) => numbers::<types::Date32Type>(field, |token, _| text::date(token.quoted()?)),
        Some(P::Timestamp) => timestamps(field, Zone::Absent, safe),
        Some(P::TimestampNtz) => timestamps(field, Zone::Offset, safe),
        _ => Box::new(Unbounded { data_type: field.data_type.clone(), count: 0 }),
    }
}

/// Timestamps whose text may not name its zone like this.
fn timestamps(field: &StructField, unlike: Zone, safe: bool) -> Box<dyn BoundsBuilder> {
    numbers::<types::TimestampMicrosecondType>(field, move |token, side| {
        let (micros, zone) = text::timestamp(token.quoted()?)?;
        (zone != unlike).then(|| if safe { uncut(micros, side) } else { micros })
    })
}

/// The bounds of a column that a checkpoint holds typed, in the type and with the safety of those parsed from text.
///
/// Bounds in a type that the column's type cannot have been widened from are unknown.
pub fn parsed_bounds(field: &StructField, side: Side, bounds: &dyn Array) -> Result<ArrayRef> {
    let wanted = field.data_type.to_arrow();
    let held = StructField::from_arrow(&arrow_schema::Field::new("", bounds.data_type().clone(), true))
        .ok()
        .and_then(|held| held.data_type.as_primitive());
    let readable = held.zip(field.data_type.as_primitive()).filter(|(held, to)| held.widens_to(*to) && has_bounds(*to));
    let Some((_, primitive)) = readable else { return Ok(new_null_array(&wanted, bounds.len())) };
    let cast = cast_with_options(bounds, &wanted, &CastOptions { safe: true, ..CastOptions::default() })?;
    Ok(match primitive {
        PrimitiveType::Float => {
            let kept = |value: f32| (!value.is_nan()).then_some(value);
            Arc::new(cast.as_primitive::<types::Float32Type>().unary_opt::<_, types::Float32Type>(kept))
        }
        PrimitiveType::Double => {
            let once_float = was_float(field);
            let outwards = |value| double(value, once_float, side);
            Arc::new(cast.as_primitive::<types::Float64Type>().unary_opt::<_, types::Float64Type>(outwards))
        }
        PrimitiveType::Timestamp | PrimitiveType::TimestampNtz => {
            let micros = cast.as_primitive::<types::TimestampMicrosecondType>();
            let uncut: PrimitiveArray<types::TimestampMicrosecondType> = micros.unary(|micros| uncut(micros, side));
            Arc::new(uncut.with_data_type(wanted))
        }
        _ => cast,
    })
}

/// Whether the specification has bounds for the type.
fn has_bounds(primitive: PrimitiveType) -> bool {
    use PrimitiveType as P;
    !matches!(primitive, P::Binary | P::Void | P::IntervalYearMonth | P::IntervalDaySecond)
}

fn was_float(field: &StructField) -> bool {
    // Changes that cannot be read make the table unreadable, long before its statistics matter.
    field.type_changes().map_or(true, |changes| changes.iter().any(|change| change.from == PrimitiveType::Float))
}

fn float<F: std::str::FromStr>(token: TokenText<'_>) -> Option<F> {
    text::float(token.bytes)
}

/// A bound of doubles. Where the column held floats once, the text `3.4` may stand for the float next to it, which as a
/// double is 3.4000000953674316: the bound is the outer one of the two.
fn double(value: f64, once_float: bool, side: Side) -> Option<f64> {
    if value.is_nan() {
        return None;
    }
    let as_float = f64::from(value as f32);
    Some(match side {
        _ if !once_float => value,
        Side::Min => value.min(as_float),
        Side::Max => value.max(as_float),
    })
}

/// A bound of decimals. A number may have lost digits on its way through a double, a quoted one has not.
fn decimal(token: TokenText<'_>, to: DecimalType, side: Side) -> Option<i128> {
    let rounding = if side == Side::Min { Rounding::Floor } else { Rounding::Ceiling };
    let unscaled = DecimalText::parse(token.bytes)?.rescale(to, rounding)?;
    if token.quoted || unscaled.unsigned_abs() < EXACT_IN_A_DOUBLE {
        return Some(unscaled);
    }
    let lost_max = (unscaled.unsigned_abs() >> 50) as i128 + 1;
    let outwards = if side == Side::Min { unscaled.checked_sub(lost_max)? } else { unscaled.checked_add(lost_max)? };
    Some(outwards).filter(|outwards| text::fits(*outwards, to))
}

/// A bound of timestamps that were cut down to milliseconds.
fn uncut(micros: i64, side: Side) -> i64 {
    match side {
        Side::Min => micros,
        Side::Max => micros.saturating_add(LOST_MICROS_MAX),
    }
}

fn integers<T: ArrowPrimitiveType<Native: TryFrom<i64>>>(field: &StructField) -> Box<dyn BoundsBuilder> {
    numbers::<T>(field, |token, _| text::integer(token.bare()?)?.try_into().ok())
}

struct Numbers<T: ArrowPrimitiveType, P> {
    parse: P,
    min: PrimitiveBuilder<T>,
    max: PrimitiveBuilder<T>,
}

fn numbers<T: ArrowPrimitiveType>(
    field: &StructField,
    parse: impl Fn(TokenText<'_>, Side) -> Option<T::Native> + Send + 'static,
) -> Box<dyn BoundsBuilder> {
    let empty = || PrimitiveBuilder::<T>::new().with_data_type(field.data_type.to_arrow());
    Box::new(Numbers { parse, min: empty(), max: empty() })
}

impl<T: ArrowPrimitiveType, P> BoundsBuilder for Numbers<T, P>
where
    P: Fn(TokenText<'_>, Side) -> Option<T::Native> + Send,
{
    fn push(&mut self, [min, max]: [Option<TokenText<'_>>; 2]) {
        self.min.append_option(min.and_then(|min| (self.parse)(min, Side::Min)));
        self.max.append_option(max.and_then(|max| (self.parse)(max, Side::Max)));
    }

    fn finish(&mut self) -> [ArrayRef; 2] {
        [Arc::new(self.min.finish()), Arc::new(self.max.finish())]
    }
}

/// A prefix bounds from below, a prefix with a tie-breaker from above: both hold as they are written.
#[derive(Default)]
struct Strings {
    min: StringBuilder,
    max: StringBuilder,
}

impl BoundsBuilder for Strings {
    fn push(&mut self, [min, max]: [Option<TokenText<'_>>; 2]) {
        self.min.append_option(min.and_then(TokenText::string));
        self.max.append_option(max.and_then(TokenText::string));
    }

    fn finish(&mut self) -> [ArrayRef; 2] {
        [Arc::new(self.min.finish()), Arc::new(self.max.finish())]
    }
}

#[derive(Default)]
struct Booleans {
    min: BooleanBuilder,
    max: BooleanBuilder,
}

impl BoundsBuilder for Booleans {
    fn push(&mut self, [min, max]: [Option<TokenText<'_>>; 2]) {
        let boolean = |token: Option<TokenText<'_>>| text::boolean(token?.bare()?);
        self.min.append_option(boolean(min));
        self.max.append_option(boolean(max));
    }

    fn finish(&mut self) -> [ArrayRef; 2] {
        [Arc::new(self.min.finish()), Arc::new(self.max.finish())]
    }
}

/// A column whose type has no order that bounds could be in.
struct Unbounded {
    data_type: DataType,
    count: usize,
}

impl BoundsBuilder for Unbounded {
    fn push(&mut self, _: [Option<TokenText<'_>>; 2]) {
        self.count += 1;
    }

    fn finish(&mut self) -> [ArrayRef; 2] {
        let nulls = new_null_array(&self.data_type.to_arrow(), std::mem::take(&mut self.count));
        [Arc::clone(&nulls), nulls]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Float64Array, Int32Array, TimestampMicrosecondArray};

    fn bounds(data_type: &str, side: Side, held: &dyn Array) -> ArrayRef {
        parsed_bounds(&StructField::nullable("x", data_type.parse::<DataType>().unwrap()), side, held).unwrap()
    }

    #[test]
    fn typed_bounds_are_widened_as_those_in_text() {
        let held = Int32Array::from(vec![Some(7), None]);
        assert_eq!(
            bounds("long", Side::Min, &held).as_primitive::<types::Int64Type>().iter().collect::<Vec<_>>(),
            [Some(7), None]
        );
        let held = TimestampMicrosecondArray::from(vec![1_000, i64::MAX]).with_timezone("UTC");
        let max = bounds("timestamp", Side::Max, &held);
        assert_eq!(max.as_primitive::<types::TimestampMicrosecondType>().values(), &[1_999, i64::MAX]);
        let held = Float64Array::from(vec![1.5, f64::NAN]);
        assert_eq!(bounds("double", Side::Max, &held).null_count(), 1);
    }

    #[test]
    fn a_type_that_is_none_of_the_columns_says_nothing() {
        let held = Float64Array::from(vec![1.5]);
        assert_eq!(bounds("decimal(10,0)", Side::Min, &held).null_count(), 1);
        assert_eq!(bounds("string", Side::Min, &held).null_count(), 1);
    }
}
