//! Rows that Python hands in.

use std::io;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use deltaic::ops::Input;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use pyo3_arrow::input::AnyRecordBatch;

type Reader = Box<dyn RecordBatchReader + Send>;

/// The rows of `data`: an object with an Arrow capsule, or an iterable of such objects that share a schema.
pub(crate) fn input(data: &Bound<'_, PyAny>) -> PyResult<Input> {
    if has_capsule(data)? {
        return Ok(Input::from_reader(capsule(data)?));
    }
    let Ok(mut parts) = data.try_iter() else {
        let name = data.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "no rows can be read from {name}: pass an object with __arrow_c_stream__ or __arrow_c_array__ (of pyarrow, \
             pandas, polars, DuckDB and others), or an iterable of them"
        )));
    };
    let Some(first) = parts.next() else {
        return Err(PyValueError::new_err("an empty iterable has no schema: pass a table, or at least one batch"));
    };
    let current = capsule(&first?)?;
    Ok(Input::from_reader(Parts { schema: current.schema(), current, rest: parts.unbind() }))
}

fn has_capsule(data: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(data.hasattr("__arrow_c_stream__")? || data.hasattr("__arrow_c_array__")?)
}

fn capsule(data: &Bound<'_, PyAny>) -> PyResult<Reader> {
    if !has_capsule(data)? {
        let name = data.get_type().name()?;
        return Err(PyTypeError::new_err(format!("{name} has neither __arrow_c_stream__ nor __arrow_c_array__")));
    }
    data.extract::<AnyRecordBatch>()?.into_reader()
}

/// The rows of an iterable's items, one after the other.
struct Parts {
    schema: SchemaRef,
    current: Reader,
    rest: Py<PyIterator>,
}

impl Parts {
    fn advance(&mut self) -> Result<bool, ArrowError> {
        let next =
            Python::attach(|py| self.rest.bind(py).clone().next().map(|item| item.and_then(|item| capsule(&item))));
        let Some(next) = next else { return Ok(false) };
        let next = next.map_err(|error| ArrowError::ExternalError(Box::new(io::Error::other(error.to_string()))))?;
        if next.schema().fields() != self.schema.fields() {
            return Err(ArrowError::SchemaError("the batches of the iterable have different schemas".to_owned()));
        }
        self.current = next;
        Ok(true)
    }
}

impl Iterator for Parts {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.current.next() {
                return Some(batch);
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl RecordBatchReader for Parts {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
