//! The matrix, cell by cell: what we did, what the winner did, and what comes of it at each isolation level.

use super::*;
use deltaic_log::ManualClock;
use deltaic_log::Version;
use deltaic_log::action::{Action, Metadata, Protocol};
use deltaic_log::commit_file::write_actions;
use deltaic_log::feature::FeatureSpec;
use deltaic_scan::expr::{EvalContext, parse};
use rstest::rstest;
use serde_json::{Value, json};

const LEVELS: [IsolationLevel; 3] =
    [IsolationLevel::Serializable, IsolationLevel::WriteSerializable, IsolationLevel::SnapshotIsolation];

fn metadata(configuration: Value) -> Metadata {
    let schema = json!({"type": "struct", "fields": [
        {"name": "p", "type": "string", "nullable": true, "metadata": {}},
        {"name": "n", "type": "long", "nullable": true, "metadata": {}}]});
    let metadata = json!({"id": "x", "schemaString": schema.to_string(), "partitionColumns": ["p"], "configuration": configuration});
    serde_json::from_value(metadata).unwrap()
}

fn protocol(features: &[&str]) -> Protocol {
    Protocol::weakest_with(features.iter().map(|name| FeatureSpec::named(name).unwrap()))
}

fn table() -> TableConfiguration {
    TableConfiguration::try_new(protocol(&["domainMetadata"]), metadata(json!({}))).unwrap()
}

/// A winner of these lines, read as any commit is.
fn winner(actions: &[Value]) -> Winner {
    let actions: Vec<Action> = actions.iter().map(|action| serde_json::from_value(action.clone()).unwrap()).collect();
    Winner::parse(Version(7), &write_actions(&actions).unwrap()).unwrap()
}

fn add(path: &str, p: &str) -> Value {
    let stats = json!({"numRecords": 1, "minValues": {"n": 5}, "maxValues": {"n": 5}, "nullCount": {"n": 0}});
    json!({"add": {"path": path, "partitionValues": {"p": p}, "size": 1, "modificationTime": 1, "dataChange": true, "stats": stats.to_string()}})
}

fn remove(path: &str) -> Value {
    json!({"remove": {"path": path, "deletionTimestamp": 1, "dataChange": true}})
}

fn blind(is_blind: bool) -> Value {
    json!({"commitInfo": {"isBlindAppend": is_blind, "operation": "WRITE"}})
}

/// What the winner did, by name.
fn winner_named(name: &str) -> Winner {
    match name {
        "blind append" => winner(&[blind(true), add("new", "a")]),
        "append" => winner(&[blind(false), add("new", "a")]),
        "unmarked append" => winner(&[add("new", "a")]),
        "append elsewhere" => winner(&[blind(false), add("new", "b")]),
        "remove of a read file" => winner(&[blind(false), remove("read")]),
        "remove of our removed file" => winner(&[blind(false), remove("removed")]),
        "remove of another file" => winner(&[blind(false), remove("other")]),
        "compaction of a read file" => {
            let mut line = remove("read");
            line["remove"]["dataChange"] = json!(false);
            winner(&[blind(false), line])
        }
        "metadata" => winner(&[json!({"metaData": metadata(json!({"my.key": "1"}))})]),
        "harmless metadata" => winner(&[
            json!({"protocol": protocol(&["domainMetadata", "deletionVectors"])}),
            json!({"metaData": metadata(json!({"delta.enableDeletionVectors": "true"}))}),
        ]),
        "protocol upgrade" => winner(&[json!({"protocol": protocol(&["domainMetadata", "vacuumProtocolCheck"])})]),
        "feature drop" => winner(&[json!({"protocol": protocol(&[])})]),
        "domain" => winner(&[json!({"domainMetadata": {"domain": "d", "configuration": "", "removed": false}})]),
        "row id domain" => winner(&[
            json!({"domainMetadata": {"domain": "delta.rowTracking", "configuration": "{}", "removed": false}}),
        ]),
        "app" => winner(&[json!({"txn": {"appId": "app", "version": 1}})]),
        "backfill" | "unbackfill" => {
            let operation = if name == "backfill" { "ROW TRACKING BACKFILL" } else { "ROW TRACKING UNBACKFILL" };
            let mut line = add("new", "a");
            line["add"]["dataChange"] = json!(false);
            winner(&[json!({"commitInfo": {"operation": operation, "isBlindAppend": false}}), line])
        }
        "deletion vector" => {
            let mut line = add("new", "a");
            line["add"]["deletionVector"] =
                json!({"storageType": "i", "pathOrInlineDv": "x", "sizeInBytes": 1, "cardinality": 1});
            winner(&[blind(false), line])
        }
        other => panic!("no winner is called {other}"),
    }
}

/// What we did, by name, and whether it is a blind append.
fn ours_named(name: &str, read: &mut ReadSet) -> bool {
    let eval = EvalContext::new(&ManualClock::default());
    let mut predicate = |text: &str| read.add_predicate(&parse(text).unwrap(), &table(), &eval).unwrap();
    match name {
        "blind append" => return true,
        "whole table" => read.add_whole_table(),
        "partition a" => predicate("p = 'a'"),
        "n = 5" => predicate("n = 5"),
        "n = 6" => predicate("n = 6"),
        "file" => read.add_files(["read"]),
        "app" => read.add_app_id("app"),
        "removal" | "metadata" | "protocol" | "domain" | "row id domain" | "backfill" | "feature drop" => {
            read.add_files(["another"]);
        }
        other => panic!("no transaction is called {other}"),
    }
    false
}

/// `expected` has a letter for each level: A append, R delete/read, D delete/delete, M metadata, P protocol, T transaction,
/// `.` no conflict.
#[rstest]
#[case("blind append", "blind append", "...")]
#[case("blind append", "append", "...")]
#[case("blind append", "remove of a read file", "...")]
#[case("blind append", "metadata", "MMM")]
#[case("blind append", "harmless metadata", "...")]
#[case("blind append", "protocol upgrade", "...")]
#[case("blind append", "feature drop", "PPP")]
#[case("blind append", "domain", "...")]
#[case("whole table", "blind append", "A..")]
#[case("whole table", "append", "AA.")]
#[case("whole table", "unmarked append", "AA.")]
#[case("whole table", "append elsewhere", "AA.")]
#[case("whole table", "remove of another file", "RRR")]
#[case("whole table", "domain", "...")]
#[case("partition a", "blind append", "A..")]
#[case("partition a", "append", "AA.")]
#[case("partition a", "append elsewhere", "...")]
#[case("partition a", "remove of another file", "...")]
#[case("n = 5", "append", "AA.")]
#[case("n = 6", "append", "...")]
#[case("file", "append", "...")]
#[case("file", "remove of a read file", "RRR")]
#[case("file", "compaction of a read file", "RRR")]
#[case("file", "remove of another file", "...")]
#[case("removal", "remove of our removed file", "DDD")]
#[case("metadata", "metadata", "MMM")]
#[case("metadata", "harmless metadata", "MMM")]
#[case("metadata", "protocol upgrade", "...")]
#[case("protocol", "protocol upgrade", "PPP")]
#[case("protocol", "append", "...")]
#[case("domain", "domain", "TTT")]
#[case("row id domain", "row id domain", "...")]
#[case("app", "app", "TTT")]
#[case("whole table", "backfill", "...")]
#[case("whole table", "unbackfill", "...")]
#[case("backfill", "append", "...")]
#[case("backfill", "remove of a read file", "...")]
#[case("backfill", "backfill", "...")]
#[case("backfill", "unbackfill", "TTT")]
#[case("feature drop", "append", "...")]
#[case("feature drop", "deletion vector", "PPP")]
#[case("feature drop", "harmless metadata", "PPP")]
#[case("file", "deletion vector", "...")]
#[case("file", "app", "...")]
fn the_matrix(#[case] ours: &str, #[case] winner: &str, #[case] expected: &str) {
    let mut read = ReadSet::default();
    let is_blind_append = ours_named(ours, &mut read);
    let found: String =
        LEVELS.into_iter().map(|isolation| outcome(ours, &read, is_blind_append, isolation, winner)).collect();
    assert_eq!(found, expected, "{ours} after {winner}");
}

fn outcome(name: &str, read: &ReadSet, is_blind_append: bool, isolation: IsolationLevel, winner: &str) -> char {
    let ours = Ours {
        read,
        isolation,
        is_blind_append,
        changes_protocol: name == "protocol",
        changes_metadata: name == "metadata",
        is_backfill: name == "backfill",
        dropped: FeatureSpec::named("deletionVectors").filter(|_| name == "feature drop"),
        domains: match name {
            "domain" => ["d"].into(),
            "row id domain" => [ROW_TRACKING_DOMAIN].into(),
            _ => BTreeSet::new(),
        },
        removes: if name == "removal" { ["removed".to_owned()].into() } else { BTreeSet::new() },
    };
    let Err(error) = check(&ours, &winner_named(winner), &table()) else { return '.' };
    assert_eq!(error.context("winner"), Some("7"));
    assert!(error.kind().is_concurrent_modification() && error.message().contains("again"), "{error}");
    match error.kind() {
        ErrorKind::ConcurrentAppend => 'A',
        ErrorKind::ConcurrentDeleteRead => 'R',
        ErrorKind::ConcurrentDeleteDelete => 'D',
        ErrorKind::MetadataChanged => 'M',
        ErrorKind::ProtocolChanged => 'P',
        ErrorKind::ConcurrentTransaction => 'T',
        other => panic!("{other}: {error}"),
    }
}

/// Whoever changes metadata at WriteSerializable must see even blind appends.
#[test]
fn a_change_of_metadata_sees_blind_appends() {
    let mut read = ReadSet::default();
    read.add_whole_table();
    assert_eq!(outcome("metadata", &read, false, IsolationLevel::WriteSerializable, "blind append"), 'A');
}

#[test]
fn the_checks_have_an_order() {
    let winner = winner(&[
        json!({"protocol": protocol(&[])}),
        json!({"metaData": metadata(json!({"my.key": "1"}))}),
        json!({"txn": {"appId": "app", "version": 1}}),
        add("new", "a"),
        remove("read"),
        remove("removed"),
    ]);
    let mut read = ReadSet::default();
    read.add_whole_table();
    read.add_app_id("app");
    let ours = Ours {
        read: &read,
        isolation: IsolationLevel::Serializable,
        is_blind_append: false,
        changes_protocol: false,
        changes_metadata: false,
        is_backfill: false,
        dropped: None,
        domains: BTreeSet::new(),
        removes: ["removed".to_owned()].into(),
    };
    let mut kinds = Vec::new();
    let mut rest = winner;
    loop {
        let kind = match check(&ours, &rest, &table()) {
            Ok(_) => break,
            Err(error) => error.kind(),
        };
        kinds.push(kind.name());
        match kind {
            ErrorKind::ProtocolChanged => rest.protocol = None,
            ErrorKind::MetadataChanged => rest.metadata = None,
            ErrorKind::ConcurrentTransaction => rest.transactions.clear(),
            ErrorKind::ConcurrentAppend => rest.adds.clear(),
            _ => rest.removes.clear(),
        }
    }
    let expected = [
        "protocol_changed",
        "metadata_changed",
        "concurrent_transaction",
        "concurrent_append",
        "concurrent_delete_read",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn the_winners_configuration_is_taken_over() {
    let read = ReadSet::default();
    let ours = Ours {
        read: &read,
        isolation: IsolationLevel::Serializable,
        is_blind_append: true,
        changes_protocol: false,
        changes_metadata: false,
        is_backfill: false,
        dropped: None,
        domains: BTreeSet::new(),
        removes: BTreeSet::new(),
    };
    let after = check(&ours, &winner_named("harmless metadata"), &table()).unwrap();
    assert!(after.is_active(FeatureSpec::named("deletionVectors").unwrap()));
    let refused = winner(&[json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 7,
        "writerFeatures": ["appendOnly", "invariants", "domainMetadata", "fromTheFuture"]}})]);
    assert_eq!(check(&ours, &refused, &table()).unwrap_err().kind(), ErrorKind::UnsupportedProtocol);
}
