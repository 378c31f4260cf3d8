//! Spec: [Catalog-managed tables](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#catalog-managed-tables), through a
//! source that an embedder brings.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use deltaic::log::store::TableFile;
use deltaic::log::{CatalogTail, LogSource, TableStore};
use deltaic::scan::change_data_feed::ChangeRange;
use deltaic::{DeltaTable, ErrorKind, Result, TimestampMs, Version};
use deltaic_protocol_tests::test_log::TestLog;
use futures::executor::block_on;
use futures::future::{BoxFuture, FutureExt, ready};

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
