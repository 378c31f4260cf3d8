//! Writing rows, as its users see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use deltaic_log::ErrorKind;
use deltaic_log::Version;
use deltaic_ops::write::WriteMode;
use support::Place;

fn batch(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    RecordBatch::try_from_iter(columns.iter().cloned()).unwrap()
}

fn numbers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from_iter(values.iter().map(|value| (*value != "-").then_some(*value))))
}

fn ids(place: &Place) -> Vec<i64> {
    let mut ids: Vec<i64> = place
        .rows()
        .iter()
        .flat_map(|rows| rows.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec())
        .collect();
    ids.sort_unstable();
    ids
}

#[test]
fn rows_are_appended_and_read_back() {
    let directory = tempfile::tempdir().unwrap();
    for place in [Place::in_memory(), Place::local(directory.path())] {
        let first = place.write(batch(&[("id", numbers(0..3))]), |write| write).unwrap();
        assert_eq!((first.version, first.metric("numFiles"), first.metric("numOutputRows")), (Some(Version(0)), 1, 3));
        let second = place.write(batch(&[("ID", numbers(3..5))]), |write| write.mode(WriteMode::Append)).unwrap();
        assert_eq!(second.version, Some(Version(1)));
        assert_eq!(ids(&place), [0, 1, 2, 3, 4]);
    }
}

#[test]
fn partitions_are_told_apart() {
    let place = Place::in_memory();
    let rows = batch(&[("p", texts(&["a", "b", "-", "a", ""])), ("id", numbers(0..5))]);
    let report = place.write(rows, |write| write.partition_by(["p"])).unwrap();
    assert_eq!(report.metric("numFiles"), 3, "an empty text is null");
    assert_eq!(ids(&place), [0, 1, 2, 3, 4]);
}

#[test]
fn a_value_that_would_change_is_refused() {
    let place = Place::in_memory();
    place.write(batch(&[("id", numbers(0..3))]), |write| write).unwrap();
    let rows = batch(&[("id", Arc::new(Float64Array::from(vec![7.0, 1.5])) as _)]);
    let error = place.write(rows, |write| write.mode(WriteMode::Append)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRow);
    assert_eq!((error.context("column"), error.context("row")), (Some("id"), Some("1")));
    assert_eq!(ids(&place), [0, 1, 2]);
}
