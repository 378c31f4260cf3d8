//! Updating rows, as its users see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, StructArray};
use arrow_schema::{DataType as Arrow, Field};
use deltaic_log::schema::{PrimitiveType as P, StructField, StructType};
use deltaic_log::{ErrorKind, Result, Version};
use deltaic_ops::update::UpdateWay;
use deltaic_ops::write::WriteMode;
use deltaic_ops::{CreateBuilder, Report, UpdateBuilder};
use futures::executor::block_on;
use rstest::rstest;
use serde_json::{Value, json};
use support::{Place, batch, numbers, texts};

const VECTORS: &str = "delta.enableDeletionVectors";
const FEED: &str = "delta.enableChangeDataFeed";
const TRACKING: &str = "delta.enableRowTracking";

/// Ten rows in two partitions, a file each; then ten more.
fn table(properties: &[&str]) -> Place {
    let place = Place::in_memory();
    for start in [0, 10] {
        let partitions: Vec<&str> = (0..10).map(|row| if row < 5 { "a" } else { "b" }).collect();
        let (ids, n) = (numbers(start..start + 10), numbers(std::iter::repeat_n(0, 10)));
        let rows = batch(&[("p", texts(&partitions)), ("id", ids), ("n", n)]);
        let write = |write: deltaic_ops::WriteBuilder| {
            let write = write.partition_by(["p"]).mode(WriteMode::Append);
            properties.iter().fold(write, |write, key| write.property(*key, "true"))
        };
        place.write(rows, write).unwrap();
    }
    place
}

fn builder(place: &Place, set: &[&str], predicate: &str) -> Result<UpdateBuilder> {
    let update = set.iter().try_fold(UpdateBuilder::new(place.target()), |update, text| update.set_sql(text))?;
    if predicate.is_empty() { Ok(update) } else { update.predicate_sql(predicate) }
}

fn update(place: &Place, set: &[&str], predicate: &str) -> Result<Report> {
    block_on(builder(place, set, predicate)?.execute())
}

/// The values of a column, by `id`.
fn column(place: &Place, name: &str) -> Vec<Value> {
    place.lines().iter().map(|line| line.get(name).cloned().unwrap_or(Value::Null)).collect()
}

fn info(place: &Place, version: u64) -> Value {
    place.commit(version).into_iter().find_map(|line| line.get("commitInfo").cloned()).unwrap()
}

#[rstest]
#[case(&[])]
#[case(&[VECTORS])]
#[case(&[TRACKING])]
#[case(&[TRACKING, VECTORS])]
#[case(&[FEED])]
#[case(&[FEED, VECTORS, TRACKING])]
fn rows_that_match_change_and_others_stay(#[case] properties: &[&str]) {
    let place = table(properties);
    let row_ids = place.row_ids();
    let report = update(&place, &["n = id + n + 1"], "id % 4 = 0 AND id < 17").unwrap();
    assert_eq!((report.version, report.metric("numUpdatedRows")), (Some(Version(2)), 5));
    let is_changed = |id: i64| id % 4 == 0 && id < 17;
    let expected: Vec<Value> = (0..20).map(|id| json!(if is_changed(id) { id + 1 } else { 0 })).collect();
    assert_eq!(column(&place, "n"), expected);
    // Again, on files that have vectors or were written anew; the columns swap by what they were.
    assert_eq!(update(&place, &["n = id", "id = n + 100"], "id IN (3, 4)").unwrap().metric("numUpdatedRows"), 2);
    let changed: Vec<Value> = place.lines().into_iter().filter(|line| line["id"].as_i64() >= Some(100)).collect();
    assert_eq!(changed, [json!({"p": "a", "id": 100, "n": 3}), json!({"p": "a", "id": 105, "n": 4})]);
    assert_eq!((place.row_count(), update(&place, &["n = 1"], "id = 1000").unwrap().version), (20, None));
    assert_eq!(place.version(), Version(3));
    if properties.contains(&TRACKING) {
        let kept = place.row_ids();
        let was = |id: &i64| match id {
            100 => 3,
            105 => 4,
            id => *id,
        };
        assert!(kept.iter().all(|(id, row_id)| row_ids[&was(id)] == *row_id), "{kept:?} of {row_ids:?}");
    }
}

#[rstest]
#[case(&[], [2, 2, 4, 0])]
#[case(&[VECTORS], [1, 2, 0, 1])]
fn the_history_tells_of_it(#[case] properties: &[&str], #[case] counts: [u64; 4]) {
    let place = table(properties);
    // One row of one file, and all of another.
    let report = update(&place, &["n = 1"], "id = 3 OR id >= 5 AND n = 0 AND id < 15 AND p = 'b'").unwrap();
    let names = ["numRemovedFiles", "numAddedFiles", "numCopiedRows", "numDeletionVectorsAdded"];
    assert_eq!((names.map(|name| report.metric(name)), report.metric("numUpdatedRows")), (counts, 6));
    let info = info(&place, 2);
    assert_eq!((&info["operation"], &info["operationMetrics"]["numUpdatedRows"]), (&json!("UPDATE"), &json!("6")));
    let predicate = json!(["(id = 3 OR id >= 5 AND n = 0 AND id < 15 AND p = 'b')"]).to_string();
    assert_eq!(info["operationParameters"], json!({ "predicate": predicate }));
}

#[test]
fn row_changes_have_both_images() {
    for properties in [&[FEED][..], &[FEED, VECTORS]] {
        let place = table(properties);
        // One file as a whole, and a part of another.
        update(&place, &["n = 7", "p = 'c'"], "id <= 5").unwrap();
        let both = |id: i64| ["update_postimage", "update_preimage"].map(|what| (id, what.to_owned(), 2));
        assert_eq!(place.changes(2), (0..=5).flat_map(both).collect::<Vec<_>>(), "{properties:?}");
        assert_eq!(column(&place, "p")[..7], ["c", "c", "c", "c", "c", "c", "b"].map(|p| json!(p)));
    }
}

#[test]
fn a_row_that_changes_is_of_a_new_version() {
    for properties in [&[TRACKING][..], &[TRACKING, VECTORS]] {
        let place = table(properties);
        update(&place, &["n = 1"], "id = 2").unwrap();
        let versions = place.row_commit_versions();
        assert_eq!((versions[&1], versions[&2], versions[&12]), (Some(0), Some(2), Some(1)), "{properties:?}");
    }
}

#[test]
fn only_files_that_may_match_are_candidates() {
    for (properties, way) in [(&[VECTORS][..], UpdateWay::DeletionVectors), (&[], UpdateWay::CopyOnWrite)] {
        let place = table(properties);
        let plan = block_on(builder(&place, &["n = 1"], "id = 3").unwrap().plan()).unwrap();
        assert_eq!((plan.way, plan.candidates, plan.files), (way, 1, 4));
        let report = update(&place, &["p = upper(p)"], "").unwrap();
        assert_eq!((report.metric("numUpdatedRows"), report.metric("numRemovedFiles")), (20, 4));
        assert_eq!(column(&place, "p")[4..6], ["A", "B"].map(|p| json!(p)));
    }
}

/// A table of computed and constrained columns, and one row.
fn constrained() -> Place {
    let place = Place::in_memory();
    let schema = StructType::new([
        StructField::new("id", P::Long, false),
        StructField::nullable("d", P::Date),
        StructField::nullable("i", P::Integer),
        StructField::nullable("x", P::Double),
        StructField::nullable("year", P::Integer).with_metadata("delta.generationExpression", "year(d)"),
        StructField::nullable("key", P::Long)
            .with_metadata("delta.identity.start", 1)
            .with_metadata("delta.identity.step", 1)
            .with_metadata("delta.identity.highWaterMark", 0)
            .with_metadata("delta.identity.allowExplicitInsert", true),
        StructField::nullable(
            "s",
            StructType::new([StructField::nullable("a", P::Long), StructField::nullable("b", P::String)]),
        ),
    ]);
    block_on(CreateBuilder::new(place.target(), schema).constraint("small", "id < 100").execute()).unwrap();
    let s = StructArray::from(vec![
        (Arc::new(Field::new("a", Arrow::Int64, true)), numbers([1, 2])),
        (Arc::new(Field::new("b", Arrow::Utf8, true)), texts(&["x", "y"])),
    ]);
    let s = arrow_select::nullif::nullif(&s, &vec![false, true].into()).unwrap();
    let i: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    place.write(batch(&[("id", numbers([1, 2])), ("i", i), ("s", s)]), |write| write.mode(WriteMode::Append)).unwrap();
    place
}

#[rstest]
#[case(&["d = '2026-08-01'"], json!([{"id": 1, "i": 1, "d": "2026-08-01", "year": 2026, "key": 1, "s": {"a": 1, "b": "x"}}, {"id": 2, "i": 2, "d": "2026-08-01", "year": 2026, "key": 2}]))]
#[case(&["s.b = 'z'"], json!([{"id": 1, "i": 1, "key": 1, "s": {"a": 1, "b": "z"}}, {"id": 2, "i": 2, "key": 2, "s": {"b": "z"}}]))]
#[case(&["s.a = id + 1", "S.b = null", "i = i + 1", "x = 0.5"], json!([{"id": 1, "i": 2, "x": 0.5, "key": 1, "s": {"a": 2}}, {"id": 2, "i": 3, "x": 0.5, "key": 2, "s": {"a": 3}}]))]
#[case(&["s = null", "d = date'2025-01-01'", "year = 2025"], json!([{"id": 1, "i": 1, "d": "2025-01-01", "year": 2025, "key": 1}, {"id": 2, "i": 2, "d": "2025-01-01", "year": 2025, "key": 2}]))]
fn values_are_stored_as_the_columns_hold_them(#[case] set: &[&str], #[case] expected: Value) {
    let place = constrained();
    update(&place, set, "").unwrap();
    assert_eq!(json!(place.lines()), expected);
}

#[rstest]
#[case(&["nothing = 1"], ErrorKind::UnknownColumn)]
#[case(&["i = nothing"], ErrorKind::UnknownColumn)]
#[case(&["i = 1", "I = 2"], ErrorKind::InvalidArgument)]
#[case(&["s.a = 1", "s = null"], ErrorKind::InvalidArgument)]
#[case(&["key = 7"], ErrorKind::InvalidArgument)]
#[case(&["i = true"], ErrorKind::InvalidArgument)]
#[case(&["i = s"], ErrorKind::InvalidArgument)]
#[case(&["i = 1.5"], ErrorKind::InvalidRow)]
#[case(&["i = id + 3000000000"], ErrorKind::InvalidRow)]
#[case(&["d = 'yesterday'"], ErrorKind::Evaluation)]
#[case(&["id = null"], ErrorKind::InvalidRow)]
#[case(&["id = id + 99"], ErrorKind::InvalidRow)]
#[case(&["year = 2020"], ErrorKind::InvalidRow)]
#[case(&["i = 1 / (id - 2)"], ErrorKind::Evaluation)]
#[case(&[], ErrorKind::InvalidArgument)]
fn what_cannot_be_is_refused(#[case] set: &[&str], #[case] kind: ErrorKind) {
    let place = constrained();
    let (before, files) = (place.lines(), place.data_files());
    let error = update(&place, set, "").unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!((place.version(), place.lines(), place.data_files()), (Version(1), before, files));
}

#[test]
fn tables_that_do_not_change_are_refused() {
    let place = table(&["delta.appendOnly"]);
    assert_eq!(update(&place, &["n = 1"], "").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(update(&Place::in_memory(), &["n = 1"], "").unwrap_err().kind(), ErrorKind::NotATable);
}

#[rstest]
#[case("", Some(ErrorKind::ConcurrentAppend))]
#[case("id < 100", Some(ErrorKind::ConcurrentAppend))]
#[case("id < 3", None)]
fn an_update_depends_on_what_it_read(#[case] predicate: &str, #[case] conflict: Option<ErrorKind>) {
    for properties in [&[VECTORS][..], &[]] {
        let place = table(properties);
        let builder = builder(&place, &["n = 1"], predicate).unwrap();
        let rows = batch(&[("p", texts(&["a"])), ("id", numbers([50])), ("n", numbers([0]))]);
        place.write(rows, |write| write.mode(WriteMode::Append)).unwrap();
        let files = place.data_files();
        let found = block_on(builder.execute());
        assert_eq!(found.as_ref().err().map(deltaic_log::Error::kind), conflict, "{found:?}");
        if conflict.is_some() {
            assert_eq!(place.data_files(), files, "what was written in vain is gone");
        }
    }
}
