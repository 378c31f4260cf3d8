//! Casts, by Spark's ANSI rules: what does not fit is an error (`CAST`) or null (`TRY_CAST`), never a changed value.
//!
//! Numbers round half up towards fewer digits after the point and are cut to whole numbers; strings are trimmed; a timestamp meets a date or a string in the
//! session's time zone, and a number as seconds since the epoch.

mod number;
mod text;
mod time;

use super::expr::OnCastFailure;
use super::scalar::Scalar;
use super::sql_type::{describe, primitive_type};
use super::time_zone::Zone;
use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, ListArray, MapArray, PrimitiveArray, StructArray, new_null_array,
};
use arrow_schema::{DataType, Fields};
use deltaic_log::{Error, ErrorKind, Result};
use std::sync::Arc;

/// A legal cast between two types.
#[derive(Clone, Debug)]
pub(crate) struct Cast {
    from: DataType,
    to: DataType,
}

impl Cast {
    /// The cast, if SQL allows it: [`ErrorKind::InvalidExpression`] otherwise.
    pub(crate) fn try_new(from: &DataType, to: &DataType) -> Result<Self> {
        if legal(from, to) {
            return Ok(Self { from: from.clone(), to: to.clone() });
        }
        let message = format!("{} cannot be cast to {}", describe(from), describe(to));
        Err(Error::new(ErrorKind::InvalidExpression, message))
    }

    /// Whether some value of the source type does not fit.
    pub(crate) fn can_fail(&self) -> bool {
        !always_fits(&self.from, &self.to)
    }

    /// The values as the target type.
    pub(crate) fn apply(&self, values: &ArrayRef, on_failure: OnCastFailure, zone: &Zone) -> Result<ArrayRef> {
        Conversion { to: &self.to, on_failure, zone }.convert(values)
    }
}

/// Values as another type; the cast must be legal.
pub(crate) fn cast_values(
    values: &ArrayRef,
    to: &DataType,
    on_failure: OnCastFailure,
    zone: &Zone,
) -> Result<ArrayRef> {
    Cast::try_new(values.data_type(), to)?.apply(values, on_failure, zone)
}

fn legal(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    let number = super::bind::coerce::is_numeric;
    let known = |t: &DataType| t.is_nested() || primitive_type(t).is_some();
    match (from, to) {
        _ if from == to => true,
        _ if !known(from) || !known(to) => false,
        (T::Null, _) => true,
        (T::List(a), T::List(b)) => legal(a.data_type(), b.data_type()),
        (T::Map(a, _), T::Map(b, _)) => legal(a.data_type(), b.data_type()),
        (T::Struct(a), T::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| legal(a.data_type(), b.data_type()))
        }
        (T::List(item), T::Utf8) => legal(item.data_type(), to),
        (T::Struct(fields), T::Utf8) => fields.iter().all(|field| legal(field.data_type(), to)),
        (T::Map(entries, _), T::Utf8) => legal(entries.data_type(), to),
        (T::Utf8, T::Boolean | T::Date32 | T::Timestamp(..) | T::Binary) => true,
        (T::Utf8, to) => number(to),
        (T::Boolean | T::Date32 | T::Timestamp(..) | T::Binary, T::Utf8) => true,
        (from, T::Utf8) if number(from) => true,
        (from, to) if number(from) && number(to) => true,
        (from, T::Boolean | T::Timestamp(_, Some(_))) if number(from) => true,
        (T::Boolean, to) if number(to) => true,
        (T::Timestamp(_, Some(_)), to) if number(to) => true,
        (T::Date32, T::Timestamp(..)) | (T::Timestamp(..), T::Date32 | T::Timestamp(..)) => true,
        _ => false,
    }
}

fn always_fits(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (T::Null, _) | (_, T::Utf8) => true,
        (T::Utf8, T::Binary) | (_, T::Boolean) if *from != T::Utf8 || *to == T::Binary => true,
        (T::Utf8, _) => false,
        (_, T::Float32 | T::Float64) => true,
        (T::Int8, T::Int16 | T::Int32 | T::Int64) | (T::Int16, T::Int32 | T::Int64) | (T::Int32, T::Int64) => true,
        (T::Boolean, T::Int8 | T::Int16 | T::Int32 | T::Int64) => true,
        (T::Timestamp(..), T::Date32) => true,
        (from, T::Decimal128(precision, scale)) => {
            super::bind::coerce::decimal_shape(from).is_some_and(|(from_precision, from_scale)| {
                let (precision, scale) = (i32::from(*precision), i32::from(*scale));
                from_scale <= scale && from_precision - from_scale <= precision - scale
            })
        }
        _ => false,
    }
}

/// One cast at work.
struct Conversion<'a> {
    to: &'a DataType,
    on_failure: OnCastFailure,
    zone: &'a Zone,
}

impl Conversion<'_> {
    fn convert(&self, values: &ArrayRef) -> Result<ArrayRef> {
        use DataType as T;
        match (values.data_type(), self.to) {
            (from, to) if from == to => Ok(values.clone()),
            (T::Null, to) => Ok(new_null_array(to, values.len())),
            (T::List(_) | T::Map(..) | T::Struct(_), T::Utf8) => self.shown(values),
            (T::List(_) | T::Map(..) | T::Struct(_), _) => self.nested(values),
            (_, T::Utf8) => text::from_any(values, self.zone),
            (T::Utf8, T::Binary) => Ok(Arc::new(arrow_array::BinaryArray::from(values.as_string::<i32>().clone()))),
            (T::Utf8, to) => text::parsed(self, values, to),
            (T::Date32 | T::Timestamp(..), T::Date32 | T::Timestamp(..)) => time::between(self, values),
            (_, T::Timestamp(..)) => time::from_number(self, values),
            (T::Timestamp(..), _) => time::to_number(self, values),
            _ => number::between(self, values),
        }
    }

    fn nested(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let part = |to: &DataType, values: &ArrayRef| Conversion { to, ..*self }.convert(values);
        match self.to {
            DataType::List(item) => {
                let list = values.as_list::<i32>();
                let items = part(item.data_type(), list.values())?;
                Ok(Arc::new(ListArray::try_new(item.clone(), list.offsets().clone(), items, list.nulls().cloned())?))
            }
            DataType::Map(entries, sorted) => {
                let map = values.as_map();
                let pairs: ArrayRef = Arc::new(map.entries().clone());
                let pairs = part(entries.data_type(), &pairs)?.as_struct().clone();
                let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
                Ok(Arc::new(MapArray::try_new(entries.clone(), offsets, pairs, nulls, *sorted)?))
            }
            DataType::Struct(fields) => self.structs(values, fields),
            other => Err(Error::new(ErrorKind::Internal, format!("no cast leads to {other}"))),
        }
    }

    /// Nested values as text: `[1, null]`, `{a -> 1}`, `{1, x}`.
    fn shown(&self, values: &ArrayRef) -> Result<ArrayRef> {
        match values.data_type() {
            DataType::Struct(_) => {
                let columns = values.as_struct().columns().iter().map(|column| self.convert(column));
                let columns = columns.collect::<Result<Vec<_>>>()?;
                Ok(text::joined(values, |row| columns.iter().map(|column| (column, row)).collect(), ["{", "}"]))
            }
            DataType::List(_) => {
                let list = values.as_list::<i32>();
                let items = self.convert(list.values())?;
                let range = |row: usize| list.value_offsets()[row]..list.value_offsets()[row + 1];
                let place = |i: i32| (&items, usize::try_from(i).unwrap_or_default());
                Ok(text::joined(values, |row| range(row).map(place).collect(), ["[", "]"]))
            }
            _ => {
                let map = values.as_map();
                let entries = text::pairs(&self.convert(map.keys())?, &self.convert(map.values())?);
                let range = |row: usize| map.value_offsets()[row]..map.value_offsets()[row + 1];
                let place = |i: i32| (&entries, usize::try_from(i).unwrap_or_default());
                Ok(text::joined(values, |row| range(row).map(place).collect(), ["{", "}"]))
            }
        }
    }

    fn structs(&self, values: &ArrayRef, fields: &Fields) -> Result<ArrayRef> {
        let structs = values.as_struct();
        let convert = |(field, column): (&Arc<arrow_schema::Field>, &ArrayRef)| {
            Conversion { to: field.data_type(), ..*self }.convert(column)
        };
        let columns = fields.iter().zip(structs.columns()).map(convert).collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(StructArray::try_new_with_length(
            fields.clone(),
            columns,
            structs.nulls().cloned(),
            structs.len(),
        )?))
    }

    /// Converts primitive values one by one; what `convert` has no answer for fails the cast, or becomes null.
    fn map<F: ArrowPrimitiveType, T: ArrowPrimitiveType>(
        &self,
        values: &ArrayRef,
        convert: impl Fn(F::Native) -> Option<T::Native>,
    ) -> Result<ArrayRef> {
        let values = values.as_primitive::<F>();
        let one = |row: usize| convert(values.value(row));
        self.collect::<T>(values, one)
    }

    /// Gathers a value for each row that is not null.
    fn collect<T: ArrowPrimitiveType>(
        &self,
        values: &dyn Array,
        one: impl Fn(usize) -> Option<T::Native>,
    ) -> Result<ArrayRef> {
        let converted = (0..values.len()).map(|row| {
            if values.is_null(row) {
                return Ok(None);
            }
            match one(row) {
                None if self.on_failure == OnCastFailure::Error => Err(self.failure(values, row)),
                converted => Ok(converted),
            }
        });
        let array = converted.collect::<Result<PrimitiveArray<T>>>()?;
        Ok(Arc::new(array.with_data_type(self.to.clone())))
    }

    fn failure(&self, values: &dyn Array, row: usize) -> Error {
        let value = Scalar::from_array(values, row).map_or("a value".to_owned(), |value| value.to_string());
        let message = format!("{value} cannot be cast to {}: use TRY_CAST to get NULL", describe(self.to));
        Error::new(ErrorKind::Evaluation, message).with("values", value)
    }
}

/// Calls `$body` with `$type` as the Arrow type of a primitive data type.
macro_rules! with_primitive {
    ($data_type:expr, $type:ident => $body:expr) => {
        match $data_type {
            DataType::Int8 => {
                type $type = types::Int8Type;
                $body
            }
            DataType::Int16 => {
                type $type = types::Int16Type;
                $body
            }
            DataType::Int32 => {
                type $type = types::Int32Type;
                $body
            }
            DataType::Int64 => {
                type $type = types::Int64Type;
                $body
            }
            DataType::Float32 => {
                type $type = types::Float32Type;
                $body
            }
            DataType::Float64 => {
                type $type = types::Float64Type;
                $body
            }
            other => Err(Error::new(ErrorKind::Internal, format!("no cast of {other} is defined here"))),
        }
    };
}
use with_primitive;
