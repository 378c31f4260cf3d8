//! The fixtures: what other engines wrote reads as they read it, at every version, with its changes and row ids.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use deltaic_log::{Result, Snapshot, SnapshotOptions, Version};
use deltaic_protocol_tests::canonical_rows::canonical_rows;
use deltaic_protocol_tests::fixture::{Content, Fixture};
use deltaic_protocol_tests::local::{Route, directory_url, local_context};
use deltaic_protocol_tests::reading::{assert_same_rows, check_content, check_row_ids, check_state, read, sorted};
use deltaic_scan::change_data_feed::{ChangeRange, Changes};
use deltaic_scan::{ReadOptions, ScanBuilder};
use futures::executor::block_on;
use futures::stream::TryStreamExt;

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
            check_state(&fixture.expected, &snapshot);
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
        check_row_ids(&snapshot, expected);
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

fn check_number_of_rows(snapshot: &Snapshot, expected: &Content) {
    let rows = canonical_rows(&read(ScanBuilder::new(snapshot.clone())));
    assert_eq!(Some(rows.len()), expected.num_rows);
    let expected = expected.rows.as_ref().expect("it is small");
    assert_ne!(rows, sorted(expected), "it is no exception any more: remove it from the list");
}

fn without(batch: &RecordBatch, column: &str) -> RecordBatch {
    let mut batch = batch.clone();
    if let Ok(index) = batch.schema().index_of(column) {
        drop(batch.remove_column(index));
    }
    batch
}
