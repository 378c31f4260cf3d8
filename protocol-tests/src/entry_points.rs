//! Where bytes that somebody else wrote enter: one function each, for the tests on bad input and for the fuzzer.
//!
//! Each function gives what the library makes of the bytes: nothing, or an error. It may not panic, nor allocate much
//! more than the bytes are long, nor answer with [`ErrorKind::Internal`](deltaic_log::ErrorKind::Internal).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, StructArray,
};
use arrow_schema::{Field, Fields};
use deltaic_log::deletion_vector::{DeletionVector, DeletionVectorDescriptor, StorageType};
use deltaic_log::file_name::LogFileName;
use deltaic_log::last_checkpoint::LastCheckpoint;
use deltaic_log::partition_value::Scalar;
use deltaic_log::schema::{DataType, DecimalType, PrimitiveType, StructType};
use deltaic_log::table_properties::TableProperties;
use deltaic_log::version_checksum::VersionChecksum;
use deltaic_log::{ManualClock, Result, Snapshot, TableConfiguration, commit_file};
use deltaic_scan::ScanBuilder;
use deltaic_scan::expr::{BoundExpr, EvalContext, parse};
use futures::executor::block_on;
use futures::stream::TryStreamExt;

use crate::checkpoint_writer::{Style, encode};
use crate::test_log::{METADATA, PROTOCOL, TestLog};

/// A named way in.
pub type EntryPoint = (&'static str, fn(&[u8]) -> Result<()>);

/// All ways in.
pub const ALL: [EntryPoint; 15] = [
    ("commit", commit),
    ("checkpoint", checkpoint),
    ("json_checkpoint", json_checkpoint),
    ("sidecar", sidecar),
    ("compaction", compaction),
    ("version_checksum", version_checksum),
    ("last_checkpoint", last_checkpoint),
    ("deletion_vector", deletion_vector),
    ("schema", schema),
    ("partition_value", partition_value),
    ("table_property", table_property),
    ("file_name", file_name),
    ("expression", expression),
    ("data_file", data_file),
    ("variant", variant),
];

/// The bytes are a commit.
pub fn commit(bytes: &[u8]) -> Result<()> {
    let log = TestLog::new();
    log.commit_lines(0, &[PROTOCOL, METADATA]);
    log.put_log("00000000000000000001.json", bytes.to_vec());
    let read = commit_file::read_actions(bytes).and(commit_file::read_commit_info(bytes));
    log.open(None).and_then(|snapshot| everything(&snapshot)).and(read.map(drop))
}

/// The bytes are a checkpoint of version 1, beside its commits and alone.
pub fn checkpoint(bytes: &[u8]) -> Result<()> {
    with_file("00000000000000000001.checkpoint.parquet", bytes)
}

/// The bytes are a checkpoint in JSON.
pub fn json_checkpoint(bytes: &[u8]) -> Result<()> {
    with_file("00000000000000000001.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json", bytes)
}

/// The bytes are a sidecar of a checkpoint.
pub fn sidecar(bytes: &[u8]) -> Result<()> {
    let log = commits();
    log.put_log("_sidecars/s.parquet", bytes.to_vec());
    let reference =
        format!(r#"{{"sidecar":{{"path":"s.parquet","sizeInBytes":{},"modificationTime":0}}}}"#, bytes.len());
    let lines = [r#"{"checkpointMetadata":{"version":1}}"#, PROTOCOL, METADATA, &reference].join("\n");
    log.put_log("00000000000000000001.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json", lines);
    with_and_without_commits(&log)
}

/// The bytes are a compaction of versions 1 and 2.
pub fn compaction(bytes: &[u8]) -> Result<()> {
    let log = commits();
    log.commit_lines(2, &[]);
    log.put_log("00000000000000000001.00000000000000000002.compacted.json", bytes.to_vec());
    log.open(None).and_then(|snapshot| everything(&snapshot))
}

/// The bytes are a version checksum.
pub fn version_checksum(bytes: &[u8]) -> Result<()> {
    let _ = VersionChecksum::parse(bytes);
    let log = commits();
    log.put_log("00000000000000000001.crc", bytes.to_vec());
    log.open(None).and_then(|snapshot| everything(&snapshot))
}

/// The bytes are the hint of the newest checkpoint. Whatever they are, the table can be read.
pub fn last_checkpoint(bytes: &[u8]) -> Result<()> {
    let _ = LastCheckpoint::parse(bytes);
    let log = commits();
    log.put_log("_last_checkpoint", bytes.to_vec());
    let files = log.open(None).and_then(|snapshot| block_on(snapshot.files()));
    assert_eq!(files.expect("a hint hides nothing").len(), 1);
    Ok(())
}

/// The bytes are a deletion vector: its data, a file of it, the text of an inline one.
pub fn deletion_vector(bytes: &[u8]) -> Result<()> {
    let data = DeletionVector::from_bytes(bytes);
    if let Ok(vector) = &data {
        let _ = (vector.cardinality(), vector.max(), vector.ranges().take(100).count(), vector.count_in(0..u64::MAX));
    }
    let size_in_bytes = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
    let descriptor = |storage_type, text: &str, offset| {
        let path_or_inline_dv = text.to_owned();
        DeletionVectorDescriptor { storage_type, path_or_inline_dv, offset, size_in_bytes, cardinality: 3 }
    };
    let text = String::from_utf8_lossy(bytes);
    let inline = descriptor(StorageType::Inline, &text, None);
    let relative = descriptor(StorageType::RelativePath, &text, Some(1));
    let read = inline.decode_inline().and(relative.decode_fetched(bytes)).and(relative.location().map(drop));
    read.and(data.map(drop))
}

/// The bytes are a schema's JSON, read and used.
pub fn schema(bytes: &[u8]) -> Result<()> {
    let schema = StructType::from_json(&String::from_utf8_lossy(bytes))?;
    let again = StructType::from_json(&schema.to_json())?;
    assert_eq!(again, schema, "a schema reads back as it was");
    let _ = (schema.to_arrow(), schema.leaves().len(), schema.check_unique_names());
    let metadata = serde_json::json!({"id": "x", "schemaString": schema.to_json(), "configuration": {"delta.columnMapping.mode": "name"}});
    let protocol = serde_json::from_str(r#"{"minReaderVersion":2,"minWriterVersion":5}"#).expect("it is one");
    TableConfiguration::try_new(protocol, serde_json::from_value(metadata).expect("it is one")).map(drop)
}

/// The bytes are a partition value's text, in a column of each type.
pub fn partition_value(bytes: &[u8]) -> Result<()> {
    use PrimitiveType as P;
    let text = String::from_utf8_lossy(bytes);
    let decimal = P::Decimal(DecimalType::new(38, 10).expect("it is one"));
    let mut outcome = Ok(());
    for primitive in P::ALL_BUT_DECIMALS.into_iter().chain([decimal]) {
        match Scalar::parse(&text, &DataType::from(primitive)) {
            Ok(Some(value)) => drop(value.to_text()),
            Ok(None) => {}
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}

/// The bytes are the value of each table property.
pub fn table_property(bytes: &[u8]) -> Result<()> {
    use deltaic_log::table_properties::property;
    let text = String::from_utf8_lossy(bytes).into_owned();
    let all: BTreeMap<_, _> = property::ALL.iter().map(|spec| (spec.key.to_owned(), text.clone())).collect();
    let problems = TableProperties::new(&all).problems();
    problems.into_iter().next().map_or(Ok(()), Err)
}

/// The bytes are the name of a file in the log.
pub fn file_name(bytes: &[u8]) -> Result<()> {
    let name = String::from_utf8_lossy(bytes);
    if let Some(parsed) = LogFileName::parse(&name) {
        assert_eq!(LogFileName::parse(&parsed.to_string()), Some(parsed), "a name reads back as it was");
    }
    Ok(())
}

/// The bytes are SQL, which is parsed, typed and evaluated on two rows.
pub fn expression(bytes: &[u8]) -> Result<()> {
    let expr = parse(&String::from_utf8_lossy(bytes))?;
    let columns: [(&str, Arc<dyn Array>); 3] = [
        ("n", Arc::new(Int64Array::from(vec![Some(i64::MIN), None]))),
        ("x", Arc::new(Float64Array::from(vec![f64::NAN, -0.0]))),
        ("s", Arc::new(StringArray::from(vec!["", "ä%_"]))),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))?;
    let context = EvalContext::new(&ManualClock::default());
    let bound = BoundExpr::bind(&expr, &batch.schema(), &context)?;
    bound.evaluate(&batch, &context).map(drop)
}

/// The bytes are a data file of a column `n` of longs, read whole and by a predicate.
pub fn data_file(bytes: &[u8]) -> Result<()> {
    let log = with_data_file(PROTOCOL, METADATA, bytes.to_vec());
    let scan = || Ok::<_, deltaic_log::Error>(ScanBuilder::new(log.open(None)?));
    let read = |scan: ScanBuilder| {
        let batches = scan.build()?.stream().try_for_each(|_| futures::future::ready(Ok(())));
        block_on(batches)
    };
    let whole = read(scan()?);
    read(scan()?.filter_sql("n > 3 AND n < 9")?).and(whole)
}

/// The bytes are the dictionary of a variant, as many of them as the first says, and a value of it: the whole, a field, and
/// the rest of an object that is shredded to a field `a`.
pub fn variant(bytes: &[u8]) -> Result<()> {
    const PROTOCOL: &str = r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["variantType","variantShredding"],"writerFeatures":["variantType","variantShredding"]}}"#;
    let metadata = METADATA.replace(r#"\"n\",\"type\":\"long\""#, r#"\"v\",\"type\":\"variant\""#);
    let (size, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let (names, value) = rest.split_at(rest.len().min((*size).into()));
    let mut outcome = Ok(());
    for (whole, object) in
        [(Some(value), None), (None, Some((Some(value), None))), (Some(value), Some((None, Some(7))))]
    {
        let file = encode(&shredded_variant(names, whole, object), &Style::default());
        let log = with_data_file(PROTOCOL, &metadata, file.to_vec());
        let scan = ScanBuilder::new(log.open(None)?).build()?;
        outcome = outcome.and(block_on(scan.stream().try_for_each(|_| futures::future::ready(Ok(())))));
    }
    outcome
}

/// A variant in the columns of a file; of an object, value and typed value of its field `a`.
fn shredded_variant(names: &[u8], whole: Option<&[u8]>, object: Option<(Option<&[u8]>, Option<i32>)>) -> RecordBatch {
    let group = |columns: Vec<(&str, ArrayRef)>, is_there: bool| -> ArrayRef {
        let field = |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
        let fields = columns.iter().map(field).collect::<Fields>();
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        Arc::new(StructArray::new(fields, columns, Some(vec![is_there].into())))
    };
    let binary = |bytes: Option<&[u8]>| -> ArrayRef { Arc::new(BinaryArray::from(vec![bytes])) };
    let (value, typed) = object.unwrap_or_default();
    let field = group(vec![("value", binary(value)), ("typed_value", Arc::new(Int32Array::from(vec![typed])))], true);
    let fields = group(vec![("a", field)], object.is_some());
    let variant = vec![("metadata", binary(Some(names))), ("value", binary(whole)), ("typed_value", fields)];
    RecordBatch::try_from_iter_with_nullable([("v", group(variant, true), true)]).expect("one column")
}

/// A table of one commit, and one data file.
fn with_data_file(protocol: &str, metadata: &str, bytes: Vec<u8>) -> TestLog {
    let log = TestLog::new();
    let size = bytes.len();
    let add = format!(
        r#"{{"add":{{"path":"f.parquet","partitionValues":{{}},"size":{size},"modificationTime":1,"dataChange":true}}}}"#
    );
    log.commit_lines(0, &[protocol, metadata, &add]);
    log.put("f.parquet", bytes);
    log
}

/// A log of two commits and one live file.
fn commits() -> TestLog {
    let log = TestLog::new();
    let add = r#"{"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}"#;
    log.commit_lines(0, &[PROTOCOL, METADATA, add]);
    log.commit_lines(1, &[r#"{"txn":{"appId":"app","version":1}}"#]);
    log
}

fn with_file(name: &str, bytes: &[u8]) -> Result<()> {
    let log = commits();
    log.put_log(name, bytes.to_vec());
    with_and_without_commits(&log)
}

fn with_and_without_commits(log: &TestLog) -> Result<()> {
    let both = log.open(None).and_then(|snapshot| everything(&snapshot));
    log.delete("_delta_log/00000000000000000000.json");
    let alone = log.open(None).and_then(|snapshot| everything(&snapshot));
    both.and(alone)
}

/// Reads whatever a snapshot can be asked for.
fn everything(snapshot: &Snapshot) -> Result<()> {
    block_on(async {
        let streamed = snapshot.stream_files().try_for_each(|chunk| async move {
            chunk.files().for_each(|file| {
                drop((file.path().len(), file.partition_values(), file.deletion_vector().map(|dv| dv.location())))
            });
            Ok(())
        });
        let streamed = streamed.await;
        let files = snapshot.files().await.map(drop);
        let small = snapshot.transactions().await.map(drop).and(snapshot.domains().await.map(drop));
        TableConfiguration::try_new(snapshot.protocol().clone(), snapshot.metadata().clone())?;
        files.and(streamed).and(small)
    })
}
