//! One data file: row groups, one after the other, handed to storage as they are done.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use bytes::Bytes;
use deltaic_log::cpu::Cpu;
use deltaic_log::{Result, TableStore};
use parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use parquet::file::writer::SerializedFileWriter;

use super::encode::{self, Column, Size, unencodable};
use super::layout::Layout;
use super::sink::Sink;
use super::statistics::Collector;

/// A file under way.
pub(crate) struct FileWriter {
    layout: Arc<Layout>,
    cpu: Arc<dyn Cpu>,
    sink: Sink,
    parquet: SerializedFileWriter<Vec<u8>>,
    factory: ArrowRowGroupWriterFactory,
    /// What was measured up to the last row group; with the columns while one is open.
    statistics: Vec<Collector>,
    group: Option<Group>,
    groups: usize,
    rows: u64,
}

struct Group {
    columns: Vec<Column>,
    rows: usize,
    size: Size,
}

/// A file that is whole.
pub(crate) struct FinishedFile {
    pub(crate) path: String,
    pub(crate) size_bytes: u64,
    pub(crate) statistics: String,
}

impl FileWriter {
    pub(crate) fn new(layout: &Arc<Layout>, store: &TableStore, path: String) -> Result<Self> {
        let sink = Sink::new(store, path, layout.options.sync)?;
        let root = layout.parquet_schema.root_schema_ptr();
        let parquet =
            SerializedFileWriter::new(Vec::new(), root, layout.writer_properties.clone()).map_err(unencodable)?;
        let factory = ArrowRowGroupWriterFactory::new(&parquet, layout.physical.schema.clone());
        Ok(Self {
            cpu: store.context().cpu.clone(),
            sink,
            parquet,
            factory,
            statistics: layout.statistics.collectors(),
            layout: layout.clone(),
            group: None,
            groups: 0,
            rows: 0,
        })
    }

    /// How much memory it holds.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.group.as_ref().map_or(0, |group| group.size.memory_bytes) + self.sink.held_bytes()
    }

    /// How large the file would be if it ended here.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.sink.written_bytes() + self.group.as_ref().map_or(0, |group| group.size.encoded_bytes as u64)
    }

    /// Appends rows, given as the columns of [`Layout::physical`]. Where that fails, the file is of no use any more.
    pub(crate) async fn write(&mut self, arrays: Vec<ArrayRef>) -> Result<()> {
        let rows = arrays.first().map_or(0, |array| array.len());
        let rows_max = self.layout.options.row_group_rows_max;
        let mut start = 0;
        while start < rows {
            let group = match self.group.take() {
                Some(group) => group,
                None => self.begin_group()?,
            };
            let length = (rows - start).min(rows_max.saturating_sub(group.rows).max(1));
            let slices = arrays.iter().map(|array| array.slice(start, length)).collect();
            let (columns, size) = encode::write(&self.cpu, group.columns, slices).await?;
            let group = Group { columns, rows: group.rows + length, size };
            self.rows += length as u64;
            start += length;
            let is_full = group.rows >= rows_max || group.size.encoded_bytes >= self.layout.options.row_group_bytes_max;
            self.group = Some(group);
            if is_full {
                self.end_group().await?;
            }
        }
        Ok(())
    }

    fn begin_group(&mut self) -> Result<Group> {
        let mut writers = self.factory.create_column_writers(self.groups).map_err(unencodable)?.into_iter();
        let statistics = std::mem::take(&mut self.statistics);
        let fields = self.layout.physical.schema.fields().iter().zip(&self.layout.leaf_counts).zip(statistics);
        let columns = fields.map(|((field, leaves), statistics)| {
            Column::new(field.clone(), writers.by_ref().take(*leaves).collect(), statistics)
        });
        let columns = columns.collect();
        self.groups += 1;
        Ok(Group { columns, rows: 0, size: Size::default() })
    }

    /// Ends the open row group, if one is, and hands its bytes on.
    pub(crate) async fn end_group(&mut self) -> Result<()> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let (chunks, statistics) = encode::close(&self.cpu, group.columns, group.rows).await?;
        self.statistics = statistics;
        let mut row_group = self.parquet.next_row_group().map_err(unencodable)?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut row_group).map_err(unencodable)?;
        }
        row_group.close().map_err(unencodable)?;
        self.parquet.flush().map_err(|error| unencodable(error.into()))?;
        let bytes = std::mem::take(self.parquet.inner_mut());
        self.sink.write(Bytes::from(bytes)).await
    }

    /// Makes the file whole, and durable, or gives it up.
    pub(crate) async fn finish(mut self) -> Result<FinishedFile> {
        let finished = self.try_finish().await;
        if finished.is_err() {
            self.abort().await;
        }
        finished
    }

    async fn try_finish(&mut self) -> Result<FinishedFile> {
        self.end_group().await?;
        self.parquet.finish().map_err(unencodable)?;
        let bytes = std::mem::take(self.parquet.inner_mut());
        self.sink.write(Bytes::from(bytes)).await?;
        self.sink.finish().await?;
        Ok(FinishedFile {
            path: self.sink.path().to_owned(),
            size_bytes: self.sink.written_bytes(),
            statistics: self.layout.statistics.render(self.rows, &self.statistics),
        })
    }

    /// Gives the file up.
    pub(crate) async fn abort(mut self) {
        self.sink.abort().await;
    }
}
