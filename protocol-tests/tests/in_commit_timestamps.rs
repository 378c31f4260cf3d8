//! Spec: [In-Commit Timestamps](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#in-commit-timestamps), and the
//! times of commit files where the feature is off: which version a time means.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

use std::fs::File;
use std::time::{Duration, UNIX_EPOCH};

use deltaic_log::{ErrorKind, History, Snapshot, SnapshotOptions, TimestampMs, Version};
use deltaic_protocol_tests::golden::Golden;
use deltaic_protocol_tests::local::{Route, directory_url, local_context};
use deltaic_protocol_tests::test_log::{METADATA, PROTOCOL};
use futures::executor::block_on;

/// A table of commits, each with its file's time and, if it has one, its own.
struct Commits(tempfile::TempDir);

impl Commits {
    /// `on` are the properties that turn the feature on, set in the commit of that index.
    fn new(times: &[(u64, Option<i64>)], on: Option<(usize, &str)>) -> Self {
        let table = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(table.path().join("_delta_log")).expect("a directory");
        for (version, (modified, own)) in times.iter().enumerate() {
            let mut lines = Vec::new();
            lines.extend(
                own.map(|time| format!(r#"{{"commitInfo":{{"inCommitTimestamp":{time},"operation":"v{version}"}}}}"#)),
            );
            if version == 0 {
                lines.push(PROTOCOL.to_owned());
            }
            match on {
                Some((at, properties)) if at == version => {
                    let on = format!(r#""configuration":{{"delta.enableInCommitTimestamps":"true"{properties}"#);
                    lines.push(METADATA.replace(r#""configuration":{"#, &on));
                }
                _ if version == 0 => lines.push(METADATA.to_owned()),
                _ => {}
            }
            let path = table.path().join(format!("_delta_log/{version:020}.json"));
            std::fs::write(&path, lines.join("\n")).expect("a file");
            set_modified(&path, *modified);
        }
        Self(table)
    }

    fn history(&self) -> History {
        block_on(History::load(&self.snapshot())).expect("the history can be read")
    }

    fn snapshot(&self) -> Snapshot {
        let (url, context) = (directory_url(self.0.path()), local_context(Route::Files));
        block_on(Snapshot::open(&url, context, SnapshotOptions::new())).expect("the table is sound")
    }

    /// At each time, the version expected: `None` where there is none.
    fn check(&self, expected: &[(i64, Option<u64>)]) {
        let history = self.history();
        for (time, version) in expected {
            let found = block_on(history.version_at(TimestampMs(*time)));
            assert_eq!(found.as_ref().ok().map(|version| version.0), *version, "at {time}: {found:?}");
            if let Err(error) = found {
                assert_eq!(error.kind(), ErrorKind::VersionNotFound, "{error:?}");
                assert!(error.message().contains("versions "), "the range is named: {error}");
            }
        }
    }
}

fn set_modified(path: &std::path::Path, ms: u64) {
    let file = File::options().write(true).open(path).expect("the file exists");
    file.set_modified(UNIX_EPOCH + Duration::from_millis(ms)).expect("its time can be set");
}

#[test]
fn file_times_stand_where_the_feature_is_off() {
    let table = Commits::new(&[(1_000, None), (2_000, Some(9)), (3_000, None)], None);
    table.check(&[
        (999, None),
        (1_000, Some(0)),
        (1_999, Some(0)),
        (2_000, Some(1)),
        (2_999, Some(1)),
        (3_000, Some(2)),
        (3_001, None),
    ]);
}

#[test]
fn file_times_are_made_to_grow() {
    // Version 1 was copied before version 0, version 3 at the same moment as version 2.
    let table = Commits::new(&[(5_000, None), (1_000, None), (6_000, None), (6_000, None)], None);
    table.check(&[
        (4_999, None),
        (5_000, Some(0)),
        (5_001, Some(1)),
        (6_000, Some(2)),
        (6_001, Some(3)),
        (6_002, None),
    ]);
    let history = table.history();
    let times: Vec<_> =
        (0..4).map(|version| block_on(history.timestamp_of(Version(version))).expect("it exists").0).collect();
    assert_eq!(times, [5_000, 5_001, 6_000, 6_001]);
}

#[test]
fn commits_carry_their_own_time_from_the_start() {
    let table = Commits::new(&[(9_000, Some(100)), (1, Some(200)), (5_000, Some(300))], Some((0, "")));
    table.check(&[(99, None), (100, Some(0)), (250, Some(1)), (300, Some(2)), (301, None)]);
}

#[test]
fn the_feature_is_turned_on_late() {
    let on = r#","delta.inCommitTimestampEnablementVersion":"2","delta.inCommitTimestampEnablementTimestamp":"3000""#;
    let table =
        Commits::new(&[(1_000, None), (2_000, None), (77_000, Some(3_000)), (88_000, Some(4_000))], Some((2, on)));
    table.check(&[
        (999, None),
        (1_000, Some(0)),
        (2_999, Some(1)),
        (3_000, Some(2)),
        (3_999, Some(2)),
        (4_000, Some(3)),
        (4_001, None),
    ]);
    let entries = block_on(table.history().entries(usize::MAX)).expect("the history can be read");
    let found: Vec<_> = entries.iter().map(|entry| (entry.version.0, entry.timestamp.0)).collect();
    assert_eq!(found, [(3, 4_000), (2, 3_000), (1, 2_000), (0, 1_000)]);
}

#[test]
fn file_times_before_the_feature_may_be_later_than_it() {
    // The older commits were copied after the newer ones had been written: their files' times are of no use, but never
    // lead beyond the moment at which the feature came.
    let on = r#","delta.inCommitTimestampEnablementVersion":"2","delta.inCommitTimestampEnablementTimestamp":"3000""#;
    let table =
        Commits::new(&[(1_000, None), (50_000, None), (60_000, Some(3_000)), (70_000, Some(4_000))], Some((2, on)));
    table.check(&[(1_000, Some(0)), (2_999, Some(0)), (3_000, Some(2)), (4_000, Some(3)), (4_001, None)]);
}

#[test]
fn a_commit_without_its_time_is_named() {
    let table = Commits::new(&[(1_000, Some(100)), (2_000, None)], Some((0, "")));
    let error = block_on(table.history().timestamp_of(Version(1))).expect_err("it has none");
    assert_eq!((error.kind(), error.context("version")), (ErrorKind::CorruptLog, Some("1")), "{error:?}");
}

#[test]
fn properties_that_are_no_numbers_are_named() {
    let table = Commits::new(&[(1_000, Some(100))], Some((0, r#","delta.inCommitTimestampEnablementVersion":"soon""#)));
    let error = block_on(History::load(&table.snapshot())).expect_err("the property is no number");
    assert_eq!(error.kind(), ErrorKind::InvalidProperty, "{error:?}");
}

#[test]
fn the_oldest_commits_are_gone() {
    let table = Commits::new(&[(1_000, None), (2_000, None), (3_000, None), (4_000, None)], None);
    let log = table.0.path().join("_delta_log");
    let state = [PROTOCOL, METADATA, r#"{"checkpointMetadata":{"version":2}}"#].join("\n");
    std::fs::write(log.join("00000000000000000002.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json"), state)
        .expect("a file");
    std::fs::remove_file(log.join("00000000000000000000.json")).expect("it exists");
    // Version 1 has its commit still, but nothing makes its state.
    table.check(&[(1_999, None), (2_000, None), (2_999, None), (3_000, Some(2)), (4_000, Some(3)), (4_001, None)]);
    let history = table.history();
    assert_eq!(history.versions(), Some((Version(1), Version(3))));
    let gone = block_on(history.timestamp_of(Version(0))).expect_err("it is gone");
    assert_eq!(gone.kind(), ErrorKind::VersionNotFound, "{gone:?}");
}

#[test]
fn golden_tables_travel_by_file_time() {
    let Some(golden) = Golden::find() else { return };
    let start = 1_540_415_658_000;
    let minutes = |n: u64| n * 60_000;
    let table = golden.copy("time-travel-start-start20-start40");
    for (version, at) in [(0, start), (1, start + minutes(20)), (2, start + minutes(40))] {
        set_modified(&table.path().join(format!("_delta_log/{version:020}.json")), at);
    }
    let at = |n: i64| i64::try_from(start).expect("it fits") + n * 60_000;
    let files = [(0, 2), (1, 4), (2, 6)];
    let commits = Commits(table);
    commits.check(&[
        (at(-10), None),
        (at(0), Some(0)),
        (at(10), Some(0)),
        (at(20), Some(1)),
        (at(30), Some(1)),
        (at(40), Some(2)),
        (at(50), None),
    ]);
    for (version, count) in files {
        let options = SnapshotOptions::new().with_version(Version(version));
        let snapshot = block_on(Snapshot::open_in(commits.snapshot().store(), options)).expect("the version is there");
        assert_eq!(block_on(snapshot.files()).expect("they can be listed").len(), count, "version {version}");
    }
}
