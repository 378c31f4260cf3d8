//! Commits through a lock table, step by step: a crash and a fault at each boundary, two writers in every order, entries as other
//! writers leave them, and others who commit in another way.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use bytes::Bytes;
use deltaic_commit::committer::conformance::{Subject, all};
use deltaic_commit::committer::dynamodb::{
    EntryState, InMemoryLockTable, LockAware, LockEntry, LockTableCommitter, Others, table_path,
};
use deltaic_commit::committer::{Committer, PutIfAbsent};
use deltaic_commit::{CommitOutcome, PutOutcome, RetryPolicy};
use deltaic_log::{Clock, Context, Error, ErrorKind, ManualClock, SingleStore, Snapshot, TableStore, Version};
use deltaic_protocol_tests::commit_table::{file, txn_id};
use deltaic_protocol_tests::{CommitTable, Fault, FaultLockTable};
use futures::executor::block_on;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use serde_json::json;

#[test]
fn the_suite_passes() {
    for ignores_conditions in [false, true] {
        let subject = || {
            let table = CommitTable::locked(Arc::new(FaultLockTable::default()));
            if ignores_conditions {
                table.faults.ignore_conditions();
            }
            Subject { committer: table.committer.clone(), store: table.store(1) }
        };
        block_on(all(&subject));
    }
}

/// A table with version 0, and its lock table.
struct Fixture {
    table: CommitTable,
    lock: FaultLockTable,
}

impl Fixture {
    fn new() -> Self {
        let lock = FaultLockTable::default();
        let table = CommitTable::locked(Arc::new(lock.clone())).with_version_0(json!({}));
        // The lock table alone is to keep writers apart.
        table.faults.ignore_conditions();
        Self { table, lock }
    }

    async fn append(&self, snapshot: &Snapshot, path: &str) -> CommitOutcome {
        let mut append =
            self.table.begin(snapshot).with_retry(RetryPolicy { settlements_max: 3, ..RetryPolicy::default() });
        append.add(file(path, "a", 1));
        append.commit().await
    }

    /// The files, as a reader sees them who repairs what is half done.
    fn files(&self) -> Vec<String> {
        let snapshot = self.table.open(9, None);
        let mut files: Vec<String> =
            block_on(snapshot.files()).unwrap().iter().map(|file| file.path().to_owned()).collect();
        files.sort();
        files
    }

    fn entry(&self, version: u64) -> Option<LockEntry> {
        self.lock.truth.entries().into_iter().find(|entry| entry.version() == Some(Version(version)))
    }

    fn is_there(&self, path: &str) -> bool {
        block_on(self.table.truth().read(path)).unwrap().is_some()
    }

    fn texts(&self) -> Vec<String> {
        let location = self.table.truth().locate("_delta_log/.tmp").unwrap();
        let listed =
            block_on(futures::TryStreamExt::try_collect::<Vec<_>>(location.store.list(Some(&location.path)))).unwrap();
        listed.into_iter().map(|file| file.location.filename().unwrap().to_owned()).collect()
    }
}

fn commit_file(version: u64) -> String {
    format!("_delta_log/{version:020}.json")
}

/// Polls so many times; what it came to, if it came to an end.
fn run_turns<T>(future: impl Future<Output = T>, turns: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut context = TaskContext::from_waker(Waker::noop());
    for _ in 0..turns {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

/// Kills a writer after each of its requests. Whoever comes next finds the commit whole or not at all, and goes on.
#[test]
fn a_writer_may_die_at_every_step() {
    let (mut nothing, mut finished_by_others, mut whole) = (0, 0, 0);
    for turns in 0.. {
        let mut ended = false;
        for next in ["a reader", "a writer", "the writer again"] {
            let fixture = Fixture::new();
            let snapshot = fixture.table.open(1, None);
            ended = run_turns(fixture.append(&snapshot, "lost?"), turns).is_some();
            let is_made = fixture.entry(1).is_some();
            let stood = fixture.is_there(&commit_file(1));
            match next {
                "a writer" => {
                    let commit = block_on(fixture.append(&snapshot, "next")).into_result().unwrap().unwrap();
                    assert_eq!(commit.version, Version(if is_made { 2 } else { 1 }), "after {turns} turns");
                }
                "the writer again" => {
                    let again = fixture.table.open(1, None);
                    assert_eq!(again.version(), Version(u64::from(is_made)), "after {turns} turns");
                    block_on(fixture.append(&again, "next")).into_result().unwrap().unwrap();
                }
                _ => {}
            }
            let mut expect = Vec::new();
            if is_made {
                expect.push("lost?");
            }
            if next != "a reader" {
                expect.push("next");
            }
            assert_eq!(fixture.files(), expect, "{next}, after {turns} turns");
            let commits = fixture.table.commits();
            assert_eq!(commits.len(), 1 + expect.len());
            assert!(fixture.entry(commits.len() as u64 - 1).unwrap().is_complete());
            match (is_made, stood) {
                (false, _) => nothing += 1,
                (true, false) => finished_by_others += 1,
                (true, true) => whole += 1,
            }
        }
        if ended {
            break;
        }
    }
    assert!(nothing > 0 && finished_by_others > 0 && whole > 0, "{nothing} {finished_by_others} {whole}");
}

/// Two writers, the second one stepping in at each boundary of the first, and the first one going on at each of the second.
#[test]
fn two_writers_meet_at_every_step() {
    let length = {
        let fixture = Fixture::new();
        let snapshot = fixture.table.open(1, None);
        (0..).find(|turns| run_turns(fixture.append(&snapshot, "x"), *turns).is_some()).unwrap()
    };
    for first_turns in 0..=length {
        for second_turns in 0..=length + 6 {
            let fixture = Fixture::new();
            let snapshot = fixture.table.open(1, None);
            let told = RefCell::new(Vec::new());
            {
                let append = async |path: &str| {
                    let committed = fixture.append(&snapshot, path).await.into_result().unwrap().unwrap();
                    told.borrow_mut().push(committed.version.0);
                };
                let (mut first, mut second) = (pin!(append("first")), pin!(append("second")));
                let (mut first_done, mut second_done) = (false, false);
                block_on(poll_fn(|context| {
                    for _ in 0..first_turns {
                        first_done = first_done || first.as_mut().poll(context).is_ready();
                    }
                    for _ in 0..second_turns {
                        second_done = second_done || second.as_mut().poll(context).is_ready();
                    }
                    Poll::Ready(())
                }));
                if !first_done {
                    block_on(first);
                }
                if !second_done {
                    block_on(second);
                }
            }
            let mut told = told.into_inner();
            told.sort_unstable();
            assert_eq!(told, [1, 2], "after {first_turns} and {second_turns} turns");
            assert_eq!(fixture.files(), ["first", "second"]);
            let commits = fixture.table.commits();
            assert_eq!(commits.len(), 3);
            assert_ne!(txn_id(&commits[1]), txn_id(&commits[2]));
        }
    }
}

/// What the lock table's faults come to, for a writer that tries three times.
#[test]
fn a_lost_answer_of_the_lock_table_is_settled() {
    for (faults, expect) in [
        (vec![Fault::FailBefore], "Committed"),
        (vec![Fault::FailAfter], "Committed"),
        (vec![Fault::Late(1)], "Committed"),
        (vec![Fault::Late(3)], "Committed"),
        (vec![Fault::Late(40)], "Committed"),
        (vec![Fault::Refuse], "NotCommitted"),
        // The mark that the commit is complete.
        (vec![Fault::None, Fault::FailBefore], "Committed"),
        (vec![Fault::None, Fault::FailAfter], "Committed"),
        (vec![Fault::None, Fault::Refuse], "Committed"),
        (vec![Fault::FailBefore; 8], "Unknown"),
        (vec![Fault::Late(100); 8], "Unknown"),
    ] {
        let fixture = Fixture::new();
        let snapshot = fixture.table.open(1, None);
        fixture.lock.fail_writes(faults.clone());
        let outcome = block_on(fixture.append(&snapshot, "x"));
        assert!(format!("{outcome:?}").starts_with(expect), "{faults:?}: {outcome:?}");
        block_on(fixture.lock.land_all());
        let stands = fixture.files() == ["x"];
        match outcome {
            CommitOutcome::Committed(_) => assert!(stands, "{faults:?}"),
            CommitOutcome::NotCommitted(_) => assert!(!stands, "{faults:?}"),
            _ => {}
        }
    }
}

#[test]
fn a_lost_answer_of_the_store_is_settled() {
    for (faults, expect) in [
        // The commit's text.
        (vec![Fault::FailBefore], "NotCommitted"),
        (vec![Fault::FailAfter], "NotCommitted"),
        (vec![Fault::Late(5)], "NotCommitted"),
        (vec![Fault::Torn], "NotCommitted"),
        // Its file.
        (vec![Fault::None, Fault::FailBefore], "Committed"),
        (vec![Fault::None, Fault::FailAfter], "Committed"),
        (vec![Fault::None, Fault::Late(5)], "Committed"),
        (vec![Fault::None, Fault::Late(100)], "Committed"),
        (vec![Fault::None, Fault::Refuse], "Committed"),
    ] {
        let fixture = Fixture::new();
        let snapshot = fixture.table.open(1, None);
        fixture.table.faults.fail_puts(faults.clone());
        let outcome = block_on(fixture.append(&snapshot, "x"));
        assert!(format!("{outcome:?}").starts_with(expect), "{faults:?}: {outcome:?}");
        block_on(fixture.table.faults.land_all());
        assert_eq!(fixture.files() == ["x"], matches!(outcome, CommitOutcome::Committed(_)), "{faults:?}");
        assert_eq!(fixture.table.commits().len() == 2, matches!(outcome, CommitOutcome::Committed(_)), "{faults:?}");
    }
}

/// A commit that the lock table took, while the store takes nothing: nobody knows until somebody finishes it.
#[test]
fn a_commit_without_its_file_is_unknown_and_settled_later() {
    let fixture = Fixture::new();
    let snapshot = fixture.table.open(1, None);
    fixture.table.faults.fail_puts(std::iter::once(Fault::None).chain(std::iter::repeat_n(Fault::Refuse, 20)));
    let CommitOutcome::Unknown { pending, .. } = block_on(fixture.append(&snapshot, "x")) else {
        panic!("it is unknown")
    };
    assert!(!fixture.is_there(&commit_file(1)));
    // A reader cannot finish it either, and must not show the table without it.
    let error = block_on(Snapshot::open_in(&fixture.table.store(2), fixture.table.options())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);

    let fixed = Fixture { table: fixture.table, lock: fixture.lock };
    while !fixed.is_there(&commit_file(1)) {
        let _ = block_on(Snapshot::open_in(&fixed.table.store(2), fixed.table.options()));
    }
    let settlement = block_on(pending.settle(&*fixed.table.committer, &fixed.table.store(1), &RetryPolicy::default()));
    assert!(matches!(settlement, deltaic_commit::Settlement::Committed), "{settlement:?}");
    assert_eq!(fixed.files(), ["x"]);
}

/// The lock table's items, to the attribute, and what stays in the store.
#[test]
fn a_commit_leaves_what_other_writers_expect() {
    let fixture = Fixture::new();
    for number in 0..3 {
        let snapshot = fixture.table.open(0, None);
        block_on(fixture.append(&snapshot, &format!("f{number}"))).into_result().unwrap();
    }
    let entries = fixture.lock.truth.entries();
    assert_eq!(entries.len(), 4);
    for (version, entry) in entries.iter().enumerate() {
        assert_eq!(entry.table_path, "memory:///table");
        assert_eq!(entry.file_name, format!("{version:020}.json"));
        let id = entry.temp_path.strip_prefix(&format!(".tmp/{}.", entry.file_name)).unwrap();
        assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
        // A day after the writer's now.
        assert_eq!(entry.state, EntryState::Complete { expire_time_s: Some(1_700_000_000 + 86_400) });
    }
    // The newest commit's text alone: a sign to writers that know no lock table.
    assert_eq!(fixture.texts(), [entries[3].temp_path.strip_prefix(".tmp/").unwrap()]);
}

/// A writer of another kind died after it had put its entry.
#[test]
fn an_incomplete_entry_of_another_writer_is_finished() {
    let half_done = |fixture: &Fixture, version: u64| {
        let name = format!("{version:020}.json");
        let text = json!({"commitInfo": {"txnId": "theirs", "operation": "WRITE"}}).to_string() + "\n";
        let entry = LockEntry {
            table_path: "memory:///table".to_owned(),
            temp_path: format!(".tmp/{name}.0c8b4d1e-2f77-4d7e-9c0c-4d4f5f0f5a11"),
            file_name: name,
            state: EntryState::Incomplete,
        };
        let location = fixture.table.truth().locate(&format!("_delta_log/{}", entry.temp_path)).unwrap();
        block_on(location.store.put(&location.path, text.into())).unwrap();
        fixture.lock.truth.overwrite(entry);
    };
    // By a reader.
    let fixture = Fixture::new();
    half_done(&fixture, 1);
    assert_eq!(fixture.table.open(1, None).version(), Version(1));
    assert!(fixture.entry(1).unwrap().is_complete());

    // By a writer that tries the same version.
    let fixture = Fixture::new();
    let snapshot = fixture.table.open(1, None);
    half_done(&fixture, 1);
    let commit = block_on(fixture.append(&snapshot, "x")).into_result().unwrap().unwrap();
    assert_eq!(commit.version, Version(2));
    assert!(fixture.entry(1).unwrap().is_complete());

    // By a writer of the next version, who does not need to have seen it.
    let fixture = Fixture::new();
    half_done(&fixture, 1);
    let put = fixture.table.committer.put(&fixture.table.truth(), Version(2), Bytes::from_static(b"{}\n")).map_into();
    assert_eq!(put, "Committed");
    assert!(fixture.entry(1).unwrap().is_complete() && fixture.is_there(&commit_file(1)));

    // By whoever reads that version.
    let fixture = Fixture::new();
    half_done(&fixture, 1);
    assert!(block_on(fixture.table.committer.read(&fixture.table.truth(), Version(1))).unwrap().is_some());
    assert!(block_on(fixture.table.committer.read(&fixture.table.truth(), Version(2))).unwrap().is_none());

    // Its file stands, and the text is gone, as from writers that move it.
    let fixture = Fixture::new();
    half_done(&fixture, 1);
    let log = fixture.table.truth();
    let (from, to) = (
        log.locate(&format!("_delta_log/{}", fixture.entry(1).unwrap().temp_path)).unwrap(),
        log.locate(&commit_file(1)).unwrap(),
    );
    block_on(from.store.rename(&from.path, &to.path)).unwrap();
    assert_eq!(fixture.table.open(1, None).version(), Version(1));
    assert!(fixture.entry(1).unwrap().is_complete());
}

/// What a put came to, in a word.
trait MapInto {
    fn map_into(self) -> String;
}

impl<F: Future<Output = PutOutcome>> MapInto for F {
    fn map_into(self) -> String {
        let shown = format!("{:?}", block_on(self));
        shown.split(['(', ' ']).next().unwrap().to_owned()
    }
}

#[test]
fn a_half_done_commit_without_its_text_is_an_error() {
    let fixture = Fixture::new();
    fixture.lock.truth.overwrite(LockEntry::new("memory:///table", Version(1), "gone"));
    let error = block_on(Snapshot::open_in(&fixture.table.store(1), fixture.table.options())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptLog);
    assert_eq!(error.context("temp_path"), Some(".tmp/00000000000000000001.json.gone"));
    // One that is named as no text is: nothing outside of the log is read.
    let mut entry = LockEntry::new("memory:///table", Version(1), "x");
    entry.temp_path = "../../other/_delta_log/x".to_owned();
    fixture.lock.truth.overwrite(entry);
    assert!(block_on(Snapshot::open_in(&fixture.table.store(1), fixture.table.options())).is_err());
}

/// The table was deleted, its entries were not: a new table at the same place is refused, not lost.
#[test]
fn entries_that_outlive_their_table_are_refused() {
    let fixture = Fixture::new();
    let log = fixture.table.truth().locate(&commit_file(0)).unwrap();
    block_on(log.store.delete(&log.path)).unwrap();
    let outcome =
        block_on(fixture.table.committer.put(&fixture.table.truth(), Version(0), Bytes::from_static(b"{}\n")));
    let error = refusal(outcome);
    assert!(error.to_string().contains("remove its entries"), "{error}");
    fixture.lock.truth.expire("memory:///table", "00000000000000000000.json");
    let put = fixture.table.committer.put(&fixture.table.truth(), Version(0), Bytes::from_static(b"{}\n")).map_into();
    assert_eq!(put, "Committed");
}

fn refusal(outcome: PutOutcome) -> Error {
    match outcome {
        PutOutcome::Refused(error) => {
            assert_eq!(error.kind(), ErrorKind::UnsafeStorage, "{error:?}");
            error
        }
        other => panic!("{other:?}"),
    }
}

/// A place that is reached by any address.
struct Place {
    memory: Arc<InMemory>,
    lock: Arc<InMemoryLockTable>,
    clock: Arc<ManualClock>,
}

impl Place {
    fn new() -> Self {
        // The store's own clock is the machine's.
        let clock = Arc::new(ManualClock::new(deltaic_log::SystemClock.now()));
        Self { memory: Arc::new(InMemory::new()), lock: Arc::new(InMemoryLockTable::new()), clock }
    }

    fn store(&self, scheme: &str) -> TableStore {
        let context = Context::new(Arc::new(SingleStore::new(self.memory.clone()))).with_clock(self.clock.clone());
        TableStore::new(&format!("{scheme}://bucket/table").parse().unwrap(), context).unwrap()
    }

    fn put(&self, committer: &dyn Committer, scheme: &str, version: u64) -> PutOutcome {
        block_on(committer.put(&self.store(scheme), Version(version), Bytes::from(format!("{{\"v\":{version}}}\n"))))
    }

    fn locked(&self) -> LockTableCommitter {
        LockTableCommitter::new(self.lock.clone())
    }

    #[track_caller]
    fn commits(&self, committer: &dyn Committer, scheme: &str, version: u64) {
        let outcome = self.put(committer, scheme, version);
        assert!(matches!(outcome, PutOutcome::Committed), "{outcome:?}");
    }
}

fn plain() -> PutIfAbsent {
    PutIfAbsent::without_probe()
}

#[test]
fn a_table_that_others_commit_to_past_the_lock_table_is_refused() {
    let place = Place::new();
    place.commits(&plain(), "s3", 0);
    let error = refusal(place.put(&place.locked(), "s3", 1));
    assert!(error.to_string().contains("aws_s3_allow_mixed_commits"), "{error}");
    assert!(place.lock.entries().is_empty());
    // By the user's word.
    place.commits(&place.locked().with_others(Others::Ignored), "s3", 1);
    // From now on the lock table has the newest commit.
    place.commits(&place.locked(), "s3", 2);
    // Once it has looked, it does not look again: the commit of a stranger is met as a conflict all the same.
    let locked = place.locked();
    place.commits(&locked, "s3", 3);
    place.commits(&plain(), "s3", 4);
    assert!(matches!(place.put(&locked, "s3", 4), PutOutcome::Conflict));

    // A commit whose entry may have expired tells nothing.
    let place = Place::new();
    place.commits(&plain(), "s3", 0);
    place.clock.advance_ms(86_400_000 + 60_000);
    place.commits(&place.locked(), "s3", 1);
}

#[test]
fn a_stranger_that_takes_a_version_in_between_is_a_conflict() {
    for (ignores_conditions, expect) in [(false, "Conflict"), (true, "Committed")] {
        let lock = FaultLockTable::default();
        let table = CommitTable::locked(Arc::new(lock.clone())).with_version_0(json!({}));
        if ignores_conditions {
            table.faults.ignore_conditions();
        }
        let store = table.store(1);
        let mut put = pin!(table.committer.put(&store, Version(1), Bytes::from_static(b"{\"ours\":1}\n")));
        let mut context = TaskContext::from_waker(Waker::noop());
        while !lock.truth.entries().iter().any(|entry| entry.version() == Some(Version(1))) {
            assert!(put.as_mut().poll(&mut context).is_pending());
        }
        block_on(plain().put(&table.truth(), Version(1), Bytes::from_static(b"{\"theirs\":1}\n"))).is_committed();
        let outcome = format!("{:?}", block_on(put));
        assert!(outcome.starts_with(expect), "{outcome}");
        let stands = block_on(table.truth().read(&commit_file(1))).unwrap().unwrap();
        assert_eq!(stands.starts_with(b"{\"theirs\""), !ignores_conditions, "what the documentation warns of");
        assert!(lock.truth.entries().iter().all(LockEntry::is_complete), "nobody tries to finish it");
    }
}

trait IsCommitted {
    fn is_committed(&self);
}

impl IsCommitted for PutOutcome {
    fn is_committed(&self) {
        assert!(matches!(self, Self::Committed), "{self:?}");
    }
}

#[test]
fn a_plain_commit_is_refused_where_others_use_a_lock_table() {
    let place = Place::new();
    let aware = |lock: Option<Arc<InMemoryLockTable>>| {
        LockAware::new(
            Arc::new(plain()),
            lock.map(|lock| lock as Arc<dyn deltaic_commit::committer::dynamodb::LockTable>),
        )
    };
    place.commits(&aware(Some(place.lock.clone())), "s3", 0);
    place.commits(&place.locked().with_others(Others::Ignored), "s3", 1);
    // The newest commit's text is seen without the lock table.
    let error = refusal(place.put(&aware(None), "s3", 2));
    assert!(error.context("file").unwrap().contains("/.tmp/00000000000000000001.json."), "{error:?}");
    assert!(error.to_string().contains("aws_s3_locking_provider=dynamodb"), "{error}");
    // Its entry is seen without the text, whatever name of S3 it was made by.
    let text = Path::from(error.context("file").unwrap());
    block_on(place.memory.delete(&text)).unwrap();
    for scheme in ["s3", "s3a"] {
        let error = refusal(place.put(&aware(Some(place.lock.clone())), scheme, 2));
        assert_eq!(error.context("table_path"), Some("s3://bucket/table"));
    }
    // Neither is there: nothing is known of a lock table.
    place.commits(&aware(None), "s3", 2);
    // The lock table's newest commit is not the newest any more: it was left behind.
    place.commits(&aware(Some(place.lock.clone())), "s3", 3);
}

#[test]
fn two_spellings_of_one_address_are_refused() {
    let place = Place::new();
    place.commits(&place.locked(), "s3a", 0);
    place.commits(&place.locked(), "s3a", 1);
    let error = refusal(place.put(&place.locked(), "s3", 2));
    assert_eq!(error.context("table_path"), Some("s3a://bucket/table"));
    assert!(error.to_string().contains("another spelling"), "{error}");
    place.commits(&place.locked(), "s3a", 2);
    // Once moved over by the user's word, the newer spelling is the right one.
    place.commits(&place.locked().with_others(Others::Ignored), "s3", 3);
    place.commits(&place.locked(), "s3", 4);
    let _ = refusal(place.put(&place.locked(), "s3n", 5));
    assert_eq!(table_path(place.store("s3").root()), "s3://bucket/table");
}

/// Two tables, one lock table.
#[test]
fn tables_in_one_lock_table_do_not_meet() {
    let place = Place::new();
    let at = |name: &str| {
        let context = Context::new(Arc::new(SingleStore::new(place.memory.clone())));
        TableStore::new(&format!("s3://bucket/{name}").parse().unwrap(), context).unwrap()
    };
    let committer = place.locked();
    for version in 0..3 {
        for table in ["t", "t2", "t/nested"] {
            let body = Bytes::from(format!("{{\"{table}\":{version}}}\n"));
            block_on(committer.put(&at(table), Version(version), body.clone())).is_committed();
            assert_eq!(block_on(committer.read(&at(table), Version(version))).unwrap(), Some(body));
        }
    }
    assert_eq!(place.lock.entries().len(), 9);
}
