//! Writing checkpoints: the columns, both forms of statistics, faults half-way, the hint, kept sidecars, and what is refused.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use bytes::Bytes;
use deltaic::DeltaTable;
use deltaic_commit::maintenance::{CheckpointForm, CheckpointOptions, write_checkpoint};
use deltaic_log::action::Action;
use deltaic_log::checkpoint::encode::{CheckpointFileEncoder, CheckpointSchema, StatisticsForms};
use deltaic_log::commit_file::write_actions;
use deltaic_log::file_name::{CheckpointFormat, CheckpointKind, LogFileName};
use deltaic_log::last_checkpoint::{LastCheckpoint, checksum};
use deltaic_log::store::TableFile;
use deltaic_log::{
    Access, CatalogTail, ErrorKind, LogSource, Result, Snapshot, SnapshotOptions, TableStore, TimestampMs, Version,
};
use deltaic_protocol_tests::commit_table::{file, removal};
use deltaic_protocol_tests::fixture::Fixture;
use deltaic_protocol_tests::local::{Route, directory_url, local_context};
use deltaic_protocol_tests::{CommitTable, Fault, TestLog};
use futures::executor::block_on;
use futures::future::{BoxFuture, FutureExt, ready};
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{LogicalType, Type as PhysicalType};
use parquet::file::metadata::ParquetMetaDataReader;
use serde_json::{Value, json};

const V2: CheckpointForm = CheckpointForm::Uuid(CheckpointFormat::Parquet);

/// The columns of each checkpoint that Spark wrote are those that we write for that table: names, order, types, what is
/// optional.
#[test]
fn the_columns_are_sparks() {
    let mut compared = 0;
    for fixture in Fixture::all() {
        let open =
            |options| block_on(Snapshot::open(&directory_url(&fixture.table()), local_context(Route::Files), options));
        let Ok(newest) = open(SnapshotOptions::new()) else { continue };
        let Some(checkpoint) = newest.segment().checkpoint.clone() else { continue };
        let Ok(snapshot) = open(SnapshotOptions::new().with_version(checkpoint.version)) else { continue };
        let bytes = std::fs::read(fixture.table().join(&checkpoint.files[0].path)).unwrap();
        if checkpoint.kind != CheckpointKind::Classic || !String::from_utf8_lossy(&bytes).contains("parquet-mr") {
            continue;
        }
        let table = snapshot.configuration();
        let schema = CheckpointSchema::new(table, StatisticsForms::of(table).unwrap()).unwrap();
        let ours = CheckpointFileEncoder::new(schema.classic()).unwrap().finish().unwrap();
        assert_eq!(leaves(ours.into()), leaves(bytes.into()), "{}", fixture.name);
        compared += 1;
    }
    assert!(compared >= 20, "{compared} checkpoints of Spark's");
}

/// Path, type and levels of each leaf. An instant is one, whether INT96 or microseconds.
fn leaves(file: Bytes) -> Vec<String> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
    let schema = metadata.file_metadata().schema_descr_ptr();
    let leaf = |column: &parquet::schema::types::ColumnDescPtr| {
        let logical = match column.logical_type_ref() {
            Some(LogicalType::Timestamp(timestamp)) if timestamp.is_adjusted_to_u_t_c => "instant".to_owned(),
            _ if column.physical_type() == PhysicalType::INT96 => "instant".to_owned(),
            other => format!("{} {other:?} {:?}", column.physical_type(), column.converted_type()),
        };
        format!("{} {logical} {}/{}", column.path(), column.max_def_level(), column.max_rep_level())
    };
    schema.columns().iter().map(leaf).collect()
}

const STATS: &str = r#"{"numRecords":7,"minValues":{"n":-5,"d":-1.5,"dec":-12.34,"day":"2024-02-29","ts":"2024-01-01T00:00:00.123Z","ntz":"1969-12-31T23:59:59.999","s":"a\"\\ü","st":{"x":1.5}},"maxValues":{"n":9223372036854775807,"d":"Infinity","dec":99.99,"day":"9999-12-31","ts":"9999-12-31T23:59:59.999Z","ntz":"2024-01-01T00:00:00.000","s":"z","st":{"x":1e30}},"nullCount":{"n":0,"d":1,"dec":2,"day":3,"ts":4,"ntz":5,"s":6,"st":{"x":7},"list":2}}"#;

fn every_type() -> TestLog {
    let log = TestLog::new();
    let column =
        |name: &str, data_type: Value| json!({"name": name, "type": data_type, "nullable": true, "metadata": {}});
    let fields = json!([
        column("n", json!("long")),
        column("d", json!("double")),
        column("dec", json!("decimal(10,2)")),
        column("day", json!("date")),
        column("ts", json!("timestamp")),
        column("ntz", json!("timestamp_ntz")),
        column("s", json!("string")),
        column("st", json!({"type": "struct", "fields": [column("x", json!("float"))]})),
        column("list", json!({"type": "array", "elementType": "long", "containsNull": true})),
        column("p", json!("date")),
    ]);
    let schema = json!({"type": "struct", "fields": fields}).to_string();
    let metadata = json!({"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}}, "schemaString": schema,
        "partitionColumns": ["p"], "configuration": {}}});
    let protocol = json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["timestampNtz"],
        "writerFeatures": ["timestampNtz"]}});
    let add = |path: &str, p: &str, stats: Value| {
        json!({"add": {"path": path, "partitionValues": {"p": p}, "size": 1, "modificationTime": 1, "dataChange": true, "stats": stats}})
            .to_string()
    };
    let lines = [
        protocol.to_string(),
        metadata.to_string(),
        add("full", "2024-01-01", json!(STATS)),
        add("torn", "2024-01-01", json!(&STATS[..50])),
        add("none", "", Value::Null),
        add("odd", "no date", json!("[]")),
        add("few", "2024-01-02", json!(r#"{"numRecords":3}"#)),
    ];
    log.commit_lines(0, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    log
}

fn checkpoint(log: &TestLog, json: bool, parsed: bool) -> RecordBatch {
    let snapshot = log.open(None).unwrap();
    let options = CheckpointOptions::new().with_statistics(StatisticsForms { json, parsed });
    let written = block_on(write_checkpoint(&snapshot, options)).unwrap();
    adds_of(log.get(&written.path).unwrap())
}

/// The rows of `add`, in one batch.
fn adds_of(file: Bytes) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().with_batch_size(1 << 20).build().unwrap();
    let batch = reader.map(|batch| batch.unwrap()).next().unwrap();
    let add = batch.column_by_name("add").unwrap();
    let valid = (0..add.len()).filter(|row| add.is_valid(*row)).collect::<Vec<_>>();
    let add = add.slice(valid[0], valid.len());
    assert_eq!(add.null_count(), 0, "they are together");
    add.as_struct().into()
}

/// `stats` by path, as JSON.
fn texts(adds: &RecordBatch) -> BTreeMap<String, Option<String>> {
    let (paths, stats) = (adds.column_by_name("path").unwrap(), adds.column_by_name("stats").unwrap());
    let text =
        |array: &dyn Array, row: usize| array.is_valid(row).then(|| array.as_string::<i32>().value(row).to_owned());
    (0..adds.num_rows()).map(|row| (text(paths, row).unwrap(), text(stats, row))).collect()
}

#[test]
fn statistics_go_from_text_to_columns_and_back() {
    let log = every_type();
    let both = checkpoint(&log, true, true);
    assert_eq!(texts(&both)["torn"].as_deref(), Some(&STATS[..50]), "what is not understood is handed on");
    let parsed = both.column_by_name("stats_parsed").unwrap();
    assert_eq!(parsed.null_count(), 3, "of texts that are none, columns say nothing");
    let partitions = both.column_by_name("partitionValues_parsed").unwrap().as_struct();
    assert_eq!(partitions.column_by_name("p").unwrap().null_count(), 2, "the empty text, and one that is no date");

    let columns = checkpoint(&log, false, true);
    assert!(columns.column_by_name("stats").is_none());
    assert_eq!(columns.column_by_name("stats_parsed").unwrap(), parsed);

    log.delete("_delta_log/00000000000000000000.json");
    let text = checkpoint(&log, true, false);
    assert!(text.column_by_name("stats_parsed").is_none() && text.column_by_name("partitionValues_parsed").is_none());
    let text = texts(&text);
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(value(text["full"].as_deref().unwrap()), value(STATS));
    assert_eq!(text["few"].as_deref(), Some(r#"{"numRecords":3}"#));
    assert_eq!([&text["torn"], &text["none"], &text["odd"]], [&None, &None, &None]);

    assert_eq!(checkpoint(&log, false, true).column_by_name("stats_parsed").unwrap(), parsed);
}

#[test]
fn neither_form_of_statistics_leaves_none() {
    let adds = checkpoint(&every_type(), false, false);
    assert!(["stats", "stats_parsed", "partitionValues_parsed"].iter().all(|name| adds.column_by_name(name).is_none()));
    let change = adds.column_by_name("dataChange").unwrap().as_boolean().clone();
    assert_eq!((change.true_count(), change.null_count()), (0, 0));
}

/// A table with V2 checkpoints of so many files, each in a commit of its own.
fn v2_table(files: u64) -> CommitTable {
    // Commits write no checkpoints by themselves.
    let table = CommitTable::created(json!({"delta.checkpointPolicy": "v2", "delta.feature.v2Checkpoint": "supported",
        "delta.checkpointInterval": "1000"}));
    for number in 0..files {
        table.append(&table.open(0, None), &format!("f{number}")).into_result().unwrap();
    }
    table
}

fn log_files(table: &CommitTable) -> Vec<LogFileName> {
    let listed = block_on(table.truth().list_log(Version(0))).unwrap();
    listed.into_iter().map(|file| file.name).collect()
}

#[test]
fn a_fault_at_any_put_leaves_the_table_as_it_was() {
    for form in [CheckpointForm::Classic, V2, CheckpointForm::Uuid(CheckpointFormat::Json)] {
        for fault in [Fault::FailBefore, Fault::FailAfter, Fault::Refuse, Fault::Late(3)] {
            for at in 0..4 {
                let table = v2_table(5);
                let before = table.files();
                let snapshot = table.open(0, None);
                table.faults.fail_puts(std::iter::repeat_n(Fault::None, at).chain([fault]));
                let options = CheckpointOptions::new().with_form(form).with_sidecar_actions_max(4);
                let written = block_on(write_checkpoint(&snapshot, options.clone()));
                assert_eq!(table.files(), before, "{form:?}, {fault:?} at {at}");
                match written {
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Storage, "{error}"),
                    Ok(written) => {
                        let is_last = written.sidecars_written + 1 == at;
                        assert_eq!(written.hint_error.is_some(), is_last, "{form:?}, {fault:?} at {at}");
                    }
                }
                block_on(table.faults.land_all());
                assert_eq!(table.files(), before);
                // The fault may be to come still.
                let again = || block_on(write_checkpoint(&table.open(0, None), options.clone()));
                assert!((0..3).any(|_| again().is_ok_and(|written| written.hint_error.is_none())));
                assert_eq!(table.files(), before);
            }
        }
    }
}

#[test]
fn one_that_is_dropped_half_way_is_seen_by_nobody() {
    for steps in 0.. {
        let table = v2_table(3);
        let (before, snapshot) = (table.files(), table.open(0, None));
        let mut writing = write_checkpoint(&snapshot, CheckpointOptions::new().with_sidecar_actions_max(2)).boxed();
        let mut context = std::task::Context::from_waker(futures::task::noop_waker_ref());
        let ended = (0..steps).any(|_| writing.poll_unpin(&mut context).is_ready());
        drop(writing);
        assert_eq!(table.files(), before, "dropped after {steps} steps");
        let commit = |name: &LogFileName| !matches!(name, LogFileName::Checkpoint(_));
        let checkpoints = log_files(&table).into_iter().filter(|name| !commit(name)).count();
        assert!(checkpoints <= 1 && steps < 10_000);
        if ended {
            assert_eq!(checkpoints, 1);
            break;
        }
    }
}

#[test]
fn a_local_one_that_fails_leaves_no_file() {
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("_delta_log");
    std::fs::create_dir(&log).unwrap();
    let lines = [deltaic_protocol_tests::test_log::PROTOCOL, deltaic_protocol_tests::test_log::METADATA].join("\n");
    std::fs::write(log.join("00000000000000000000.json"), lines).unwrap();
    // A folder stands where the checkpoint should: it cannot be replaced by a file.
    std::fs::create_dir_all(log.join("00000000000000000000.checkpoint.parquet/x")).unwrap();
    let root = directory_url(place.path());
    let open = || Snapshot::open(&root, local_context(Route::Files), SnapshotOptions::new());
    let error = block_on(write_checkpoint(&block_on(open()).unwrap(), CheckpointOptions::new())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
    let names = || std::fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(names().len(), 2, "{:?}", names());
    std::fs::remove_dir_all(log.join("00000000000000000000.checkpoint.parquet")).unwrap();
    block_on(write_checkpoint(&block_on(open()).unwrap(), CheckpointOptions::new())).unwrap();
    assert_eq!(names().len(), 3, "{:?}", names());
}

fn hint(table: &CommitTable) -> (LastCheckpoint, Value) {
    let bytes = block_on(table.truth().read("_delta_log/_last_checkpoint")).unwrap().unwrap();
    let text = std::str::from_utf8(&bytes).unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    assert_eq!(value["checksum"].as_str(), checksum(text).as_deref());
    (LastCheckpoint::parse(&bytes).expect("its checksum agrees"), value)
}

#[test]
fn the_hint_names_the_newest_checkpoint_and_never_goes_back() {
    let table = v2_table(5);
    let write = |version, form| {
        let options = CheckpointOptions::new().with_form(form);
        block_on(write_checkpoint(&table.open(0, Some(version)), options)).unwrap()
    };
    let classic = write(4, CheckpointForm::Classic);
    let (found, value) = hint(&table);
    assert_eq!((found.version, found.num_of_add_files, found.size), (Version(4), Some(4), Some(6)));
    let size = table.truth().locate(&classic.path).map(|at| block_on(at.store.head(&at.path)).unwrap().size).unwrap();
    assert_eq!(value["sizeInBytes"], json!(size));
    assert!(value.get("parts").is_none() && value.get("v2Checkpoint").is_none());

    let older = write(2, V2);
    assert!(older.hint_error.is_none());
    assert_eq!(hint(&table).0.version, Version(4), "an older checkpoint is not the last");

    let newest = write(5, V2);
    let (found, value) = hint(&table);
    assert_eq!(found.version, Version(5));
    assert_eq!(found.size, Some(5 + 2 + 2), "files, protocol and metadata, checkpointMetadata and one sidecar");
    assert_eq!(value["v2Checkpoint"]["path"], json!(newest.path.strip_prefix("_delta_log/")));
    assert_eq!(value["sizeInBytes"], json!(newest.size_bytes));
}

#[test]
fn sidecars_of_which_nothing_changed_are_kept() {
    let table = v2_table(8);
    let write = || {
        let options = CheckpointOptions::new().with_sidecar_actions_max(4);
        let written = block_on(write_checkpoint(&table.open(0, None), options)).unwrap();
        (written.sidecars_written, written.sidecars_kept)
    };
    assert_eq!(write(), (1, 0), "rows come in larger parcels than sidecars are asked for here");
    table.append(&table.open(0, None), "new").into_result().unwrap();
    assert_eq!(write(), (1, 1));
    let mut delete = table.begin(&table.open(0, None));
    delete.remove(removal("new"));
    block_on(delete.commit()).into_result().unwrap();
    assert_eq!(write(), (1, 1), "the tombstone is in a new one");
    let before = table.files();
    assert_eq!(before.len(), 8);
}

#[test]
fn sidecars_without_the_statistics_that_are_wanted_are_written_anew() {
    let table = v2_table(8);
    let write = |parsed| {
        let options = CheckpointOptions::new().with_statistics(StatisticsForms { json: true, parsed });
        let options = options.with_sidecar_actions_max(4);
        block_on(write_checkpoint(&table.open(0, None), options)).unwrap().sidecars_kept
    };
    assert_eq!(write(false), 0);
    for (parsed, kept) in [(false, true), (true, false), (true, true), (false, true)] {
        table.append(&table.open(0, None), &format!("{parsed} {kept} {}", table.files().len())).into_result().unwrap();
        assert_eq!(write(parsed) > 0, kept, "typed: {parsed}");
    }
    assert_eq!(table.files().len(), 12);
}

#[test]
fn what_must_not_have_a_checkpoint_is_refused() {
    let refused =
        |snapshot: &Snapshot, options: CheckpointOptions| block_on(write_checkpoint(snapshot, options)).unwrap_err();
    let classic_only = CommitTable::created(json!({}));
    let error = refused(&classic_only.open(0, None), CheckpointOptions::new().with_form(V2));
    assert_eq!((error.kind(), error.context("feature")), (ErrorKind::InvalidArgument, Some("v2Checkpoint")));

    // Regression: a checkpoint was written of tables with features that nobody knew.
    let log = TestLog::new();
    let protocol = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["fromTheFuture"]}}"#;
    log.commit_lines(0, &[protocol, deltaic_protocol_tests::test_log::METADATA]);
    let error = refused(&log.open(None).unwrap(), CheckpointOptions::new());
    assert_eq!((error.kind(), error.context("feature")), (ErrorKind::UnsupportedProtocol, Some("fromTheFuture")));
    assert_eq!(log.paths().len(), 1);
}

#[test]
fn a_version_that_came_to_be_protected_is_refused() {
    let log = TestLog::new();
    let protocol =
        r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["checkpointProtection"]}}"#;
    let metadata = |before: u64| {
        let configuration =
            format!(r#""configuration":{{"delta.requireCheckpointProtectionBeforeVersion":"{before}"}}"#);
        deltaic_protocol_tests::test_log::METADATA.replace(r#""configuration":{}"#, &configuration)
    };
    log.commit_lines(0, &[protocol, &metadata(0)]);
    log.commit_lines(1, &[&metadata(1)]);
    let error = block_on(write_checkpoint(&log.open(Some(0)).unwrap(), CheckpointOptions::new())).unwrap_err();
    assert_eq!(
        (error.kind(), error.context("feature")),
        (ErrorKind::UnsupportedProtocol, Some("checkpointProtection"))
    );
}

/// A catalog that has not published version 1.
#[derive(Debug)]
struct Unpublished;

const STAGED: &str = "_delta_log/_staged_commits/00000000000000000001.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json";

impl LogSource for Unpublished {
    fn access(&self) -> Access {
        Access::ThroughCatalog
    }

    fn before_list<'a>(&'a self, _: &'a TableStore) -> BoxFuture<'a, Result<()>> {
        ready(Ok(())).boxed()
    }

    fn tail<'a>(&'a self, _: &'a TableStore, _: Version) -> BoxFuture<'a, Result<Option<CatalogTail>>> {
        let file = TableFile { path: STAGED.to_owned(), size: 1, modified: TimestampMs(0) };
        ready(Ok(Some(CatalogTail { latest: Version(1), commits: vec![(Version(1), file)] }))).boxed()
    }
}

#[test]
fn a_version_that_its_catalog_has_not_published_is_refused() {
    let log = TestLog::new();
    log.commit_lines(0, &[deltaic_protocol_tests::test_log::PROTOCOL, deltaic_protocol_tests::test_log::METADATA]);
    log.put(STAGED, write_actions(&[Action::Add(file("f", "a", 1))]).unwrap());
    let options = SnapshotOptions::new().with_source(Arc::new(Unpublished));
    let snapshot = block_on(Snapshot::open(&log.root(), log.context().clone(), options)).unwrap();
    let error = block_on(write_checkpoint(&snapshot, CheckpointOptions::new())).unwrap_err();
    assert_eq!((error.kind(), error.context("version")), (ErrorKind::InvalidArgument, Some("1")));
}

/// Through the store, a large checkpoint goes up in parts; it holds the same.
#[test]
fn a_large_checkpoint_goes_up_in_parts() {
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("_delta_log");
    std::fs::create_dir(&log).unwrap();
    let mut lines = vec![
        deltaic_protocol_tests::test_log::PROTOCOL.to_owned(),
        deltaic_protocol_tests::test_log::METADATA.to_owned(),
    ];
    let mut state = 1_u64;
    lines.extend((0..30_000).map(|number| {
        // Text that does not compress.
        let noise: String = (0..80).map(|_| { state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); format!("{:x}", state >> 32) }).collect();
        json!({"add": {"path": format!("{number}-{noise}"), "partitionValues": {}, "size": number, "modificationTime": 1, "dataChange": true}}).to_string()
    }));
    std::fs::write(log.join("00000000000000000000.json"), lines.join("\n")).unwrap();
    let open = |route| {
        block_on(DeltaTable::builder(place.path().to_str().unwrap()).with_context(local_context(route)).open()).unwrap()
    };
    let through_store = block_on(open(Route::ObjectStore).create_checkpoint()).unwrap();
    assert!(through_store.size_bytes > 17 << 20, "{}", through_store.size_bytes);
    let path = place.path().join(&through_store.path);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let by_calls = block_on(open(Route::Files).create_checkpoint()).unwrap();
    assert_eq!(by_calls.size_bytes, through_store.size_bytes);
    assert!(std::fs::read(&path).unwrap() == bytes, "the two ways put the same bytes");
    std::fs::remove_file(log.join("00000000000000000000.json")).unwrap();
    assert_eq!(block_on(open(Route::Files).files()).unwrap().len(), 30_000);
}
