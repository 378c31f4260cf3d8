//! Transactions on a table that nobody disturbs, or others do: what stands in the log afterwards, and what is said of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use deltaic_commit::committer::PutIfAbsent;
use deltaic_commit::maintenance::Upkeep;
use deltaic_commit::{CommitOutcome, Operation, Transaction};
use deltaic_log::action::{Action, CommitInfo, DomainMetadata};
use deltaic_log::feature::{DOMAIN_METADATA, FeatureSpec, IN_COMMIT_TIMESTAMP, ROW_TRACKING};
use deltaic_log::{ErrorKind, ManualClock, Snapshot, SnapshotOptions, Version};
use deltaic_protocol_tests::commit_table::{file, metadata, removal};
use deltaic_protocol_tests::{CommitTable, CountingStore, Counts, TestLog};
use deltaic_scan::expr::{EvalContext, parse};
use futures::executor::block_on;
use serde_json::json;

fn committed(outcome: CommitOutcome) -> u64 {
    outcome.into_result().unwrap().expect("it was not there before").version.0
}

fn refused(outcome: CommitOutcome) -> ErrorKind {
    match outcome {
        CommitOutcome::NotCommitted(error) => error.kind(),
        other => panic!("{other:?}"),
    }
}

fn info(commit: &[Action]) -> &CommitInfo {
    match &commit[0] {
        Action::CommitInfo(info) => info,
        other => panic!("the first action is {other:?}"),
    }
}

#[test]
fn a_table_is_made_appended_to_and_read() {
    let table = CommitTable::created(json!({"my.key": "1"}));
    let mut append = table
        .begin(&table.open(1, None))
        .with_user_metadata("by hand")
        .with_metric("numFiles", 2)
        .with_tag("k", "v")
        .with_engine_info("tests");
    append.add(file("a", "x", 3));
    append.add(file("b", "y", 4));
    assert_eq!(committed(block_on(append.commit())), 1);

    let snapshot = table.open(1, None);
    assert_eq!((snapshot.version(), snapshot.protocol().min_writer_version), (Version(1), 2));
    assert_eq!(table.files(), [("a".to_owned(), 3), ("b".to_owned(), 4)].into());
    let commits = table.commits();
    let info = info(&commits[1]);
    assert_eq!((info.read_version, info.is_blind_append, info.in_commit_timestamp), (Some(0), Some(true), None));
    assert_eq!(info.isolation_level.as_deref(), Some("Serializable"));
    assert_eq!((info.operation.as_deref(), info.user_metadata.as_deref()), (Some("WRITE"), Some("by hand")));
    assert_eq!(info.operation_metrics.as_ref().unwrap()["numFiles"], "2");
    assert_eq!((info.engine_info.as_deref(), &info.extra["tags"]), (Some("tests"), &json!({"k": "v"})));
}

#[test]
fn a_table_is_made_once() {
    let table = CommitTable::new();
    let create = || {
        let (store, committer) = (table.store(1), table.committer.clone());
        block_on(Transaction::create(&store, committer, metadata(json!({})), Operation::new("CREATE TABLE")))
    };
    let (first, second) = (create().unwrap(), create().unwrap());
    assert_eq!(committed(block_on(first.commit())), 0);
    assert_eq!(refused(block_on(second.commit())), ErrorKind::ProtocolChanged);
    assert_eq!(create().unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn blind_appends_go_on_after_each_other() {
    let table = CommitTable::created(json!({}));
    let stale = table.open(1, None);
    for number in 1..=5 {
        let outcome = table.append(&stale, &format!("f{number}"));
        let CommitOutcome::Committed(commit) = outcome else { panic!("{outcome:?}") };
        assert_eq!((commit.version.0, commit.attempts), (number, if number == 1 { 1 } else { 2 }));
    }
    assert_eq!((table.files().len(), table.commits().len()), (5, 6));
}

/// A neighbour committed an overwrite or a delete from a stale handle, and the rows that were appended meanwhile survived: it
/// had not recorded that the whole table was read.
#[test]
fn an_overwrite_from_a_stale_handle_conflicts() {
    let table = CommitTable::created(json!({}));
    committed(table.append(&table.open(1, None), "old"));
    let stale = table.open(1, None);
    committed(table.append(&stale, "meanwhile"));

    let mut overwrite = table.begin(&stale);
    overwrite.read_whole_table();
    overwrite.remove(removal("old"));
    overwrite.add(file("new", "a", 1));
    let outcome = block_on(overwrite.commit());
    let CommitOutcome::NotCommitted(error) = outcome else { panic!("{outcome:?}") };
    assert_eq!((error.kind(), error.context("winner")), (ErrorKind::ConcurrentAppend, Some("2")));
    assert_eq!(error.context("file"), Some("meanwhile"));
    assert_eq!(table.commits().len(), 3);
}

#[test]
fn what_was_read_decides() {
    let check = |predicate: &str, winner: fn(&CommitTable, &Snapshot), expected: Result<u64, ErrorKind>| {
        let table = CommitTable::created(json!({}));
        committed(table.append(&table.open(1, None), "old"));
        let stale = table.open(1, None);
        winner(&table, &stale);
        let mut delete = table.begin(&stale);
        delete.read_where(&parse(predicate).unwrap(), &EvalContext::new(&ManualClock::default()), ["old"]).unwrap();
        delete.remove(removal("old"));
        let found = match block_on(delete.commit()) {
            CommitOutcome::Committed(commit) => Ok(commit.version.0),
            other => Err(refused(other)),
        };
        assert_eq!(found, expected, "{predicate}");
    };
    let appends_n7_to_b: fn(&CommitTable, &Snapshot) = |table, stale| {
        let mut append = table.begin(stale);
        append.add(file("new", "b", 7));
        committed(block_on(append.commit()));
    };
    check("p = 'a'", appends_n7_to_b, Ok(3));
    check("p = 'b'", appends_n7_to_b, Err(ErrorKind::ConcurrentAppend));
    check("n = 7", appends_n7_to_b, Err(ErrorKind::ConcurrentAppend));
    check("n = 8", appends_n7_to_b, Ok(3));
    let removes_old: fn(&CommitTable, &Snapshot) = |table, stale| {
        let mut delete = table.begin(stale);
        delete.remove(removal("old"));
        committed(block_on(delete.commit()));
    };
    check("p = 'z'", removes_old, Err(ErrorKind::ConcurrentDeleteRead));
}

/// A neighbour recorded an application's identifier without enforcing it: the rows came twice.
#[test]
fn an_application_writes_each_version_once() {
    let table = CommitTable::created(json!({}));
    let stale = table.open(1, None);
    let write = |snapshot: &Snapshot, app: &str, version: i64, path: &str| {
        let mut append = table.begin(snapshot);
        append.set_transaction(app, version);
        append.add(file(path, "a", 1));
        block_on(append.commit())
    };
    assert_eq!(committed(write(&stale, "app", 1, "one")), 1);
    let is_there = |outcome: CommitOutcome| match outcome {
        CommitOutcome::AlreadyCommitted { app_id, app_version } => (app_id, app_version),
        other => panic!("{other:?}"),
    };
    // By the snapshot, and by the commit that came first.
    for snapshot in [&table.open(1, None), &stale] {
        assert_eq!(is_there(write(snapshot, "app", 1, "twice")), ("app".to_owned(), 1));
        assert_eq!(is_there(write(snapshot, "app", 0, "twice")), ("app".to_owned(), 1));
    }
    assert_eq!(committed(write(&table.open(1, None), "app", 2, "two")), 2);
    assert_eq!(committed(write(&stale, "other", 1, "three")), 3);
    assert_eq!(refused(write(&stale, "app", 3, "four")), ErrorKind::ConcurrentTransaction);
    assert_eq!(table.files().len(), 3);
}

#[test]
fn stamps_are_made_anew_for_each_version() {
    let configuration = json!({"delta.enableRowTracking": "true", "delta.enableInCommitTimestamps": "true"});
    let table = CommitTable::created(configuration);
    let stale = table.open(1, None);
    // The clock of the second writer goes ahead, that of the third behind.
    for (writer, size) in [(1, 10), (50, 5), (0, 3)] {
        let mut append = table.begin(&table.open(writer, Some(stale.version().0)));
        append.add(file(&format!("f{writer}"), "a", size));
        committed(block_on(append.commit()));
    }
    let commits = table.commits();
    let times: Vec<i64> = commits.iter().map(|commit| info(commit).in_commit_timestamp.unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    assert_eq!(times[3], times[2] + 1);
    let rows: Vec<(i64, i64)> = commits
        .iter()
        .flatten()
        .filter_map(|action| match action {
            Action::Add(add) => Some((add.base_row_id.unwrap(), add.default_row_commit_version.unwrap())),
            _ => None,
        })
        .collect();
    assert_eq!(rows, [(0, 1), (10, 2), (15, 3)]);
    let domains = block_on(table.open(1, None).domains()).unwrap();
    assert_eq!(domains["delta.rowTracking"].configuration, r#"{"rowIdHighWaterMark":17}"#);
    assert_eq!(info(&commits[3]).extra["tags"], json!({"delta.rowTracking.preserved": "true"}));
}

#[test]
fn in_commit_timestamps_are_turned_on_later() {
    let table = CommitTable::created(json!({}));
    let mut enable = table.begin(&table.open(1, None));
    enable.set_metadata(metadata(json!({"delta.enableInCommitTimestamps": "true"}))).unwrap();
    // An append that began before is stamped, too.
    let mut append = table.begin(&table.open(1, None));
    append.add(file("a", "a", 1));
    assert_eq!(committed(block_on(enable.commit())), 1);
    assert_eq!(committed(block_on(append.commit())), 2);

    let snapshot = table.open(1, None);
    assert!(snapshot.configuration().is_active(&IN_COMMIT_TIMESTAMP));
    let commits = table.commits();
    let times: Vec<Option<i64>> = commits.iter().map(|commit| info(commit).in_commit_timestamp).collect();
    assert!(times[0].is_none() && times[1] < times[2], "{times:?}");
    let property = |key: &str| snapshot.metadata().configuration[key].clone();
    assert_eq!(property("delta.inCommitTimestampEnablementVersion"), "1");
    assert_eq!(property("delta.inCommitTimestampEnablementTimestamp"), times[1].unwrap().to_string());
}

/// A neighbour added a feature to a table of an old protocol, which forgot its CHECK constraints thereby.
#[test]
fn an_upgrade_keeps_what_old_versions_implied() {
    let log = TestLog::new();
    let protocol = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":3}}"#;
    log.commit_lines(0, &[protocol, deltaic_protocol_tests::test_log::METADATA]);
    let mut upgrade =
        Transaction::begin(&log.open(None).unwrap(), Arc::new(PutIfAbsent::new()), Operation::new("UPGRADE PROTOCOL"))
            .unwrap();
    upgrade.add_features([&ROW_TRACKING]).unwrap();
    assert_eq!(committed(block_on(upgrade.commit())), 1);
    let expected = ["appendOnly", "checkConstraints", "domainMetadata", "invariants", "rowTracking"];
    let snapshot = log.open(None).unwrap();
    assert_eq!(snapshot.protocol().writer_features.as_ref().unwrap(), &expected.map(str::to_owned));
    assert_eq!((snapshot.protocol().min_reader_version, &snapshot.protocol().reader_features), (1, &None));
}

#[test]
fn a_table_that_cannot_be_written_is_refused_first() {
    let check = |protocol: &str, feature: &str| {
        let log = TestLog::new();
        log.commit_lines(0, &[protocol, deltaic_protocol_tests::test_log::METADATA]);
        let begun = Transaction::begin(&log.open(None).unwrap(), Arc::new(PutIfAbsent::new()), Operation::new("WRITE"));
        let error = begun.unwrap_err();
        assert_eq!((error.kind(), error.context("feature")), (ErrorKind::UnsupportedProtocol, Some(feature)));
        assert_eq!(log.paths().len(), 1, "nothing was written");
    };
    check(
        r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["fromTheFuture"]}}"#,
        "fromTheFuture",
    );
    check(
        r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["rowTracking"]}}"#,
        "rowTracking",
    );
}

#[test]
fn what_breaks_an_invariant_is_not_committed() {
    let table = CommitTable::created(json!({"delta.appendOnly": "true"}));
    let snapshot = table.open(1, None);
    let check = |stage: &dyn Fn(&mut Transaction), invariant: &str| {
        let mut transaction = table.begin(&snapshot);
        stage(&mut transaction);
        let outcome = block_on(transaction.commit());
        let CommitOutcome::NotCommitted(error) = outcome else { panic!("{outcome:?}") };
        assert_eq!((error.kind(), error.context("invariant")), (ErrorKind::InvalidCommit, Some(invariant)), "{error}");
    };
    check(&|transaction| transaction.remove(removal("a")), "append_only");
    check(&|transaction| (0..2).for_each(|_| transaction.add(file("a", "a", 1))), "paths_unique");
    check(&|transaction| transaction.set_domain("mine", "").unwrap(), "one_action_per_domain");
    assert_eq!(table.commits().len(), 1);
}

#[test]
fn domains_are_written_once_at_a_time() {
    let table = CommitTable::created(json!({"delta.feature.domainMetadata": "supported"}));
    let stale = table.open(1, None);
    assert!(stale.protocol().supports(&DOMAIN_METADATA) && stale.metadata().configuration.is_empty());
    let write = |domain: &str| {
        let mut transaction = table.begin(&stale);
        transaction.set_domain(domain, "{}").unwrap();
        block_on(transaction.commit())
    };
    assert_eq!((committed(write("a")), committed(write("b"))), (1, 2));
    assert_eq!(refused(write("a")), ErrorKind::ConcurrentTransaction);
    let mut remove = table.begin(&table.open(1, None));
    remove.remove_domain("a", "{}").unwrap();
    assert_eq!(committed(block_on(remove.commit())), 3);
    let live: Vec<DomainMetadata> = block_on(table.open(1, None).domains()).unwrap().into_values().collect();
    assert_eq!(live.iter().map(|domain| domain.domain.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(
        table.begin(&stale).set_domain("delta.rowTracking", "{}").unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
}

/// A commit below a checkpoint, in a log that was cleaned up, would be seen by nobody.
#[test]
fn a_handle_older_than_the_log_is_refused() {
    let log = TestLog::new();
    let protocol = deltaic_protocol_tests::test_log::PROTOCOL;
    log.commit_lines(0, &[protocol, deltaic_protocol_tests::test_log::METADATA]);
    let stale = log.open(None).unwrap();
    // Cleaned up: only version 9 is left.
    let begin = || Transaction::begin(&stale, Arc::new(PutIfAbsent::new()), Operation::new("WRITE")).unwrap();
    log.commit_lines(9, &[protocol, deltaic_protocol_tests::test_log::METADATA]);
    log.delete("_delta_log/00000000000000000000.json");
    assert_eq!(refused(block_on(begin().commit())), ErrorKind::VersionNotFound);
    assert_eq!(log.paths(), ["_delta_log/00000000000000000009.json"]);
}

/// One to make sure that the version is still in the log, one for the commit; one for its checksum.
#[test]
fn an_append_from_a_held_handle_costs_two_requests_and_its_checksum() {
    let table = CommitTable::created(json!({}));
    let counting = CountingStore::new(Arc::new(table.faults.clone()));
    let context = deltaic_log::Context::new(Arc::new(deltaic_log::SingleStore::new(Arc::new(counting.clone()))));
    let root = "memory:///table".parse().unwrap();
    let held = block_on(Snapshot::open(&root, context, SnapshotOptions::new())).unwrap();
    counting.take();
    assert_eq!(committed(table.append(&held, "a")), 1);
    assert_eq!(counting.take(), Counts { puts: 2, heads: 1, ..Counts::default() });
    // After one winner: the lost put, its winner, the absence of another, the put.
    assert_eq!(committed(table.append(&held, "b")), 2);
    assert_eq!(Counts { bytes_read: 0, ..counting.take() }, Counts { puts: 3, heads: 1, gets: 2, ..Counts::default() });
    let mut append = table.begin(&held).with_upkeep(Upkeep::nothing());
    append.add(file("c", "a", 1));
    assert_eq!(committed(block_on(append.commit())), 3);
    assert_eq!(Counts { bytes_read: 0, ..counting.take() }, Counts { puts: 2, heads: 1, gets: 4, ..Counts::default() });
}

#[test]
fn a_property_is_set_to_what_it_allows() {
    let wrong = json!({"delta.checkpointInterval": "0"});
    let table = CommitTable::new();
    let (store, operation) = (table.store(1), Operation::new("CREATE TABLE"));
    let created = block_on(Transaction::create(&store, table.committer.clone(), metadata(wrong.clone()), operation));
    assert_eq!(created.unwrap_err().kind(), ErrorKind::InvalidProperty);

    let log = TestLog::new();
    let line = json!({"metaData": metadata(wrong.clone())}).to_string();
    log.commit_lines(0, &[deltaic_protocol_tests::test_log::PROTOCOL, &line]);
    let snapshot = log.open(None).unwrap();
    let mut alter =
        Transaction::begin(&snapshot, Arc::new(PutIfAbsent::new()), Operation::new("SET TBLPROPERTIES")).unwrap();
    alter.set_metadata(metadata(wrong)).unwrap();
    let error = alter.set_metadata(metadata(json!({"delta.checkpointInterval": "-1"}))).unwrap_err();
    assert_eq!((error.kind(), error.context("key")), (ErrorKind::InvalidProperty, Some("delta.checkpointInterval")));
}

/// Whoever commits again and again lists nothing, however long the log grows.
#[test]
fn a_handle_is_advanced_without_listing() {
    let table = CommitTable::created(json!({"delta.enableRowTracking": "true"}));
    let counting = CountingStore::new(Arc::new(table.faults.clone()));
    let context = deltaic_log::Context::new(Arc::new(deltaic_log::SingleStore::new(Arc::new(counting.clone()))));
    let root = "memory:///table".parse().unwrap();
    let mut held = block_on(Snapshot::open(&root, context, SnapshotOptions::new())).unwrap();
    block_on(async { (held.files().await.unwrap(), held.domains().await.unwrap()) });
    for number in 1..=5 {
        counting.take();
        let commit = table.append(&held, &format!("f{number}")).into_result().unwrap().unwrap();
        let checksum = commit.upkeep.checksum.unwrap();
        assert_eq!(checksum.num_files, number);
        held = block_on(held.advance_to(commit.version)).unwrap().with_checksum(checksum);
        let counts = Counts { bytes_read: 0, ..counting.take() };
        assert_eq!(counts, Counts { puts: 2, heads: 1, gets: 1, ..Counts::default() });
    }
    let opened = table.open(1, None);
    assert_eq!((held.version(), held.configuration()), (opened.version(), opened.configuration()));
    assert_eq!(block_on(held.domains()).unwrap(), block_on(opened.domains()).unwrap());
    assert_eq!(block_on(held.files()).unwrap().len(), 5);
    assert_eq!(block_on(held.advance_to(Version(3))).unwrap().version(), Version(5));
    assert_eq!(block_on(held.advance_to(Version(6))).unwrap_err().kind(), ErrorKind::MissingFile);
}

/// The features that commits uphold by themselves can be turned on; others are refused until somebody upholds them.
#[test]
fn a_feature_that_nobody_upholds_is_not_turned_on() {
    let table = CommitTable::created(json!({}));
    let mut transaction = table.begin(&table.open(1, None));
    let error = transaction.set_metadata(metadata(json!({"delta.constraints.c": "n > 0"}))).unwrap_err();
    assert_eq!((error.kind(), error.context("feature")), (ErrorKind::UnsupportedProtocol, Some("checkConstraints")));
    let vectors = FeatureSpec::named("deletionVectors").unwrap();
    transaction.set_metadata(metadata(json!({"delta.enableDeletionVectors": "true"}))).unwrap();
    assert!(transaction.configuration().unwrap().is_active(vectors));
}
