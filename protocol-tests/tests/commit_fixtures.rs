//! Tables of other engines are committed to, or refused by the feature that stands in the way.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use deltaic::check::{CheckOptions, Finding, Rule};
use deltaic_commit::committer::for_table;
use deltaic_commit::{CommitOutcome, Operation, Transaction};
use deltaic_log::action::Add;
use deltaic_log::feature::{IN_COMMIT_TIMESTAMP, ROW_TRACKING};
use deltaic_log::table_properties::property;
use deltaic_log::version_checksum::VersionChecksum;
use deltaic_log::{ErrorKind, Result, Snapshot, SnapshotOptions};
use deltaic_protocol_tests::fixture::Fixture;
use deltaic_protocol_tests::golden::copy_directory;
use deltaic_protocol_tests::local::{Route, directory_url, local_context};
use futures::executor::block_on;

#[test]
fn every_fixture_is_appended_to_or_refused_by_name() {
    let (mut appended, mut obstacles) = (0, BTreeSet::new());
    for fixture in Fixture::all() {
        println!("{}", fixture.name);
        match check(&fixture) {
            None => appended += 1,
            Some(features) => obstacles.extend(features.split(", ").map(str::to_owned)),
        }
    }
    assert!(appended >= 20, "{appended} fixtures were appended to");
    for upheld in
        ["appendOnly", "deletionVectors", "rowTracking", "domainMetadata", "v2Checkpoint", "inCommitTimestamp"]
    {
        assert!(!obstacles.contains(upheld), "a table was refused for its {upheld}");
    }
    for refused in ["checkConstraints", "generatedColumns", "identityColumns", "columnMapping"] {
        assert!(obstacles.contains(refused), "no table was refused for its {refused}");
    }
}

/// Appends two files to a copy of the fixture; the features that stand in the way, if any do.
fn check(fixture: &Fixture) -> Option<String> {
    let copy = tempfile::tempdir().unwrap();
    copy_directory(&fixture.table(), copy.path()).unwrap();
    let root = directory_url(copy.path());
    let open =
        || -> Result<Snapshot> { block_on(Snapshot::open(&root, local_context(Route::Files), SnapshotOptions::new())) };
    let before = match open() {
        Err(error) if error.kind() == ErrorKind::UnsupportedProtocol => {
            return error.context("feature").map(str::to_owned);
        }
        opened => opened.unwrap(),
    };
    let committer = for_table(before.store());
    let mut held = before.clone();
    for (number, path) in ["appended/a.parquet", "appended/b.parquet"].into_iter().enumerate() {
        // The second append starts from the handle that the first one has made stale, and goes on behind it.
        let mut append = match Transaction::begin(&before, committer.clone(), Operation::new("WRITE")) {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::UnsupportedProtocol, "{error}");
                return Some(error.context("feature").unwrap().to_owned());
            }
            begun => begun.unwrap(),
        };
        append.add(file(&before, path));
        let outcome = block_on(append.commit());
        let CommitOutcome::Committed(commit) = outcome else { panic!("{outcome:?}") };
        assert_eq!(commit.version.0, before.version().0 + 1 + number as u64);
        assert_eq!(commit.timestamp.is_some(), before.configuration().is_active(&IN_COMMIT_TIMESTAMP));
        held = block_on(held.refresh()).unwrap();
        assert_eq!(held.version(), commit.version);
    }
    check_after(&before, &held);
    check_after(&before, &open().unwrap());
    check_checksums(fixture, &before);
    None
}

/// Each commit has a checksum, and an independent replay of the log finds nothing wrong with it.
fn check_checksums(fixture: &Fixture, before: &Snapshot) {
    // What another engine has said wrongly before is carried on.
    if fixture.name == "version_checksum/wrong" {
        return;
    }
    let first = before.version().next();
    for version in [first, first.next()] {
        let checksum = block_on(VersionChecksum::read(before.store(), version)).unwrap();
        assert!(checksum.is_some(), "{} has no checksum at {version}", fixture.name);
    }
    let report = block_on(deltaic::check::check(before.store(), &CheckOptions::new())).unwrap();
    let wrong = |finding: &&Finding| finding.rule == Rule::VersionChecksum && finding.version >= Some(first);
    let wrong: Vec<&Finding> = report.findings.iter().filter(wrong).collect();
    assert!(wrong.is_empty(), "{}: {wrong:?}", fixture.name);
}

fn check_after(before: &Snapshot, after: &Snapshot) {
    assert_eq!(after.version().0, before.version().0 + 2);
    assert_eq!(after.configuration(), before.configuration());
    let (old, new) = (block_on(before.files()).unwrap(), block_on(after.files()).unwrap());
    assert_eq!(new.len(), old.len() + 2);
    let appended: Vec<_> = new.iter().filter(|file| file.path().starts_with("appended/")).collect();
    assert_eq!(appended.len(), 2);
    let is_suspended = before.configuration().properties().get(&property::ROW_TRACKING_SUSPENDED).unwrap();
    let numbered = before.protocol().supports(&ROW_TRACKING) && !is_suspended;
    let mut ids: Vec<i64> = appended.iter().filter_map(|file| file.base_row_id()).collect();
    ids.sort_unstable();
    assert_eq!(ids.len(), if numbered { 2 } else { 0 });
    let given = old.iter().filter_map(|file| file.base_row_id()).max();
    assert!(ids.windows(2).all(|pair| pair[0] + 5 == pair[1]) && given < ids.first().copied().or(Some(i64::MAX)));
}

fn file(table: &Snapshot, path: &str) -> Add {
    let configuration = table.configuration();
    let mode = configuration.column_mapping_mode();
    let keys = configuration.partition_fields().map(|field| (field.physical_name(mode).to_owned(), None));
    Add {
        path: path.to_owned(),
        partition_values: keys.collect(),
        size: 1,
        modification_time: 1,
        data_change: true,
        stats: Some(r#"{"numRecords":5}"#.to_owned()),
        ..Add::default()
    }
}
