//! Spec: [Catalog-managed tables](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#catalog-managed-tables), through a
//! source that an embedder brings, and through a committer that asks the catalog.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use deltaic::log::store::TableFile;
use deltaic::log::{Access, CatalogTail, LogSource, TableStore};
use deltaic::scan::change_data_feed::ChangeRange;
use deltaic::{DeltaTable, ErrorKind, Result, TimestampMs, Version};
use deltaic_commit::committer::PutIfAbsent;
use deltaic_commit::{Operation, Transaction};
use deltaic_protocol_tests::test_log::TestLog;
use deltaic_protocol_tests::{CommitTable, Fault};
use futures::TryStreamExt;
use futures::executor::block_on;
use futures::future::{BoxFuture, FutureExt, ready};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde_json::json;

const PROTOCOL: &str = r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["catalogManaged","vacuumProtocolCheck"],"writerFeatures":["catalogManaged","vacuumProtocolCheck","inCommitTimestamp","changeDataFeed"]}}"#;
const METADATA: &str = r#"{"metaData":{"id":"0","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{"delta.enableInCommitTimestamps":"true","delta.enableChangeDataFeed":"true"}}}"#;

/// A catalog that has ratified versions up to a number, of which the newest two are not published.
#[derive(Debug)]
struct Catalog(AtomicU64);

impl Catalog {
    fn ratify(&self, version: u64) {
        self.0.store(version, Ordering::SeqCst);
    }
}

impl LogSource for Catalog {
    fn access(&self) -> Access {
        Access::ThroughCatalog
    }

    fn before_list<'a>(&'a self, _: &'a TableStore) -> BoxFuture<'a, Result<()>> {
        ready(Ok(())).boxed()
    }

    fn tail<'a>(&'a self, _: &'a TableStore, _: Version) -> BoxFuture<'a, Result<Option<CatalogTail>>> {
        let latest = self.0.load(Ordering::SeqCst);
        let staged = |version| TableFile { path: staged(version), size: 1, modified: TimestampMs(0) };
        let commits =
            (latest.saturating_sub(1).max(1)..=latest).map(|version| (Version(version), staged(version))).collect();
        ready(Ok(Some(CatalogTail { latest: Version(latest), commits }))).boxed()
    }
}

fn staged(version: u64) -> String {
    format!("_delta_log/_staged_commits/{version:020}.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json")
}

/// Each version adds one file, at a second of its own. Versions from 1 on are staged, and not published.
fn table() -> TestLog {
    let log = TestLog::new();
    for version in 0..5_u64 {
        let info = format!(r#"{{"commitInfo":{{"inCommitTimestamp":{}}}}}"#, version * 1_000);
        let add = format!(
            r#"{{"add":{{"path":"{version}","partitionValues":{{}},"size":1,"modificationTime":0,"dataChange":true}}}}"#
        );
        match version {
            0 => log.commit_lines(0, &[&info, PROTOCOL, METADATA, &add]),
            _ => log.put(&staged(version), [info, add].join("\n")),
        }
    }
    log
}

#[test]
fn a_source_opens_what_a_path_does_not() {
    let log = table();
    let builder = || DeltaTable::builder(log.root().as_str()).with_context(log.context().clone());
    assert_eq!(block_on(builder().open()).unwrap_err().kind(), ErrorKind::UnsupportedProtocol);

    let catalog = Arc::new(Catalog(AtomicU64::new(2)));
    let through = || builder().with_source(catalog.clone());
    let files = |table: &DeltaTable| block_on(table.files()).unwrap().len();
    let mut table = block_on(through().open()).unwrap();
    assert_eq!((table.version(), files(&table)), (Version(2), 3));

    catalog.ratify(1);
    assert_eq!(block_on(through().open()).unwrap().version(), Version(1));
    assert_eq!(block_on(through().with_version(Version(0)).open()).unwrap().version(), Version(0));
    assert_eq!(block_on(through().with_timestamp(TimestampMs(999)).open()).unwrap().version(), Version(0));
    assert_eq!(block_on(through().with_version(Version(2)).open()).unwrap_err().kind(), ErrorKind::VersionNotFound);

    // Whoever moves the table later asks the catalog too.
    catalog.ratify(2);
    block_on(table.load_version(Version(1))).unwrap();
    assert_eq!((table.version(), files(&table)), (Version(1), 2));
    block_on(table.load_timestamp(TimestampMs(2_000))).unwrap();
    assert_eq!(table.version(), Version(2));
    block_on(table.refresh()).unwrap();
    assert_eq!(block_on(table.history(None)).unwrap().len(), 3);
    let changes = block_on(table.changes(ChangeRange::from_version(Version(1)))).unwrap();
    assert_eq!(changes.reads().len(), 2);
}

/// A catalog that publishes version 1 while it is asked for its commits, and forgets it at once.
#[derive(Debug)]
struct Publishing;

impl LogSource for Publishing {
    fn access(&self) -> Access {
        Access::ThroughCatalog
    }

    fn before_list<'a>(&'a self, _: &'a TableStore) -> BoxFuture<'a, Result<()>> {
        ready(Ok(())).boxed()
    }

    fn tail<'a>(&'a self, store: &'a TableStore, _: Version) -> BoxFuture<'a, Result<Option<CatalogTail>>> {
        async move {
            let body = store.read(&staged(1)).await?.expect("it is staged");
            let published = store.locate("_delta_log/00000000000000000001.json")?;
            published.store.put(&published.path, body.into()).await?;
            let file = TableFile { path: staged(2), size: 1, modified: TimestampMs(0) };
            Ok(Some(CatalogTail { latest: Version(2), commits: vec![(Version(2), file)] }))
        }
        .boxed()
    }
}

#[test]
fn what_is_published_while_the_table_is_opened_is_not_missed() {
    let log = table();
    let builder = DeltaTable::builder(log.root().as_str()).with_context(log.context().clone());
    let table = block_on(builder.with_source(Arc::new(Publishing)).open()).unwrap();
    assert_eq!((table.version(), block_on(table.files()).unwrap().len()), (Version(2), 3));
}

fn managed() -> CommitTable {
    CommitTable::managed()
        .with_version_0(json!({"delta.feature.catalogManaged": "supported", "delta.enableInCommitTimestamps": "true"}))
}

/// The versions of what is in the log: commits, checksums, staged commits.
fn names(table: &CommitTable) -> Vec<String> {
    let log = table.truth().locate("_delta_log").unwrap();
    let listed: Vec<_> = block_on(log.store.list(Some(&log.path)).try_collect()).unwrap();
    let name = |meta: ObjectMeta| {
        let path = meta.location.as_ref().strip_prefix("table/_delta_log/").unwrap().to_owned();
        match path.strip_prefix("_staged_commits/") {
            Some(staged) => format!("staged {}", &staged[19..20]),
            None if path.ends_with(".crc") => format!("checksum {}", &path[19..20]),
            None => path[19..20].to_owned(),
        }
    };
    let mut names: Vec<String> = listed.into_iter().map(name).collect();
    names.sort();
    names
}

#[test]
fn commits_are_staged_ratified_and_published() {
    let table = managed();
    assert_eq!(names(&table), ["0", "checksum 0", "staged 0"]);
    let stale = table.open(1, None);
    table.append(&stale, "a").into_result().unwrap();
    // The second writer's first staged commit is rejected: it stays where it is, and counts for nothing.
    table.append(&stale, "b").into_result().unwrap();
    let checksums = ["checksum 0", "checksum 1", "checksum 2"];
    let staged = ["staged 0", "staged 1", "staged 1", "staged 2"];
    assert_eq!(names(&table), [&["0", "1", "2"][..], &checksums, &staged].concat());
    assert_eq!(table.files().len(), 2);
}

#[test]
fn a_commit_that_cannot_be_published_stands_and_is_published_later() {
    let table = managed();
    let snapshot = table.open(1, None);
    // Staged and ratified; then the copy fails.
    table.faults.fail_puts([Fault::None, Fault::None, Fault::FailBefore]);
    table.append(&snapshot, "a").into_result().unwrap();
    assert_eq!(names(&table), ["0", "checksum 0", "staged 0", "staged 1"], "what is not published has no checksum");
    assert_eq!(table.files().len(), 1, "readers ask the catalog");
    table.append(&snapshot, "b").into_result().unwrap();
    let staged = ["staged 0", "staged 1", "staged 1", "staged 2"];
    assert_eq!(names(&table), [&["0", "1", "2", "checksum 0", "checksum 2"][..], &staged].concat());
    assert_eq!(table.files().len(), 2);
}

#[test]
fn nobody_commits_past_the_catalog_nor_to_other_tables_through_it() {
    let table = managed();
    let snapshot = table.open(1, None);
    let by_path = Arc::new(PutIfAbsent::without_probe());
    let error = Transaction::begin(&snapshot, by_path, Operation::new("WRITE")).unwrap_err();
    assert_eq!((error.kind(), error.context("feature")), (ErrorKind::UnsupportedProtocol, Some("catalogManaged")));

    let unmanaged = CommitTable::created(json!({}));
    let through = Transaction::begin(&unmanaged.open(1, None), table.committer.clone(), Operation::new("WRITE"));
    assert_eq!(through.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_commit_made_past_the_catalog_is_not_taken_for_the_ratified_one() {
    let table = managed();
    let snapshot = table.open(1, None);
    let intruder = table.truth().locate("_delta_log/00000000000000000001.json").unwrap();
    block_on(intruder.store.put(&intruder.path, "{}\n".into())).unwrap();
    table.append(&snapshot, "a").into_result().unwrap();
    assert_eq!(table.files().len(), 1, "the catalog's commit counts");
    let error = block_on(table.committer.publish(&table.truth(), Version(1))).unwrap_err();
    assert_eq!((error.kind(), error.context("version")), (ErrorKind::CorruptLog, Some("1")));
}
