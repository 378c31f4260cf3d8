//! The columns of a row group, encoded and measured: each by itself, so that they run side by side.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_schema::FieldRef;
use deltaic_log::cpu::{self, Cpu};
use deltaic_log::{Error, ErrorKind, Result};
use futures::future::try_join_all;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::errors::ParquetError;

use super::statistics::Collector;

/// Below so many rows, all columns are one job.
const ROWS_SIDE_BY_SIDE: usize = 2_048;

/// One top-level column of the row group that is open.
pub(crate) struct Column {
    field: FieldRef,
    /// A writer for each leaf.
    writers: Vec<ArrowColumnWriter>,
    /// The file's, not the row group's.
    pub(crate) statistics: Collector,
}

impl Column {
    pub(crate) fn new(field: FieldRef, writers: Vec<ArrowColumnWriter>, statistics: Collector) -> Self {
        Self { field, writers, statistics }
    }

    fn write(&mut self, array: &ArrayRef) -> Result<()> {
        self.statistics.update(array)?;
        let leaves = compute_leaves(&self.field, array).map_err(unencodable)?;
        self.writers.iter_mut().zip(&leaves).try_for_each(|(writer, leaf)| writer.write(leaf)).map_err(unencodable)
    }

    fn close(self) -> Result<(Vec<ArrowColumnChunk>, Collector)> {
        let chunks = self.writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>();
        Ok((chunks.map_err(unencodable)?, self.statistics))
    }

    fn memory_bytes(&self) -> usize {
        self.writers.iter().map(ArrowColumnWriter::memory_size).sum()
    }

    fn encoded_bytes(&self) -> usize {
        self.writers.iter().map(ArrowColumnWriter::get_estimated_total_bytes).sum()
    }
}

/// How large the open row group is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    pub(crate) memory_bytes: usize,
    pub(crate) encoded_bytes: usize,
}

/// Appends rows to the columns.
pub(crate) async fn write(
    cpu: &Arc<dyn Cpu>,
    columns: Vec<Column>,
    arrays: Vec<ArrayRef>,
) -> Result<(Vec<Column>, Size)> {
    let rows = arrays.first().map_or(0, |array| array.len());
    let write = |(mut column, array): (Column, ArrayRef)| -> Result<Column> {
        column.write(&array)?;
        Ok(column)
    };
    let work = columns.into_iter().zip(arrays);
    let columns = side_by_side(cpu, rows, work.collect(), write).await?;
    let size = columns.iter().fold(Size::default(), |size, column| Size {
        memory_bytes: size.memory_bytes + column.memory_bytes(),
        encoded_bytes: size.encoded_bytes + column.encoded_bytes(),
    });
    Ok((columns, size))
}

/// Ends the row group of so many rows: its chunks in the order of the leaves, and what was measured.
pub(crate) async fn close(
    cpu: &Arc<dyn Cpu>,
    columns: Vec<Column>,
    rows: usize,
) -> Result<(Vec<ArrowColumnChunk>, Vec<Collector>)> {
    let closed = side_by_side(cpu, rows, columns, Column::close).await?;
    let (chunks, statistics): (Vec<_>, Vec<_>) = closed.into_iter().unzip();
    Ok((chunks.into_iter().flatten().collect(), statistics))
}

async fn side_by_side<T: Send + 'static, R: Send + 'static>(
    cpu: &Arc<dyn Cpu>,
    rows: usize,
    work: Vec<T>,
    run: impl Fn(T) -> Result<R> + Copy + Send + 'static,
) -> Result<Vec<R>> {
    if rows < ROWS_SIDE_BY_SIDE {
        return cpu::run(cpu, move || work.into_iter().map(run).collect()).await;
    }
    try_join_all(work.into_iter().map(|item| cpu::run(cpu, move || run(item)))).await
}

pub(crate) fn unencodable(error: ParquetError) -> Error {
    Error::new(ErrorKind::Internal, "rows could not be encoded as Parquet").because(error)
}
