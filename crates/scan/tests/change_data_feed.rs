//! The change data feed of every fixture that Spark recorded one for, and the rules of its ranges.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

mod support;

use deltaic_log::{Error, ErrorKind, Snapshot, SnapshotOptions, TimestampMs, Version};
use deltaic_scan::change_data_feed::{ChangeBound, ChangeRange, Changes, ChangesBuilder};
use deltaic_scan::read::ReadOptions;
use futures::TryStreamExt;
use futures::executor::block_on;
use serde_json::Value;
use std::path::{Path, PathBuf};
use support::{local_context, rows, sorted};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").canonicalize().unwrap()
}

fn open(case: &Path) -> Snapshot {
    let root = format!("file://{}/", case.join("table").display()).parse().unwrap();
    block_on(Snapshot::open(&root, local_context(), SnapshotOptions::new())).unwrap()
}

fn each_operation() -> Snapshot {
    open(&fixtures().join("change_data_feed/each_operation"))
}

fn version(version: u64) -> ChangeBound {
    ChangeBound::Version(Version(version))
}

fn read(snapshot: &Snapshot, range: ChangeRange) -> Result<Vec<Value>, Error> {
    let changes = block_on(Changes::plan(snapshot, range))?;
    let batches: Vec<_> = block_on(changes.stream(ReadOptions::default().ordered()).try_collect())?;
    assert!(batches.iter().all(|batch| batch.schema() == *changes.schema()));
    Ok(rows(&batches))
}

/// The cases below `fixtures` that have changes, and what Spark says of them.
fn recorded() -> Vec<(PathBuf, Value)> {
    let headings =
        std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let cases = headings.flat_map(|heading| std::fs::read_dir(heading).unwrap()).map(|entry| entry.unwrap().path());
    let expected =
        cases.filter_map(|case| Some((case.clone(), std::fs::read_to_string(case.join("expected.json")).ok()?)));
    let parsed = expected.map(|(case, text)| (case, serde_json::from_str::<Value>(&text).unwrap()["changes"].clone()));
    parsed.filter(|(_, changes)| changes["rows"].is_array()).collect()
}

#[test]
fn fixtures_give_the_changes_that_spark_gives() {
    let mut failures = Vec::new();
    let cases = recorded();
    for (case, changes) in &cases {
        let range = ChangeRange::from_version(Version(changes["from_version"].as_u64().unwrap()));
        let wanted = sorted(changes["rows"].as_array().unwrap().clone());
        match read(&open(case), range).map(|rows| sorted(rows.into_iter().map(without_time).collect())) {
            Ok(got) if got == wanted => {}
            Ok(got) => {
                let different = got.iter().zip(&wanted).find(|(got, wanted)| got != wanted);
                failures.push(format!("{}: {} rows, not {}; {different:?}", case.display(), got.len(), wanted.len()));
            }
            Err(error) => failures.push(format!("{}: {error:?}", case.display())),
        }
    }
    assert!(cases.len() >= 8 && failures.is_empty(), "{} cases\n{}", cases.len(), failures.join("\n"));
}

fn without_time(mut row: Value) -> Value {
    assert!(row.as_object_mut().unwrap().remove("_commit_timestamp").unwrap().is_string());
    row
}

/// Every condition leaves exactly the rows that Rust's own test of them leaves, in all fixtures; and columns are those
/// asked for.
#[test]
fn conditions_and_columns_choose_among_all_changes() {
    type Matches = fn(&Value) -> bool;
    let conditions: [(&str, Matches); 6] = [
        ("_change_type = 'delete'", |row| row["_change_type"] == "delete"),
        ("_CHANGE_TYPE IN ('insert', 'update_postimage')", |row| {
            ["insert", "update_postimage"].iter().any(|kind| row["_change_type"] == *kind)
        }),
        ("_commit_version = 3", |row| row["_commit_version"] == 3),
        ("_commit_version > 2 AND _change_type <> 'insert'", |row| {
            row["_commit_version"].as_u64() > Some(2) && row["_change_type"] != "insert"
        }),
        ("_commit_timestamp < TIMESTAMP '1999-01-01'", |_| false),
        ("_change_type IS NULL OR _commit_version < 2", |row| row["_commit_version"].as_u64() < Some(2)),
    ];
    let (mut all_reads, mut all_kept) = (0, 0);
    for (case, changes) in recorded() {
        let snapshot = open(&case);
        let range = ChangeRange::from_version(Version(changes["from_version"].as_u64().unwrap()));
        let all = read(&snapshot, range).unwrap();
        all_reads += block_on(Changes::plan(&snapshot, range)).unwrap().reads().len();
        for (condition, matches) in conditions {
            let builder = ChangesBuilder::new(snapshot.clone(), range).filter_sql(condition).unwrap();
            let chosen = block_on(builder.clone().plan()).unwrap();
            let batches: Vec<_> = block_on(chosen.stream(ReadOptions::default().ordered()).try_collect()).unwrap();
            let wanted: Vec<_> = all.iter().filter(|row| matches(row)).cloned().collect();
            assert_eq!(sorted(rows(&batches)), sorted(wanted.clone()), "{condition} in {}", case.display());
            all_kept += chosen.reads().len();

            let chosen = block_on(builder.columns(["_commit_version", "_change_type"]).plan()).unwrap();
            let batches: Vec<_> = block_on(chosen.stream(ReadOptions::default().ordered()).try_collect()).unwrap();
            let names: Vec<_> = chosen.schema().fields().iter().map(|field| field.name().as_str()).collect();
            assert_eq!(
                (names.as_slice(), rows(&batches).len()),
                (&["_commit_version", "_change_type"][..], wanted.len())
            );
        }
    }
    assert!(all_kept * 2 < all_reads * conditions.len(), "{all_kept} of {all_reads} reads are left in six plans");
}

#[test]
fn what_is_wrong_with_columns_and_conditions_is_said_when_planning() {
    let plan = |columns: &[&str], condition: &str| {
        let builder = ChangesBuilder::new(each_operation(), ChangeRange::from_version(Version(1)));
        let planned = builder.columns(columns.iter().copied()).filter_sql(condition);
        planned.and_then(|builder| block_on(builder.plan())).unwrap_err().kind()
    };
    assert_eq!(plan(&["nope"], "TRUE"), ErrorKind::UnknownColumn);
    assert_eq!(plan(&["_change_type"], "nope = 1"), ErrorKind::UnknownColumn);
    assert_eq!(plan(&["_change_type"], "_commit_version + 1"), ErrorKind::InvalidExpression);
}

#[test]
fn ends_are_included_and_clamped() {
    let snapshot = each_operation();
    let versions = |range| -> Vec<u64> {
        let mut versions: Vec<_> =
            read(&snapshot, range).unwrap().iter().map(|row| row["_commit_version"].as_u64().unwrap()).collect();
        versions.dedup();
        versions
    };
    assert_eq!(versions(ChangeRange::from_version(Version(2)).until(version(3))), [2, 3]);
    assert_eq!(versions(ChangeRange::from_version(Version(7)).until(version(900))), [7]);
    assert_eq!(versions(ChangeRange::from_timestamp(TimestampMs(0)).until(version(1))), [1]);
}

#[test]
fn ranges_outside_of_the_table_are_errors() {
    let snapshot = each_operation();
    let kind = |range| read(&snapshot, range).unwrap_err().kind();
    assert_eq!(kind(ChangeRange::from_version(Version(8))), ErrorKind::VersionNotFound);
    assert_eq!(kind(ChangeRange::from_timestamp(TimestampMs(i64::MAX))), ErrorKind::VersionNotFound);
    assert_eq!(kind(ChangeRange::from_version(Version(3)).until(version(2))), ErrorKind::InvalidArgument);
    let before = ChangeBound::Timestamp(TimestampMs(0));
    assert_eq!(kind(ChangeRange::from_version(Version(3)).until(before)), ErrorKind::InvalidArgument);
}

#[test]
fn two_times_between_the_same_commits_give_nothing() {
    let range = ChangeRange::from_timestamp(TimestampMs(1)).until(ChangeBound::Timestamp(TimestampMs(2)));
    assert!(read(&each_operation(), range).unwrap().is_empty());
}

#[test]
fn versions_without_the_feed_are_refused() {
    let snapshot = open(&fixtures().join("change_data_feed/enabled_late_and_disabled"));
    let error = read(&snapshot, ChangeRange::from_version(Version(0))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ChangeDataUnavailable);
}
