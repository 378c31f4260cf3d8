//! Tables in memory and on disk, and rows to write.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use deltaic_commit::committer::{self, Committer};
use deltaic_log::{
    Context, Location, ManualClock, Result, SequentialIds, SingleStore, Snapshot, SnapshotOptions, Stores, TableStore,
    TimestampMs, Version,
};
use deltaic_ops::{Input, Report, Target, WriteBuilder};
use deltaic_scan::ScanBuilder;
use futures::TryStreamExt;
use futures::executor::block_on;
use object_store::memory::InMemory;
use url::Url;

/// Reads and writes files directly.
#[derive(Debug)]
pub struct Files;

impl Stores for Files {
    fn locate(&self, url: &Url) -> Result<Location> {
        let store = Arc::new(InMemory::new());
        Ok(Location { store, path: deltaic_log::context::url_path(url)?, local: url.to_file_path().ok() })
    }
}

/// A place for a table.
pub struct Place {
    pub store: TableStore,
    pub committer: Arc<dyn Committer>,
}

impl Place {
    /// In memory, through an object store.
    pub fn in_memory() -> Self {
        let memory: Arc<InMemory> = Arc::new(InMemory::new());
        Self::new(&"memory:///table".parse().unwrap(), Context::new(Arc::new(SingleStore::new(memory))))
    }

    /// In the local file system.
    pub fn local(directory: &Path) -> Self {
        Self::new(&Url::from_directory_path(directory).unwrap(), Context::new(Arc::new(Files)))
    }

    pub fn new(root: &Url, context: Context) -> Self {
        let clock = Arc::new(ManualClock::new(TimestampMs(1_700_000_000_000)));
        let context = context.with_clock(clock).with_ids(Arc::new(SequentialIds::new(7)));
        let store = TableStore::new(root, context).unwrap();
        Self { committer: committer::for_table(&store), store }
    }

    pub fn with_memory(mut self, bytes: usize) -> Self {
        let context = self.store.context().clone().with_memory_bytes_max(bytes);
        self.store = TableStore::new(self.store.root(), context).unwrap();
        self
    }

    pub fn target(&self) -> Target {
        block_on(Target::open(self.store.clone(), self.committer.clone())).unwrap()
    }

    pub fn snapshot(&self) -> Snapshot {
        block_on(Snapshot::open_in(&self.store, SnapshotOptions::new())).unwrap()
    }

    pub fn write(&self, batch: RecordBatch, with: impl FnOnce(WriteBuilder) -> WriteBuilder) -> Result<Report> {
        let input = Input::from_batches(batch.schema(), [batch]);
        block_on(with(WriteBuilder::new(self.target(), input)).execute())
    }

    /// All rows, newest file first.
    pub fn rows(&self) -> Vec<RecordBatch> {
        let scan = ScanBuilder::new(self.snapshot()).ordered(true).build().unwrap();
        block_on(scan.stream().try_collect()).unwrap()
    }

    pub fn row_count(&self) -> usize {
        self.rows().iter().map(RecordBatch::num_rows).sum()
    }

    pub fn version(&self) -> Version {
        self.snapshot().version()
    }

    /// The last commit, by line.
    pub fn commit(&self, version: u64) -> Vec<serde_json::Value> {
        let path = format!("_delta_log/{version:020}.json");
        let body = block_on(self.store.read(&path)).unwrap().unwrap();
        std::str::from_utf8(&body).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
