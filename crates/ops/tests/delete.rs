//! Deleting rows, as its users see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use deltaic_log::{ErrorKind, Version};
use deltaic_ops::delete::DeleteWay;
use deltaic_ops::{DeleteBuilder, Report};
use futures::executor::block_on;
use rstest::rstest;
use serde_json::{Value, json};
use support::{Place, batch, ids, numbers, texts};

const VECTORS: &str = "delta.enableDeletionVectors";

/// Ten rows in two partitions, a file each; then ten more.
fn table(properties: &[&str]) -> Place {
    let place = Place::in_memory();
    for start in [0, 10] {
        let partitions: Vec<&str> = (0..10).map(|row| if row < 5 { "a" } else { "b" }).collect();
        let rows = batch(&[("p", texts(&partitions)), ("id", numbers(start..start + 10))]);
        let write = |write: deltaic_ops::WriteBuilder| {
            let write = write.partition_by(["p"]).mode(deltaic_ops::write::WriteMode::Append);
            properties.iter().fold(write, |write, key| write.property(*key, "true"))
        };
        place.write(rows, write).unwrap();
    }
    place
}

fn delete(place: &Place, predicate: &str) -> deltaic_log::Result<Report> {
    block_on(DeleteBuilder::new(place.target()).predicate_sql(predicate)?.execute())
}

#[rstest]
#[case(&[VECTORS])]
#[case(&[])]
#[case(&["delta.enableRowTracking"])]
#[case(&["delta.enableRowTracking", VECTORS])]
#[case(&["delta.enableChangeDataFeed"])]
fn rows_that_match_are_gone_and_others_stay(#[case] properties: &[&str]) {
    let place = table(properties);
    let row_ids = place.row_ids();
    let report = delete(&place, "id % 4 = 0 AND id < 17").unwrap();
    assert_eq!((report.version, report.metric("numDeletedRows")), (Some(Version(2)), 5));
    let left: Vec<i64> = (0..20).filter(|id| id % 4 != 0 || *id >= 17).collect();
    assert_eq!(ids(&place), left);
    // Again, on files that have vectors or were written anew.
    assert_eq!(delete(&place, "id IN (1, 2, 3, 4)").unwrap().metric("numDeletedRows"), 3);
    assert_eq!(ids(&place), left[3..]);
    assert_eq!(delete(&place, "id = 1000").unwrap().version, None);
    assert_eq!(place.version(), Version(3));
    if properties.contains(&"delta.enableRowTracking") {
        let kept = place.row_ids();
        assert!(kept.iter().all(|(id, row_id)| row_ids[id] == *row_id), "{kept:?} of {row_ids:?}");
    }
}

#[test]
fn vectors_are_packed_and_merged_and_counted_exactly() {
    let place = table(&[VECTORS]);
    let report = delete(&place, "id IN (1, 6, 11)").unwrap();
    assert_eq!((report.metric("numDeletionVectorsAdded"), report.metric("numRemovedFiles")), (3, 0));
    let vectors =
        |version| -> Vec<Value> { place.adds(version).iter().map(|add| add["deletionVector"].clone()).collect() };
    let first = vectors(2);
    assert!(first.iter().all(|vector| vector["pathOrInlineDv"] == first[0]["pathOrInlineDv"]), "one file for all");
    let report = delete(&place, "id IN (2, 6)").unwrap();
    assert_eq!((report.metric("numDeletionVectorsUpdated"), report.metric("numDeletedRows")), (1, 1));
    let adds = place.adds(3);
    assert_eq!((adds.len(), &adds[0]["deletionVector"]["cardinality"]), (1, &json!(2)));
    let stats: Value = serde_json::from_str(adds[0]["stats"].as_str().unwrap()).unwrap();
    assert_eq!((&stats["numRecords"], &stats["tightBounds"]), (&json!(5), &json!(false)));
    assert_eq!(stats["minValues"]["id"], 0);
    // A file of which nothing is left is removed.
    let report = delete(&place, "id < 5").unwrap();
    assert_eq!((report.metric("numRemovedFiles"), report.metric("numDeletionVectorsRemoved")), (1, 1));
    assert_eq!(place.row_count(), 20 - 4 - 3);
}

#[rstest]
#[case(None, 4, &[])]
#[case(Some("p = 'a'"), 2, &[5, 6, 7, 8, 9, 15, 16, 17, 18, 19])]
#[case(Some("p <=> null"), 0, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19])]
#[case(Some("NOT (p > 'a')"), 2, &[5, 6, 7, 8, 9, 15, 16, 17, 18, 19])]
fn whole_partitions_touch_the_log_alone(#[case] predicate: Option<&str>, #[case] files: u64, #[case] left: &[i64]) {
    let place = table(&[VECTORS]);
    let before = place.data_files();
    let mut builder = DeleteBuilder::new(place.target());
    if let Some(predicate) = predicate {
        builder = builder.predicate_sql(predicate).unwrap();
    }
    let plan = block_on(builder.plan()).unwrap();
    assert_eq!((plan.way, plan.candidates as u64, plan.files), (DeleteWay::LogAlone, files, 4));
    let report = block_on(builder.execute()).unwrap();
    assert_eq!((report.metric("numRemovedFiles"), report.metric("numDeletedRows")), (files, files * 5));
    assert_eq!((ids(&place), place.data_files()), (left.to_vec(), before));
}

#[test]
fn only_files_that_may_match_are_candidates() {
    for (properties, way) in [(&[VECTORS][..], DeleteWay::DeletionVectors), (&[], DeleteWay::CopyOnWrite)] {
        let place = table(properties);
        let builder = DeleteBuilder::new(place.target()).predicate_sql("id = 3").unwrap();
        let plan = block_on(builder.plan()).unwrap();
        assert_eq!((plan.way, plan.candidates, plan.files), (way, 1, 4));
    }
}

#[test]
fn row_changes_are_recorded_where_adds_and_removes_do_not_tell_them() {
    let changes = |place: &Place| -> Vec<(i64, String, u64)> { place.changes(2) };
    let told = |ids: &[i64]| ids.iter().map(|id| (*id, "delete".to_owned(), 2)).collect::<Vec<_>>();
    for properties in [&["delta.enableChangeDataFeed"][..], &["delta.enableChangeDataFeed", VECTORS]] {
        let place = table(properties);
        // One file as a whole, and a part of another.
        delete(&place, "id <= 5").unwrap();
        assert_eq!(changes(&place), told(&[0, 1, 2, 3, 4, 5]), "{properties:?}");
        let place = table(properties);
        delete(&place, "p = 'b' AND id < 100").unwrap();
        assert_eq!(changes(&place), told(&[5, 6, 7, 8, 9, 15, 16, 17, 18, 19]));
        assert!(place.commit(2).iter().all(|line| line.get("cdc").is_none()));
    }
}

/// A delete from a stale handle, after a concurrent append, committed, and the appended rows survived.
#[rstest]
#[case(None, Some(ErrorKind::ConcurrentAppend))]
#[case(Some("id < 100"), Some(ErrorKind::ConcurrentAppend))]
#[case(Some("id < 3"), None)]
fn a_delete_depends_on_what_it_read(#[case] predicate: Option<&str>, #[case] conflict: Option<ErrorKind>) {
    for properties in [&[VECTORS][..], &[]] {
        let place = table(properties);
        let mut builder = DeleteBuilder::new(place.target());
        if let Some(predicate) = predicate {
            builder = builder.predicate_sql(predicate).unwrap();
        }
        let rows = batch(&[("p", texts(&["a"])), ("id", numbers(50..51))]);
        place.write(rows, |write| write.mode(deltaic_ops::write::WriteMode::Append)).unwrap();
        let files = place.data_files();
        let found = block_on(builder.execute());
        assert_eq!(found.as_ref().err().map(deltaic_log::Error::kind), conflict, "{found:?}");
        if conflict.is_some() {
            assert_eq!(place.data_files(), files, "what was written in vain is gone");
        }
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let place = table(&[]);
    assert_eq!(delete(&place, "nothing = 1").unwrap_err().kind(), ErrorKind::UnknownColumn);
    assert_eq!(delete(&place, "id + 1").unwrap_err().kind(), ErrorKind::InvalidExpression);
    assert_eq!(delete(&place, "1 / (id - 3) > 0").unwrap_err().kind(), ErrorKind::Evaluation);
    let place = table(&["delta.appendOnly"]);
    assert_eq!(delete(&place, "id = 1").unwrap_err().kind(), ErrorKind::InvalidArgument);
    let nowhere = Place::in_memory();
    assert_eq!(delete(&nowhere, "id = 1").unwrap_err().kind(), ErrorKind::NotATable);
    assert_eq!(ids(&place).len(), 20);
}
