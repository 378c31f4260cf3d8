//! Reading data files: bare parquet-rs on two threads against a [`Reader`] over the same files, all columns and some,
//! with and without deletion vectors: `cargo bench -p deltaic-benches --bench read`.

use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray};
use criterion::{Criterion, criterion_group, criterion_main};
use deltaic_benches::{LocalFiles, directory_url, read_bare};
use deltaic_log::Context;
use deltaic_log::deletion_vector::{DeletionVector, DeletionVectorDescriptor};
use deltaic_log::feature::ColumnSource;
use deltaic_scan::{FileRead, ReadOptions, ReadSpec, Reader, RowSet};
use futures::TryStreamExt;
use futures::executor::block_on;
use parquet::arrow::arrow_writer::ArrowWriter;
use serde_json::json;

const FILES: usize = 8;
const ROWS_PER_FILE: i64 = 250_000;
const THREADS: usize = 2;

/// One in how many rows is deleted, in the lanes with deletion vectors.
const DELETED_ONE_IN: [usize; 2] = [1_000, 100];

fn lineitem() -> RecordBatch {
    let rows = 0..ROWS_PER_FILE;
    let price = Decimal128Array::from_iter_values(rows.clone().map(|n| i128::from(n * 7919 % 10_000_000)));
    let columns: [(&str, ArrayRef); 6] = [
        ("orderkey", Arc::new(Int64Array::from_iter_values(rows.clone().map(|n| n / 4)))),
        ("partkey", Arc::new(Int64Array::from_iter_values(rows.clone().map(|n| n * 104_729 % 200_000)))),
        ("price", Arc::new(price.with_precision_and_scale(15, 2).expect("the shape is legal"))),
        ("discount", Arc::new(Float64Array::from_iter_values(rows.clone().map(|n| (n % 11) as f64 / 100.0)))),
        ("shipped", Arc::new(Date32Array::from_iter_values(rows.clone().map(|n| 8_000 + (n % 2_500) as i32)))),
        (
            "comment",
            Arc::new(StringArray::from_iter_values(rows.map(|n| format!("carefully final deposits {}", n % 9_973)))),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).expect("one length")
}

fn columns() -> Vec<ColumnSource> {
    let types = ["long", "long", "decimal(15,2)", "double", "date", "string"];
    let fields: Vec<_> = lineitem()
        .schema()
        .fields()
        .iter()
        .zip(types)
        .map(|(field, data_type)| json!({"name": field.name(), "type": data_type, "nullable": true, "metadata": {}}))
        .collect();
    let schema = json!({"type": "struct", "fields": fields}).to_string();
    let protocol = json!({"minReaderVersion": 1, "minWriterVersion": 2});
    let metadata = json!({"id": "bench", "schemaString": schema, "partitionColumns": []});
    let parsed = (serde_json::from_value(protocol), serde_json::from_value(metadata));
    let (Ok(protocol), Ok(metadata)) = parsed else { unreachable!("both are written above") };
    let table = deltaic_log::TableConfiguration::try_new(protocol, metadata).expect("a plain table");
    table.reader_requirements().expect("a plain table").columns
}

fn write_files(folder: &Path) -> Vec<PathBuf> {
    let batch = lineitem();
    let write = |file: usize| {
        let path = folder.join(format!("{file}.parquet"));
        let mut writer = ArrowWriter::try_new(File::create(&path).expect("the folder is ours"), batch.schema(), None)
            .expect("plain types");
        writer.write(&batch).expect("disk space");
        writer.close().expect("disk space");
        path
    };
    (0..FILES).map(write).collect()
}

fn reads(files: &[PathBuf], columns: &[ColumnSource], rows: &RowSet) -> Vec<FileRead> {
    let folder = files[0].parent().expect("files are in a folder");
    let root = directory_url(folder);
    let spec = Arc::new(ReadSpec::new(root.clone(), columns.to_vec()));
    let read = |file: &PathBuf| FileRead {
        location: root.join(&file.file_name().expect("it is a file").to_string_lossy()).expect("a plain name"),
        size: file.metadata().expect("the file was written").len(),
        partition_values: Default::default(),
        rows: rows.clone(),
        base_row_id: None,
        default_row_commit_version: None,
        num_records: None,
        spec: spec.clone(),
    };
    files.iter().map(read).collect()
}

fn read_logical(reads: Vec<FileRead>) -> usize {
    let reader = Reader::new(Context::new(Arc::new(LocalFiles)));
    let batches = reader.read_all(reads, ReadOptions::default());
    block_on(batches.try_fold(0, async |rows, batch| Ok(rows + black_box(batch).num_rows())))
        .expect("the files are whole")
}

fn one_deleted_in(rows: usize) -> RowSet {
    let deleted: DeletionVector = (0..ROWS_PER_FILE as u64).step_by(rows).collect();
    RowSet::without(Some(DeletionVectorDescriptor::inline(&deleted).expect("it is small")))
}

fn read(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let files = write_files(folder.path());
    let all = columns();
    for (name, columns) in [("all columns", &all[..]), ("four columns", &all[..4])] {
        let mut group = criterion.benchmark_group(format!("read, {name}"));
        group.sample_size(10);
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        group.bench_function("bare parquet-rs", |b| b.iter(|| read_bare(&files, &names, THREADS)));
        let plain = reads(&files, columns, &RowSet::default());
        group.bench_function("logical batches", |b| b.iter(|| read_logical(plain.clone())));
        for one_in in DELETED_ONE_IN {
            let deleted = reads(&files, columns, &one_deleted_in(one_in));
            group.bench_function(format!("one row deleted in {one_in}"), |b| b.iter(|| read_logical(deleted.clone())));
        }
        group.finish();
    }
}

criterion_group!(benches, read);
criterion_main!(benches);
