//! Crashes: processes that are killed in the middle of a commit, and files that a crash has torn. No reader ever sees a part of a
//! version, and nothing that only makes reading faster ever makes a table unreadable.
#![allow(clippy::panic, clippy::unwrap_used, reason = "what fails here is a test")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use deltaic_commit::committer::for_table;
use deltaic_log::commit_file::read_actions;
use deltaic_log::{Snapshot, SnapshotOptions};
use deltaic_protocol_tests::checkpoint_writer::{Form, Style, checkpoint};
use deltaic_protocol_tests::row_table::RowTable;
use deltaic_protocol_tests::test_log::{METADATA, PROTOCOL};
use deltaic_protocol_tests::writers::{self, Writer, audit, runtime};
use deltaic_protocol_tests::{Model, Rng, TestLog};
use futures::executor::block_on;
use rstest::rstest;
use serde_json::json;

/// How many writers must have died between the temporary file and its name.
const TORN_MIN: usize = 8;
const KILLS_MIN: usize = 25;
const KILLS_MAX: usize = 300;

#[test]
fn writers_killed_within_a_commit_leave_whole_versions() {
    let place = tempfile::tempdir().unwrap();
    let table = RowTable::local(place.path());
    runtime().block_on(table.create(for_table(&table.store()), json!({})));
    let log = place.path().join("_delta_log");
    let mut reported = BTreeSet::new();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| read_until(&over, &table, &log));
        let mut kills = 0;
        while kills < KILLS_MIN || (temporary_files(&log).len() < TORN_MIN && kills < KILLS_MAX) {
            reported.extend(kill_within_a_commit(&table, &log, kills));
            kills += 1;
        }
        over.store(true, Ordering::SeqCst);
    });
    assert!(temporary_files(&log).len() >= TORN_MIN, "writers died in {KILLS_MAX} other places");
    // The next writer goes on, whatever lies about.
    reported.extend(Writer::spawn(&table, "last", 5).finish(5));
    runtime().block_on(audit(&table, &reported));
}

#[test]
#[ignore = "a part of other tests"]
fn a_process_that_appends() {
    writers::child();
}

/// Starts a writer, and kills it as soon as it has a temporary file: before or after it gives that its name, as it happens.
fn kill_within_a_commit(table: &RowTable, log: &Path, kills: usize) -> BTreeSet<writers::Report> {
    let before = temporary_files(log);
    let writer = Writer::spawn(table, &format!("k{kills}"), 1_000_000);
    // The first commits go by in peace.
    let mut seen = BTreeSet::new();
    while seen.len() <= kills % 4 {
        seen.extend(temporary_files(log).difference(&before).cloned());
    }
    writer.kill()
}

fn temporary_files(log: &Path) -> BTreeSet<String> {
    let names = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".tmp")).collect()
}

/// Reads the table again and again while writers die: each version whole, and the newest one with all of its files.
fn read_until(over: &AtomicBool, table: &RowTable, log: &Path) {
    let store = table.store();
    let mut next = 0_u64;
    while !over.load(Ordering::SeqCst) {
        while let Ok(body) = std::fs::read(log.join(format!("{next:020}.json"))) {
            assert!(body.ends_with(b"\n"), "version {next} is torn");
            read_actions(&body).unwrap_or_else(|error| panic!("version {next}: {error}"));
            next += 1;
        }
        let snapshot = block_on(Snapshot::open_in(&store, SnapshotOptions::new())).unwrap();
        assert_eq!(block_on(snapshot.files()).unwrap().len() as u64, snapshot.version().0);
    }
    assert!(next > 1, "nothing was written while it was read");
}

/// What is left of a file after a crash: nothing, or a part that ends within a line, since a part that ends with one may be whole.
fn torn(bytes: &Bytes) -> Vec<Bytes> {
    let cut = |length: usize| bytes.slice(..length);
    // A file system may keep a file's length and lose its content.
    let zeros = Bytes::from(vec![0; bytes.len()]);
    vec![cut(0), cut(1), cut(bytes.len() / 2 + 1), cut(bytes.len().saturating_sub(9)), zeros]
}

/// Five versions of a file each, a checkpoint at the fourth and a hint that names it, a checksum at the
/// fifth.
fn table(form: Form) -> TestLog {
    let log = TestLog::new();
    let add = |version: u64| {
        format!(
            r#"{{"add":{{"path":"f-{version}-a","partitionValues":{{}},"size":1,"modificationTime":1,"dataChange":true}}}}"#
        )
    };
    log.commit_lines(0, &[PROTOCOL, METADATA, &add(0)]);
    (1..5).for_each(|version| log.commit_lines(version, &[&add(version)]));
    let commit = |version: u64| log.get(&format!("_delta_log/{version:020}.json")).unwrap();
    let commits: Vec<_> = (0..4).map(|version| read_actions(&commit(version)).unwrap()).collect();
    log.checkpoint(&checkpoint(&Model::of(&commits), 3, form, &Style::default(), &mut Rng::new(7)));
    log.put_log("_last_checkpoint", json!({"version": 3, "size": 6}).to_string());
    let value = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let checksum = json!({"tableSizeBytes": 5, "numFiles": 5, "numMetadata": 1, "numProtocol": 1, "setTransactions": [],
        "domainMetadata": [], "metadata": value(METADATA)["metaData"], "protocol": value(PROTOCOL)["protocol"]});
    log.put_log("00000000000000000004.crc", checksum.to_string());
    log
}

fn paths(log: &TestLog) -> Vec<String> {
    let snapshot = log.open(None).unwrap_or_else(|error| panic!("{error:?}"));
    let files = block_on(snapshot.files()).unwrap_or_else(|error| panic!("{error:?}"));
    let mut paths: Vec<String> = files.iter().map(|file| file.path().to_owned()).collect();
    paths.sort();
    paths
}

/// A checkpoint of lines that was empty was once taken for one without files, where a checksum told protocol and metadata.
/// One file at a time, and each two together.
#[rstest]
#[case::classic(Form::Classic)]
#[case::in_parts(Form::MultiPart(2))]
#[case::v2_parquet(Form::V2Parquet(2))]
#[case::v2_json(Form::V2Json(2))]
#[case::v2_classic(Form::V2Classic(2))]
fn a_torn_checkpoint_checksum_or_hint_hides_nothing(#[case] form: Form) {
    let whole = table(form);
    let expected = paths(&whole);
    assert_eq!(expected.len(), 5);
    let needless: Vec<String> =
        whole.paths().into_iter().filter(|path| !path.ends_with(".json") || path.contains("checkpoint")).collect();
    assert!(needless.len() >= 3, "{needless:?}");
    for first in &needless {
        for second in &needless {
            for (one, other) in torn(&whole.get(first).unwrap()).iter().zip(torn(&whole.get(second).unwrap())) {
                let log = whole.fork();
                log.put(first, one.clone());
                log.put(second, other);
                assert_eq!(paths(&log), expected, "{first}, {second}: {} bytes", one.len());
            }
        }
    }
}

#[test]
fn a_torn_log_compaction_hides_nothing() {
    let whole = table(Form::Classic);
    whole.delete("_delta_log/00000000000000000003.checkpoint.parquet");
    whole.delete("_delta_log/00000000000000000004.crc");
    let expected = paths(&whole);
    let commit = |version: u64| whole.get(&format!("_delta_log/{version:020}.json")).unwrap();
    let compacted: Vec<u8> = [commit(1), b"\n".as_slice().into(), commit(2), b"\n".as_slice().into()].concat();
    for torn in torn(&compacted.into()) {
        let log = whole.fork();
        log.put_log("00000000000000000001.00000000000000000002.compacted.json", torn);
        assert_eq!(paths(&log), expected);
    }
}
