//! A table, opened by where it is.

use std::sync::Arc;

use arrow_array::Array;
use deltaic_commit::committer::{self, Catalog, CatalogCommitter, CatalogSource};
use deltaic_commit::{Committer, Operation, Transaction};
use deltaic_log::action::{Metadata, Protocol};
use deltaic_log::history::{History, HistoryEntry};
use deltaic_log::schema::StructType;
use deltaic_log::{
    Context, FileSet, LogSource, Result, ResultExt, Snapshot, SnapshotOptions, TableConfiguration, TableStore,
    TimestampMs, Version,
};
use deltaic_ops::write::WriteMode;
use deltaic_ops::{CreateBuilder, DeleteBuilder, Input, Target, VacuumBuilder, WriteBuilder};
use deltaic_scan::ScanBuilder;
use deltaic_scan::change_data_feed::{ChangeRange, Changes, ChangesBuilder};
use url::Url;

use crate::check::{CheckOptions, Report, check};
use crate::storage::{CommitRoute, ConfiguredStores, StorageOptions, table_url};

/// A Delta table at one of its versions.
///
/// Cheap to clone; clones share what was read. A table does not change under its holder: [`DeltaTable::refresh`] and the
/// `load_*` functions move it to another version.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use deltaic::DeltaTable;
/// # let location = "../../fixtures/change_data_feed/partitioned/table";
/// let table = DeltaTable::open(location).await?;
/// println!("version {} of {}", table.version(), table.url());
/// for field in &table.schema().fields {
///     println!("{}: {:?}", field.name, field.data_type);
/// }
/// # Ok::<(), deltaic::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct DeltaTable {
    snapshot: Snapshot,
    committer: Arc<dyn Committer>,
}

impl DeltaTable {
    /// Opens the newest version of the table at `location`: a path, or a URI as [`crate::storage`] lists them. Credentials
    /// are taken from the environment.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotATable`] where there is none, [`crate::ErrorKind::UnsupportedProtocol`] where the table needs
    /// what this library lacks, and those of [`Snapshot::open`].
    pub async fn open(location: &str) -> Result<Self> {
        Self::builder(location).open().await
    }

    /// As [`Self::open`], with options for the storage; see [`crate::storage::KNOWN_KEYS`].
    ///
    /// # Errors
    /// As [`Self::open`]; [`crate::ErrorKind::InvalidArgument`] where an option is wrong.
    pub async fn open_with(location: &str, options: impl Into<StorageOptions>) -> Result<Self> {
        Self::builder(location).with_storage_options(options).open().await
    }

    /// Opens a table step by step: at a version or time, or with a context of the embedder's.
    pub fn builder(location: &str) -> DeltaTableBuilder {
        DeltaTableBuilder { location: location.to_owned(), ..DeltaTableBuilder::default() }
    }

    /// Where the table is. Ends with a slash.
    pub fn url(&self) -> &Url {
        self.snapshot.store().root()
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.snapshot.version()
    }

    /// The state of the table at this version.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What protocol and metadata mean together: schema, features, properties.
    pub fn configuration(&self) -> &TableConfiguration {
        self.snapshot.configuration()
    }

    /// The columns, partition columns included.
    pub fn schema(&self) -> &StructType {
        self.configuration().schema()
    }

    /// Name, schema text, partition columns and properties, as the log holds them.
    pub fn metadata(&self) -> &Metadata {
        self.snapshot.metadata()
    }

    /// What readers and writers must know to use the table.
    pub fn protocol(&self) -> &Protocol {
        self.snapshot.protocol()
    }

    /// The data files that make up the table. Read once, then shared by all clones of this version.
    ///
    /// # Errors
    /// As [`Snapshot::files`].
    pub async fn files(&self) -> Result<FileSet> {
        self.snapshot.files().await
    }

    /// The newest `limit` versions that the log still holds commits of, newest first.
    ///
    /// # Errors
    /// As [`History::entries`].
    pub async fn history(&self, limit: Option<usize>) -> Result<Vec<HistoryEntry>> {
        History::load(&self.snapshot).await?.entries(limit.unwrap_or(usize::MAX)).await
    }

    /// A scan of this version: choose columns, a predicate, a limit; then plan or read it.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use futures::TryStreamExt;
    /// # let location = "../../fixtures/change_data_feed/partitioned/table";
    /// let table = deltaic::DeltaTable::open(location).await?;
    /// let batches: Vec<_> = table.scan().limit(10).build()?.stream().try_collect().await?;
    /// assert!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>() <= 10);
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    pub fn scan(&self) -> ScanBuilder {
        ScanBuilder::new(self.snapshot.clone())
    }

    /// A table to be made at `location`; see [`CreateBuilder`]. What is there already is seen, and stays unless it is to be
    /// replaced.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use deltaic::DeltaTable;
    /// use deltaic::log::schema::{PrimitiveType, StructField, StructType};
    /// # let place = tempfile::tempdir().unwrap();
    /// # let location = place.path().to_str().unwrap();
    /// let schema = StructType::new([StructField::nullable("id", PrimitiveType::Long)]);
    /// DeltaTable::create(location, schema).await?.property("owner", "me").execute().await?;
    /// assert_eq!(DeltaTable::open(location).await?.version(), deltaic::Version(0));
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Self::open`], but that there is no table is none.
    pub async fn create(location: &str, schema: StructType) -> Result<CreateBuilder> {
        Ok(CreateBuilder::new(Self::builder(location).target().await?, schema))
    }

    /// Rows to be appended, unless the builder is told otherwise. The table stays at its version; [`Self::refresh`] moves it.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use arrow_array::{Int64Array, RecordBatch};
    /// use deltaic::DeltaTable;
    /// use deltaic::ops::{Input, WriteBuilder};
    /// use std::sync::Arc;
    /// # let place = tempfile::tempdir().unwrap();
    /// # let location = place.path().to_str().unwrap();
    /// let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1, 2])) as _)]).unwrap();
    /// let rows = || Input::from_batches(batch.schema(), [batch.clone()]);
    /// // Where there is no table yet, one is made.
    /// WriteBuilder::new(DeltaTable::builder(location).target().await?, rows()).execute().await?;
    ///
    /// let mut table = DeltaTable::open(location).await?;
    /// table.write(rows()).execute().await?;
    /// table.refresh().await?;
    /// assert_eq!((table.version(), table.num_rows().await?), (deltaic::Version(1), Some(4)));
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    pub fn write(&self, input: Input) -> WriteBuilder {
        WriteBuilder::new(self.target(), input).mode(WriteMode::Append)
    }

    /// Rows to be deleted: all, unless the builder is told which. The table stays at its version; [`Self::refresh`] moves it.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use arrow_array::{Int64Array, RecordBatch};
    /// use deltaic::DeltaTable;
    /// use deltaic::ops::{Input, WriteBuilder};
    /// use std::sync::Arc;
    /// # let place = tempfile::tempdir().unwrap();
    /// # let location = place.path().to_str().unwrap();
    /// # let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as _)]).unwrap();
    /// # let rows = Input::from_batches(batch.schema(), [batch]);
    /// # WriteBuilder::new(DeltaTable::builder(location).target().await?, rows).execute().await?;
    /// let mut table = DeltaTable::open(location).await?;
    /// table.delete().predicate_sql("id > 1")?.execute().await?;
    /// table.refresh().await?;
    /// assert_eq!(table.num_rows().await?, Some(1));
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    pub fn delete(&self) -> DeleteBuilder {
        DeleteBuilder::new(self.target())
    }

    /// The rows that the commits of a range inserted, updated and deleted, planned; `_change_type`, `_commit_version` and
    /// `_commit_timestamp` say what, in which version and when.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use deltaic::scan::change_data_feed::ChangeRange;
    /// use futures::TryStreamExt;
    /// # let location = "../../fixtures/change_data_feed/partitioned/table";
    /// let table = deltaic::DeltaTable::open(location).await?;
    /// let changes = table.changes(ChangeRange::from_version(deltaic::Version(2))).await?;
    /// let batches: Vec<_> = changes.stream(Default::default()).try_collect().await?;
    /// assert!(batches.iter().all(|batch| batch.column_by_name("_change_type").is_some()));
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Changes::plan`].
    pub async fn changes(&self, range: ChangeRange) -> Result<Changes> {
        Changes::plan(&self.snapshot, range).await
    }

    /// As [`Self::changes`], step by step: with some columns only, or with a predicate on the changed rows.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use deltaic::scan::change_data_feed::ChangeRange;
    /// use futures::TryStreamExt;
    /// # let location = "../../fixtures/change_data_feed/partitioned/table";
    /// let table = deltaic::DeltaTable::open(location).await?;
    /// let deleted = table
    ///     .changes_builder(ChangeRange::from_version(deltaic::Version(1)))
    ///     .columns(["id"])
    ///     .filter_sql("_change_type = 'delete'")?
    ///     .plan()
    ///     .await?;
    /// let batches: Vec<_> = deleted.stream(Default::default()).try_collect().await?;
    /// assert!(batches.iter().all(|batch| batch.num_columns() == 1));
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    pub fn changes_builder(&self, range: ChangeRange) -> ChangesBuilder {
        ChangesBuilder::new(self.snapshot.clone(), range)
    }

    /// How many rows the table has, by the statistics of its files alone. `None` where a file has none.
    ///
    /// # Errors
    /// As [`Snapshot::files`].
    pub async fn num_rows(&self) -> Result<Option<u64>> {
        let store = self.snapshot.store();
        let mut rows = 0_u64;
        for chunk in self.files().await?.chunks() {
            let counted = chunk.bounds(store, self.configuration().physical_schema(), &[]).await?.num_records;
            for file in chunk.files() {
                let Some(count) = counted.is_valid(file.row()).then(|| counted.value(file.row())) else {
                    return Ok(None);
                };
                let deleted = file.deletion_vector().map_or(0, |vector| vector.cardinality);
                rows = rows.saturating_add(u64::try_from(count.saturating_sub(deleted)).unwrap_or(0));
            }
        }
        Ok(Some(rows))
    }

    /// Deletes the files below the table's root that no version within the retention needs: first what would be deleted is
    /// planned, which is a dry run for whoever stops there.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let location = "../../fixtures/transaction_identifiers/streaming/table";
    /// let table = deltaic::DeltaTable::open(location).await?;
    /// let plan = table.vacuum().plan().await?;
    /// assert_eq!(plan.num_files(), 0);
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    pub fn vacuum(&self) -> VacuumBuilder {
        VacuumBuilder::new(self.snapshot.clone(), self.committer.clone())
    }

    /// The table at this version, as operations go out from it.
    pub(crate) fn target(&self) -> Target {
        Target::table(self.snapshot.clone(), self.committer.clone())
    }

    /// How versions are put: by the storage's own means, unless the table was opened with others.
    pub fn committer(&self) -> &Arc<dyn Committer> {
        &self.committer
    }

    /// A change of the table as it is at this version, to stage actions in and to commit. The table stays at its version:
    /// [`Self::refresh`] moves it to what was committed.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use deltaic::commit::Operation;
    /// # let place = tempfile::tempdir().unwrap();
    /// # std::fs::create_dir(place.path().join("_delta_log")).unwrap();
    /// # let log = "../../fixtures/transaction_identifiers/streaming/table/_delta_log/00000000000000000000.json";
    /// # std::fs::copy(log, place.path().join("_delta_log/00000000000000000000.json")).unwrap();
    /// # let location = place.path().to_str().unwrap();
    /// let mut table = deltaic::DeltaTable::open(location).await?;
    /// let mut transaction = table.transaction(Operation::new("Manual Update"))?;
    /// transaction.set_transaction("nightly-job", 7);
    /// transaction.commit().await.into_result()?;
    /// table.refresh().await?;
    /// assert_eq!(table.version(), deltaic::Version(1));
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Transaction::begin`].
    pub fn transaction(&self, operation: Operation) -> Result<Transaction> {
        Transaction::begin(&self.snapshot, self.committer.clone(), operation)
    }

    /// Moves to the newest version. Costs one listing and the new commits.
    ///
    /// # Errors
    /// As [`Self::open`]; the table stays at its version then.
    pub async fn refresh(&mut self) -> Result<()> {
        self.snapshot = self.snapshot.refresh().await?;
        Ok(())
    }

    /// Moves to `version`, older or newer.
    ///
    /// # Errors
    /// As [`Self::open`]; [`crate::ErrorKind::VersionNotFound`], with the range that there is.
    pub async fn load_version(&mut self, version: Version) -> Result<()> {
        self.snapshot = self.snapshot.at_version(version).await?;
        Ok(())
    }

    /// Moves to the version that was the newest at `timestamp`.
    ///
    /// # Errors
    /// As [`Self::load_version`].
    pub async fn load_timestamp(&mut self, timestamp: TimestampMs) -> Result<()> {
        let mut newest = Self { snapshot: self.snapshot.refresh().await?, committer: self.committer.clone() };
        newest.move_to_timestamp(timestamp).await?;
        *self = newest;
        Ok(())
    }

    /// As [`Self::load_timestamp`], of the versions up to this one.
    async fn move_to_timestamp(&mut self, timestamp: TimestampMs) -> Result<()> {
        let version = History::load(&self.snapshot).await?.version_at(timestamp).await?;
        self.load_version(version).await
    }
}

/// The table of a snapshot, committed to by the storage's own means.
impl From<Snapshot> for DeltaTable {
    fn from(snapshot: Snapshot) -> Self {
        let committer = committer::for_table(snapshot.store());
        Self { snapshot, committer }
    }
}

/// How to open a table; made by [`DeltaTable::builder`].
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `open` is called"]
pub struct DeltaTableBuilder {
    location: String,
    options: StorageOptions,
    at: At,
    context: Option<Context>,
    source: Option<Arc<dyn LogSource>>,
    committer: Option<Arc<dyn Committer>>,
}

#[derive(Clone, Copy, Debug, Default)]
enum At {
    #[default]
    Newest,
    Version(Version),
    Timestamp(TimestampMs),
}

impl DeltaTableBuilder {
    /// Options for the storage.
    pub fn with_storage_options(mut self, options: impl Into<StorageOptions>) -> Self {
        self.options = options.into();
        self
    }

    /// The version to open, instead of the newest.
    pub fn with_version(mut self, version: Version) -> Self {
        self.at = At::Version(version);
        self
    }

    /// Opens the version that was the newest at that time.
    pub fn with_timestamp(mut self, timestamp: TimestampMs) -> Self {
        self.at = At::Timestamp(timestamp);
        self
    }

    /// What the embedder brings: stores, clock, ids, CPU executor, memory bound. Storage options are not used then.
    pub fn with_context(mut self, context: Context) -> Self {
        self.context = Some(context);
        self
    }

    /// What has a say beside storage, such as the catalog that manages the table: it is asked around each listing of the
    /// log, also when the table moves to another version later. It takes the place of a lock table that the options name.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use deltaic::log::{Access, CatalogTail, LogSource, TableStore};
    /// use deltaic::{DeltaTable, Result, Version};
    /// use futures::future::{BoxFuture, FutureExt, ready};
    /// use std::sync::Arc;
    ///
    /// /// A catalog that has ratified version 1, and published it.
    /// #[derive(Debug)]
    /// struct Catalog;
    ///
    /// impl LogSource for Catalog {
    ///     fn access(&self) -> Access {
    ///         Access::ThroughCatalog
    ///     }
    ///
    ///     fn before_list<'a>(&'a self, _: &'a TableStore) -> BoxFuture<'a, Result<()>> {
    ///         ready(Ok(())).boxed()
    ///     }
    ///
    ///     fn tail<'a>(&'a self, _: &'a TableStore, _: Version) -> BoxFuture<'a, Result<Option<CatalogTail>>> {
    ///         ready(Ok(Some(CatalogTail { latest: Version(1), commits: Vec::new() }))).boxed()
    ///     }
    /// }
    ///
    /// # let location = "../../fixtures/change_data_feed/partitioned/table";
    /// let table = DeltaTable::builder(location).with_source(Arc::new(Catalog)).open().await?;
    /// assert_eq!(table.version(), Version(1), "whatever else is in storage is no part of the table");
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    pub fn with_source(mut self, source: Arc<dyn LogSource>) -> Self {
        self.source = Some(source);
        self
    }

    /// How versions are to be put, where not by the storage's own means.
    pub fn with_committer(mut self, committer: Arc<dyn Committer>) -> Self {
        self.committer = Some(committer);
        self
    }

    /// The catalog that manages the table: it says which commits count, and ratifies new ones.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use std::sync::Arc;
    /// use deltaic::commit::committer::InProcessCatalog;
    /// use deltaic::{DeltaTable, Version};
    /// # let location = "../../fixtures/change_data_feed/partitioned/table";
    /// let catalog = InProcessCatalog::new();
    /// catalog.register(&deltaic::storage::table_url(location)?, Version(1));
    /// let table = DeltaTable::builder(location).with_catalog(Arc::new(catalog)).open().await?;
    /// assert_eq!(table.version(), Version(1), "whatever else is in storage is no part of the table");
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    pub fn with_catalog(self, catalog: Arc<dyn Catalog>) -> Self {
        let committer = CatalogCommitter::new(catalog.clone());
        self.with_source(Arc::new(CatalogSource::new(catalog))).with_committer(Arc::new(committer))
    }

    /// Opens the table.
    ///
    /// # Errors
    /// As [`DeltaTable::open`].
    pub async fn open(self) -> Result<DeltaTable> {
        let (at, committer) = (self.at, self.committer.clone());
        let mut options = SnapshotOptions::new();
        if let At::Version(version) = at {
            options.version = Some(version);
        }
        let own_source = self.source.clone();
        let (store, route) = self.reach().await?;
        options.source = own_source.or_else(|| route.log_source());
        let snapshot = Snapshot::open_in(&store, options).await.with("table", store.root())?;
        let committer = committer.unwrap_or_else(|| route.committer());
        let mut table = DeltaTable { snapshot, committer };
        if let At::Timestamp(timestamp) = at {
            table.move_to_timestamp(timestamp).await.with("table", store.root())?;
        }
        Ok(table)
    }

    /// Verifies the table instead of opening it, which works for broken tables too. It looks at storage alone, whatever the
    /// source. See [`crate::check`].
    ///
    /// # Errors
    /// As [`crate::check::check`].
    pub async fn check(self, options: &CheckOptions) -> Result<Report> {
        check(&self.reach().await?.0, options).await
    }

    /// The place itself, whether there is a table or none yet: what operations that may make a table go out from.
    ///
    /// # Errors
    /// As [`Self::open`], but that there is no table is none.
    pub async fn target(self) -> Result<Target> {
        let (own_committer, own_source) = (self.committer.clone(), self.source.clone());
        let (store, route) = self.reach().await?;
        let mut options = SnapshotOptions::new();
        options.source = own_source.or_else(|| route.log_source());
        let committer = own_committer.unwrap_or_else(|| route.committer());
        Target::open_with(store.clone(), committer, options).await.with("table", store.root())
    }

    /// The table's storage, and how the table is committed to there.
    async fn reach(self) -> Result<(TableStore, CommitRoute)> {
        let url = table_url(&self.location)?;
        if let Some(context) = self.context {
            let store = TableStore::new(&url, context)?;
            let route = CommitRoute::of_storage(&store);
            return Ok((store, route));
        }
        let stores = Arc::new(ConfiguredStores::for_table(&url, self.options).await?);
        let store = TableStore::new(&url, Context::new(stores.clone()))?;
        let route = stores.commit_route(&store)?;
        Ok((store, route))
    }
}
