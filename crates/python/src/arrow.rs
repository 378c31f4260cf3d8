//! Arrow results: objects with the capsules of the C data interface, which pyarrow, polars, pandas and DuckDB take as they are.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, RecordBatch, RecordBatchIterator, RecordBatchReader as BatchReader, StructArray};
use arrow_schema::{ArrowError, Field, Schema, SchemaRef};
use deltaic::log::schema::StructType;
use deltaic::scan::BatchStream;
use futures::StreamExt;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::PySchema;
use pyo3_arrow::ffi::{ArrayIterator, to_schema_pycapsule, to_stream_pycapsule};
use tokio::runtime::Handle;

use crate::errors::{delta_error, exception};
use crate::runtime::{TICK, handle};

/// An Arrow schema, for whatever reads `__arrow_c_schema__`: `pyarrow.schema(it)`, `polars.Schema(it)`.
#[pyclass(frozen, module = "deltaic._internal")]
pub(crate) struct ArrowSchema(pub(crate) SchemaRef);

#[pymethods]
impl ArrowSchema {
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        Ok(to_schema_pycapsule(py, self.0.as_ref())?)
    }

    /// The names of the columns.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.0.fields().iter().map(|field| field.name().clone()).collect()
    }

    fn __len__(&self) -> usize {
        self.0.fields().len()
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __repr__(&self) -> String {
        let fields = self.0.fields().iter().map(|field| format!("{}: {}", field.name(), field.data_type()));
        format!("ArrowSchema({})", fields.collect::<Vec<_>>().join(", "))
    }
}

/// Rows in memory, for whatever reads `__arrow_c_stream__`, any number of times.
#[pyclass(frozen, module = "deltaic._internal")]
pub(crate) struct ArrowTable {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl ArrowTable {
    pub(crate) fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self { schema, batches }
    }
}

#[pymethods]
impl ArrowTable {
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        Ok(to_schema_pycapsule(py, self.schema.as_ref())?)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let batches = self.batches.clone().into_iter().map(Ok);
        stream(py, Box::new(RecordBatchIterator::new(batches, self.schema.clone())), requested_schema)
    }

    /// The schema.
    #[getter]
    fn schema(&self) -> ArrowSchema {
        ArrowSchema(self.schema.clone())
    }

    /// How many rows there are.
    #[getter]
    fn num_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn __len__(&self) -> usize {
        self.num_rows()
    }

    fn __repr__(&self) -> String {
        format!("ArrowTable({} rows, {} columns)", self.num_rows(), self.schema.fields().len())
    }
}

/// Rows that are read as they are asked for, once: for whatever reads `__arrow_c_stream__`.
#[pyclass(frozen, module = "deltaic._internal")]
pub(crate) struct RecordBatchReader {
    schema: SchemaRef,
    reader: Mutex<Option<Box<dyn BatchReader + Send>>>,
}

impl RecordBatchReader {
    /// The batches of a stream of the engine.
    pub(crate) fn of_stream(py: Python<'_>, stream: BatchStream) -> PyResult<Self> {
        Ok(Self::of_reader(Box::new(Pull { schema: stream.schema(), stream, runtime: handle(py)?, ended: false })))
    }

    /// The batches of a reader.
    pub(crate) fn of_reader(reader: Box<dyn BatchReader + Send>) -> Self {
        Self { schema: reader.schema(), reader: Mutex::new(Some(reader)) }
    }

    fn take(&self) -> Option<Box<dyn BatchReader + Send>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, reader: Box<dyn BatchReader + Send>) {
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader);
    }

    fn taken(py: Python<'_>) -> PyErr {
        delta_error(py, "the reader was read already, or is being read elsewhere: ask the table for another")
    }
}

#[pymethods]
impl RecordBatchReader {
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        Ok(to_schema_pycapsule(py, self.schema.as_ref())?)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        stream(py, self.take().ok_or_else(|| Self::taken(py))?, requested_schema)
    }

    /// The schema of every batch.
    #[getter]
    fn schema(&self) -> ArrowSchema {
        ArrowSchema(self.schema.clone())
    }

    /// Reads the rows that are left into memory.
    fn read_all(&self, py: Python<'_>) -> PyResult<ArrowTable> {
        let reader = self.take().ok_or_else(|| Self::taken(py))?;
        let batches = py.detach(move || reader.collect::<Result<Vec<_>, _>>());
        let batches = batches.map_err(|error| unread(py, error))?;
        Ok(ArrowTable::new(self.schema.clone(), batches))
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<ArrowTable>> {
        let mut reader = self.take().ok_or_else(|| Self::taken(py))?;
        let (next, reader) = py.detach(move || (reader.next(), reader));
        self.put(reader);
        let batch = next.transpose().map_err(|error| unread(py, error))?;
        Ok(batch.map(|batch| ArrowTable::new(self.schema.clone(), vec![batch])))
    }

    fn __repr__(&self) -> String {
        format!("RecordBatchReader({})", self.schema().names().join(", "))
    }
}

/// The schema in Arrow of a table's schema in JSON.
#[pyfunction]
pub(crate) fn arrow_schema_of_json(py: Python<'_>, json: &str) -> PyResult<ArrowSchema> {
    let schema = StructType::from_json(json).map_err(|error| exception(py, &error))?;
    Ok(ArrowSchema(Arc::new(schema.to_arrow())))
}

/// The schema in JSON of a table for rows of this Arrow schema: anything with `__arrow_c_schema__`.
#[pyfunction]
pub(crate) fn json_of_arrow_schema(py: Python<'_>, schema: PySchema) -> PyResult<String> {
    let schema = StructType::from_arrow(&schema.into_inner()).map_err(|error| exception(py, &error))?;
    Ok(schema.to_json())
}

fn stream<'py>(
    py: Python<'py>,
    reader: Box<dyn BatchReader + Send>,
    requested: Option<Bound<'py, PyCapsule>>,
) -> PyResult<Bound<'py, PyCapsule>> {
    let field = struct_field(&reader.schema());
    let arrays = reader.map(|batch| batch.map(|batch| Arc::new(StructArray::from(batch)) as ArrayRef));
    Ok(to_stream_pycapsule(py, Box::new(ArrayIterator::new(arrays, Arc::new(field))), requested)?)
}

fn struct_field(schema: &Schema) -> Field {
    Field::new_struct("", schema.fields().clone(), false).with_metadata(schema.metadata().clone())
}

/// The exception for what went wrong while batches were read: the interrupt, or the engine's error.
fn unread(py: Python<'_>, error: ArrowError) -> PyErr {
    match error {
        ArrowError::ExternalError(source) => match source.downcast::<deltaic::Error>() {
            Ok(error) => exception(py, &error),
            Err(source) => match source.downcast::<PyErr>() {
                Ok(interrupt) => *interrupt,
                Err(source) => delta_error(py, &source.to_string()),
            },
        },
        other => delta_error(py, &other.to_string()),
    }
}

/// A stream of the engine, pulled from a thread of somebody else's.
struct Pull {
    schema: SchemaRef,
    stream: BatchStream,
    runtime: &'static Handle,
    ended: bool,
}

impl Iterator for Pull {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let stream = &mut self.stream;
            let next = self.runtime.block_on(async { tokio::time::timeout(TICK, stream.next()).await });
            match next {
                Ok(Some(batch)) => return Some(batch.map_err(|error| ArrowError::ExternalError(Box::new(error)))),
                Ok(None) => self.ended = true,
                // Only the main thread of Python is interrupted; to others this is nothing.
                Err(_) => {
                    if let Some(Err(interrupt)) = Python::try_attach(|py| py.check_signals()) {
                        self.ended = true;
                        return Some(Err(ArrowError::ExternalError(Box::new(interrupt))));
                    }
                }
            }
        }
        None
    }
}

impl BatchReader for Pull {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
