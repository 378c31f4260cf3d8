//! How often storage is asked: opening, listing and refreshing cost the fewest requests that the log permits.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

use std::sync::Arc;

use deltaic_log::commit_file::read_actions;
use deltaic_log::{Context, SingleStore, Snapshot, SnapshotOptions};
use deltaic_protocol_tests::checkpoint_writer::{Form, Style, checkpoint};
use deltaic_protocol_tests::test_log::{METADATA, PROTOCOL};
use deltaic_protocol_tests::{CountingStore, Counts, Model, Rng, TestLog};
use futures::executor::block_on;
use serde_json::json;

/// Lists, and reads of a file or a part of one.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    lists: u64,
    gets: u64,
}

impl Asked {
    fn since(store: &CountingStore) -> Self {
        let Counts { lists, gets, heads, puts, deletes, bytes_read: _ } = store.take();
        assert_eq!((heads, puts, deletes), (0, 0, 0), "reading asks for nothing else");
        Self { lists, gets }
    }
}

/// A table of commits `0..=newest`, one file each.
fn table(newest: u64) -> TestLog {
    let log = TestLog::new();
    log.commit_lines(0, &[PROTOCOL, METADATA, &add(0)]);
    (1..=newest).for_each(|version| log.commit_lines(version, &[&add(version)]));
    log
}

fn add(version: u64) -> String {
    format!(
        r#"{{"add":{{"path":"f-{version}-a","partitionValues":{{}},"size":1,"modificationTime":1,"dataChange":true}}}}"#
    )
}

fn put_checkpoint(log: &TestLog, version: u64, form: Form) {
    let bytes = |v: u64| log.get(&format!("_delta_log/{v:020}.json")).expect("the commit is there");
    let commits: Vec<_> = (0..=version).map(|v| read_actions(&bytes(v)).expect("it is sound")).collect();
    log.checkpoint(&checkpoint(&Model::of(&commits), version, form, &Style::default(), &mut Rng::new(1)));
    log.put_log("_last_checkpoint", json!({"version": version, "size": version + 3}).to_string());
}

fn put_checksum(log: &TestLog, version: u64) {
    let value = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("it is JSON");
    let checksum = json!({
        "tableSizeBytes": version + 1, "numFiles": version + 1, "numMetadata": 1, "numProtocol": 1,
        "setTransactions": [], "domainMetadata": [],
        "metadata": value(METADATA)["metaData"], "protocol": value(PROTOCOL)["protocol"],
    });
    log.put_log(&format!("{version:020}.crc"), checksum.to_string());
}

/// Opens the table, then lists its files; what each asked.
fn check(log: &TestLog, opening: Asked, listing: Asked) -> (CountingStore, Snapshot) {
    let store = CountingStore::new(log.store());
    let context = Context::new(Arc::new(SingleStore::new(Arc::new(store.clone()))));
    let snapshot = block_on(Snapshot::open(&log.root(), context, SnapshotOptions::new())).expect("the table is sound");
    assert_eq!(Asked::since(&store), opening, "opening");
    let files = block_on(snapshot.files()).expect("the files can be listed");
    assert_eq!(Asked::since(&store), listing, "listing");
    assert_eq!(files.len() as u64, snapshot.version().0 + 1);
    block_on(snapshot.files()).expect("they are listed");
    assert_eq!(Asked::since(&store), Asked { lists: 0, gets: 0 }, "they are kept");
    (store, snapshot)
}

/// The hint, which is looked for first; each commit once.
#[test]
fn commits_are_read_once() {
    check(&table(3), Asked { lists: 1, gets: 1 + 4 }, Asked { lists: 0, gets: 0 });
}

/// The hint and the checksum.
#[test]
fn a_checksum_spares_the_commits() {
    let log = table(3);
    put_checksum(&log, 3);
    check(&log, Asked { lists: 1, gets: 2 }, Asked { lists: 0, gets: 4 });
}

/// The hint, the checksum; then the commit and the checkpoint: its footer, and the few columns of files.
#[test]
fn a_checksum_spares_the_checkpoint() {
    let log = table(3);
    put_checkpoint(&log, 2, Form::Classic);
    put_checksum(&log, 3);
    let small_file = 1;
    check(&log, Asked { lists: 1, gets: 2 }, Asked { lists: 0, gets: 1 + small_file });
}

/// The hint, the commit, the checkpoint.
#[test]
fn a_small_checkpoint_is_read_once() {
    let log = table(3);
    put_checkpoint(&log, 2, Form::Classic);
    check(&log, Asked { lists: 1, gets: 1 + 1 + 1 }, Asked { lists: 0, gets: 0 });
}

/// Commits that the checkpoint covers are not read.
#[test]
fn what_a_checkpoint_covers_is_not_read() {
    let log = table(3);
    put_checkpoint(&log, 3, Form::Classic);
    check(&log, Asked { lists: 1, gets: 1 + 1 }, Asked { lists: 0, gets: 0 });
}

/// A list and a get, whatever was read before.
#[test]
fn a_refresh_reads_the_new_commit() {
    let log = table(3);
    put_checkpoint(&log, 2, Form::Classic);
    let (store, snapshot) = check(&log, Asked { lists: 1, gets: 3 }, Asked { lists: 0, gets: 0 });
    let same = block_on(snapshot.refresh()).expect("the table is sound");
    assert_eq!((same.version(), Asked::since(&store)), (snapshot.version(), Asked { lists: 1, gets: 0 }));
    log.commit_lines(4, &[&add(4)]);
    let newer = block_on(snapshot.refresh()).expect("the table is sound");
    assert_eq!(block_on(newer.files()).expect("they can be listed").len(), 5);
    assert_eq!(Asked::since(&store), Asked { lists: 1, gets: 1 });
}
