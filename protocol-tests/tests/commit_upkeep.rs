//! The upkeep of the log after a commit: what fails there never makes a commit fail that stands, and what it leaves behind never
//! makes a table unreadable.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deltaic_commit::committer::{Committer, PutOutcome};
use deltaic_commit::maintenance::{CleanupOptions, KeepReason, Upkeep, UpkeepStep, plan_metadata_cleanup};
use deltaic_commit::{CommitOutcome, Committed, Operation, Transaction};
use deltaic_log::segment::Listing;
use deltaic_log::version_checksum::VersionChecksum;
use deltaic_log::{Access, ErrorKind, Result, Snapshot, TableStore, Version};
use deltaic_protocol_tests::commit_table::{file, removal};
use deltaic_protocol_tests::{CommitTable, Fault};
use futures::executor::block_on;
use futures::future::{BoxFuture, FutureExt};
use object_store::ObjectStoreExt;
use rstest::rstest;
use serde_json::json;

fn committed(outcome: CommitOutcome) -> Committed {
    outcome.into_result().unwrap().unwrap()
}

fn checksum(table: &CommitTable, version: u64) -> Option<VersionChecksum> {
    block_on(VersionChecksum::read(&table.truth(), Version(version))).unwrap()
}

fn put(table: &CommitTable, path: &str, body: &str) {
    let location = table.truth().locate(path).unwrap();
    block_on(location.store.put(&location.path, body.to_owned().into())).unwrap();
}

fn assert_sound(table: &CommitTable) {
    assert_eq!(table.findings(), []);
}

/// A neighbour raised an error when a step after the commit failed; callers who tried again doubled their rows.
#[rstest]
#[case::lost_request(Fault::FailBefore)]
#[case::lost_answer(Fault::FailAfter)]
#[case::late(Fault::Late(3))]
#[case::refused(Fault::Refuse)]
fn a_failed_upkeep_never_fails_a_commit(#[case] fault: Fault) {
    let table = CommitTable::created(json!({}));
    let held = table.open(1, None);
    table.faults.fail_puts([Fault::None, fault]);
    let commit = committed(table.append(&held, "a"));
    assert_eq!(commit.version, Version(1));
    let warnings: Vec<_> = commit.upkeep.warnings.iter().map(|warning| (warning.step, warning.error.kind())).collect();
    assert_eq!(warnings, [(UpkeepStep::Checksum, ErrorKind::Storage)]);
    assert_eq!(table.files().len(), 1);
    block_on(table.faults.land_all());
    // The next commit makes up for it.
    let commit = committed(table.append(&held, "b"));
    assert!(commit.upkeep.warnings.is_empty(), "{:?}", commit.upkeep.warnings);
    assert_eq!(checksum(&table, 2).unwrap().num_files, 2);
    assert_sound(&table);
}

/// A neighbour could not open a table any more whose optional files were torn.
#[test]
fn a_torn_checksum_never_hides_a_table() {
    let table = CommitTable::created(json!({}));
    committed(table.append(&table.open(1, None), "a"));
    let whole = String::from_utf8(checksum(&table, 1).unwrap().to_text().unwrap()).unwrap();
    for end in (0..whole.len()).step_by(97) {
        put(&table, "_delta_log/00000000000000000001.crc", &whole[..end]);
        assert_eq!(table.open(1, None).version(), Version(1));
        assert_eq!(table.files().len(), 1);
    }
    // It stays, since no checksum is ever overwritten; the next version's is made without it.
    committed(table.append(&table.open(1, None), "b"));
    assert_eq!((checksum(&table, 1), checksum(&table, 2).unwrap().num_files), (None, 2));
}

#[test]
fn a_checksum_is_never_overwritten() {
    let table = CommitTable::created(json!({}));
    put(&table, "_delta_log/00000000000000000001.crc", "theirs");
    let commit = committed(table.append(&table.open(1, None), "a"));
    assert!(commit.upkeep.checksum.is_none() && commit.upkeep.warnings.is_empty());
    let body = block_on(table.truth().read("_delta_log/00000000000000000001.crc")).unwrap().unwrap();
    assert_eq!(body, "theirs");
}

#[test]
fn without_upkeep_only_the_commit_is_put() {
    let table = CommitTable::created(json!({}));
    let mut append = table.begin(&table.open(1, None)).with_upkeep(Upkeep::nothing());
    append.add(file("a", "a", 1));
    let commit = committed(block_on(append.commit()));
    assert!(commit.upkeep.checksum.is_none() && checksum(&table, 1).is_none());
}

/// From a handle that has read nothing, one that has read the files, and one whose predecessor left no checksum; with
/// removals that do not say how large their files were.
#[rstest]
#[case::nothing_read(false, false)]
#[case::files_read(true, false)]
#[case::no_checksum_before(false, true)]
#[case::files_read_and_no_checksum_before(true, true)]
fn a_checksum_is_made_from_whatever_is_known(#[case] files_read: bool, #[case] no_checksum_before: bool) {
    let table = CommitTable::created(json!({"delta.enableDeletionVectors": "true"}));
    committed(table.append(&table.open(1, None), "a"));
    let mut second =
        table.begin(&table.open(1, None)).with_upkeep(Upkeep::nothing().with_checksum(!no_checksum_before));
    second.add(file("b", "a", 9_000));
    committed(block_on(second.commit()));
    let held = table.open(1, None);
    if files_read {
        block_on(held.files()).unwrap();
    }
    committed(table.append(&held, "winner"));
    let mut third = table.begin(&held);
    third.remove(removal("b"));
    third.remove(removal("a"));
    third.add(file("c", "a", 20_000));
    let commit = committed(block_on(third.commit()));
    let written = commit.upkeep.checksum.unwrap();
    assert_eq!((written.num_files, written.table_size_bytes), (2, 20_001));
    assert_eq!(checksum(&table, 4).as_ref(), Some(&*written));
    assert_sound(&table);
}

/// As many commits, one file each, from handles that are opened anew.
fn append_many(table: &CommitTable, count: u64) -> Vec<Committed> {
    let append = |_| {
        let newest = table.open(1, None);
        committed(table.append(&newest, &format!("after-{}", newest.version())))
    };
    (0..count).map(append).collect()
}

fn checkpoints(table: &CommitTable) -> Vec<u64> {
    let listing = Listing::new(block_on(table.truth().list_log(Version(0))).unwrap());
    listing.checkpoint_versions().map(|version| version.0).collect()
}

#[test]
fn the_version_that_is_due_gets_a_checkpoint() {
    let table = CommitTable::created(json!({"delta.checkpointInterval": "3"}));
    let commits = append_many(&table, 7);
    let written: Vec<u64> =
        commits.iter().filter_map(|commit| Some(commit.upkeep.checkpoint.as_ref()?.version.0)).collect();
    assert_eq!((written, checkpoints(&table)), (vec![3, 6], vec![3, 6]));
    assert_eq!(table.open(1, None).segment().deltas.len(), 1);
    // One that lost its version to others writes the checkpoint of the version that it got.
    let stale = table.open(1, Some(6));
    committed(table.append(&stale, "winner"));
    assert_eq!(committed(table.append(&stale, "ours")).upkeep.checkpoint.unwrap().version, Version(9));
    assert_eq!(table.findings(), []);
    assert_eq!(table.files().len(), 9);
}

/// A neighbour raised an error when the checkpoint after a commit failed; callers who tried again doubled their rows.
#[rstest]
#[case::lost_request(Fault::FailBefore)]
#[case::lost_answer(Fault::FailAfter)]
#[case::refused(Fault::Refuse)]
fn a_failed_checkpoint_never_fails_a_commit(#[case] fault: Fault) {
    let table = CommitTable::created(json!({"delta.checkpointInterval": "2"}));
    append_many(&table, 1);
    let held = table.open(1, None);
    // The commit, its checksum, the checkpoint.
    table.faults.fail_puts([Fault::None, Fault::None, fault]);
    let commit = committed(table.append(&held, "a"));
    let warnings: Vec<_> = commit.upkeep.warnings.iter().map(|warning| (warning.step, warning.error.kind())).collect();
    assert_eq!(warnings, [(UpkeepStep::Checkpoint, ErrorKind::Storage)]);
    assert!(commit.version == Version(2) && commit.upkeep.checksum.is_some() && commit.upkeep.checkpoint.is_none());
    append_many(&table, 2);
    assert!(checkpoints(&table).contains(&4));
    assert_eq!((table.files().len(), table.findings()), (4, vec![]));
}

/// A neighbour could not open a table any more whose newest checkpoint was torn, or whose hint named a version that is not there.
#[test]
fn a_torn_checkpoint_or_hint_never_hides_a_table() {
    let table = CommitTable::created(json!({"delta.checkpointInterval": "2"}));
    append_many(&table, 5);
    let newest = format!("_delta_log/{:020}.checkpoint.parquet", 4);
    let whole = block_on(table.truth().read(&newest)).unwrap().unwrap();
    let location = table.truth().locate(&newest).unwrap();
    for end in (0..whole.len()).step_by(whole.len() / 16) {
        block_on(location.store.put(&location.path, whole.slice(..end).into())).unwrap();
        assert_eq!(table.files().len(), 5, "the first {end} bytes are left");
    }
    for hint in ["", "{", "{\"version\":77,\"size\":1}", "{\"version\":4}"] {
        put(&table, "_delta_log/_last_checkpoint", hint);
        assert_eq!(table.files().len(), 5, "{hint}");
    }
    append_many(&table, 1);
    assert!(table.open(1, None).segment().checkpoint.as_ref().is_some_and(|found| found.version == Version(6)));
}

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A table whose commits carry their own time, one a day.
fn daily(mut configuration: serde_json::Value, days: u64) -> (CommitTable, Vec<Committed>) {
    configuration["delta.enableInCommitTimestamps"] = "true".into();
    configuration["delta.checkpointInterval"] = "2".into();
    let table = CommitTable::created(configuration);
    let append = |number| {
        table.clock.advance_ms(DAY_MS);
        committed(table.append(&table.open(1, None), &format!("f{number}")))
    };
    let commits = (1..=days).map(append).collect();
    (table, commits)
}

fn oldest_commit(table: &CommitTable) -> u64 {
    let listing = Listing::new(block_on(table.truth().list_log(Version(0))).unwrap());
    listing.commits().next().unwrap().0.0
}

/// By the commits' own times: as storage tells it, all of them were made just now.
#[test]
fn what_has_expired_goes_after_a_checkpoint() {
    let (table, commits) = daily(json!({"delta.logRetentionDuration": "interval 3 days"}), 10);
    let deleted: Vec<usize> = commits.iter().map(|commit| commit.upkeep.files_deleted).collect();
    assert!(commits.iter().all(|commit| commit.upkeep.warnings.is_empty()), "{commits:?}");
    assert_eq!(oldest_commit(&table), 6, "{deleted:?}");
    assert!(deleted[4..].iter().step_by(2).all(|files| *files == 0), "only after a checkpoint: {deleted:?}");
    assert_eq!(checkpoints(&table), [6, 8, 10]);
    assert_eq!((table.files().len(), table.findings()), (10, vec![]));
    assert_eq!(block_on(table.open(1, Some(6)).files()).unwrap().len(), 6);
}

#[rstest]
#[case::switched_off(json!({"delta.logRetentionDuration": "interval 1 day", "delta.enableExpiredLogCleanup": "false"}))]
#[case::not_expired(json!({}))]
fn what_is_to_stay_stays(#[case] configuration: serde_json::Value) {
    let (table, commits) = daily(configuration, 6);
    assert!(commits.iter().all(|commit| commit.upkeep.files_deleted == 0 && commit.upkeep.warnings.is_empty()));
    assert_eq!(oldest_commit(&table), 0);
}

#[test]
fn a_failed_clean_up_never_fails_a_commit() {
    let (table, _) = daily(json!({"delta.logRetentionDuration": "interval 400 weeks"}), 5);
    // The first file that the clean-up deletes cannot be deleted.
    table.faults.fail_deletes([Fault::FailBefore]);
    let commit = set_property(&table, "delta.logRetentionDuration", "interval 1 day");
    let steps: Vec<_> = commit.upkeep.warnings.iter().map(|warning| warning.step).collect();
    assert_eq!((commit.version, steps), (Version(6), vec![UpkeepStep::Cleanup]));
    assert_eq!(table.files().len(), 5);
    table.clock.advance_ms(DAY_MS);
    append_many(&table, 2);
    assert!(oldest_commit(&table) >= 4);
    assert_eq!(table.findings(), []);
}

/// Of a table that protects its checkpoints, history goes as a whole, or by the hand of somebody who knows it all.
#[rstest]
#[case::all_of_it("4", true, Some(4))]
#[case::a_part_that_is_known("9", true, Some(4))]
#[case::a_part_that_is_not("9", false, None)]
fn protected_checkpoints(#[case] protected: &str, #[case] is_known: bool, #[case] expected: Option<u64>) {
    let feature = "delta.feature.checkpointProtection";
    let (table, _) = daily(json!({feature: "supported", "delta.logRetentionDuration": "interval 400 weeks"}), 5);
    set_property(&table, "delta.requireCheckpointProtectionBeforeVersion", protected);
    if !is_known {
        let commit = format!("_delta_log/{:020}.json", 1);
        let body = block_on(table.truth().read(&commit)).unwrap().unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let past = json!({"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["fromThePast"]});
        put(&table, &commit, &format!("{body}{}\n", json!({"protocol": past})));
    }
    let options = CleanupOptions::new().with_retention(Duration::from_millis(DAY_MS as u64 / 2));
    let plan = block_on(plan_metadata_cleanup(&table.open(1, None), options)).unwrap();
    let reason = expected.is_none().then_some(KeepReason::CheckpointsProtected);
    assert_eq!((plan.oldest, plan.reason), (expected.map(Version), reason));
    assert_eq!(plan.is_empty(), expected.is_none());
}

fn set_property(table: &CommitTable, key: &str, value: &str) -> Committed {
    let newest = table.open(1, None);
    let mut alter = table.begin(&newest);
    let mut metadata = newest.metadata().clone();
    metadata.configuration.insert(key.to_owned(), value.to_owned());
    alter.set_metadata(metadata).unwrap();
    committed(block_on(alter.commit()))
}

/// Somebody cleans up the log just before each put.
#[derive(Debug)]
struct CleanedUpBefore {
    inner: Arc<dyn Committer>,
    newest: Snapshot,
}

impl Committer for CleanedUpBefore {
    fn put<'a>(&'a self, store: &'a TableStore, version: Version, body: Bytes) -> BoxFuture<'a, PutOutcome> {
        async move {
            let plan = plan_metadata_cleanup(&self.newest, CleanupOptions::new()).await.unwrap();
            plan.execute(self.newest.store()).await.unwrap();
            self.inner.put(store, version, body).await
        }
        .boxed()
    }

    fn read<'a>(&'a self, store: &'a TableStore, version: Version) -> BoxFuture<'a, Result<Option<Bytes>>> {
        self.inner.read(store, version)
    }

    fn access(&self) -> Access {
        self.inner.access()
    }

    fn publish<'a>(&'a self, store: &'a TableStore, version: Version) -> BoxFuture<'a, Result<()>> {
        self.inner.publish(store, version)
    }
}

/// A handle as old as history finds its version in the log, and has the next ones cleaned up from under it: the commit would
/// have been put in their place, where nobody looks.
#[test]
fn a_commit_from_an_old_handle_is_not_put_where_the_log_was_cleaned_up() {
    let configuration =
        json!({"delta.logRetentionDuration": "interval 3 days", "delta.enableExpiredLogCleanup": "false"});
    let (table, _) = daily(configuration, 10);
    let (stale, newest) = (table.open(1, Some(1)), table.open(1, None));
    let committer = Arc::new(CleanedUpBefore { inner: table.committer.clone(), newest });
    let mut append = Transaction::begin(&stale, committer, Operation::new("WRITE")).unwrap();
    append.add(file("ours", "a", 1));
    assert_eq!(committed(block_on(append.commit())).version, Version(11));
    assert!(oldest_commit(&table) > 2, "what came next after the handle is gone");
    assert!(table.files().contains_key("ours"));
    assert_eq!((table.commits().len(), table.findings()), (12, vec![]));
}
