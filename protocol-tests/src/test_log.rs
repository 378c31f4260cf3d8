//! A table's log in memory, written file by file: legal or not, as a test wants it.

use std::sync::Arc;

use bytes::Bytes;
use deltaic_log::action::Action;
use deltaic_log::cpu::InlineCpu;
use deltaic_log::{
    Context, ManualClock, Result, SequentialIds, SingleStore, Snapshot, SnapshotOptions, TimestampMs, Version,
};
use futures::TryStreamExt;
use futures::executor::block_on;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use url::Url;

use crate::checkpoint_writer::CheckpointFile;

/// The smallest protocol, as a line of a commit.
pub const PROTOCOL: &str = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#;

/// Metadata of a table with one column, as a line of a commit.
pub const METADATA: &str = r#"{"metaData":{"id":"5fba94ed-9794-4965-ba6e-6ee3c0d22af9","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"n\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[],"configuration":{}}}"#;

/// A table in memory. Its writers never fail, so nothing here is async.
#[derive(Clone, Debug)]
pub struct TestLog {
    store: Arc<InMemory>,
    context: Context,
}

impl Default for TestLog {
    fn default() -> Self {
        Self::new()
    }
}

impl TestLog {
    /// An empty place. CPU work runs on the calling thread; time stands still.
    pub fn new() -> Self {
        let store = Arc::new(InMemory::new());
        let context = Context::new(Arc::new(SingleStore::new(store.clone())))
            .with_cpu(Arc::new(InlineCpu))
            .with_clock(Arc::new(ManualClock::new(TimestampMs(1_700_000_000_000))))
            .with_ids(Arc::new(SequentialIds::new(0)));
        Self { store, context }
    }

    /// A copy that shares nothing with this one.
    #[must_use]
    pub fn fork(&self) -> Self {
        let copy = Self::new();
        for path in self.paths() {
            copy.put(&path, self.get(&path).expect("it is listed"));
        }
        copy
    }

    /// The table's root.
    pub fn root(&self) -> Url {
        "memory:///table".parse().expect("it is a URL")
    }

    /// What the table is read with.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Where the files are.
    pub fn store(&self) -> Arc<InMemory> {
        self.store.clone()
    }

    /// Writes a file; `path` is relative to the table's root and decoded.
    pub fn put(&self, path: &str, bytes: impl Into<Bytes>) {
        let payload = PutPayload::from(bytes.into());
        block_on(self.store.put(&at(path), payload)).expect("memory takes every file");
    }

    /// Writes a file of the log.
    pub fn put_log(&self, name: &str, bytes: impl Into<Bytes>) {
        self.put(&format!("_delta_log/{name}"), bytes);
    }

    /// A file's bytes, if it exists.
    pub fn get(&self, path: &str) -> Option<Bytes> {
        block_on(async { self.store.get(&at(path)).await.ok()?.bytes().await.ok() })
    }

    /// Deletes a file, if it exists.
    pub fn delete(&self, path: &str) {
        let _ = block_on(self.store.delete(&at(path)));
    }

    /// The paths of all files, sorted.
    pub fn paths(&self) -> Vec<String> {
        let files: Vec<_> = block_on(self.store.list(None).try_collect()).expect("memory lists");
        let mut paths: Vec<_> =
            files.iter().filter_map(|file| file.location.as_ref().strip_prefix("table/")).map(str::to_owned).collect();
        paths.sort();
        paths
    }

    /// Writes a commit of lines.
    pub fn commit_lines(&self, version: u64, lines: &[&str]) {
        self.put_log(&format!("{version:020}.json"), lines.join("\n"));
    }

    /// Writes a commit of actions.
    pub fn commit(&self, version: u64, actions: &[Action]) {
        self.put_log(&format!("{version:020}.json"), ndjson(actions));
    }

    /// Writes the files of a checkpoint.
    pub fn checkpoint(&self, files: &[CheckpointFile]) {
        for file in files {
            self.put_log(&file.name, file.bytes.clone());
        }
    }

    /// Opens the table at a version, or at the newest one.
    ///
    /// # Errors
    /// As [`Snapshot::open`].
    pub fn open(&self, version: Option<u64>) -> Result<Snapshot> {
        let mut options = SnapshotOptions::new();
        options.version = version.map(Version);
        block_on(Snapshot::open(&self.root(), self.context.clone(), options))
    }
}

/// Actions, one a line.
pub fn ndjson(actions: &[Action]) -> String {
    let line = |action| serde_json::to_string(action).expect("an action is JSON") + "\n";
    actions.iter().map(line).collect()
}

fn at(path: &str) -> Path {
    Path::parse(format!("table/{path}")).expect("a test's path is one")
}
