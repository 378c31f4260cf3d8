//! Tables in memory and on disk, and rows to write.

#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use deltaic_commit::committer::{self, Committer};
use deltaic_log::{
    Context, Location, ManualClock, Result, SequentialIds, SingleStore, Snapshot, SnapshotOptions, Stores, TableStore,
    TimestampMs, Version,
};
use deltaic_ops::{Input, Report, Target, WriteBuilder};
use deltaic_scan::change_data_feed::{ChangeRange, Changes};
use deltaic_scan::plan::MetadataColumn;
use deltaic_scan::{ReadOptions, ScanBuilder};
use futures::TryStreamExt;
use futures::executor::block_on;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use std::collections::BTreeMap;
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

    /// The files that a commit adds.
    pub fn adds(&self, version: u64) -> Vec<serde_json::Value> {
        self.commit(version).iter().filter_map(|line| line.get("add").cloned()).collect()
    }

    /// Every row as JSON, without its nulls, sorted.
    pub fn lines(&self) -> Vec<serde_json::Value> {
        let mut lines = Vec::new();
        for rows in self.rows() {
            let mut writer = arrow_json::LineDelimitedWriter::new(Vec::new());
            writer.write(&rows).unwrap();
            writer.finish().unwrap();
            let text = String::from_utf8(writer.into_inner()).unwrap();
            lines.extend(text.lines().map(str::to_owned));
        }
        let mut lines: Vec<serde_json::Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.sort_by_key(|line| line["id"].as_i64().or(line["the id"].as_i64()));
        lines
    }

    /// The row id of each `id`; nothing where the table does not track rows.
    pub fn row_ids(&self) -> BTreeMap<i64, Option<i64>> {
        self.by_id(MetadataColumn::RowId)
    }

    /// The version that wrote each `id` last.
    pub fn row_commit_versions(&self) -> BTreeMap<i64, Option<i64>> {
        self.by_id(MetadataColumn::RowCommitVersion)
    }

    fn by_id(&self, column: MetadataColumn) -> BTreeMap<i64, Option<i64>> {
        let scan = ScanBuilder::new(self.snapshot()).columns(["id"]).metadata_column(column).build().unwrap();
        let rows: Vec<RecordBatch> = block_on(scan.stream().try_collect()).unwrap();
        let pairs = |rows: &RecordBatch| {
            let (ids, row_ids) =
                (rows.column(0).as_primitive::<Int64Type>(), rows.column(1).as_primitive::<Int64Type>());
            ids.iter().flatten().zip(row_ids.iter()).collect::<Vec<_>>()
        };
        rows.iter().flat_map(pairs).collect()
    }

    /// The row changes from a version on: `id`, what happened, and in which version.
    pub fn changes(&self, from: u64) -> Vec<(i64, String, u64)> {
        let changes = block_on(Changes::plan(&self.snapshot(), ChangeRange::from_version(Version(from)))).unwrap();
        let rows: Vec<RecordBatch> = block_on(changes.stream(ReadOptions::default()).try_collect()).unwrap();
        let mut found = Vec::new();
        for rows in &rows {
            let column = |name| rows.column_by_name(name).unwrap();
            let ids = column("id").as_primitive::<Int64Type>();
            let (types, versions) = (column("_change_type").as_string::<i32>(), column("_commit_version"));
            for row in 0..rows.num_rows() {
                let version = versions.as_primitive::<Int64Type>().value(row);
                found.push((ids.value(row), types.value(row).to_owned(), u64::try_from(version).unwrap()));
            }
        }
        found.sort();
        found
    }

    /// Every file but those of the log.
    pub fn data_files(&self) -> Vec<String> {
        let location = self.store.locate("x").unwrap();
        let root = self.store.root().to_file_path();
        let mut found = match (location.local, root) {
            (Some(_), Ok(root)) => local_files(&root, &root),
            _ => block_on(location.store.list(None).map_ok(|file| file.location.to_string()).try_collect()).unwrap(),
        };
        found.retain(|path: &String| !path.contains("_delta_log"));
        found.sort();
        found
    }
}

fn local_files(directory: &Path, root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(local_files(&path, root)),
            false => found.push(path.strip_prefix(root).unwrap().display().to_string()),
        }
    }
    found
}

pub fn batch(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    RecordBatch::try_from_iter(columns.iter().cloned()).unwrap()
}

pub fn numbers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

/// Texts; `-` is null.
pub fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from_iter(values.iter().map(|value| (*value != "-").then_some(*value))))
}

/// The values of the column `id`, sorted.
pub fn ids(place: &Place) -> Vec<i64> {
    let values = |rows: &RecordBatch| rows.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec();
    let mut ids: Vec<i64> = place.rows().iter().flat_map(values).collect();
    ids.sort_unstable();
    ids
}
