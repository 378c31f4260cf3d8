//! A table in memory for tests of commits: written through storage that may fail, and audited past it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deltaic::check::{CheckOptions, Finding, Rule, Severity, check};
use deltaic_commit::committer::dynamodb::{LockTable, LockTableCommitter, LockTableSource};
use deltaic_commit::committer::{CatalogCommitter, CatalogSource, Committer, PutIfAbsent};
use deltaic_commit::{CommitOutcome, Operation, Transaction};
use deltaic_log::action::{Action, Add, Metadata, Remove};
use deltaic_log::commit_file::read_actions;
use deltaic_log::cpu::InlineCpu;
use deltaic_log::file_name::LogFileName;
use deltaic_log::{
    Clock, Context, LogSource, ManualClock, SequentialIds, SingleStore, Snapshot, SnapshotOptions, TableStore,
    TimestampMs, Version,
};
use futures::executor::block_on;
use futures::future::BoxFuture;
use futures::stream::StreamExt;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use serde_json::{Value, json};

use crate::FaultStore;
use crate::fault_catalog::FaultCatalog;
use crate::fault_store::DELETED;

const ROOT: &str = "memory:///table";

/// A table with the columns `p` (string) and `n` (long), partitioned by `p`.
#[derive(Debug)]
pub struct CommitTable {
    memory: Arc<InMemory>,
    /// What the writers' requests meet.
    pub faults: FaultStore,
    /// The one client of all writers.
    client: Arc<dyn ObjectStore>,
    /// What the writers put with.
    pub committer: Arc<dyn Committer>,
    /// What readers ask before they list.
    pub source: Option<Arc<dyn LogSource>>,
    /// The catalog that manages the table, if one does.
    catalog: Option<Arc<FaultCatalog>>,
    /// The time, apart from what is wrong with each writer's clock.
    pub clock: Arc<ManualClock>,
    /// How many times a writer came: no two of them are given the same ids.
    arrivals: AtomicU64,
}

impl Default for CommitTable {
    fn default() -> Self {
        Self::new()
    }
}

impl CommitTable {
    /// An empty place.
    pub fn new() -> Self {
        let memory = Arc::new(InMemory::new());
        let faults = FaultStore::new(memory.clone());
        let client = Arc::new(faults.clone());
        let committer = Arc::new(PutIfAbsent::without_probe());
        let clock = Arc::new(ManualClock::new(TimestampMs(1_700_000_000_000)));
        Self { memory, faults, client, committer, source: None, catalog: None, clock, arrivals: AtomicU64::new(0) }
    }

    /// An empty place for a table that a catalog manages.
    pub fn managed() -> Self {
        let mut this = Self::new();
        let catalog = Arc::new(FaultCatalog::new(this.faults.clone()));
        this.committer = Arc::new(CatalogCommitter::new(catalog.clone()));
        this.source = Some(Arc::new(CatalogSource::new(catalog.clone())));
        this.catalog = Some(catalog);
        this
    }

    /// An empty place that is committed to through a lock table.
    pub fn locked(table: Arc<dyn LockTable>) -> Self {
        let mut this = Self::new();
        this.committer = Arc::new(LockTableCommitter::new(table.clone()));
        this.source = Some(Arc::new(LockTableSource::new(table)));
        this
    }

    /// A table with these properties, at version 0.
    pub fn created(configuration: Value) -> Self {
        Self::new().with_version_0(configuration)
    }

    /// The same place, with a table of these properties, at version 0.
    #[must_use]
    pub fn with_version_0(self, configuration: Value) -> Self {
        let (store, committer) = (self.store(0), self.committer.clone());
        let operation = Operation::new("CREATE TABLE");
        let create = Transaction::create(&store, committer, metadata(configuration), operation);
        block_on(async { create.await?.commit().await.into_result() }).expect("nobody disturbs it");
        self
    }

    /// The table as the writer of this number reaches it: with its own clock, which goes wrong by its number in seconds, and
    /// its own ids.
    pub fn store(&self, writer: u64) -> TableStore {
        let ids = SequentialIds::new(self.arrivals.fetch_add(1, Ordering::SeqCst));
        let skew_ms = i64::try_from(writer).expect("few writers") * 1_000;
        let clock = SkewedClock { true_time: self.clock.clone(), skew_ms };
        let context = Context::new(Arc::new(SingleStore::new(self.client.clone())))
            .with_cpu(Arc::new(InlineCpu))
            .with_clock(Arc::new(clock))
            .with_ids(Arc::new(ids));
        self.store_at(ROOT, context)
    }

    /// The table as it is, past all faults.
    pub fn truth(&self) -> TableStore {
        self.store_at(ROOT, self.true_context())
    }

    fn true_context(&self) -> Context {
        Context::new(Arc::new(SingleStore::new(self.memory.clone()))).with_cpu(Arc::new(InlineCpu))
    }

    fn store_at(&self, root: &str, context: Context) -> TableStore {
        TableStore::new(&root.parse().expect("it is a URL"), context).expect("memory serves every URL")
    }

    /// Storage and catalog answer again; what was late is done, and what is not published yet is published.
    pub fn calm_down(&self) {
        self.faults.fail_at_random(0, 0);
        block_on(self.faults.land_all());
        if let Some(catalog) = &self.catalog {
            block_on(catalog.land_all());
        }
        block_on(self.committer.publish(&self.truth(), Version(u64::MAX))).expect("nobody disturbs it");
    }

    /// The newest snapshot, or that of a version, through the storage of a writer that meets no fault now.
    pub fn open(&self, writer: u64, version: Option<u64>) -> Snapshot {
        let mut options = self.options();
        options.version = version.map(Version);
        block_on(Snapshot::open_in(&self.store(writer), options)).expect("the table can be opened")
    }

    /// What readers open the table with.
    pub fn options(&self) -> SnapshotOptions {
        let mut options = SnapshotOptions::new();
        options.source = self.source.clone();
        options
    }

    /// A transaction on `snapshot`.
    pub fn begin(&self, snapshot: &Snapshot) -> Transaction {
        Transaction::begin(snapshot, self.committer.clone(), Operation::new("WRITE")).expect("it can be written")
    }

    /// Appends one file, blindly, after `snapshot`.
    pub fn append(&self, snapshot: &Snapshot, path: &str) -> CommitOutcome {
        let mut append = self.begin(snapshot);
        append.add(file(path, "a", 1));
        block_on(append.commit())
    }

    /// Every commit, in order, as it stands, or stood before it was cleaned up.
    ///
    /// # Panics
    /// Where versions are not contiguous.
    pub fn commits(&self) -> Vec<Vec<Action>> {
        let commits = |root: &str| {
            let store = self.store_at(root, self.true_context());
            let mut listed = block_on(store.list_log(Version(0))).unwrap_or_default();
            listed.retain(|file| matches!(file.name, LogFileName::Commit(_)));
            let read = |file: &deltaic_log::store::LogFile| {
                let body = block_on(store.read(&file.file.path)).expect("memory reads").expect("it is listed");
                (file.name.version(), read_actions(&body).expect("a commit can be read"))
            };
            listed.iter().map(read).collect::<BTreeMap<_, _>>()
        };
        let mut all = commits(&format!("memory:///{DELETED}table"));
        for (version, commit) in commits(ROOT) {
            assert!(all.insert(version, commit).is_none(), "version {version} was cleaned up, and made again");
        }
        let contiguous = all.keys().zip(0..).all(|(version, number)| *version == Version(number));
        assert!(contiguous, "versions are not contiguous: {:?}", all.keys());
        all.into_values().collect()
    }

    /// What an independent replay finds wrong with the log, apart from what a clean-up leaves that stopped half-way. Of the data
    /// files it knows that there are none.
    pub fn findings(&self) -> Vec<Finding> {
        let mut report = block_on(check(&self.truth(), &CheckOptions::new())).expect("memory can be read");
        let is_about_data =
            |finding: &Finding| finding.rule == Rule::AddAndRemoveFile && finding.message.contains("storage");
        // The replay goes by path, by which such a table cannot be opened.
        let is_managed = |finding: &Finding| finding.message.contains("open the table through that catalog");
        report
            .findings
            .retain(|finding| finding.severity == Severity::Error && !is_about_data(finding) && !is_managed(finding));
        report.findings
    }

    /// How many files of the log there are whose names hold this.
    pub fn count_files(&self, part: &str) -> usize {
        let files = block_on(self.truth().list_log(Version(0))).expect("memory lists");
        files.iter().filter(|file| file.file.path.contains(part)).count()
    }

    /// How many files were deleted.
    pub fn count_deleted(&self) -> usize {
        block_on(self.memory.list(Some(&DELETED.trim_end_matches('/').into())).count())
    }

    /// The live files at the newest version, by path, as any reader sees them: their sizes.
    pub fn files(&self) -> BTreeMap<String, i64> {
        let snapshot = block_on(Snapshot::open_in(&self.truth(), self.options())).expect("it can be opened");
        let files = block_on(snapshot.files()).expect("its files can be read");
        files.iter().map(|file| (file.path().to_owned(), file.size())).collect()
    }
}

/// A writer's clock, which is wrong by so much.
#[derive(Debug)]
struct SkewedClock {
    true_time: Arc<ManualClock>,
    skew_ms: i64,
}

impl Clock for SkewedClock {
    fn now(&self) -> TimestampMs {
        TimestampMs(self.true_time.now().0 + self.skew_ms)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.true_time.sleep(duration)
    }
}

/// Metadata of the table.
pub fn metadata(configuration: Value) -> Metadata {
    let column =
        |name: &str, data_type: &str| json!({"name": name, "type": data_type, "nullable": true, "metadata": {}});
    let schema = json!({"type": "struct", "fields": [column("p", "string"), column("n", "long")]});
    let metadata = json!({"id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9", "schemaString": schema.to_string(),
        "partitionColumns": ["p"], "configuration": configuration});
    serde_json::from_value(metadata).expect("it is metadata")
}

/// A file of the partition `p` with as many rows as bytes, whose `n` is as large.
pub fn file(path: &str, p: &str, size: i64) -> Add {
    let stats = json!({"numRecords": size, "minValues": {"n": size}, "maxValues": {"n": size}, "nullCount": {"n": 0}});
    Add {
        path: path.to_owned(),
        partition_values: [("p".to_owned(), Some(p.to_owned()))].into(),
        size,
        modification_time: 1,
        data_change: true,
        stats: Some(stats.to_string()),
        ..Add::default()
    }
}

/// The removal of a file.
pub fn removal(path: &str) -> Remove {
    Remove { path: path.to_owned(), data_change: true, ..Remove::default() }
}

/// The id of the transaction that made a commit.
pub fn txn_id(commit: &[Action]) -> Option<&str> {
    match commit.first() {
        Some(Action::CommitInfo(info)) => info.txn_id.as_deref(),
        _ => None,
    }
}
