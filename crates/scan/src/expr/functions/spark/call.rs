//! One call of a function of ours: typed views of its arguments, and the gathering of results.

use crate::expr::context::EvalContext;
use crate::expr::scalar::Scalar;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, Float64Array, Int32Array, Int64Array, PrimitiveArray, StringArray,
};
use arrow_schema::DataType;
use deltaic_log::{Error, ErrorKind, Result};
use std::sync::Arc;

/// The arguments, a value for each row, cast to what the form's parameters ask for.
pub(super) struct Call<'a> {
    pub(super) args: &'a [ArrayRef],
    pub(super) rows: usize,
    pub(super) return_type: &'a DataType,
    pub(super) context: &'a EvalContext,
}

impl<'a> Call<'a> {
    pub(super) fn text(&self, index: usize) -> &'a StringArray {
        self.args[index].as_string()
    }

    pub(super) fn bytes(&self, index: usize) -> &'a BinaryArray {
        self.args[index].as_binary()
    }

    pub(super) fn int(&self, index: usize) -> &'a Int32Array {
        self.primitive::<Int32Type>(index)
    }

    pub(super) fn long(&self, index: usize) -> &'a Int64Array {
        self.primitive::<Int64Type>(index)
    }

    pub(super) fn double(&self, index: usize) -> &'a Float64Array {
        self.primitive::<Float64Type>(index)
    }

    pub(super) fn primitive<T: ArrowPrimitiveType>(&self, index: usize) -> &'a PrimitiveArray<T> {
        self.args[index].as_primitive()
    }

    /// Whether the argument was given.
    pub(super) fn has(&self, index: usize) -> bool {
        index < self.args.len()
    }

    /// A result for each row on which no argument is null; null on the others.
    pub(super) fn collect<A, T>(&self, one: impl Fn(usize) -> Result<Option<T>>) -> Result<ArrayRef>
    where
        A: Array + FromIterator<Option<T>> + 'static,
    {
        self.collect_with_nulls::<A, T>(|row| if self.any_null(row) { Ok(None) } else { one(row) })
    }

    /// A result for each row.
    pub(super) fn collect_with_nulls<A, T>(&self, one: impl Fn(usize) -> Result<Option<T>>) -> Result<ArrayRef>
    where
        A: Array + FromIterator<Option<T>> + 'static,
    {
        let values = (0..self.rows).map(one).collect::<Result<A>>()?;
        Ok(Arc::new(values))
    }

    pub(super) fn any_null(&self, row: usize) -> bool {
        self.args.iter().any(|arg| arg.data_type().is_null() || arg.is_null(row))
    }

    /// The error of a row: what is wrong, and the arguments.
    pub(super) fn failure(&self, row: usize, message: impl Into<String>) -> Error {
        let shown = |arg: &ArrayRef| Scalar::from_array(arg, row).map_or("…".to_owned(), |value| value.to_string());
        let values: Vec<_> = self.args.iter().map(shown).collect();
        Error::new(ErrorKind::Evaluation, message).with("values", values.join(", "))
    }
}
