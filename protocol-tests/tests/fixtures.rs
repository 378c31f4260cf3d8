//! The fixtures: what other engines wrote reads as they read it, at every version, with its changes and row ids.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]
#![expect(clippy::panic, reason = "a test's helpers fail the test")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use deltaic_log::{Result, Snapshot, SnapshotOptions, Version};
use deltaic_protocol_tests::canonical_rows::{canonical_json, canonical_rows, hash_rows, with_variants_decoded};
use deltaic_protocol_tests::fixture::{Content, Fixture};
use deltaic_protocol_tests::local::{Route, directory_url, local_context};
use deltaic_scan::change_data_feed::{ChangeRange, Changes};
use deltaic_scan::{MetadataColumn, ReadOptions, ScanBuilder};
use futures::executor::block_on;
use futures::stream::TryStreamExt;
use serde_json::Value;
use serde_json::value::RawValue;

/// Where the writer of a fixture reads it otherwise than the specification says, and why.
const OTHERWISE: [(&str, &str); 4] = [
    (
        "data_files/rebased_legacy_calendar",
        "dates before 1582 in the hybrid calendar of old Spark releases are read as the days that the file holds; Spark shifts them",
    ),
    (
        "partition_value_serialization/null_and_empty_spellings",
        "the specification has an empty text mean null for every type; Spark reads a string column's as an empty string",
    ),
    (
        "partition_value_serialization/timestamp_local_spelling",
        "a timestamp without a zone is read as UTC here; Spark takes it for its session's zone, which no log records",
    ),
    (
        "schema_serialization_format/metadata_and_comments",
        "Spark pads `CHAR(n)`, which it records as a string with metadata of its own; the data itself is not padded",
    ),
];

#[test]
fn every_fixture_reads_as_its_writer_reads_it() {
    check_all(|fixture| {
        for route in [Route::Files, Route::ObjectStore] {
            let snapshot = open(fixture, route, None).unwrap_or_else(|error| panic!("{error:?}"));
            check_state(fixture, &snapshot);
            match OTHERWISE.iter().any(|(name, _)| *name == fixture.name) {
                true => check_number_of_rows(&snapshot, &fixture.expected.content),
                false => check_content(&snapshot, &fixture.expected.content),
            }
        }
    });
}

#[test]
fn older_versions_read_as_their_writer_reads_them() {
    check_all(|fixture| {
        for (version, expected) in &fixture.expected.versions {
            let version = version.parse().expect("a version is a number");
            match (open(fixture, Route::Files, Some(version)), &expected.error) {
                (Ok(snapshot), None) => check_content(&snapshot, expected),
                (Err(_), Some(_)) => {}
                // The writer's own caution, not a rule of the specification: the version's files may be gone already.
                (Ok(_), Some(error)) if error.contains("TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION") => {}
                (Ok(_), Some(error)) => panic!("version {version} opens; its writer says {error}"),
                (Err(error), None) => panic!("version {version}: {error:?}"),
            }
        }
    });
}

#[test]
fn changes_read_as_their_writer_reads_them() {
    check_all(|fixture| {
        let Some(expected) = &fixture.expected.changes else { return };
        let snapshot = open(fixture, Route::Files, None).unwrap_or_else(|error| panic!("{error:?}"));
        let range = ChangeRange::from_version(Version(expected.from_version));
        let changes = block_on(Changes::plan(&snapshot, range)).unwrap_or_else(|error| panic!("{error:?}"));
        let batches: Vec<RecordBatch> =
            block_on(changes.stream(ReadOptions::default()).try_collect()).unwrap_or_else(|error| panic!("{error:?}"));
        // When a commit was made is the one thing that its writer does not say of a change.
        let batches: Vec<_> = batches.iter().map(|batch| without(batch, "_commit_timestamp")).collect();
        assert_same_rows(&canonical_rows(&batches), &sorted(&expected.rows));
    });
}

#[test]
fn rows_keep_their_ids() {
    check_all(|fixture| {
        let Some(expected) = &fixture.expected.row_ids else { return };
        let snapshot = open(fixture, Route::Files, None).unwrap_or_else(|error| panic!("{error:?}"));
        let scan = ScanBuilder::new(snapshot)
            .metadata_column(MetadataColumn::RowId)
            .metadata_column(MetadataColumn::RowCommitVersion);
        assert_same_rows(&canonical_rows(&read(scan)), &sorted(expected));
    });
}

/// Checks every fixture, and tells of all that fail.
fn check_all(check: impl Fn(&Fixture)) {
    let fixtures = Fixture::all();
    assert!(fixtures.len() > 100, "{} fixtures", fixtures.len());
    let fails = |fixture: &&Fixture| {
        let fails = catch_unwind(AssertUnwindSafe(|| check(fixture))).is_err();
        if fails {
            eprintln!("^ {}", fixture.name);
        }
        fails
    };
    let failed: Vec<_> = fixtures.iter().filter(fails).map(|fixture| fixture.name.as_str()).collect();
    assert!(failed.is_empty(), "{} of {} fixtures fail: {failed:#?}", failed.len(), fixtures.len());
}

fn open(fixture: &Fixture, route: Route, version: Option<u64>) -> Result<Snapshot> {
    let mut options = SnapshotOptions::new();
    options.version = version.map(Version);
    block_on(Snapshot::open(&directory_url(&fixture.table()), local_context(route), options))
}

fn check_state(fixture: &Fixture, snapshot: &Snapshot) {
    let expected = &fixture.expected;
    assert_eq!(snapshot.version().0, expected.version);
    assert_eq!(block_on(snapshot.files()).expect("files can be listed").len(), expected.num_files, "files");
    assert_eq!(
        with_sorted_features(&serde_json::to_value(snapshot.protocol()).expect("JSON")),
        with_sorted_features(&expected.protocol)
    );
    assert_eq!(snapshot.configuration().partition_columns(), expected.partition_columns);
    if let Some(expected) = &expected.schema {
        let schema: Value = serde_json::from_str(&snapshot.configuration().schema().to_json()).expect("it is JSON");
        assert_eq!(without_metadata(&schema), without_metadata(expected));
    }
    if let Some(expected) = &expected.domains {
        let domains = block_on(snapshot.domains()).expect("they can be read");
        assert_eq!(sorted(&domains.values().map(as_json).collect::<Vec<_>>()), sorted(expected));
    }
    if let Some(expected) = &expected.txns {
        let transactions = block_on(snapshot.transactions()).expect("they can be read");
        assert_eq!(sorted(&transactions.values().map(as_json).collect::<Vec<_>>()), sorted(expected));
    }
}

/// A version that its writer opens and refuses to read has no rows here either.
fn check_content(snapshot: &Snapshot, expected: &Content) {
    if let Some(refusal) = &expected.error {
        let read =
            ScanBuilder::new(snapshot.clone()).build().and_then(|scan| block_on(scan.stream().try_collect::<Vec<_>>()));
        let columns = snapshot.configuration().schema().fields.len();
        return assert!(read.is_err() || columns == 0, "{columns} columns can be read; the writer says {refusal}");
    }
    let batches = read(ScanBuilder::new(snapshot.clone()));
    let rows = canonical_rows(&batches);
    if let Some(expected) = &expected.rows {
        let expected = sorted(expected);
        if rows != expected {
            let decoded = |rows: &[String]| rows.iter().map(|row| with_variants_decoded(row)).collect::<Vec<_>>();
            assert_same_rows(&decoded(&rows), &decoded(&expected));
        }
    }
    if let Some(expected) = &expected.rows_sha256 {
        assert_eq!(&hash_rows(&rows), expected);
    }
    assert_eq!(Some(rows.len()), expected.num_rows);
    assert!(
        canonical_rows(&read(ScanBuilder::new(snapshot.clone()).pruning(false))) == rows,
        "pruning changes no result"
    );
}

fn check_number_of_rows(snapshot: &Snapshot, expected: &Content) {
    let rows = canonical_rows(&read(ScanBuilder::new(snapshot.clone())));
    assert_eq!(Some(rows.len()), expected.num_rows);
    let expected = expected.rows.as_ref().expect("it is small");
    assert_ne!(rows, sorted(expected), "it is no exception any more: remove it from the list");
}

fn read(scan: ScanBuilder) -> Vec<RecordBatch> {
    let read = scan.build().and_then(|scan| block_on(scan.stream().try_collect()));
    read.unwrap_or_else(|error| panic!("{error:?}"))
}

/// What two lists of rows have apart from each other is easier to read than both.
fn assert_same_rows(found: &[String], expected: &[String]) {
    let only = |these: &[String], those: &[String]| {
        these.iter().filter(|row| !those.contains(row)).take(3).cloned().collect::<Vec<_>>()
    };
    let (unexpected, missing) = (only(found, expected), only(expected, found));
    assert!(
        found == expected,
        "{} rows for {}; unexpected: {unexpected:#?}\nmissing: {missing:#?}",
        found.len(),
        expected.len()
    );
}

fn as_json(action: &impl serde::Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(action).expect("an action is JSON")
}

fn sorted(rows: &[Box<RawValue>]) -> Vec<String> {
    let mut rows: Vec<_> = rows.iter().map(|row| canonical_json(row)).collect();
    rows.sort_unstable();
    rows
}

/// A schema without its fields' metadata, of which the writers show but a part.
fn without_metadata(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(key, _)| *key != "metadata");
            kept.map(|(key, value)| (key.clone(), without_metadata(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_metadata).collect(),
        other => other.clone(),
    }
}

/// The order of features in a protocol is of no matter.
fn with_sorted_features(protocol: &Value) -> Value {
    let mut protocol = protocol.clone();
    for key in ["readerFeatures", "writerFeatures"] {
        if let Some(Value::Array(features)) = protocol.get_mut(key) {
            features.sort_by_key(ToString::to_string);
        }
    }
    protocol
}

fn without(batch: &RecordBatch, column: &str) -> RecordBatch {
    let mut batch = batch.clone();
    if let Ok(index) = batch.schema().index_of(column) {
        drop(batch.remove_column(index));
    }
    batch
}
