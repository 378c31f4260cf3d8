use super::{interval, scalar};
use crate::Result;
use crate::scalar_text as text;
use crate::schema::{DataType, PrimitiveType};
use arrow_array::builder::{BinaryBuilder, BooleanBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::{ArrayRef, ArrowPrimitiveType, new_null_array, types};
use std::sync::Arc;

/// The values of a partition column, parsed together: [`super::Scalar::parse`] for each text, into one Arrow array of
/// the type that [`DataType::to_arrow`] gives.
///
/// ```
/// use deltaic_log::{partition_value::parse_column, schema::PrimitiveType};
/// use arrow_array::{Array, Int32Array, cast::AsArray, types::Int32Type};
/// let values = [Some("7"), None, Some("")];
/// let column = parse_column(values, &PrimitiveType::Integer.into())?;
/// assert_eq!(column.as_primitive::<Int32Type>(), &Int32Array::from(vec![Some(7), None, None]));
/// # Ok::<(), deltaic_log::Error>(())
/// ```
pub fn parse_column<'a>(values: impl IntoIterator<Item = Option<&'a str>>, data_type: &DataType) -> Result<ArrayRef> {
    let values = values.into_iter().map(|value| value.filter(|value| !value.is_empty()));
    let column = Column { data_type };
    match data_type.as_primitive() {
        Some(PrimitiveType::String) => column.strings(values),
        Some(PrimitiveType::Binary) => column.binaries(values),
        Some(PrimitiveType::Boolean) => column.booleans(values),
        Some(PrimitiveType::Long) => column.numbers::<types::Int64Type>(values, text::integer),
        Some(PrimitiveType::Integer) => column.numbers::<types::Int32Type>(values, narrow),
        Some(PrimitiveType::Short) => column.numbers::<types::Int16Type>(values, narrow),
        Some(PrimitiveType::Byte) => column.numbers::<types::Int8Type>(values, narrow),
        Some(PrimitiveType::Float) => column.numbers::<types::Float32Type>(values, text::float),
        Some(PrimitiveType::Double) => column.numbers::<types::Float64Type>(values, text::float),
        Some(PrimitiveType::Decimal(decimal)) => {
            column.numbers::<types::Decimal128Type>(values, |bytes| scalar::decimal(bytes, decimal))
        }
        Some(PrimitiveType::Date) => column.numbers::<types::Date32Type>(values, text::date),
        Some(PrimitiveType::Timestamp) => column.numbers::<types::TimestampMicrosecondType>(values, scalar::timestamp),
        Some(PrimitiveType::TimestampNtz) => {
            column.numbers::<types::TimestampMicrosecondType>(values, scalar::timestamp_ntz)
        }
        Some(PrimitiveType::IntervalYearMonth) => {
            column.numbers::<types::IntervalYearMonthType>(values, interval::year_month)
        }
        Some(PrimitiveType::IntervalDaySecond) => {
            column.numbers::<types::DurationMicrosecondType>(values, interval::day_second)
        }
        Some(PrimitiveType::Void) | None => column.nulls(values),
    }
}

fn narrow<T: TryFrom<i64>>(bytes: &[u8]) -> Option<T> {
    T::try_from(text::integer(bytes)?).ok()
}

struct Column<'t> {
    data_type: &'t DataType,
}

impl Column<'_> {
    fn numbers<'a, T: ArrowPrimitiveType>(
        &self,
        values: impl Iterator<Item = Option<&'a str>>,
        parse: impl Fn(&[u8]) -> Option<T::Native>,
    ) -> Result<ArrayRef> {
        let mut builder = PrimitiveBuilder::<T>::new().with_data_type(self.data_type.to_arrow());
        for value in values {
            builder.append_option(self.each(value, |value| parse(value.trim().as_bytes()))?);
        }
        Ok(Arc::new(builder.finish()))
    }

    fn booleans<'a>(&self, values: impl Iterator<Item = Option<&'a str>>) -> Result<ArrayRef> {
        let mut builder = BooleanBuilder::new();
        for value in values {
            builder.append_option(self.each(value, |value| text::boolean(value.trim().as_bytes()))?);
        }
        Ok(Arc::new(builder.finish()))
    }

    fn strings<'a>(&self, values: impl Iterator<Item = Option<&'a str>>) -> Result<ArrayRef> {
        let mut builder = StringBuilder::new();
        values.for_each(|value| builder.append_option(value));
        Ok(Arc::new(builder.finish()))
    }

    fn binaries<'a>(&self, values: impl Iterator<Item = Option<&'a str>>) -> Result<ArrayRef> {
        let mut builder = BinaryBuilder::new();
        values.for_each(|value| builder.append_option(value.map(scalar::binary)));
        Ok(Arc::new(builder.finish()))
    }

    /// A column whose type has no values: each must be null.
    fn nulls<'a>(&self, values: impl Iterator<Item = Option<&'a str>>) -> Result<ArrayRef> {
        let mut count = 0;
        for value in values {
            self.each(value, |_| None::<()>)?;
            count += 1;
        }
        Ok(new_null_array(&self.data_type.to_arrow(), count))
    }

    fn each<'a, T>(&self, value: Option<&'a str>, parse: impl FnOnce(&'a str) -> Option<T>) -> Result<Option<T>> {
        let parsed = value.map(|value| parse(value).ok_or_else(|| scalar::no_value(value, self.data_type)));
        parsed.transpose()
    }
}
