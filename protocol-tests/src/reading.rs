//! A snapshot held against what its writer reads from the table.

use arrow_array::RecordBatch;
use deltaic_log::Snapshot;
use deltaic_scan::{MetadataColumn, ScanBuilder};
use futures::executor::block_on;
use futures::stream::TryStreamExt;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::canonical_rows::{canonical_json, canonical_rows, hash_rows, with_variants_decoded};
use crate::fixture::{Content, Expected};

/// Version, files, protocol, schema, domains and transaction identifiers.
///
/// # Panics
/// Where they differ, as all functions here.
pub fn check_state(expected: &Expected, snapshot: &Snapshot) {
    assert_eq!(snapshot.version().0, expected.version);
    assert_eq!(block_on(snapshot.files()).expect("files can be listed").len(), expected.num_files, "files");
    assert_eq!(
        with_sorted_features(&serde_json::to_value(snapshot.protocol()).expect("JSON")),
        with_sorted_features(&expected.protocol)
    );
    assert_eq!(snapshot.configuration().partition_columns(), expected.partition_columns);
    if let Some(expected) = &expected.schema {
        let schema: Value = serde_json::from_str(&snapshot.configuration().schema().to_json()).expect("it is JSON");
        assert_eq!(without_metadata(&schema), without_metadata(expected));
    }
    if let Some(expected) = &expected.domains {
        let domains = block_on(snapshot.domains()).expect("they can be read");
        assert_eq!(sorted(&domains.values().map(as_json).collect::<Vec<_>>()), sorted(expected));
    }
    if let Some(expected) = &expected.txns {
        let transactions = block_on(snapshot.transactions()).expect("they can be read");
        assert_eq!(sorted(&transactions.values().map(as_json).collect::<Vec<_>>()), sorted(expected));
    }
}

/// A version that its writer opens and refuses to read has no rows here either.
pub fn check_content(snapshot: &Snapshot, expected: &Content) {
    if let Some(refusal) = &expected.error {
        let read =
            ScanBuilder::new(snapshot.clone()).build().and_then(|scan| block_on(scan.stream().try_collect::<Vec<_>>()));
        let columns = snapshot.configuration().schema().fields.len();
        return assert!(read.is_err() || columns == 0, "{columns} columns can be read; the writer says {refusal}");
    }
    let batches = read(ScanBuilder::new(snapshot.clone()));
    let rows = canonical_rows(&batches);
    if let Some(expected) = &expected.rows {
        let expected = sorted(expected);
        if rows != expected {
            let decoded = |rows: &[String]| rows.iter().map(|row| with_variants_decoded(row)).collect::<Vec<_>>();
            assert_same_rows(&decoded(&rows), &decoded(&expected));
        }
    }
    if let Some(expected) = &expected.rows_sha256 {
        assert_eq!(&hash_rows(&rows), expected);
    }
    assert_eq!(Some(rows.len()), expected.num_rows);
    assert!(
        canonical_rows(&read(ScanBuilder::new(snapshot.clone()).pruning(false))) == rows,
        "pruning changes no result"
    );
}

/// The rows with their ids.
pub fn check_row_ids(snapshot: &Snapshot, expected: &[Box<RawValue>]) {
    let scan = ScanBuilder::new(snapshot.clone())
        .metadata_column(MetadataColumn::RowId)
        .metadata_column(MetadataColumn::RowCommitVersion);
    assert_same_rows(&canonical_rows(&read(scan)), &sorted(expected));
}

/// All rows of a scan.
pub fn read(scan: ScanBuilder) -> Vec<RecordBatch> {
    let read = scan.build().and_then(|scan| block_on(scan.stream().try_collect()));
    read.unwrap_or_else(|error| panic!("{error:?}"))
}

/// What two lists of rows have apart from each other is easier to read than both.
pub fn assert_same_rows(found: &[String], expected: &[String]) {
    let only = |these: &[String], those: &[String]| {
        these.iter().filter(|row| !those.contains(row)).take(3).cloned().collect::<Vec<_>>()
    };
    let (unexpected, missing) = (only(found, expected), only(expected, found));
    assert!(
        found == expected,
        "{} rows for {}; unexpected: {unexpected:#?}\nmissing: {missing:#?}",
        found.len(),
        expected.len()
    );
}

fn as_json(action: &impl serde::Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(action).expect("an action is JSON")
}

/// Rows given as JSON, in the form of [`canonical_rows`].
pub fn sorted(rows: &[Box<RawValue>]) -> Vec<String> {
    let mut rows: Vec<_> = rows.iter().map(|row| canonical_json(row)).collect();
    rows.sort_unstable();
    rows
}

/// A schema without its fields' metadata, of which the writers show but a part.
fn without_metadata(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(key, _)| *key != "metadata");
            kept.map(|(key, value)| (key.clone(), without_metadata(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_metadata).collect(),
        other => other.clone(),
    }
}

/// The order of features in a protocol is of no matter.
fn with_sorted_features(protocol: &Value) -> Value {
    let mut protocol = protocol.clone();
    for key in ["readerFeatures", "writerFeatures"] {
        if let Some(Value::Array(features)) = protocol.get_mut(key) {
            features.sort_by_key(ToString::to_string);
        }
    }
    protocol
}
