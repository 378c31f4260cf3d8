//! The golden tables of the Delta Lake project: each gives its expected outcome, whatever the process's time zone is.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]
#![expect(clippy::panic, reason = "a test's helpers fail the test")]

use std::path::Path;
use std::process::Command;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

use deltaic_log::{Result, Snapshot, SnapshotOptions, TableConfiguration};
use deltaic_protocol_tests::canonical_rows::{canonical_json, canonical_rows, hash_rows};
use deltaic_protocol_tests::golden::{Expectation, Golden};
use deltaic_protocol_tests::local::{Route, directory_url, local_context};
use deltaic_scan::ScanBuilder;
use futures::executor::block_on;
use futures::stream::TryStreamExt;
use serde_json::Value;

/// The time zones under which every location is read: none may change anything.
const TIME_ZONES: [&str; 3] = ["UTC", "Asia/Kolkata", "America/Los_Angeles"];

#[test]
fn every_location_gives_its_expected_outcome() {
    let Some(golden) = Golden::find() else { return };
    let mut failures = Vec::new();
    let mut count = 0;
    for (name, expected) in golden.tables() {
        count += 1;
        for route in [Route::Files, Route::ObjectStore] {
            let outcome = std::panic::catch_unwind(|| check(&golden.path(name), route, expected));
            failures.extend(outcome.is_err().then(|| format!("{name} by {route:?}")));
        }
    }
    assert_eq!(failures, Vec::<String>::new(), "of {count} locations");
    assert_eq!(count, 111, "golden locations");
}

#[test]
fn no_time_zone_changes_anything() {
    if Golden::find().is_none() {
        return;
    }
    for zone in TIME_ZONES {
        let this = std::env::current_exe().expect("a test runs from a file");
        let child =
            Command::new(this).args(["--exact", "every_location_gives_its_expected_outcome"]).env("TZ", zone).output();
        let child = child.expect("a test runs again");
        let said = String::from_utf8_lossy(&child.stdout);
        let complained = String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success() && said.contains("1 passed"), "under TZ={zone}:\n{said}\n{complained}");
    }
}

fn check(table: &Path, route: Route, expected: &Expectation) {
    let opened = open(table, route);
    let (snapshot, configuration) = match (expected.outcome.as_str(), opened) {
        ("ok", opened) => opened.unwrap_or_else(|error| panic!("{error:?}")),
        (_, Ok((snapshot, _))) => panic!("version {} opens; expected {:?}", snapshot.version(), expected.error_kind),
        (_, Err(error)) => return assert_eq!(Some(error.kind().name()), expected.error_kind.as_deref(), "{error:?}"),
    };
    assert_eq!(Some(snapshot.version().0), expected.version);
    assert_eq!(snapshot.segment().checkpoint.as_ref().map(|checkpoint| checkpoint.version.0), expected.checkpoint_used);
    check_protocol_and_schema(&snapshot, &configuration, expected);
    check_files(&snapshot, expected);
    if expected.data_readable != Some(false) {
        check_rows(&snapshot, expected);
    }
    if let Some(expected) = &expected.txn {
        let transactions = block_on(snapshot.transactions()).expect("they can be read");
        let versions = transactions.into_iter().map(|(app, txn)| (app, txn.version)).collect();
        assert_eq!(expected, &versions);
    }
}

fn open(table: &Path, route: Route) -> Result<(Snapshot, TableConfiguration)> {
    block_on(async {
        let snapshot = Snapshot::open(&directory_url(table), local_context(route), SnapshotOptions::new()).await?;
        let configuration = TableConfiguration::try_new(snapshot.protocol().clone(), snapshot.metadata().clone())?;
        Ok((snapshot, configuration))
    })
}

fn check_protocol_and_schema(snapshot: &Snapshot, configuration: &TableConfiguration, expected: &Expectation) {
    let protocol = serde_json::to_value(snapshot.protocol()).expect("it is JSON");
    assert_eq!(Some(protocol), expected.protocol);
    assert_eq!(Some(&snapshot.metadata().partition_columns), expected.partition_columns.as_ref());
    match &expected.schema {
        Some(expected) => {
            let parsed: Value = serde_json::from_str(&configuration.schema().to_json()).expect("it is JSON");
            assert_eq!(&parsed, expected, "the schema survives parsing");
        }
        None => assert!(configuration.schema().fields.is_empty()),
    }
}

fn check_files(snapshot: &Snapshot, expected: &Expectation) {
    let streamed: Vec<_> = block_on(snapshot.stream_files().try_collect()).expect("files can be streamed");
    assert_eq!(Some(streamed.iter().map(|chunk| chunk.live_files()).sum()), expected.num_files, "streamed files");
    let files = block_on(snapshot.files()).expect("files can be listed");
    assert_eq!(Some(files.len()), expected.num_files, "files");
}

fn check_rows(snapshot: &Snapshot, expected: &Expectation) {
    let batches = read(ScanBuilder::new(snapshot.clone()));
    let schema = snapshot.configuration().schema().to_arrow();
    for batch in &batches {
        assert_eq!(batch.schema().fields(), &schema.fields, "batches have the logical schema");
    }
    assert_eq!(Some(batches.iter().map(RecordBatch::num_rows).sum()), expected.num_rows, "rows");
    if let Some(formula) = &expected.row_formula {
        check_formula(&batches, formula.split(" for ").next().unwrap_or_default());
    }
    if expected.rows.is_none() && expected.rows_sha256.is_none() {
        return;
    }
    let rows = canonical_rows(&batches);
    if let Some(expected) = &expected.rows {
        let mut expected: Vec<_> = expected.iter().map(|row| canonical_json(row)).collect();
        expected.sort_unstable();
        assert_eq!(rows, expected);
    }
    if let Some(expected) = &expected.rows_sha256 {
        assert_eq!(&hash_rows(&rows), expected, "the hash of {} rows", rows.len());
    }
    let unpruned = canonical_rows(&read(ScanBuilder::new(snapshot.clone()).pruning(false)));
    assert!(unpruned == rows, "pruning changes no result");
}

fn read(scan: ScanBuilder) -> Vec<RecordBatch> {
    let scan = scan.build().expect("the scan can be built");
    block_on(scan.stream().try_collect()).expect("the data can be read")
}

/// Every row `i`, in any order, and each once.
fn check_formula(batches: &[RecordBatch], formula: &str) {
    let mut seen = vec![false; batches.iter().map(RecordBatch::num_rows).sum()];
    for batch in batches {
        let column = |name: &str| {
            let column = batch.column_by_name(name).expect("the column exists");
            arrow_cast::cast(column, &DataType::Int64).expect("it is a number").as_primitive::<Int64Type>().clone()
        };
        let ids = column("id");
        for row in 0..ids.len() {
            let seen = &mut seen[usize::try_from(ids.value(row)).expect("it counts from 0")];
            assert!(!std::mem::replace(seen, true), "row {} is there twice", ids.value(row));
        }
        for (name, value) in formula.split(';').filter_map(|term| term.split_once('=')) {
            let modulus = value.strip_prefix("i%").map_or(i64::MAX, |modulus| modulus.parse().expect("a number"));
            let values = column(name);
            let differs =
                (0..ids.len()).find(|row| values.is_null(*row) || values.value(*row) != ids.value(*row) % modulus);
            assert_eq!(differs, None, "row of {name} that is not {value}");
        }
    }
}
