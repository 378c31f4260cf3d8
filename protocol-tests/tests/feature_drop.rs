//! Features are dropped: at once where only writers know them, and with their history where readers do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use deltaic_commit::CommitOutcome;
use deltaic_commit::feature_drop::{DropHistory, FeatureDrop, drop_feature};
use deltaic_log::action::Action;
use deltaic_log::deletion_vector::{DeletionVectorDescriptor, StorageType};
use deltaic_log::feature::{CHECKPOINT_PROTECTION, FeatureSpec};
use deltaic_log::{ErrorKind, Result, Version};
use deltaic_protocol_tests::CommitTable;
use deltaic_protocol_tests::commit_table::{file, removal};
use futures::executor::block_on;
use rstest::rstest;
use serde_json::{Value, json};

const HOUR_MS: i64 = 60 * 60 * 1_000;

fn drop_from(table: &CommitTable, feature: &str, history: DropHistory) -> Result<FeatureDrop> {
    block_on(drop_feature(&table.open(1, None), table.committer.clone(), feature, history))
}

fn supports(table: &CommitTable, feature: &str) -> bool {
    table.open(1, None).protocol().supports(FeatureSpec::named(feature).unwrap())
}

fn committed(outcome: CommitOutcome) -> u64 {
    outcome.into_result().unwrap().unwrap().version.0
}

#[rstest]
#[case("inCommitTimestamp", json!({"delta.enableInCommitTimestamps": "true"}), (1, 2))]
#[case("appendOnly", json!({"delta.appendOnly": "true"}), (1, 7))]
#[case("rowTracking", json!({"delta.enableRowTracking": "true"}), (1, 7))]
#[case("invariants", json!({}), (1, 7))]
#[case("domainMetadata", json!({"delta.feature.domainMetadata": "supported"}), (1, 2))]
fn what_only_writers_know_goes_at_once(
    #[case] feature: &str,
    #[case] configuration: Value,
    #[case] versions: (i32, i32),
) {
    let table = CommitTable::created(configuration);
    let dropped = drop_from(&table, feature, DropHistory::Protect).unwrap();
    assert!(matches!(dropped, FeatureDrop::Dropped(ref commit) if commit.version == Version(1)), "{dropped:?}");
    let after = table.open(1, None);
    assert!(!supports(&table, feature) && !supports(&table, "checkpointProtection"));
    assert_eq!((after.protocol().min_reader_version, after.protocol().min_writer_version), versions);
    assert!(after.metadata().configuration.is_empty(), "{:?}", after.metadata().configuration);
    committed(table.append(&after, "a"));
    assert_eq!(table.findings(), []);
}

#[rstest]
#[case::not_there("deletionVectors", DropHistory::Protect, "does not have this feature")]
#[case::unheard_of("timeTravel", DropHistory::Protect, "does not have this feature")]
#[case::required("domainMetadata", DropHistory::Protect, "drop rowTracking first")]
#[case::row_ids("rowTracking", DropHistory::Protect, "without row ids")]
#[case::no_history("rowTracking", DropHistory::Truncate, "leave history as it is")]
fn refused(#[case] feature: &str, #[case] history: DropHistory, #[case] message: &str) {
    let table = CommitTable::created(json!({"delta.enableRowTracking": "true"}));
    committed(table.append(&table.open(1, None), "a"));
    let error = drop_from(&table, feature, history).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains(message), "{error}");
    assert_eq!(table.commits().len(), 2, "nothing was committed");
}

/// A table that uses deletion vectors; version 1 has one, and version 2 has none any more.
fn with_deletion_vectors() -> CommitTable {
    let table = CommitTable::created(json!({"delta.enableDeletionVectors": "true",
        "delta.enableInCommitTimestamps": "true", "delta.checkpointInterval": "100"}));
    let mut delete = table.begin(&table.open(1, None));
    let vector = DeletionVectorDescriptor {
        storage_type: StorageType::Inline,
        path_or_inline_dv: "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L".to_owned(),
        offset: None,
        size_in_bytes: 44,
        cardinality: 6,
    };
    let mut add = file("a", "a", 100);
    add.stats = Some(add.stats.unwrap().replace("{\"max", "{\"tightBounds\":false,\"max"));
    add.deletion_vector = Some(vector.clone());
    delete.add(add);
    assert_eq!(committed(block_on(delete.commit())), 1);
    assert_eq!(
        drop_from(&table, "deletionVectors", DropHistory::Protect).unwrap_err().context("feature"),
        Some("deletionVectors")
    );
    let mut purge = table.begin(&table.open(1, None));
    let mut remove = removal("a");
    (remove.deletion_vector, remove.size) = (Some(vector), Some(100));
    purge.remove(remove);
    purge.add(file("b", "a", 94));
    assert_eq!(committed(block_on(purge.commit())), 2);
    table
}

#[test]
fn what_readers_know_stays_in_history_behind_protected_checkpoints() {
    let table = with_deletion_vectors();
    let dropped = drop_from(&table, "deletionVectors", DropHistory::Protect).unwrap();
    let FeatureDrop::Dropped(commit) = dropped else { panic!("{dropped:?}") };
    // Turned off, three barriers, dropped.
    assert_eq!(commit.version, Version(7));
    let after = table.open(1, None);
    assert!(!supports(&table, "deletionVectors") && after.configuration().is_active(&CHECKPOINT_PROTECTION));
    let protected = after.metadata().configuration.get("delta.requireCheckpointProtectionBeforeVersion");
    assert_eq!(protected.map(String::as_str), Some("7"));
    assert_eq!(table.count_files(".checkpoint"), 4);
    assert_eq!(table.findings(), []);
    committed(table.append(&after, "c"));
    // It goes only with the history that it protects.
    let error = drop_from(&table, "checkpointProtection", DropHistory::Protect).unwrap_err();
    assert!(error.message().contains("truncate"), "{error}");
    let waiting = drop_from(&table, "checkpointProtection", DropHistory::Truncate).unwrap();
    assert!(matches!(waiting, FeatureDrop::Waiting { newest_use: Version(6), .. }), "{waiting:?}");
    table.clock.advance_ms(26 * HOUR_MS);
    let dropped = drop_from(&table, "checkpointProtection", DropHistory::Truncate).unwrap();
    assert!(matches!(dropped, FeatureDrop::Dropped(_)), "{dropped:?}");
    assert!(!supports(&table, "checkpointProtection"));
    assert_eq!(table.files().len(), 2);
}

#[test]
fn what_readers_know_goes_when_history_is_gone() {
    let table = with_deletion_vectors();
    let waiting = drop_from(&table, "deletionVectors", DropHistory::Truncate).unwrap();
    let FeatureDrop::Waiting { newest_use, until } = waiting else { panic!("{waiting:?}") };
    assert_eq!(newest_use, Version(1));
    assert!(supports(&table, "deletionVectors"));
    let enabled = "delta.enableDeletionVectors";
    assert!(!table.open(1, None).metadata().configuration.contains_key(enabled), "nobody begins to use it again");
    table.clock.advance_ms(2 * HOUR_MS);
    let waiting = drop_from(&table, "deletionVectors", DropHistory::Truncate).unwrap();
    assert!(matches!(waiting, FeatureDrop::Waiting { .. }), "{waiting:?}");
    table.clock.advance_ms(until.0 - table.open(1, None).store().context().clock.now().0);
    let dropped = drop_from(&table, "deletionVectors", DropHistory::Truncate).unwrap();
    assert!(matches!(dropped, FeatureDrop::Dropped(_)), "{dropped:?}");
    assert!(!supports(&table, "deletionVectors") && !supports(&table, "checkpointProtection"));
    // What is left of the log shows nothing of it.
    let commits = table.commits();
    let is_gone =
        |version: u64| block_on(table.truth().read(&format!("_delta_log/{version:020}.json"))).unwrap().is_none();
    let shows = |action: &Action| matches!(action, Action::Add(add) if add.deletion_vector.is_some());
    for (version, commit) in commits.iter().enumerate().filter(|(version, _)| !is_gone(*version as u64)) {
        assert!(!commit.iter().any(shows), "version {version} shows a deletion vector");
    }
    assert_eq!(table.files().into_keys().collect::<Vec<_>>(), ["b"]);
}
