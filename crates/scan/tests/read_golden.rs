//! Every golden table whose data is at hand: the rows that reading gives, by value where they are known.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

mod support;

use arrow_array::RecordBatch;
use deltaic_log::{FileView, Snapshot, SnapshotOptions, TableConfiguration};
use deltaic_scan::plan::{FileRead, ReadSpec, RowSet};
use deltaic_scan::read::{BatchStream, ReadOptions, Reader};
use futures::TryStreamExt;
use futures::executor::block_on;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::{local_context, rows, sorted};
use url::Url;

fn golden() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    let golden = std::env::var_os("DELTA_GOLDEN").map_or(beside, PathBuf::from);
    golden.is_dir().then(|| golden.canonicalize().unwrap())
}

/// The reads of a table's live files.
fn plan(root: &Url, snapshot: &Snapshot) -> Vec<FileRead> {
    let table = TableConfiguration::try_new(snapshot.protocol().clone(), snapshot.metadata().clone()).unwrap();
    let requirements = table.reader_requirements().unwrap();
    let mut spec = ReadSpec::new(root.clone(), requirements.columns);
    spec.batch_rows = 1000;
    let spec = Arc::new(spec);
    block_on(snapshot.files()).unwrap().iter().map(|file| read_of(root, file, &spec)).collect()
}

fn read_of(root: &Url, file: FileView<'_>, spec: &Arc<ReadSpec>) -> FileRead {
    FileRead {
        location: root.join(file.path()).unwrap(),
        size: file.size() as u64,
        partition_values: file.partition_values(),
        rows: RowSet::without(file.deletion_vector().cloned()),
        base_row_id: file.base_row_id(),
        default_row_commit_version: file.default_row_commit_version(),
        num_records: None,
        spec: spec.clone(),
    }
}

/// Above this many rows, only their number is compared.
const COMPARED_ROWS_MAX: u64 = 10_000;

fn check(root: &Path, expected: &Value) -> Result<(), String> {
    let root = Url::parse(&format!("file://{}/", root.display())).unwrap();
    let snapshot =
        block_on(Snapshot::open(&root, local_context(), SnapshotOptions::new())).map_err(|e| e.to_string())?;
    let reads = plan(&root, &snapshot);
    let reader = Reader::new(local_context());
    let count = expected["num_rows"].as_u64().unwrap();
    if count > COMPARED_ROWS_MAX {
        let batches: Vec<_> = collect(reader.read_all(reads, ReadOptions::default()))?;
        let got: usize = batches.iter().map(RecordBatch::num_rows).sum();
        return if got as u64 == count { Ok(()) } else { Err(format!("{got} rows, not {count}")) };
    }
    let mut streamed = Vec::new();
    for read in &reads {
        let carried: FileRead = serde_json::from_str(&serde_json::to_string(read).unwrap()).unwrap();
        let schema = carried.spec.schema();
        let opened = reader.read_file_blocking(carried).map_err(|error| format!("{error:?}"))?;
        let blocking: Vec<_> = opened.collect::<Result<_, _>>().map_err(|error| format!("{error:?}"))?;
        assert!(blocking.iter().all(|batch| batch.schema() == schema && batch.num_rows() > 0));
        streamed.extend(blocking);
    }
    let blocking = rows(&streamed);
    for ordered in [true, false] {
        let options = if ordered { ReadOptions::default().ordered() } else { ReadOptions::default() };
        let batches = collect(reader.read_all(reads.clone(), options))?;
        let same =
            if ordered { rows(&batches) == blocking } else { sorted(rows(&batches)) == sorted(blocking.clone()) };
        assert!(same, "the ways to read differ (ordered: {ordered})");
    }
    if blocking.len() as u64 != count {
        return Err(format!("{} rows, not {count}", blocking.len()));
    }
    match expected["rows"].as_array() {
        Some(wanted) if wanted.len() == blocking.len() => {
            let (got, wanted) = (sorted(blocking), sorted(wanted.clone()));
            let different = got.iter().zip(&wanted).find(|(got, wanted)| got != wanted);
            different.map_or(Ok(()), |(got, wanted)| Err(format!("got    {got}\nwanted {wanted}")))
        }
        _ => Ok(()),
    }
}

fn collect(stream: BatchStream) -> Result<Vec<RecordBatch>, String> {
    block_on(stream.try_collect()).map_err(|error| format!("{error:?}"))
}

#[test]
fn golden_tables_give_their_rows() {
    let Some(golden) = golden() else {
        eprintln!("skipped: no golden tables");
        return;
    };
    let text = std::fs::read_to_string(golden.with_file_name("golden-expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let filter = std::env::var("GOLDEN_TABLE").ok();
    let readable = expected.as_object().unwrap().iter().filter(|(name, table)| {
        table["num_rows"].is_u64()
            && table["data_readable"] != false
            && filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()))
    });
    let mut failures = Vec::new();
    let mut count = 0;
    for (name, expected) in readable {
        count += 1;
        let root = golden.join(name);
        if !root.is_dir() {
            eprintln!("no {name}");
            continue;
        }
        if let Err(message) = check(&root, expected) {
            failures.push(format!("{name}: {message}"));
        }
    }
    assert!(failures.is_empty(), "{} of {count} tables:\n{}", failures.len(), failures.join("\n"));
}
