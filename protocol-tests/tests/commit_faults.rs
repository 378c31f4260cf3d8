//! Storage that fails in the middle of a commit: what is reported is true, and nothing is lost or doubled.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use deltaic_commit::committer::{PutIfAbsent, PutOutcome};
use deltaic_commit::{CommitOutcome, PendingCommit, RetryPolicy, Settlement};
use deltaic_log::{Error, ErrorKind, Version};
use deltaic_protocol_tests::commit_table::{file, txn_id};
use deltaic_protocol_tests::{CommitTable, Fault};
use futures::executor::block_on;
use rstest::rstest;
use serde_json::json;

/// An append whose requests meet `puts` and `gets`, and then no fault any more.
fn append(table: &CommitTable, puts: &[Fault], gets: &[Fault]) -> CommitOutcome {
    let mut append = table.begin(&table.open(1, None));
    append.add(file("a", "a", 1));
    table.faults.fail_puts(puts.iter().copied());
    table.faults.fail_gets(gets.iter().copied());
    block_on(append.commit())
}

fn kind(outcome: CommitOutcome) -> Result<u64, ErrorKind> {
    outcome.into_result().map(|commit| commit.unwrap().version.0).map_err(|error| error.kind())
}

use Fault::{FailAfter, FailBefore, Late, MeetItself, None as Fine, Refuse, RefuseRetry};

#[rstest]
#[case::lost_request(&[FailBefore], &[])]
#[case::lost_answer(&[FailAfter], &[])]
#[case::lost_answers(&[FailAfter, FailAfter, FailAfter], &[])]
#[case::lost_answer_and_reads(&[FailAfter], &[Fine, FailBefore, FailBefore])]
#[case::late_at_once(&[Late(1)], &[])]
#[case::late(&[Late(3)], &[])]
#[case::too_late(&[Late(1_000)], &[])]
#[case::everything(&[FailBefore, Late(5), FailAfter], &[Fine, FailBefore, FailBefore, FailBefore])]
#[case::refused_after_it_landed(&[FailAfter, Refuse], &[Fine, FailBefore])]
#[case::met_itself(&[MeetItself], &[])]
#[case::met_itself_unread(&[MeetItself, MeetItself], &[Fine, FailBefore, FailBefore])]
// A permission that was lost between two requests of the store's client was once taken for a put that never was.
#[case::refused_when_the_client_asked_again(&[RefuseRetry], &[])]
#[case::refused_when_the_client_asked_again_unread(&[RefuseRetry, Refuse], &[Fine, FailBefore])]
fn a_commit_is_settled(#[case] puts: &[Fault], #[case] gets: &[Fault]) {
    let table = CommitTable::created(json!({}));
    assert_eq!(kind(append(&table, puts, gets)), Ok(1));
    block_on(table.faults.land_all());
    assert_eq!(table.commits().len(), 2);
    assert_eq!(table.files().len(), 1);
}

/// Another writer takes the version while the answer is missing: the commit goes on behind it, once.
#[test]
fn a_lost_request_does_not_lose_its_commit() {
    let table = CommitTable::created(json!({}));
    let stale = table.open(1, None);
    kind(table.append(&stale, "other")).unwrap();
    table.faults.fail_puts([FailBefore, Fine, Late(4)]);
    assert_eq!(kind(table.append(&stale, "mine")), Ok(2));
    block_on(table.faults.land_all());
    assert_eq!((table.commits().len(), table.files().len()), (3, 2));
}

#[test]
fn a_refused_commit_is_not_committed() {
    let table = CommitTable::created(json!({}));
    assert_eq!(kind(append(&table, &[Refuse], &[])), Err(ErrorKind::Storage));
    assert_eq!(table.commits().len(), 1);
}

/// The storage is gone for good: before the put arrived, or after. The caller is told neither.
#[rstest]
#[case::never_arrived(FailBefore, Fault::None)]
#[case::arrived(FailAfter, Fault::None)]
#[case::arrives_later(Late(1_000), Fault::None)]
#[case::refused_later(FailAfter, Refuse)]
fn what_nobody_knows_is_unknown_and_settled_later(#[case] first: Fault, #[case] last: Fault) {
    let table = CommitTable::created(json!({}));
    let mut puts = vec![first];
    puts.extend([FailBefore; 6]);
    puts.push(if last == Fault::None { FailBefore } else { last });
    let mut gets = vec![Fine];
    gets.extend([FailBefore; 8]);
    let outcome = append(&table, &puts, &gets);
    let CommitOutcome::Unknown { pending, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(pending.version(), Version(1));
    if first == FailBefore {
        // Without its text, a commit whose version is free may still land.
        let seen = PendingCommit::new(pending.version(), pending.txn_id(), None);
        assert!(matches!(settle(&table, &seen), Settlement::Unknown(_)));
    }
    let restored = PendingCommit::new(pending.version(), pending.txn_id(), pending.body().cloned());
    assert!(matches!(settle(&table, &restored), Settlement::Committed));
    assert!(matches!(
        settle(&table, &PendingCommit::new(pending.version(), pending.txn_id(), None)),
        Settlement::Committed
    ));
    block_on(table.faults.land_all());
    assert_eq!((table.commits().len(), table.files().len()), (2, 1));
}

fn settle(table: &CommitTable, pending: &PendingCommit) -> Settlement {
    block_on(pending.settle(&*table.committer, &table.store(1), &RetryPolicy::default()))
}

/// The commit of unknown outcome lost its version to another writer: it is not committed, and stays so.
#[test]
fn a_pending_commit_that_lost_is_not_committed() {
    let table = CommitTable::created(json!({}));
    let stale = table.open(1, None);
    let outcome = append(
        &table,
        &[FailBefore; 8],
        &[Fine, FailBefore, FailBefore, FailBefore, FailBefore, FailBefore, FailBefore, FailBefore, FailBefore],
    );
    let CommitOutcome::Unknown { pending, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(kind(table.append(&stale, "other")), Ok(1));
    assert!(matches!(settle(&table, &pending), Settlement::NotCommitted));
    assert_eq!(table.files().into_keys().collect::<Vec<_>>(), ["other"]);
    assert!(table.commits().iter().all(|commit| txn_id(commit) != Some(pending.txn_id())));
}

/// Long after, the log may be cleaned up: a put would then land where nobody looks.
#[test]
fn a_pending_commit_is_not_put_below_the_log() {
    let table = CommitTable::created(json!({}));
    let pending = PendingCommit::new(Version(1), "mine", Some("{\"commitInfo\":{\"txnId\":\"mine\"}}\n".into()));
    let later = block_on(table.committer.put(&table.truth(), Version(7), "{}\n".into()));
    assert!(matches!(later, PutOutcome::Committed));
    let settlement = settle(&table, &pending);
    let Settlement::Unknown(error) = settlement else { panic!("{settlement:?}") };
    assert_eq!(error.kind(), ErrorKind::CommitUnknown);
    assert!(block_on(table.committer.read(&table.truth(), Version(1))).unwrap().is_none());
}

/// The client asked again by itself and was refused, and nothing can be read any more: the first request may have landed.
#[test]
fn what_was_refused_when_the_client_asked_again_is_unknown() {
    let table = CommitTable::created(json!({}));
    let mut gets = vec![Fine];
    gets.extend([FailBefore; 8]);
    let outcome = append(&table, &[RefuseRetry, Refuse, Refuse, Refuse, Refuse, Refuse, Refuse, Refuse], &gets);
    let CommitOutcome::Unknown { pending, .. } = outcome else { panic!("{outcome:?}") };
    assert!(matches!(settle(&table, &pending), Settlement::Committed));
    assert_eq!(table.files().len(), 1);
}

/// A neighbour lost 20 of 32 rows, without an error, on a store that ignores `If-None-Match`.
#[test]
fn a_store_that_overwrites_is_refused() {
    let mut table = CommitTable::created(json!({}));
    table.committer = Arc::new(PutIfAbsent::new());
    table.faults.ignore_conditions();
    let outcome = append(&table, &[], &[]);
    let CommitOutcome::NotCommitted(error) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.kind(), ErrorKind::UnsafeStorage);
    assert!(error.message().contains("lock table"), "{error}");
    assert_eq!(table.commits().len(), 1);
}

/// A failed trial is no verdict: it is tried again. A verdict holds for every committer of the process.
#[test]
fn a_store_that_does_not_overwrite_is_tried_out_once() {
    let mut table = CommitTable::created(json!({}));
    let first = Arc::new(PutIfAbsent::new());
    table.committer = first.clone();
    assert_eq!(kind(append(&table, &[FailBefore], &[])), Err(ErrorKind::Storage));
    assert_eq!(first.probe_requests(), 2);
    assert_eq!(kind(append(&table, &[], &[])), Ok(1));
    assert_eq!(first.probe_requests(), 2 + 3);
    table.faults.ignore_conditions();
    let second = Arc::new(PutIfAbsent::new());
    table.committer = second.clone();
    assert_eq!(kind(append(&table, &[], &[])), Ok(2));
    assert_eq!((first.probe_requests(), second.probe_requests()), (5, 0));
}

/// The first put of the trial landed without an answer, and met itself when the client asked again: the store kept its word,
/// and was refused as unsafe once.
#[test]
fn a_trial_that_meets_itself_is_no_broken_word() {
    let mut table = CommitTable::created(json!({}));
    table.committer = Arc::new(PutIfAbsent::new());
    assert_eq!(kind(append(&table, &[MeetItself], &[])), Ok(1));
}

#[test]
fn a_commit_gives_up_after_its_attempts() {
    let table = CommitTable::created(json!({}));
    let stale = table.open(1, None);
    kind(table.append(&stale, "other")).unwrap();
    let mut append = table.begin(&stale).with_retry(RetryPolicy { attempts_max: 1, ..RetryPolicy::default() });
    append.add(file("mine", "a", 1));
    let error: Error = block_on(append.commit()).into_result().unwrap_err();
    assert_eq!((error.kind(), error.context("version")), (ErrorKind::CommitRetriesExhausted, Some("2")));
    assert_eq!(table.files().len(), 1);
}

/// What another writer left is broken: this commit says so, and is not committed.
#[test]
fn a_broken_winner_is_an_error() {
    let table = CommitTable::created(json!({}));
    let stale = table.open(1, None);
    let broken = block_on(table.committer.put(&table.truth(), Version(1), "{\"add\":3}\n".into()));
    assert!(matches!(broken, PutOutcome::Committed));
    assert_eq!(kind(table.append(&stale, "mine")), Err(ErrorKind::CorruptLog));
}
