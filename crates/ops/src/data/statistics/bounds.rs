//! The least and the greatest value of a column.

use arrow_arith::aggregate::{max, max_string, min, min_string};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray, StringArray};
use arrow_buffer::NullBuffer;
use chrono::{DateTime, Days, NaiveDate};
use deltaic_log::schema::{DataType, PrimitiveType};
use deltaic_log::{Error, ErrorKind, Result};

use super::collector::quoted;
use super::text::{prefix, prefix_above};

/// Both bounds, as far as values came; by what is compared.
#[derive(Clone, Debug)]
pub(crate) enum Bounds {
    /// The type has none.
    Unknown,
    Numbers {
        data_type: PrimitiveType,
        found: Option<(i128, i128)>,
    },
    /// Of either width: each is exact in the wider.
    Floats {
        data_type: PrimitiveType,
        found: Option<(f64, f64)>,
    },
    Strings {
        prefix_length: usize,
        found: Option<(String, String)>,
    },
}

impl Bounds {
    pub(super) fn of(data_type: &DataType, prefix_length: usize) -> Self {
        use PrimitiveType as P;
        match data_type.as_primitive() {
            Some(P::String) => Self::Strings { prefix_length, found: None },
            Some(data_type @ (P::Float | P::Double)) => Self::Floats { data_type, found: None },
            Some(
                data_type @ (P::Long
                | P::Integer
                | P::Short
                | P::Byte
                | P::Decimal(_)
                | P::Date
                | P::Timestamp
                | P::TimestampNtz),
            ) => Self::Numbers { data_type, found: None },
            _ => Self::Unknown,
        }
    }

    /// Whether the type has bounds.
    pub(super) fn are_known(&self) -> bool {
        !matches!(self, Self::Unknown)
    }

    /// Takes these values into account, but for those that `nulls` says are none.
    pub(super) fn update(&mut self, array: &ArrayRef, nulls: Option<NullBuffer>) -> Result<()> {
        use PrimitiveType as P;
        match self {
            Self::Unknown => {}
            Self::Numbers { data_type, found } => {
                let here = match data_type {
                    P::Long => numbers::<Int64Type>(array, nulls),
                    P::Integer => numbers::<Int32Type>(array, nulls),
                    P::Short => numbers::<Int16Type>(array, nulls),
                    P::Byte => numbers::<Int8Type>(array, nulls),
                    P::Date => numbers::<Date32Type>(array, nulls),
                    P::Timestamp | P::TimestampNtz => numbers::<TimestampMicrosecondType>(array, nulls),
                    P::Decimal(_) => numbers::<Decimal128Type>(array, nulls),
                    other => return Err(not_a_number(*other)),
                };
                *found = merge(found.take(), here, i128::min, i128::max);
            }
            Self::Floats { data_type, found } => {
                let here = match data_type {
                    P::Float => floats::<Float32Type>(array, nulls.as_ref()),
                    _ => floats::<Float64Type>(array, nulls.as_ref()),
                };
                *found = merge(found.take(), here, least, greatest);
            }
            Self::Strings { found, .. } => {
                let array = array.as_string::<i32>();
                let array = StringArray::new(array.offsets().clone(), array.values().clone(), nulls);
                let here = min_string(&array).zip(max_string(&array));
                merge_strings(found, here);
            }
        }
        Ok(())
    }

    pub(super) fn min(&self) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Numbers { data_type, found } => number_text(found.as_ref()?.0, *data_type),
            Self::Floats { data_type, found } => Some(float_text(found.as_ref()?.0, *data_type)),
            Self::Strings { prefix_length, found } => Some(quoted(prefix(&found.as_ref()?.0, *prefix_length))),
        }
    }

    pub(super) fn max(&self) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Numbers { data_type, found } => number_text(found.as_ref()?.1, *data_type),
            Self::Floats { data_type, found } => Some(float_text(found.as_ref()?.1, *data_type)),
            Self::Strings { prefix_length, found } => {
                prefix_above(&found.as_ref()?.1, *prefix_length).map(|text| quoted(&text))
            }
        }
    }
}

fn not_a_number(data_type: PrimitiveType) -> Error {
    Error::new(ErrorKind::Internal, format!("a column of type {data_type} is no column of numbers"))
}

fn merge<T: Copy>(
    a: Option<(T, T)>,
    b: Option<(T, T)>,
    least: impl Fn(T, T) -> T,
    greatest: impl Fn(T, T) -> T,
) -> Option<(T, T)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((least(a.0, b.0), greatest(a.1, b.1))),
        (a, b) => a.or(b),
    }
}

/// Allocates for new bounds alone.
fn merge_strings(found: &mut Option<(String, String)>, here: Option<(&str, &str)>) {
    let Some((low, high)) = here else { return };
    match found {
        None => *found = Some((low.to_owned(), high.to_owned())),
        Some((least, greatest)) => {
            if low < least.as_str() {
                *least = low.to_owned();
            }
            if high > greatest.as_str() {
                *greatest = high.to_owned();
            }
        }
    }
}

fn numbers<T: ArrowPrimitiveType<Native: PartialOrd + Into<i128>>>(
    array: &ArrayRef,
    nulls: Option<NullBuffer>,
) -> Option<(i128, i128)> {
    let values = PrimitiveArray::<T>::new(array.as_primitive::<T>().values().clone(), nulls);
    min(&values).zip(max(&values)).map(|(low, high)| (low.into(), high.into()))
}

fn floats<T: ArrowPrimitiveType<Native: Into<f64>>>(
    array: &ArrayRef,
    nulls: Option<&NullBuffer>,
) -> Option<(f64, f64)> {
    let values = array.as_primitive::<T>().values();
    let fold = |found: Option<(f64, f64)>, value: f64| merge(found, Some((value, value)), least, greatest);
    match nulls {
        None => values.iter().map(|value| (*value).into()).fold(None, fold),
        Some(nulls) => nulls.valid_indices().map(|row| values[row].into()).fold(None, fold),
    }
}

/// In an order where NaN is the greatest. Of the zeros, the negative one is the least, whatever the reader's order.
fn least(a: f64, b: f64) -> f64 {
    match (a.is_nan(), b.is_nan()) {
        (true, _) => b,
        (_, true) => a,
        _ if a == b => {
            if a.is_sign_negative() {
                a
            } else {
                b
            }
        }
        _ => a.min(b),
    }
}

fn greatest(a: f64, b: f64) -> f64 {
    match (a.is_nan(), b.is_nan()) {
        (true, _) | (_, true) => f64::NAN,
        _ if a == b => {
            if a.is_sign_negative() {
                b
            } else {
                a
            }
        }
        _ => a.max(b),
    }
}

/// `None` for a time outside of the calendar.
fn number_text(value: i128, data_type: PrimitiveType) -> Option<String> {
    match data_type {
        PrimitiveType::Date => {
            let days = i64::try_from(value).ok()?;
            let (epoch, distance) = (NaiveDate::default(), Days::new(days.unsigned_abs()));
            let date = if days < 0 { epoch.checked_sub_days(distance) } else { epoch.checked_add_days(distance) };
            Some(format!("\"{}\"", date?.format("%Y-%m-%d")))
        }
        PrimitiveType::Timestamp => Some(format!("\"{}Z\"", milliseconds(value)?)),
        PrimitiveType::TimestampNtz => Some(format!("\"{}\"", milliseconds(value)?)),
        PrimitiveType::Decimal(decimal) => Some(decimal_text(value, usize::from(decimal.scale))),
        _ => Some(value.to_string()),
    }
}

fn milliseconds(micros: i128) -> Option<String> {
    let millis = i64::try_from(micros.div_euclid(1_000)).ok()?;
    Some(DateTime::from_timestamp_millis(millis)?.format("%Y-%m-%dT%H:%M:%S%.3f").to_string())
}

fn decimal_text(unscaled: i128, scale: usize) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// The shortest number that reads back, in the column's own width.
fn float_text(value: f64, data_type: PrimitiveType) -> String {
    if value.is_nan() {
        return "\"NaN\"".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" }.to_owned();
    }
    match data_type {
        PrimitiveType::Float => format!("{:?}", value as f32),
        _ => format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_and_nan() {
        for (values, expected) in [
            (vec![0.0, -0.0], ("-0.0", "0.0")),
            (vec![-0.0, 0.0], ("-0.0", "0.0")),
            (vec![1.0, f64::NAN], ("1.0", "\"NaN\"")),
            (vec![f64::NAN], ("\"NaN\"", "\"NaN\"")),
            (vec![f64::INFINITY, f64::NEG_INFINITY], ("\"-Infinity\"", "\"Infinity\"")),
        ] {
            let mut bounds = Bounds::of(&PrimitiveType::Double.into(), 32);
            for value in values {
                bounds
                    .update(&(std::sync::Arc::new(arrow_array::Float64Array::from(vec![value])) as ArrayRef), None)
                    .unwrap();
            }
            assert_eq!((bounds.min().as_deref(), bounds.max().as_deref()), (Some(expected.0), Some(expected.1)));
        }
    }

    #[test]
    fn times_are_cut_downwards() {
        assert_eq!(number_text(-1, PrimitiveType::Timestamp).unwrap(), "\"1969-12-31T23:59:59.999Z\"");
        assert_eq!(number_text(1_999, PrimitiveType::TimestampNtz).unwrap(), "\"1970-01-01T00:00:00.001\"");
        assert_eq!(number_text(i128::from(i64::MAX), PrimitiveType::Timestamp), None);
        assert_eq!(number_text(-1, PrimitiveType::Date).unwrap(), "\"1969-12-31\"");
    }
}
