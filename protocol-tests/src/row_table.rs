//! A table of real rows, `writer` and `n`, that processes append to at the same time: this program's, and other engines'.
//!
//! Each append is one file of one row. So whatever the engine that made it, an append that is lost is a row that is missing,
//! and one that is doubled is a row that is there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Int64Array, RecordBatch, StringArray};
use deltaic::storage::{ConfiguredStores, table_url};
use deltaic::{DeltaTable, StorageOptions};
use deltaic_commit::committer::Committer;
use deltaic_commit::{Committed, Operation, Transaction};
use deltaic_log::action::{Action, Add, Metadata};
use deltaic_log::commit_file::read_actions;
use deltaic_log::file_name::LogFileName;
use deltaic_log::store::LogFile;
use deltaic_log::{Context, Snapshot, SnapshotOptions, TableStore, Version};
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use parquet::arrow::ArrowWriter;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::commit_table::txn_id;

/// Options for storage, as every engine takes them.
pub type Options = BTreeMap<String, String>;

/// A row: who wrote it, and the how manyth of the writer's it is.
pub type Row = (String, i64);

/// Where the table is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowTable {
    /// A path or a URL.
    pub location: String,
    /// How to reach it.
    pub options: Options,
}

impl RowTable {
    /// A table that is reached with options.
    pub fn new(location: impl Into<String>, options: &Options) -> Self {
        Self { location: location.into(), options: options.clone() }
    }

    /// A local table.
    pub fn local(path: &Path) -> Self {
        Self::new(path.to_str().expect("paths of tests are text"), &Options::new())
    }

    /// The table's storage.
    pub fn store(&self) -> TableStore {
        let stores = ConfiguredStores::new(self.storage_options());
        let url = table_url(&self.location).expect("the test gives a location");
        TableStore::new(&url, Context::new(Arc::new(stores))).expect("the test gives a location that is served")
    }

    fn storage_options(&self) -> StorageOptions {
        self.options.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Makes the table, with these properties.
    pub async fn create(&self, committer: Arc<dyn Committer>, configuration: Value) {
        let operation = Operation::new("CREATE TABLE");
        let create = Transaction::create(&self.store(), committer, metadata(configuration), operation).await.unwrap();
        create.commit().await.into_result().unwrap();
    }

    /// The newest snapshot.
    pub async fn open(&self) -> Snapshot {
        Snapshot::open_in(&self.store(), SnapshotOptions::new()).await.unwrap()
    }

    /// Every row, in order, as deltaic reads it.
    pub async fn rows(&self) -> Vec<Row> {
        let table = DeltaTable::open_with(&self.location, self.storage_options()).await.unwrap();
        let batches: Vec<RecordBatch> = table.scan().build().unwrap().stream().try_collect().await.unwrap();
        let mut rows: Vec<Row> = batches.iter().flat_map(rows_of).collect();
        rows.sort();
        rows
    }

    /// The commits that stand, by version and their transaction's id, where they say one. Versions must be contiguous, and no
    /// file be added twice.
    pub async fn commits(&self, committer: &dyn Committer) -> Vec<(u64, Option<String>)> {
        let store = self.store();
        let is_commit = |file: &LogFile| matches!(file.name, LogFileName::Commit(_)).then(|| file.name.version());
        let mut listed: Vec<Version> = store.list_log(Version(0)).await.unwrap().iter().filter_map(is_commit).collect();
        listed.sort();
        assert!(listed.iter().zip(0..).all(|(version, expected)| version.0 == expected), "gaps: {listed:?}");
        let read = |version| {
            let store = &store;
            async move {
                let body = committer.read(store, version).await.unwrap().expect("it is listed");
                (version.0, read_actions(&body).unwrap())
            }
        };
        let commits: Vec<(u64, Vec<Action>)> = futures::stream::iter(listed).map(read).buffered(8).collect().await;
        let mut paths = BTreeSet::new();
        for action in commits.iter().flat_map(|(_, actions)| actions) {
            if let Action::Add(add) = action {
                assert!(paths.insert(&add.path), "{} was added twice", add.path);
            }
        }
        commits.iter().map(|(version, actions)| (*version, txn_id(actions).map(str::to_owned))).collect()
    }
}

/// Appends one row after `snapshot`: the commit, and its transaction's id.
pub async fn append(snapshot: &Snapshot, committer: Arc<dyn Committer>, row: &Row) -> (Committed, String) {
    let mut append = Transaction::begin(snapshot, committer, Operation::new("WRITE")).unwrap();
    append.add(stage(snapshot.store(), row).await);
    let id = append.txn_id().to_owned();
    (append.commit().await.into_result().unwrap().expect("no application's version is set"), id)
}

/// Writes a data file of one row, and says what a commit says of it.
pub async fn stage(store: &TableStore, (writer, n): &Row) -> Add {
    let columns = [
        ("writer", Arc::new(StringArray::from(vec![writer.as_str()])) as arrow_array::ArrayRef),
        ("n", Arc::new(Int64Array::from(vec![*n]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("two columns of one row");
    let mut parquet = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("parquet has these types");
    parquet.write(&batch).expect("memory takes it");
    let bytes = parquet.into_inner().expect("memory takes it");
    let path = format!("{writer}-{n}-{}.parquet", store.context().ids.uuid());
    let size = i64::try_from(bytes.len()).expect("it is small");
    let location = store.locate(&path).expect("the name is plain");
    location.store.put(&location.path, bytes.into()).await.unwrap();
    let bounds = json!({"writer": writer, "n": n});
    let stats = json!({"numRecords": 1, "minValues": bounds, "maxValues": bounds, "nullCount": {"writer": 0, "n": 0}});
    let modification_time = store.context().clock.now().0;
    Add { path, size, modification_time, data_change: true, stats: Some(stats.to_string()), ..Add::default() }
}

fn metadata(configuration: Value) -> Metadata {
    let column =
        |name: &str, data_type: &str| json!({"name": name, "type": data_type, "nullable": true, "metadata": {}});
    let schema = json!({"type": "struct", "fields": [column("writer", "string"), column("n", "long")]});
    let metadata = json!({"id": "0a36f3c1-6a65-4a0e-9c0c-2b2f7a8f0b1d", "schemaString": schema.to_string(),
        "format": {"provider": "parquet", "options": {}}, "partitionColumns": [], "configuration": configuration});
    serde_json::from_value(metadata).expect("it is metadata")
}

fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let writers = batch.column_by_name("writer").expect("the table has it");
    let writers = arrow_cast::cast(writers, &arrow_schema::DataType::Utf8).expect("it is text");
    let writers: Vec<String> = writers.as_string::<i32>().iter().map(|name| name.unwrap_or("").to_owned()).collect();
    let numbers = batch.column_by_name("n").expect("the table has it").as_primitive::<Int64Type>();
    writers.into_iter().zip(numbers.values().iter().copied()).collect()
}
