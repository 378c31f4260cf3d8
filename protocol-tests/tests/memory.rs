//! Streaming a table's live files takes memory for a few row groups, however many files and sidecars there are.
//!
//! `DELTAIC_MEMORY_FILES=<n>` streams that many files, in sidecars of 250,000; the bound is then 200 MB.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

use std::path::Path;
use std::sync::{Arc, Mutex};

use arrow_array::builder::{MapBuilder, StringBuilder};
use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, StructArray};
use arrow_schema::Field;
use deltaic_commit::maintenance::{CheckpointForm, CheckpointOptions, write_checkpoint};
use deltaic_log::{Snapshot, SnapshotOptions};
use deltaic_protocol_tests::checkpoint_writer::{Style, encode};
use deltaic_protocol_tests::counting_allocator::CountingAllocator;
use deltaic_protocol_tests::local::{Route, directory_url, local_context};
use deltaic_protocol_tests::test_log::{METADATA, PROTOCOL};
use futures::executor::block_on;
use futures::stream::TryStreamExt;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

const MEGABYTE: usize = 1_000_000;

/// What one test allocates must not count for another.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn streaming_takes_no_more_memory_for_more_sidecars() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(files) = std::env::var("DELTAIC_MEMORY_FILES").ok().map(|text| text.parse::<usize>().expect("a number"))
    {
        let peak = peak_of_streaming(files.div_ceil(250_000), 250_000);
        println!("{files} files: {} MB at most", peak / MEGABYTE);
        assert!(peak < 200 * MEGABYTE, "{peak} bytes");
        return;
    }
    let few = peak_of_streaming(5, 10_000);
    let many = peak_of_streaming(20, 10_000);
    println!("5 sidecars: {few} bytes, 20 sidecars: {many} bytes");
    assert!(many < few + few / 4 + MEGABYTE, "5 sidecars: {few} bytes, 20 sidecars: {many} bytes");
    assert!(many < 80 * MEGABYTE, "{many} bytes");
}

/// `DELTAIC_MEMORY_FILES=<n>` makes it a checkpoint of that many files, with a bound of 400 MB.
#[test]
fn a_checkpoint_takes_no_more_memory_for_more_files() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(files) = std::env::var("DELTAIC_MEMORY_FILES").ok().map(|text| text.parse::<usize>().expect("a number"))
    {
        let peak = peak_of_checkpoint(files.div_ceil(250_000), 250_000);
        println!("a checkpoint of {files} files: {} MB at most", peak / MEGABYTE);
        assert!(peak < 400 * MEGABYTE, "{peak} bytes");
        return;
    }
    let few = peak_of_checkpoint(10, 10_000);
    let many = peak_of_checkpoint(30, 10_000);
    println!("100,000 files: {few} bytes, 300,000 files: {many} bytes");
    assert!(many < few + few / 4 + 8 * MEGABYTE, "100,000 files: {few} bytes, 300,000 files: {many} bytes");
}

/// The most memory that a classic checkpoint with both forms of statistics takes, of a table of sidecars.
fn peak_of_checkpoint(sidecars: usize, files_each: usize) -> usize {
    let table = tempfile::tempdir().expect("a temporary directory");
    write_table(table.path(), sidecars, files_each);
    ALLOCATOR.reset();
    let before = ALLOCATOR.live_bytes();
    let written = block_on(async {
        let snapshot =
            Snapshot::open(&directory_url(table.path()), local_context(Route::Files), SnapshotOptions::new()).await?;
        write_checkpoint(&snapshot, CheckpointOptions::new().with_form(CheckpointForm::Classic)).await
    });
    assert_eq!(written.expect("the table is sound").adds, sidecars * files_each);
    ALLOCATOR.peak_bytes().saturating_sub(before)
}

/// The most memory that streaming a table of `sidecars * files_each` files takes above what was taken before.
fn peak_of_streaming(sidecars: usize, files_each: usize) -> usize {
    let table = tempfile::tempdir().expect("a temporary directory");
    write_table(table.path(), sidecars, files_each);
    ALLOCATOR.reset();
    let before = ALLOCATOR.live_bytes();
    let streamed = block_on(async {
        let snapshot =
            Snapshot::open(&directory_url(table.path()), local_context(Route::Files), SnapshotOptions::new()).await?;
        let count = |sum, chunk: deltaic_log::FileChunk| async move {
            Ok(sum + chunk.files().filter(|file| file.size() > 0).count())
        };
        snapshot.stream_files().try_fold(0, count).await
    });
    assert_eq!(streamed.expect("the table is sound"), sidecars * files_each);
    ALLOCATOR.peak_bytes().saturating_sub(before)
}

fn write_table(table: &Path, sidecars: usize, files_each: usize) {
    let log = table.join("_delta_log");
    std::fs::create_dir_all(log.join("_sidecars")).expect("a directory");
    let mut lines =
        vec![r#"{"checkpointMetadata":{"version":0}}"#.to_owned(), PROTOCOL.to_owned(), METADATA.to_owned()];
    for sidecar in 0..sidecars {
        let bytes =
            encode(&adds(sidecar * files_each, files_each), &Style { row_group_rows: 50_000, ..Style::default() });
        let name = format!("{sidecar}.parquet");
        lines.push(format!(r#"{{"sidecar":{{"path":"{name}","sizeInBytes":{},"modificationTime":0}}}}"#, bytes.len()));
        std::fs::write(log.join("_sidecars").join(name), bytes).expect("a file");
    }
    let checkpoint = log.join("00000000000000000000.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json");
    std::fs::write(checkpoint, lines.join("\n")).expect("a file");
    std::fs::write(log.join("00000000000000000000.json"), [PROTOCOL, METADATA].join("\n")).expect("a file");
}

/// Rows of the column `add`, built without a detour through JSON.
fn adds(first: usize, count: usize) -> RecordBatch {
    let numbers = || first..first + count;
    let long = |value: fn(usize) -> usize| {
        Arc::new(numbers().map(|n| i64::try_from(value(n)).ok()).collect::<Int64Array>()) as ArrayRef
    };
    let mut partitions = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for n in numbers() {
        partitions.keys().append_value("day");
        partitions.values().append_value(format!("2026-01-{:02}", n % 28 + 1));
        partitions.append(true).expect("one key for each value");
    }
    let paths = numbers().map(|n| {
        Some(format!(
            "day=2026-01-{:02}/part-{n:05}-4a0d65cd-4056-49b8-{n:04x}-95f9e3ee90e5.c000.snappy.parquet",
            n % 28 + 1
        ))
    });
    let stats = numbers().map(|n| {
        Some(format!(
            r#"{{"numRecords":1000,"minValues":{{"n":{n}}},"maxValues":{{"n":{}}},"nullCount":{{"n":0}}}}"#,
            n + 999
        ))
    });
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("path", Arc::new(paths.collect::<StringArray>())),
        ("partitionValues", Arc::new(partitions.finish())),
        ("size", long(|n| 1 + n % 1000)),
        ("modificationTime", long(|n| 1_700_000_000_000 + n)),
        ("dataChange", Arc::new(BooleanArray::from(vec![false; count]))),
        ("stats", Arc::new(stats.collect::<StringArray>())),
    ];
    let fields = columns.iter().map(|(name, column)| Arc::new(Field::new(*name, column.data_type().clone(), true)));
    let add = StructArray::new(fields.collect(), columns.iter().map(|(_, column)| column.clone()).collect(), None);
    RecordBatch::try_from_iter_with_nullable([("add", Arc::new(add) as ArrayRef, true)]).expect("one column")
}
