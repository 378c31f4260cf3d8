//! Rows, gathered into row groups, encoded on all cores, and put as one parquet file.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, SchemaRef};
use deltaic_log::checkpoint::encode::{CheckpointFileEncoder, EncodedRowGroup};
use deltaic_log::{Result, TableStore, cpu};
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{FuturesOrdered, StreamExt};

use super::upload::{Upload, Uploaded};

/// A row group is closed when it has so many rows,
const ROWS_MAX: usize = 1 << 16;
/// or so many bytes as Arrow columns.
const BYTES_MAX: usize = 32 << 20;

/// A parquet file of a checkpoint while it is written.
pub(super) struct FileWriter {
    store: TableStore,
    upload: Upload,
    encoder: CheckpointFileEncoder,
    open: RowGroup,
    /// Row groups that are being encoded, in their order.
    encoding: FuturesOrdered<BoxFuture<'static, Result<EncodedRowGroup>>>,
    encoding_max: usize,
}

#[derive(Default)]
struct RowGroup {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl FileWriter {
    /// Begins a file of these columns at `path`, relative to the table's root.
    pub(super) async fn begin(store: &TableStore, path: String, schema: &SchemaRef) -> Result<Self> {
        let context = store.context();
        // A row group is held as columns and as pages.
        let fit = context.memory_bytes_max / (2 * BYTES_MAX);
        Ok(Self {
            store: store.clone(),
            upload: Upload::begin(store, path).await?,
            encoder: CheckpointFileEncoder::new(schema)?,
            open: RowGroup::default(),
            encoding: FuturesOrdered::new(),
            encoding_max: context.cpu.parallelism().min(fit).max(1),
        })
    }

    /// Adds rows.
    pub(super) async fn write(mut self, batch: RecordBatch) -> Result<Self> {
        self.open.rows += batch.num_rows();
        self.open.bytes += bytes_of(&batch);
        self.open.batches.push(batch);
        match self.open.rows >= ROWS_MAX || self.open.bytes >= BYTES_MAX {
            true => self.close_row_group().await,
            false => Ok(self),
        }
    }

    /// Ends a row group here.
    pub(super) async fn close_row_group(mut self) -> Result<Self> {
        if self.open.batches.is_empty() {
            return Ok(self);
        }
        let job = self.encoder.row_group(std::mem::take(&mut self.open).batches)?;
        let cpu = self.store.context().cpu.clone();
        // Begun at once, not when it is waited for.
        let mut running = Box::pin(async move { cpu::run(&cpu, move || job.run()).await });
        let first = futures::poll!(&mut running);
        self.encoding.push_back(match first {
            std::task::Poll::Ready(done) => futures::future::ready(done).boxed(),
            std::task::Poll::Pending => running,
        });
        while self.encoding.len() >= self.encoding_max {
            self = self.append_next().await?;
        }
        Ok(self)
    }

    /// Ends the file, and gives it its name.
    pub(super) async fn finish(self) -> Result<Uploaded> {
        let mut this = self.close_row_group().await?;
        while !this.encoding.is_empty() {
            this = this.append_next().await?;
        }
        let footer = this.encoder.finish()?;
        this.upload.write(footer).await?.finish().await
    }

    async fn append_next(mut self) -> Result<Self> {
        if let Some(encoded) = self.encoding.next().await {
            let bytes = self.encoder.append(encoded?)?;
            self.upload = self.upload.write(bytes).await?;
        }
        Ok(self)
    }
}

fn bytes_of(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(|column| bytes_of_column(column.as_ref())).sum()
}

/// Views share their buffers with other batches: their own share counts.
fn bytes_of_column(column: &dyn Array) -> usize {
    match column.data_type() {
        DataType::Struct(_) => column.as_struct().columns().iter().map(|member| bytes_of_column(member.as_ref())).sum(),
        DataType::Utf8View => {
            let views = column.as_string_view();
            views.len() * size_of::<u128>() + views.lengths().map(|length| length as usize).sum::<usize>()
        }
        _ => column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size()),
    }
}
