//! A scan: which rows and columns of a snapshot, planned and read.
//!
//! ```text
//! ScanBuilder ──build──► Scan ──plan──► FileRead, FileRead, …   plain data: read here, or carried elsewhere
//!                         └────stream──► RecordBatch, RecordBatch, …
//! ```

use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use deltaic_log::feature::ColumnSource;
use deltaic_log::schema::{StructField, StructType};
use deltaic_log::{Error, FileChunk, FileView, Result, ResultExt, Snapshot};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::checkpoint_pruning::row_group_filter;
use crate::expr::{EvalContext, Expr, parse};
use crate::file_pruning::FilePruning;
use crate::location::file_url;
use crate::plan::{FileRead, MetadataColumn, ReadSpec, RowSet};
use crate::prune::partition_filter::PartitionFilter;
use crate::read::{BatchStream, ReadOptions, Reader};
use crate::selection::Selection;

/// What to read of a snapshot.
///
/// ```
/// # use deltaic_log::{Context, SingleStore, Snapshot, SnapshotOptions};
/// # use futures::{StreamExt, executor::block_on};
/// # use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
/// # use std::sync::Arc;
/// # let store = Arc::new(InMemory::new());
/// # let schema = r#"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}"#;
/// # let log = format!("{}\n{}", r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#,
/// #     format!(r#"{{"metaData":{{"id":"0","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{schema}","partitionColumns":[],"configuration":{{}}}}}}"#));
/// # block_on(store.put(&Path::from("t/_delta_log/00000000000000000000.json"), log.into())).unwrap();
/// # let context = Context::new(Arc::new(SingleStore::new(store)));
/// # block_on(async {
/// use deltaic_scan::ScanBuilder;
/// let snapshot = Snapshot::open(&"memory:///t".parse().unwrap(), context, SnapshotOptions::new()).await?;
/// let scan = ScanBuilder::new(snapshot).columns(["id"]).filter_sql("id > 3")?.build()?;
/// assert_eq!(scan.schema().field(0).name(), "id");
/// assert!(scan.stream().next().await.is_none());
/// # Ok::<(), deltaic_log::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct ScanBuilder {
    snapshot: Snapshot,
    columns: Option<Vec<String>>,
    metadata_columns: Vec<MetadataColumn>,
    predicates: Vec<Expr>,
    filters: Vec<PartitionFilter>,
    eval: Option<EvalContext>,
    options: ReadOptions,
    batch_rows: usize,
    pruning: bool,
}

impl ScanBuilder {
    /// All rows and columns of `snapshot`.
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            columns: None,
            metadata_columns: Vec::new(),
            predicates: Vec::new(),
            filters: Vec::new(),
            eval: None,
            options: ReadOptions::default(),
            batch_rows: ReadSpec::BATCH_ROWS_DEFAULT,
            pruning: true,
        }
    }

    /// Only these columns, in this order. A dotted path (names with dots in backticks) is a field of a struct: the column
    /// is then given as a struct of the fields that are named.
    #[must_use]
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Also this column, which tells about each row.
    #[must_use]
    pub fn metadata_column(mut self, column: MetadataColumn) -> Self {
        self.metadata_columns.push(column);
        self
    }

    /// Only rows for which `predicate` is true. Several predicates must all be true.
    #[must_use]
    pub fn filter(mut self, predicate: Expr) -> Self {
        self.predicates.push(predicate);
        self
    }

    /// [`Self::filter`] with SQL text.
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::InvalidExpression`].
    pub fn filter_sql(self, predicate: &str) -> Result<Self> {
        Ok(self.filter(parse(predicate)?))
    }

    /// Only rows that satisfy every filter. Values are text, read as the column's type. A column that is no partition
    /// column filters rows just the same.
    #[must_use]
    pub fn partition_filters(mut self, filters: impl IntoIterator<Item = PartitionFilter>) -> Self {
        self.filters.extend(filters);
        self
    }

    /// What predicates are evaluated with: functions, time zone, the time that is now.
    #[must_use]
    pub fn eval_context(mut self, context: EvalContext) -> Self {
        self.eval = Some(context);
        self
    }

    /// At most this many rows.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.options.limit = Some(rows);
        self
    }

    /// At most this many rows in a batch.
    #[must_use]
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows.max(1);
        self
    }

    /// At most this many row groups at a time.
    #[must_use]
    pub fn concurrency(mut self, tasks: usize) -> Self {
        self.options.concurrency = Some(tasks.max(1));
        self
    }

    /// At most about this many bytes under way at a time.
    #[must_use]
    pub fn memory_bytes_max(mut self, bytes: usize) -> Self {
        self.options.memory_bytes = Some(bytes);
        self
    }

    /// Batches in the order of the plan, newest files first, and of the rows in each file; else as they are ready.
    #[must_use]
    pub fn ordered(mut self, ordered: bool) -> Self {
        self.options.ordered = ordered;
        self
    }

    /// Whether files, row groups and pages are skipped that cannot match. Changes no result; on by default.
    #[must_use]
    pub fn pruning(mut self, pruning: bool) -> Self {
        self.pruning = pruning;
        self
    }

    /// The scan, its columns resolved and its predicate typed.
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::UnknownColumn`], [`deltaic_log::ErrorKind::InvalidExpression`],
    /// [`deltaic_log::ErrorKind::InvalidArgument`] for a filter's value that is none of the column's type.
    pub fn build(self) -> Result<Scan> {
        let table = self.snapshot.configuration();
        let requirements = table.reader_requirements()?;
        let eval = self.eval.clone().unwrap_or_else(|| EvalContext::new(&*self.snapshot.store().context().clock));
        let schema = table.schema().to_arrow();
        let root = self.snapshot.store().root();
        let selection = self.selection(&schema, &eval).with("table", root)?;
        let mut spec = selection.read_spec(root, table.schema(), &requirements.columns)?;
        let pruning = match (&spec.predicate, self.pruning) {
            (Some(predicate), true) => Some(FilePruning::new(predicate, table, &schema, &eval)?),
            _ => None,
        };
        spec.metadata_columns = self.metadata_columns;
        spec.row_tracking = requirements.row_tracking;
        spec.pruning = self.pruning;
        spec.batch_rows = self.batch_rows;
        let schema = spec.schema();
        Ok(Scan {
            snapshot: self.snapshot,
            spec: Arc::new(spec),
            schema,
            pruning: pruning.map(Arc::new),
            eval,
            options: self.options,
        })
    }

    /// The columns, and all conditions together.
    fn selection(&self, schema: &Schema, eval: &EvalContext) -> Result<Selection> {
        let filters = self.filters.iter().map(|filter| filter.to_expr(schema, eval));
        let all = self.predicates.iter().cloned().map(Ok).chain(filters).collect::<Result<Vec<_>>>()?;
        Selection::new(self.columns.clone(), all, schema, eval)
    }
}

/// A file that may hold matching rows, and how it is read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlannedFile {
    /// How it is read.
    pub read: FileRead,
    /// The chunk of the table's files that it is one of.
    pub chunk: FileChunk,
    /// Its row there.
    pub row: usize,
}

impl PlannedFile {
    /// The file, as the log has it.
    pub fn file(&self) -> FileView<'_> {
        self.chunk.file(self.row)
    }
}

/// A scan that is ready to be planned or read, any number of times. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Scan {
    snapshot: Snapshot,
    spec: Arc<ReadSpec>,
    schema: SchemaRef,
    pruning: Option<Arc<FilePruning>>,
    eval: EvalContext,
    options: ReadOptions,
}

impl Scan {
    /// The schema of every batch: exactly the logical types of the columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What is the same for all files that the scan reads.
    pub fn read_spec(&self) -> &ReadSpec {
        &self.spec
    }

    /// The snapshot that is read.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The same columns as a Delta schema, metadata columns left out.
    pub fn delta_schema(&self) -> StructType {
        let field =
            |column: &ColumnSource| StructField::new(column.name.clone(), column.data_type.clone(), column.nullable);
        StructType::new(self.spec.columns.iter().map(field).collect::<Vec<_>>())
    }

    /// The files that may hold matching rows, newest first: plain data that any engine can carry to another machine and
    /// read there with a [`Reader`]. The limit is not part of it.
    ///
    /// # Errors
    /// As [`Snapshot::files`].
    #[tracing::instrument(name = "plan", skip_all, fields(table = %self.snapshot.store().root(), version = %self.snapshot.version()))]
    pub async fn plan(&self) -> Result<Vec<FileRead>> {
        if let Some(chunks) = self.selective_stream().await? {
            return chunks
                .map_ok(|chunk| async move { self.plan_chunk(&chunk).await })
                .try_buffered(self.width())
                .try_concat()
                .await;
        }
        let files = self.snapshot.files().await?;
        let plan = |chunk: FileChunk| async move { self.plan_chunk(&chunk).await };
        stream::iter(files.chunks().to_vec()).map(plan).buffered(self.width()).try_concat().await
    }

    /// [`Self::plan`], each read with the file that it reads: for whoever changes files, and must know all of them.
    ///
    /// # Errors
    /// As [`Self::plan`].
    pub async fn plan_files(&self) -> Result<Vec<PlannedFile>> {
        let files = self.snapshot.files().await?;
        let plan = |chunk: FileChunk| async move {
            let rows = self.matching_rows(&chunk).await?;
            let planned = rows.into_iter().map(|row| {
                Ok::<_, Error>(PlannedFile { read: self.file_read(&chunk, row)?, chunk: chunk.clone(), row })
            });
            planned.collect::<Result<Vec<_>>>()
        };
        stream::iter(files.chunks().to_vec()).map(plan).buffered(self.width()).try_concat().await
    }

    /// [`Self::plan`] as a stream that keeps nothing: for tables whose list of files does not fit into memory.
    ///
    /// # Errors
    /// The items fail as [`Snapshot::stream_files`] does.
    pub fn plan_stream(&self) -> BoxStream<'static, Result<FileRead>> {
        let this = self.clone();
        let width = self.width();
        let reads = self.snapshot.stream_files().map_ok(move |chunk| {
            let this = this.clone();
            async move { Ok(stream::iter(this.plan_chunk(&chunk).await?.into_iter().map(Ok))) }
        });
        reads.try_buffered(width).try_flatten().boxed()
    }

    /// How many live files the table has, and how many of them may hold matching rows.
    ///
    /// # Errors
    /// As [`Self::plan`].
    pub async fn count_files(&self) -> Result<(usize, usize)> {
        let files = self.snapshot.files().await?;
        let count = |chunk: FileChunk| async move { Ok::<_, Error>(self.matching_rows(&chunk).await?.len()) };
        let counts = stream::iter(files.chunks().to_vec()).map(count).buffered(self.width());
        let kept = counts.try_fold(0, |sum, kept| futures::future::ok(sum + kept)).await?;
        Ok((files.len(), kept))
    }

    /// The rows, read here.
    ///
    /// # Errors
    /// The stream's items fail as [`Self::plan`] does, and as reading a file does: see [`Reader::read_all`].
    pub fn stream(&self) -> BatchStream {
        let this = self.clone();
        let reads = stream::once(async move { Ok::<_, Error>(stream::iter(this.plan().await?.into_iter().map(Ok))) });
        self.reader().read_stream(self.schema.clone(), reads.try_flatten(), self.options.clone())
    }

    /// What [`Self::stream`] reads with: the snapshot's context, and the scan's functions and time zone.
    pub fn reader(&self) -> Reader {
        Reader::new(self.snapshot.store().context().clone()).with_eval(self.eval.clone())
    }

    /// The few files that are worth listing, where the files are not listed yet and the checkpoint's footers show that most
    /// of them cannot match: then the others are not listed at all.
    async fn selective_stream(&self) -> Result<Option<BoxStream<'static, Result<FileChunk>>>> {
        const WORTHWHILE: usize = 4;
        let filter =
            self.pruning.as_ref().and_then(row_group_filter).filter(|_| self.snapshot.files_if_read().is_none());
        let Some(filter) = filter else { return Ok(None) };
        let (kept, all) = match self.snapshot.count_row_groups(&filter).await {
            Ok(counts) => counts,
            // Listing all files falls back from a checkpoint that cannot be read.
            Err(_) => return Ok(None),
        };
        Ok((all > 0 && kept * WORTHWHILE <= all).then(|| self.snapshot.stream_files_where(filter)))
    }

    /// How many chunks are planned at a time: each reads its own statistics.
    fn width(&self) -> usize {
        self.snapshot.store().context().cpu.parallelism() + 1
    }

    async fn plan_chunk(&self, chunk: &FileChunk) -> Result<Vec<FileRead>> {
        let rows = self.matching_rows(chunk).await?;
        rows.into_iter().map(|row| self.file_read(chunk, row)).collect()
    }

    async fn matching_rows(&self, chunk: &FileChunk) -> Result<Vec<usize>> {
        match &self.pruning {
            Some(pruning) => pruning.matching_rows(chunk, self.snapshot.store()).await,
            None => Ok((0..chunk.rows()).filter(|row| chunk.is_live(*row)).collect()),
        }
    }

    fn file_read(&self, chunk: &FileChunk, row: usize) -> Result<FileRead> {
        let file = chunk.file(row);
        Ok(FileRead {
            location: file_url(self.snapshot.store().root(), file.path())?,
            size: u64::try_from(file.size()).unwrap_or(0),
            partition_values: file.partition_values(),
            rows: RowSet::without(file.deletion_vector().cloned()),
            base_row_id: file.base_row_id(),
            default_row_commit_version: file.default_row_commit_version(),
            num_records: None,
            spec: self.spec.clone(),
        })
    }
}
