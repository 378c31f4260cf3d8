//! The upkeep of the log after a commit: what fails there never makes a commit fail that stands, and what it leaves behind never
//! makes a table unreadable.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use deltaic_commit::maintenance::{Upkeep, UpkeepStep};
use deltaic_commit::{CommitOutcome, Committed};
use deltaic_log::version_checksum::VersionChecksum;
use deltaic_log::{ErrorKind, Version};
use deltaic_protocol_tests::commit_table::{file, removal};
use deltaic_protocol_tests::{CommitTable, Fault};
use futures::executor::block_on;
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
