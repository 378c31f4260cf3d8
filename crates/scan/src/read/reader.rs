//! The public face of reading.

use super::blocking::BlockingRead;
use super::open::vector;
use super::runner::Runner;
use super::stream::{BatchStream, ReadOptions};
use crate::expr::EvalContext;
use crate::plan::FileRead;
use arrow_schema::{Schema, SchemaRef};
use deltaic_log::deletion_vector::{DeletionVector, DeletionVectorDescriptor};
use deltaic_log::{Context, Result};
use std::sync::Arc;
use url::Url;

/// Reads [`FileRead`]s. Cheap to clone.
///
/// ```
/// use arrow_array::{Int64Array, RecordBatch, record_batch};
/// use deltaic_log::feature::ReaderRequirements;
/// use deltaic_scan::plan::{FileRead, ReadSpec, RowSet};
/// use deltaic_scan::read::Reader;
/// # use std::sync::Arc;
/// # use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
/// # let store = Arc::new(InMemory::new());
/// # let batch = record_batch!(("n", Int64, [1, 2, 3])).unwrap();
/// # let mut bytes = Vec::new();
/// # let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
/// # writer.write(&batch).unwrap();
/// # writer.close().unwrap();
/// # let size = bytes.len() as u64;
/// # futures::executor::block_on(store.put(&Path::from("t/f.parquet"), bytes.into())).unwrap();
/// # let protocol = serde_json::from_str(r#"{"minReaderVersion":1,"minWriterVersion":2}"#).unwrap();
/// # let metadata = serde_json::from_str(r#"{"id":"x","partitionColumns":[],"schemaString":
/// #     "{\"type\":\"struct\",\"fields\":[{\"name\":\"n\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}"}"#).unwrap();
/// # let table = deltaic_log::TableConfiguration::try_new(protocol, metadata)?;
/// # let context = deltaic_log::Context::new(Arc::new(deltaic_log::SingleStore::new(store)));
/// let spec = ReadSpec::new("memory:///t/".parse().unwrap(), table.reader_requirements()?.columns);
/// let read = FileRead {
///     location: "memory:///t/f.parquet".parse().unwrap(),
///     size,
///     partition_values: Default::default(),
///     rows: RowSet::default(),
///     base_row_id: None,
///     default_row_commit_version: None,
///     num_records: None,
///     spec: Arc::new(spec),
/// };
/// let batches: Vec<RecordBatch> = Reader::new(context).read_file_blocking(read)?.collect::<deltaic_log::Result<_>>()?;
/// assert_eq!(batches[0].num_rows(), 3);
/// # Ok::<(), deltaic_log::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) context: Context,
    pub(super) eval: EvalContext,
}

impl Reader {
    /// A reader over the embedder's storage and CPU executor, which evaluates predicates in UTC with the built-in
    /// functions.
    pub fn new(context: Context) -> Self {
        let eval = EvalContext::new(&*context.clock);
        Self { context, eval }
    }

    /// The same reader, which evaluates predicates in this context.
    #[must_use]
    pub fn with_eval(mut self, eval: EvalContext) -> Self {
        self.eval = eval;
        self
    }

    /// The rows of one file, in the file's order. Nothing is read before the stream is polled.
    ///
    /// The stream's items fail with [`deltaic_log::ErrorKind::MissingFile`], [`deltaic_log::ErrorKind::CorruptData`],
    /// [`deltaic_log::ErrorKind::Storage`] or, from the predicate, [`deltaic_log::ErrorKind::Evaluation`]; after the
    /// first error the stream ends.
    pub fn read_file(&self, read: FileRead) -> BatchStream {
        self.read_all(vec![read], ReadOptions::default().ordered())
    }

    /// The rows of many files, which share one [`crate::plan::ReadSpec`]; files and row groups are read in parallel.
    ///
    /// Memory is bounded (see [`ReadOptions::memory_bytes`]), and work goes on only as far ahead of the consumer as
    /// that allows: a stream that is not polled comes to rest. Without [`ReadOptions::ordered`] batches come as they are
    /// ready; with it, in the order of `reads` and of the rows in each file.
    pub fn read_all(&self, reads: Vec<FileRead>, options: ReadOptions) -> BatchStream {
        let schema = reads.first().map_or_else(|| Arc::new(Schema::empty()), |read| read.spec.schema());
        self.read_stream(schema, futures::stream::iter(reads.into_iter().map(Ok)), options)
    }

    /// [`Self::read_all`] of reads that are still being planned: they are taken as they are needed. All must have
    /// `schema` as their [`crate::plan::ReadSpec::schema`].
    pub fn read_stream(
        &self,
        schema: SchemaRef,
        reads: impl futures::Stream<Item = Result<FileRead>> + Send + 'static,
        options: ReadOptions,
    ) -> BatchStream {
        BatchStream::new(self.clone(), schema, reads, options)
    }

    /// The deletion vector that a descriptor of the table at `table_root` names.
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::MissingFile`], [`deltaic_log::ErrorKind::CorruptData`],
    /// [`deltaic_log::ErrorKind::CorruptLog`], [`deltaic_log::ErrorKind::Storage`].
    pub async fn deletion_vector(
        &self,
        table_root: &Url,
        descriptor: &DeletionVectorDescriptor,
    ) -> Result<DeletionVector> {
        let runner = Runner::Cpu(self.context.cpu.clone());
        let read = vector(self, &runner, table_root, Some(descriptor)).await?;
        Ok(read.unwrap_or_default())
    }

    /// The rows of one file, in the file's order, read and decoded on the calling thread: for engines that bring
    /// threads instead of an async runtime. Each call to `next` blocks for as long as storage takes.
    ///
    /// Stores that need a runtime of their own to make requests must have been given one.
    pub fn read_file_blocking(&self, read: FileRead) -> Result<BlockingRead> {
        BlockingRead::open(self, read)
    }
}
