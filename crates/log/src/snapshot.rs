//! A table at a version.
//!
//! Spec: [Delta Table Specification](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#delta-table-specification).
//! A snapshot opens on protocol and metadata alone:
//!
//! ```text
//!   _last_checkpoint (a hint) ──► list ──► segment ──► checksum of this version?  yes ──► open
//!                                                          │ no
//!                                    commits, newest first, until protocol and metadata are known
//!                                                          │ not found in them
//!                                                      checkpoint
//! ```
//!
//! Files, transaction identifiers and domains are read when first asked for, and shared by every clone.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use url::Url;

use crate::action::{DomainMetadata, Metadata, Protocol, Remove, SetTransaction};
use crate::action_reconciliation::KeySet;
use crate::checkpoint::{Checkpoint, RowGroupFilter};
use crate::context::Context;
use crate::cpu;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::file_name::{LOG_DIR, LogFileName};
use crate::file_set::{FileChunk, FileSet};
use crate::last_checkpoint::LastCheckpoint;
use crate::once::AsyncOnce;
use crate::replay::{ReconciledTail, Tail};
use crate::schema::StructType;
use crate::segment::{CheckpointFiles, Listing, LogSegment, Unusable};
use crate::source::LogSource;
use crate::store::{TableFile, TableStore};
use crate::table_configuration::{Access, TableConfiguration};
use crate::table_properties::property;
use crate::version::{TimestampMs, Version};
use crate::version_checksum::VersionChecksum;

/// A table at a version: immutable, cheap to clone, `Send + Sync`.
#[derive(Clone, Debug)]
pub struct Snapshot(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: TableStore,
    source: Option<Arc<dyn LogSource>>,
    segment: LogSegment,
    unusable: Unusable,
    configuration: TableConfiguration,
    /// This version's own checksum, if it was read.
    checksum: Option<Arc<VersionChecksum>>,
    /// The commits read at opening.
    read_at_open: Tail,
    base: AsyncOnce<Base>,
    files: AsyncOnce<FileSet>,
    small: AsyncOnce<Arc<SmallActions>>,
}

/// All commits after the checkpoint, and the checkpoint.
#[derive(Clone, Debug)]
struct Base {
    tail: Tail,
    checkpoint: Option<Checkpoint>,
}

/// Transaction identifiers by application, and domains by name.
#[derive(Debug, Default)]
struct SmallActions {
    transactions: BTreeMap<String, SetTransaction>,
    domains: BTreeMap<String, DomainMetadata>,
}

/// How to open a snapshot.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SnapshotOptions {
    /// The version; the newest where absent.
    pub version: Option<Version>,
    /// What has a say beside storage.
    pub source: Option<Arc<dyn LogSource>>,
}

impl SnapshotOptions {
    /// The newest version, by storage alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// The snapshot of this version.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    fn access(&self) -> Access {
        if self.source.is_some() { Access::ThroughCatalog } else { Access::ByPath }
    }

    /// A snapshot that asks `source` around each listing.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn LogSource>) -> Self {
        self.source = Some(source);
        self
    }
}

impl Snapshot {
    /// Opens the table at `root`.
    ///
    /// # Errors
    /// [`ErrorKind::NotATable`], [`ErrorKind::VersionNotFound`], [`ErrorKind::VersionGap`], [`ErrorKind::MissingProtocol`],
    /// [`ErrorKind::MissingMetadata`], [`ErrorKind::UnsupportedProtocol`], [`ErrorKind::CorruptLog`], [`ErrorKind::Storage`].
    pub async fn open(root: &Url, context: Context, options: SnapshotOptions) -> Result<Self> {
        let store = TableStore::new(root, context)?;
        Self::open_in(&store, options).await.with("table", root)
    }

    /// As [`Self::open`], in a storage that is at hand.
    ///
    /// # Errors
    /// As [`Self::open`].
    #[tracing::instrument(name = "open", skip_all, fields(table = %store.root()))]
    pub async fn open_in(store: &TableStore, options: SnapshotOptions) -> Result<Self> {
        let listed = Listed::with_hint(store, &options).await?;
        Self::open_readable(store, &options, listed, Unusable::default(), None).await
    }

    /// Opens the first segment of which everything that must be read now can be read. Where there is none, `unreadable`,
    /// the first error about a file that was left aside, is the cause.
    async fn open_readable(
        store: &TableStore,
        options: &SnapshotOptions,
        mut listed: Listed,
        mut unusable: Unusable,
        mut unreadable: Option<Error>,
    ) -> Result<Self> {
        loop {
            let segment = match listed.segment(store, options, &unusable).await {
                Err(error) if error.kind() != ErrorKind::Storage => return Err(unreadable.unwrap_or(error)),
                segment => segment?,
            };
            match Self::open_segment(store, options, segment.clone(), unusable.clone()).await {
                Err(error) if unusable.note(&error, &segment) => unreadable = unreadable.or(Some(error)),
                opened => return opened,
            }
        }
    }

    async fn open_segment(
        store: &TableStore,
        options: &SnapshotOptions,
        segment: LogSegment,
        unusable: Unusable,
    ) -> Result<Self> {
        let checksum = match segment.checksum {
            Some(version) => VersionChecksum::read(store, version).await?.map(|checksum| (version, checksum)),
            None => None,
        };
        let known = checksum.as_ref().map(|(version, _)| *version);
        let stop = segment.deltas.partition_point(|delta| Some(delta.end) <= known);
        let read_at_open = Tail::read_until_known(store, &segment.deltas, stop).await?;
        let mut protocol = read_at_open.protocol().cloned();
        let mut metadata = read_at_open.metadata().cloned();
        let mut checkpoint = None;
        if let Some((_, checksum)) = &checksum {
            protocol = protocol.or_else(|| Some(checksum.protocol.clone()));
            metadata = metadata.or_else(|| Some(checksum.metadata.clone()));
        } else if let (true, Some(files)) = (protocol.is_none() || metadata.is_none(), &segment.checkpoint) {
            let opened = Checkpoint::open(store, files).await?;
            let (p, m) = opened.protocol_and_metadata(store).await?;
            (protocol, metadata) = (protocol.or(p), metadata.or(m));
            checkpoint = Some(opened);
        }
        let protocol = protocol.ok_or_else(|| absent(ErrorKind::MissingProtocol, "protocol"))?;
        let metadata = metadata.ok_or_else(|| absent(ErrorKind::MissingMetadata, "metaData"))?;
        let configuration = TableConfiguration::try_new(protocol, metadata)?;
        configuration.check_access(options.access())?;
        let complete = read_at_open.deltas().count() == segment.deltas.len();
        let base = (complete && (checkpoint.is_some() || segment.checkpoint.is_none()))
            .then(|| Base { tail: read_at_open.clone(), checkpoint });
        Ok(Self(Arc::new(Inner {
            store: store.clone(),
            source: options.source.clone(),
            checksum: checksum
                .filter(|(version, _)| *version == segment.version)
                .map(|(_, checksum)| Arc::new(checksum)),
            segment,
            unusable,
            configuration,
            read_at_open,
            base: AsyncOnce::with(base),
            files: AsyncOnce::default(),
            small: AsyncOnce::default(),
        })))
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.0.segment.version
    }

    /// The protocol and metadata in force, parsed: schema, partition columns, properties, what readers must do.
    pub fn configuration(&self) -> &TableConfiguration {
        &self.0.configuration
    }

    /// The protocol in force.
    pub fn protocol(&self) -> &Protocol {
        self.configuration().protocol()
    }

    /// The metadata in force.
    pub fn metadata(&self) -> &Metadata {
        self.configuration().metadata()
    }

    /// The table's schema, under logical names.
    pub fn schema(&self) -> &StructType {
        self.configuration().schema()
    }

    /// The table's storage.
    pub fn store(&self) -> &TableStore {
        &self.0.store
    }

    /// The files of the log that make this version.
    pub fn segment(&self) -> &LogSegment {
        &self.0.segment
    }

    /// This version's checksum, where it was read at opening.
    pub fn checksum(&self) -> Option<&VersionChecksum> {
        self.0.checksum.as_deref()
    }

    /// The same snapshot, which knows its version's checksum: whoever has just written it need not read it again.
    #[must_use]
    pub fn with_checksum(&self, checksum: Arc<VersionChecksum>) -> Self {
        let inner = &*self.0;
        Self(Arc::new(Inner {
            store: inner.store.clone(),
            source: inner.source.clone(),
            segment: inner.segment.clone(),
            unusable: inner.unusable.clone(),
            configuration: inner.configuration.clone(),
            checksum: Some(checksum),
            read_at_open: inner.read_at_open.clone(),
            base: AsyncOnce::with(inner.base.get()),
            files: AsyncOnce::with(inner.files.get()),
            small: AsyncOnce::with(inner.small.get()),
        }))
    }

    /// All live files, read on first use and kept.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptLog`], [`ErrorKind::MissingFile`], [`ErrorKind::Storage`].
    pub async fn files(&self) -> Result<FileSet> {
        self.0.files.get_or_try_init(self.load_files()).await
    }

    /// All live files, if they are read already.
    pub fn files_if_read(&self) -> Option<FileSet> {
        self.0.files.get()
    }

    /// The live files as a stream, newest first, of which nothing is kept: memory is bounded by a few row groups of the
    /// checkpoint and the commits after it. What [`Self::files`] has read already is not read again.
    ///
    /// # Errors
    /// The stream's items fail as [`Self::files`] does.
    pub fn stream_files(&self) -> BoxStream<'static, Result<FileChunk>> {
        if let Some(files) = self.files_if_read() {
            let chunks = files.chunks().to_vec();
            return stream::iter(chunks.into_iter().map(Ok)).boxed();
        }
        self.stream_from_log(None)
    }

    /// As [`Self::stream_files`], from the log itself, without the row groups of the checkpoint that `filter` leaves out:
    /// their files are known not to be wanted.
    ///
    /// # Errors
    /// As [`Self::stream_files`].
    pub fn stream_files_where(&self, filter: RowGroupFilter) -> BoxStream<'static, Result<FileChunk>> {
        self.stream_from_log(Some(filter))
    }

    /// How many row groups of the checkpoint `filter` keeps, and how many hold files; (0, 0) without a checkpoint.
    ///
    /// # Errors
    /// As [`Self::files`].
    pub async fn count_row_groups(&self, filter: &RowGroupFilter) -> Result<(usize, usize)> {
        match self.base().await?.checkpoint {
            Some(checkpoint) => checkpoint.count_row_groups(self.store(), filter).await,
            None => Ok((0, 0)),
        }
    }

    /// Reads the whole checkpoint that this version starts from, in bounded memory, to tell whether the log could do without
    /// everything before it.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptLog`] where the checkpoint is damaged or lacks what every one has; [`ErrorKind::MissingFile`],
    /// also where there is no checkpoint; [`ErrorKind::Storage`].
    pub async fn verify_checkpoint(&self) -> Result<()> {
        let Some(files) = &self.segment().checkpoint else {
            return Err(Error::new(ErrorKind::MissingFile, "the version has no checkpoint"));
        };
        let checkpoint = Checkpoint::open(self.store(), files).await?;
        let (protocol, metadata) = checkpoint.protocol_and_metadata(self.store()).await?;
        protocol.ok_or_else(|| absent(ErrorKind::CorruptLog, "protocol"))?;
        metadata.ok_or_else(|| absent(ErrorKind::CorruptLog, "metaData"))?;
        checkpoint.transactions_and_domains(self.store()).await?;
        let files = checkpoint.files(self.store(), Arc::default(), None).await?;
        files.try_for_each(|_| std::future::ready(Ok(()))).await?;
        let removes = checkpoint.removes(self.store(), Arc::default()).await?;
        removes.try_for_each(|_| std::future::ready(Ok(()))).await
    }

    fn stream_from_log(&self, filter: Option<RowGroupFilter>) -> BoxStream<'static, Result<FileChunk>> {
        let mut snapshot = self.clone();
        let chunks = async move {
            loop {
                match snapshot.start_stream(filter.as_ref()).await {
                    Err(error) => snapshot = snapshot.without_unreadable(error).await?,
                    started => return started,
                }
            }
        };
        stream::once(chunks).try_flatten().boxed()
    }

    /// The transaction identifiers by application (spec: "Transaction Identifiers"); the newest action of each stands.
    ///
    /// Where the table sets `delta.setTransactionRetentionDuration`, one that was set that long ago by the context's clock,
    /// or longer, is forgotten; so is one that does not say when it was set.
    ///
    /// # Errors
    /// As [`Self::files`]; [`ErrorKind::InvalidProperty`] where the property's value is no duration.
    pub async fn transactions(&self) -> Result<BTreeMap<String, SetTransaction>> {
        let retention = self.configuration().properties().get(&property::SET_TRANSACTION_RETENTION_DURATION)?;
        let mut transactions = self.small().await?.transactions.clone();
        if let Some(retention) = retention {
            let retention_ms = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
            let expired = self.store().context().clock.now().0.saturating_sub(retention_ms);
            transactions.retain(|_, transaction| transaction.last_updated.is_some_and(|updated| updated > expired));
        }
        Ok(transactions)
    }

    /// The domains by name (spec: "Domain Metadata"), without those that were removed.
    ///
    /// # Errors
    /// As [`Self::files`].
    pub async fn domains(&self) -> Result<BTreeMap<String, DomainMetadata>> {
        Ok(self.small().await?.domains.clone())
    }

    /// The newest snapshot of the table. Costs one listing of what is newer, and the new commits; this snapshot, cloned,
    /// where there is none.
    ///
    /// # Errors
    /// As [`Self::open`].
    #[tracing::instrument(name = "refresh", skip_all, fields(table = %self.store().root(), version = %self.version()))]
    pub async fn refresh(&self) -> Result<Self> {
        let options = self.options(None);
        let listing = list(self.store(), &options, self.version().next()).await?;
        if listing.latest().is_none() {
            return Ok(self.clone());
        }
        match self.0.segment.extended(&listing) {
            Some(segment) => self.extend(segment).await,
            None => Self::open_in(self.store(), options).await,
        }
    }

    /// The snapshot of another version, older or newer, of the same table, asked for in the same way.
    ///
    /// # Errors
    /// As [`Self::open`]; [`ErrorKind::VersionNotFound`], with the range that there is.
    pub async fn at_version(&self, version: Version) -> Result<Self> {
        Self::open_in(self.store(), self.options(Some(version))).await
    }

    fn options(&self, version: Option<Version>) -> SnapshotOptions {
        SnapshotOptions { version, source: self.0.source.clone() }
    }

    /// The snapshot of a newer version whose commits are known to stand, as after a commit of one's own. Nothing is listed:
    /// each commit since is read by its name, so that the cost does not grow with the log. [`Self::segment`] does not know
    /// the sizes and times of those commits. This snapshot, cloned, where it is not older.
    ///
    /// # Errors
    /// [`ErrorKind::MissingFile`] where a commit is not there; as [`Self::open`].
    pub async fn advance_to(&self, version: Version) -> Result<Self> {
        if self.0.source.is_some() {
            // Where a commit is, its source knows.
            return self.refresh().await;
        }
        let file = |version| {
            let path = format!("{LOG_DIR}/{}", LogFileName::Commit(version));
            (version, TableFile { path, size: 0, modified: TimestampMs(0) })
        };
        let mut newer = Listing::default();
        newer.add_commits((self.version().next().0..=version.0).map(|version| file(Version(version))));
        match self.0.segment.extended(&newer) {
            Some(segment) => self.extend(segment).await,
            None => Ok(self.clone()),
        }
    }

    /// Everything that the log holds.
    ///
    /// # Errors
    /// [`ErrorKind::NotATable`], [`ErrorKind::Storage`].
    pub async fn list_all(&self) -> Result<Listing> {
        list(self.store(), &self.options(None), Version(0)).await
    }

    async fn extend(&self, segment: LogSegment) -> Result<Self> {
        let inner = &*self.0;
        let newer = &segment.deltas[inner.segment.deltas.len()..];
        let (read_at_open, new) = inner.read_at_open.extended(&inner.store, newer).await?;
        let base = match inner.base.get() {
            Some(base) => Some(Base { tail: base.tail.with_newer(&new), checkpoint: base.checkpoint }),
            None => None,
        };
        let files = match inner.files.get() {
            Some(files) => Some(files.with_layer(self.reconcile(&new).await?)),
            None => None,
        };
        let small = inner.small.get().map(|small| Arc::new(small.with_newer(&new)));
        Ok(Self(Arc::new(Inner {
            store: inner.store.clone(),
            source: inner.source.clone(),
            segment,
            unusable: inner.unusable.clone(),
            configuration: self.configuration_after(&new)?,
            checksum: None,
            read_at_open,
            base: AsyncOnce::with(base),
            files: AsyncOnce::with(files),
            small: AsyncOnce::with(small),
        })))
    }

    fn configuration_after(&self, new: &Tail) -> Result<TableConfiguration> {
        if new.protocol().is_none() && new.metadata().is_none() {
            return Ok(self.configuration().clone());
        }
        let protocol = new.protocol().unwrap_or(self.protocol()).clone();
        let configuration = TableConfiguration::try_new(protocol, new.metadata().unwrap_or(self.metadata()).clone())?;
        configuration.check_access(self.options(None).access())?;
        Ok(configuration)
    }

    /// Reads the files; where the checkpoint turns out to be unreadable only now, from an older one.
    #[tracing::instrument(name = "load files", skip_all)]
    async fn load_files(&self) -> Result<FileSet> {
        self.with_fallback(Self::collect_files).await
    }

    async fn collect_files(&self) -> Result<FileSet> {
        let base = self.base().await?;
        let tail = self.reconcile(&base.tail).await?;
        let older = match &base.checkpoint {
            Some(checkpoint) => checkpoint.files(self.store(), tail.keys.clone(), None).await?.try_collect().await?,
            None => Vec::new(),
        };
        Ok(FileSet::new(tail, older))
    }

    async fn start_stream(&self, filter: Option<&RowGroupFilter>) -> Result<BoxStream<'static, Result<FileChunk>>> {
        let base = self.base().await?;
        let tail = self.reconcile(&base.tail).await?;
        let older = match &base.checkpoint {
            Some(checkpoint) => checkpoint.files(self.store(), tail.keys, filter).await?,
            None => stream::empty().boxed(),
        };
        Ok(stream::iter(tail.chunks.into_iter().map(Ok)).chain(older).boxed())
    }

    /// Reads something of this version; where an optional file turns out to be unreadable only now, without that file.
    async fn with_fallback<T>(&self, read: impl AsyncFn(&Self) -> Result<T>) -> Result<T> {
        let mut this = self.clone();
        loop {
            match read(&this).await {
                Err(error) => this = this.without_unreadable(error).await?,
                done => return done,
            }
        }
    }

    /// The same version without the optional files (a checkpoint, a compaction) that an error is about, for a caller to try
    /// again what met it. Reading a snapshot does so by itself.
    ///
    /// # Errors
    /// The error, where it is about no file that can be done without; as [`Self::open`].
    pub async fn without_unreadable(&self, error: Error) -> Result<Self> {
        let mut unusable = self.0.unusable.clone();
        if !unusable.note(&error, &self.0.segment) {
            return Err(error.with("table", self.store().root()));
        }
        let options = self.options(Some(self.version()));
        let listed = Listed { from: Version(0), listing: self.list_all().await? };
        Self::open_readable(self.store(), &options, listed, unusable, Some(error)).await
    }

    /// The checkpoint that this version starts from, opened.
    pub(crate) async fn checkpoint(&self) -> Result<Option<Checkpoint>> {
        match &self.0.segment.checkpoint {
            Some(files) => Ok(Some(Checkpoint::open(self.store(), files).await?)),
            None => Ok(None),
        }
    }

    /// The tombstones of the checkpoint whose key is not in `newer`.
    pub(crate) async fn checkpoint_removes(&self, newer: Arc<KeySet>) -> Result<BoxStream<'static, Result<Remove>>> {
        match self.base().await?.checkpoint {
            Some(checkpoint) => checkpoint.removes(self.store(), newer).await,
            None => Ok(stream::empty().boxed()),
        }
    }

    async fn reconcile(&self, tail: &Tail) -> Result<ReconciledTail> {
        let tail = tail.clone();
        cpu::run(&self.store().context().cpu, move || Ok(ReconciledTail::new(&tail))).await
    }

    async fn base(&self) -> Result<Base> {
        self.0.base.get_or_try_init(self.read_base()).await
    }

    async fn read_base(&self) -> Result<Base> {
        let tail = self.0.read_at_open.complete(self.store(), &self.0.segment.deltas).await?;
        Ok(Base { tail, checkpoint: self.checkpoint().await? })
    }

    async fn small(&self) -> Result<Arc<SmallActions>> {
        self.0.small.get_or_try_init(self.with_fallback(Self::read_small)).await
    }

    async fn read_small(&self) -> Result<Arc<SmallActions>> {
        if let Some(small) = self.checksum().and_then(SmallActions::of_checksum) {
            return Ok(Arc::new(small));
        }
        let base = self.base().await?;
        let mut small = SmallActions::default();
        if let Some(checkpoint) = &base.checkpoint {
            let (transactions, domains) = checkpoint.transactions_and_domains(self.store()).await?;
            small.add(transactions, domains);
        }
        Ok(Arc::new(small.with_newer(&base.tail)))
    }
}

impl SmallActions {
    /// What a checksum says, if it says it all.
    fn of_checksum(checksum: &VersionChecksum) -> Option<Self> {
        let mut small = Self::default();
        small.add(checksum.set_transactions.clone()?, checksum.domain_metadata.clone()?);
        Some(small)
    }

    fn add(&mut self, transactions: Vec<SetTransaction>, domains: Vec<DomainMetadata>) {
        self.transactions.extend(transactions.into_iter().map(|txn| (txn.app_id.clone(), txn)));
        for domain in domains {
            match domain.removed {
                true => drop(self.domains.remove(&domain.domain)),
                false => drop(self.domains.insert(domain.domain.clone(), domain)),
            }
        }
    }

    fn with_newer(&self, tail: &Tail) -> Self {
        let mut small = Self { transactions: self.transactions.clone(), domains: self.domains.clone() };
        let deltas: Vec<_> = tail.deltas().collect();
        for delta in deltas.into_iter().rev() {
            small.add(delta.transactions.clone(), delta.domains.clone());
        }
        small
    }
}

/// A listing of the log that may begin at a hint.
struct Listed {
    from: Version,
    listing: Listing,
}

impl Listed {
    /// Lists from the checkpoint that `_last_checkpoint` names, unless an older version is asked for.
    async fn with_hint(store: &TableStore, options: &SnapshotOptions) -> Result<Self> {
        let hint = LastCheckpoint::read(store).await?.map(|hint| hint.version);
        let from = hint.filter(|hint| options.version.is_none_or(|version| *hint <= version)).unwrap_or_default();
        Ok(Self { from, listing: list(store, options, from).await? })
    }

    /// The segment. Where a listing that began at a hint has no checkpoint to start from, the whole log is listed.
    async fn segment(
        &mut self,
        store: &TableStore,
        options: &SnapshotOptions,
        unusable: &Unusable,
    ) -> Result<LogSegment> {
        let segment = self.listing.segment(options.version, unusable);
        if self.from == Version(0) || segment.as_ref().is_ok_and(|segment| segment.checkpoint.is_some()) {
            return segment;
        }
        *self = Self { from: Version(0), listing: list(store, options, Version(0)).await? };
        self.listing.segment(options.version, unusable)
    }
}

async fn list(store: &TableStore, options: &SnapshotOptions, from: Version) -> Result<Listing> {
    let Some(source) = &options.source else { return Ok(Listing::new(store.list_log(from).await?)) };
    source.before_list(store).await?;
    let mut listing = Listing::new(store.list_log(from).await?);
    if let Some(tail) = source.tail(store, from).await? {
        listing.add_commits(tail.commits.into_iter().filter(|(version, _)| *version >= from));
        listing.truncate(tail.latest);
    }
    Ok(listing)
}

impl Unusable {
    /// Notes the optional file of `segment` that an error is about. False where there is none: the error stands.
    fn note(&mut self, error: &Error, segment: &LogSegment) -> bool {
        if !matches!(error.kind(), ErrorKind::CorruptLog | ErrorKind::MissingFile) {
            return false;
        }
        let Some(file) = error.context("file") else { return false };
        let of_checkpoint = segment.checkpoint.iter().flat_map(|checkpoint: &CheckpointFiles| &checkpoint.files);
        let is_compaction = segment.deltas.iter().any(|delta| delta.is_compaction() && delta.file.path == file);
        let is_sidecar = file.contains("/_sidecars/");
        if is_compaction {
            tracing::warn!(%error, "a log compaction file is unreadable; its commits are read instead");
            self.compactions = true;
        } else if is_sidecar || { of_checkpoint }.any(|part| part.path == file) {
            tracing::warn!(%error, "a checkpoint is unreadable; the log is read without it");
            self.checkpoints
                .extend(segment.checkpoint.iter().flat_map(|c| c.files.iter().map(|part| part.path.clone())));
        } else {
            return false;
        }
        true
    }
}

fn absent(kind: ErrorKind, action: &str) -> Error {
    Error::new(
        kind,
        format!("the log has no `{action}` action, which every table has from its first version on; restore the log"),
    )
}
