//! Tables on servers that speak the clouds' protocols. `cargo xtask test` starts the servers and names them in variables;
//! without one its test is left out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod azure;
mod commits;
mod dynamodb;
mod google;
mod http;
mod overwriting;
mod s3;
mod server;

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use deltaic::log::Stores;
use deltaic::storage::{ConfiguredStores, table_url};
use deltaic::{DeltaTable, ErrorKind, StorageOptions};
use deltaic_protocol_tests::row_table::Options;
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};

const TABLES: &[&str] = &[
    "change_data_feed/partitioned",
    "column_mapping/name_partitioned_special_names",
    "deltalake_package/partitioned_special_values",
    "checkpoints/classic_stats_json",
];

#[test]
#[ignore = "a part of other tests"]
fn a_process_that_appends() {
    deltaic_protocol_tests::writers::child();
}

/// Options as another program takes them, too.
fn options(given: &[(&str, &str)]) -> Options {
    given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Puts each table there, and reads it.
async fn check(folder: &str, options: &StorageOptions) {
    for case in TABLES {
        let there = format!("{folder}/{case}");
        upload(&fixture(case), &there, options).await;
        same(&there, case, options).await;
    }
}

/// The table there holds what the fixture holds.
async fn same(there: &str, case: &str, options: &StorageOptions) {
    let expected = rows(&DeltaTable::open(fixture(case).to_str().unwrap()).await.unwrap()).await;
    let table = DeltaTable::open_with(there, options.clone()).await.unwrap();
    assert_eq!(rows(&table).await, expected, "{there}");
    assert!(!expected.is_empty(), "{case}");
}

async fn absent(location: &str, options: &StorageOptions) {
    let error = DeltaTable::open_with(location, options.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotATable, "{error:?}");
}

fn fixture(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(case).join("table")
}

async fn upload(local: &Path, there: &str, options: &StorageOptions) {
    let to = ConfiguredStores::new(options.clone()).locate(&table_url(there).unwrap()).unwrap();
    let from =
        ConfiguredStores::new(StorageOptions::new()).locate(&table_url(local.to_str().unwrap()).unwrap()).unwrap();
    let files: Vec<_> = from.store.list(Some(&from.path)).try_collect().await.unwrap();
    for file in files {
        let bytes = from.store.get(&file.location).await.unwrap().bytes().await.unwrap();
        let below = file.location.as_ref().strip_prefix(from.path.as_ref()).unwrap();
        let target = object_store::path::Path::parse(format!("{}{below}", to.path)).unwrap();
        to.store.put(&target, bytes.into()).await.unwrap();
    }
}

async fn rows(table: &DeltaTable) -> Vec<String> {
    let batches: Vec<RecordBatch> = table.scan().build().unwrap().stream().try_collect().await.unwrap();
    let text = arrow_cast::pretty::pretty_format_batches(&batches).unwrap().to_string();
    let mut rows: Vec<_> = text.lines().filter(|line| line.starts_with('|')).map(str::to_owned).collect();
    rows.sort();
    rows
}
