//! Storage that fails while rows are written and deleted: what was reported is what stands, and no file that a version names
//! is ever removed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Int64Array, RecordBatch, StringArray};
use deltaic::ops::write::WriteMode;
use deltaic::ops::{DeleteBuilder, Input, Report, Target, WriteBuilder};
use deltaic::scan::ScanBuilder;
use deltaic_log::{Error, ErrorKind, Result, Snapshot, SnapshotOptions};
use deltaic_protocol_tests::fault_store::DELETED;
use deltaic_protocol_tests::{CommitTable, Fault, Rng};
use futures::TryStreamExt;
use futures::executor::block_on;
use object_store::ObjectStore;
use rstest::rstest;
use serde_json::json;

/// Two rows, one in each of two partitions.
fn rows(n: i64) -> RecordBatch {
    let p: StringArray = ["a", "b"].into_iter().map(Some).collect();
    let n = Int64Array::from(vec![n, n]);
    RecordBatch::try_from_iter([("p", Arc::new(p) as _), ("n", Arc::new(n) as _)]).unwrap()
}

fn target(table: &CommitTable, writer: u64) -> Result<Target> {
    block_on(Target::open(table.store(writer), table.committer.clone()))
}

fn append(table: &CommitTable, n: i64) -> Result<Report> {
    let rows = rows(n);
    let input = Input::from_batches(rows.schema(), [rows]);
    let write = WriteBuilder::new(target(table, 1)?, input).mode(WriteMode::Append);
    block_on(write.execute())
}

fn delete(table: &CommitTable, n: i64) -> Result<Report> {
    let delete = DeleteBuilder::new(target(table, 2)?).predicate_sql(&format!("n = {n}"))?;
    block_on(delete.execute())
}

/// How often each `n` is there, past all faults.
fn truth(table: &CommitTable) -> BTreeMap<i64, usize> {
    let snapshot = block_on(Snapshot::open_in(&table.truth(), SnapshotOptions::new())).unwrap();
    let scan = ScanBuilder::new(snapshot).build().unwrap();
    let batches: Vec<RecordBatch> = block_on(scan.stream().try_collect()).unwrap();
    let mut counts = BTreeMap::new();
    for batch in &batches {
        for n in batch.column_by_name("n").unwrap().as_primitive::<Int64Type>().values() {
            *counts.entry(*n).or_default() += 1;
        }
    }
    counts
}

/// Every file that is no part of the log.
fn files(table: &CommitTable) -> BTreeSet<String> {
    let location = table.truth().locate("x").unwrap();
    let listed: Vec<String> =
        block_on(location.store.list(None).map_ok(|file| file.location.to_string()).try_collect()).unwrap();
    listed.into_iter().filter(|path| !path.contains("_delta_log") && !path.starts_with(DELETED)).collect()
}

/// Each put of a write fails in each way: the files of the two partitions, then the commit.
#[rstest]
fn each_put_fails_in_each_way(
    #[values(0, 1, 2)] put: usize,
    #[values(Fault::FailBefore, Fault::FailAfter, Fault::Late(3), Fault::Refuse)] fault: Fault,
) {
    let table = CommitTable::created(json!({}));
    append(&table, 0).unwrap();
    let before = files(&table);
    table.faults.fail_puts((0..put).map(|_| Fault::None).chain([fault]));
    let written = append(&table, 1);
    block_on(table.faults.land_all());
    let counts = truth(&table);
    match &written {
        Ok(_) => assert_eq!(counts, [(0, 2), (1, 2)].into()),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
            assert_eq!(counts, [(0, 2)].into());
            let left: Vec<String> = files(&table).difference(&before).cloned().collect();
            // A put that was given up may still land, where nobody looks for it but vacuum.
            assert!(left.len() <= usize::from(matches!(fault, Fault::Late(_))), "{left:?} after {error}");
        }
    }
    assert!(put < 2 || fault == Fault::Refuse || written.is_ok(), "a commit is settled: {written:?}");
}

/// While nobody knows whether the commit stands, its files stay: here it does.
#[test]
fn files_of_a_commit_of_unknown_outcome_stay() {
    // How many reads a write makes before its commit is its own affair: the first that matters is found.
    let unknown = (0..20).any(|reads| {
        let table = CommitTable::created(json!({}));
        let rows = rows(1);
        let input = Input::from_batches(rows.schema(), [rows]);
        let write = WriteBuilder::new(target(&table, 1).unwrap(), input).mode(WriteMode::Append);
        table.faults.fail_puts([Fault::None; 2].into_iter().chain([Fault::FailAfter; 100]));
        table.faults.fail_gets(vec![Fault::None; reads].into_iter().chain([Fault::FailBefore; 1_000]));
        let error = block_on(write.execute()).err().filter(|error| error.kind() == ErrorKind::CommitUnknown);
        if let Some(error) = &error {
            assert_eq!(error.context("version"), Some("1"), "{error}");
            assert_eq!(truth(&table), [(1, 2)].into());
        }
        error.is_some()
    });
    assert!(unknown, "no commit was of unknown outcome");
}

#[test]
fn what_is_reported_is_what_stands() {
    let (mut done, mut refused) = (0, 0);
    for seed in 0..300_u64 {
        let vectors = seed % 2 == 0;
        let table = CommitTable::created(json!({"delta.enableDeletionVectors": vectors.to_string()}));
        let mut rng = Rng::new(seed);
        table.faults.fail_at_random(seed, 1 + rng.below(25));
        let mut expected: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
        for n in 0..8 {
            let is_delete = n > 0 && rng.chance(40);
            let n = if is_delete { rng.below(n as usize) as i64 } else { n };
            let outcome = if is_delete { delete(&table, n) } else { append(&table, n) };
            let before = expected.get(&n).cloned().unwrap_or_else(|| [0].into());
            let after: BTreeSet<usize> = [if is_delete { 0 } else { 2 }].into();
            match outcome {
                Ok(_) => {
                    done += 1;
                    expected.insert(n, after);
                }
                Err(error) if error.kind() == ErrorKind::CommitUnknown => {
                    expected.insert(n, before.union(&after).copied().collect());
                }
                Err(error) => {
                    refused += 1;
                    check_known(&error);
                }
            }
        }
        table.faults.fail_at_random(0, 0);
        block_on(table.faults.land_all());
        let counts = truth(&table);
        for (n, allowed) in expected {
            let count = counts.get(&n).copied().unwrap_or(0);
            assert!(allowed.contains(&count), "seed {seed}: {n} is there {count} times, not {allowed:?}");
        }
    }
    assert!(done > 100 && refused > 100, "{done} done, {refused} refused");
}

fn check_known(error: &Error) {
    let kinds = [ErrorKind::Storage, ErrorKind::MissingFile, ErrorKind::CommitRetriesExhausted];
    assert!(kinds.contains(&error.kind()) || error.kind().is_concurrent_modification(), "{error:?}");
}
