//! The rows of every fixture, written anew: the same rows come back, and each file has the partition values and the statistics
//! that its first writer gave it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::RecordBatch;
use deltaic::commit::{Operation, Transaction, committer::for_table};
use deltaic::ops::write::WriteMode;
use deltaic::ops::{Input, Target, WriteBuilder};
use deltaic::scan::{FileRead, ScanBuilder};
use deltaic_log::action::{Action, Add, Metadata};
use deltaic_log::commit_file::read_actions;
use deltaic_log::partition_value::Scalar;
use deltaic_log::schema::StructType;
use deltaic_log::{Context, Error, ErrorKind, SingleStore, Snapshot, SnapshotOptions, TableStore, Version};
use deltaic_protocol_tests::canonical_rows::canonical_rows;
use deltaic_protocol_tests::fixture::Fixture;
use deltaic_protocol_tests::local::{Route, directory_url, local_context};
use futures::TryStreamExt;
use futures::executor::block_on;
use object_store::memory::InMemory;
use serde_json::Value;

/// Statistics that their writer computed otherwise, or over another schema.
const OTHER_STATISTICS: &[(&str, &str)] = &[
    ("deltalake_package/", "another writer, with other statistics"),
    ("data_files/rebased_legacy_calendar", "dates are read as they stand, in the calendar before 1582"),
    ("per_file_statistics/none", "edited by hand"),
    ("per_file_statistics/partial_or_odd", "edited by hand"),
    ("type_widening/", "in the types that columns had before"),
    ("partition_value_serialization/", "edited by hand"),
    ("protocol_evolution/feature_dropped", "of a time when the table had deletion vectors"),
];

#[test]
fn every_file_is_written_as_its_first_writer_did() {
    let (mut compared, mut written, mut refused, mut problems) = (0, 0, BTreeMap::new(), Vec::new());
    for fixture in Fixture::all() {
        match check(&fixture, &mut problems) {
            Ok(files) => {
                written += 1;
                compared += files;
            }
            Err(error) if error.kind() == ErrorKind::UnsupportedProtocol => {
                let feature = error.context("feature").unwrap_or("-").to_owned();
                refused.entry(feature).or_insert_with(Vec::new).push(fixture.name.clone());
            }
            Err(error) => problems.push(format!("{}: {error:?}", fixture.name)),
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    println!("{written} fixtures written, {compared} files compared, refused: {refused:#?}");
    assert!(written >= 100 && compared >= 200, "{written} fixtures, {compared} files");
}

/// Writes each file of the fixture anew, and compares. How many files were compared by their statistics.
fn check(fixture: &Fixture, problems: &mut Vec<String>) -> Result<usize, Error> {
    let options = SnapshotOptions::new();
    let root = directory_url(&fixture.table());
    let Ok(snapshot) = block_on(Snapshot::open(&root, local_context(Route::Files), options)) else { return Ok(0) };
    if fixture.expected.content.error.is_some() || snapshot.schema().fields.is_empty() {
        return Ok(0);
    }
    let adds = live_adds(&snapshot);
    let scan = ScanBuilder::new(snapshot.clone()).build()?;
    let (store, mut compared) = (made_anew(&snapshot)?, 0);
    for read in block_on(scan.plan())? {
        let rows: Vec<RecordBatch> = block_on(scan.reader().read_file(read.clone()).try_collect())?;
        let version = append(&store, &rows)?;
        let added = adds_of(&store, version);
        let (before, rows_before) =
            (adds.iter().find(|add| is_of(&snapshot, add, &read)).unwrap(), canonical_rows(&rows));
        if rows_before.is_empty() {
            continue;
        }
        let [after] = &added[..] else { panic!("{}: {} files for one", fixture.name, added.len()) };
        assert_eq!(canonical_rows(&rows_of(&store, version, after)), rows_before, "{}", fixture.name);
        compare_partitions(&fixture.name, &snapshot, before, after);
        let is_otherwise = OTHER_STATISTICS.iter().any(|(name, _)| fixture.name.starts_with(name));
        if let (false, None, Some(stats)) = (is_otherwise, &before.deletion_vector, &before.stats) {
            let name = format!("{} {}", fixture.name, before.path);
            compare_statistics(&name, &snapshot, stats, after.stats.as_deref().unwrap(), problems);
            compared += 1;
        }
    }
    Ok(compared)
}

fn live_adds(snapshot: &Snapshot) -> Vec<Add> {
    let mut adds: BTreeMap<String, Add> = BTreeMap::new();
    for version in 0..=snapshot.version().0 {
        let path = format!("_delta_log/{version:020}.json");
        let Some(body) = block_on(snapshot.store().read(&path)).unwrap() else { continue };
        for action in read_actions(&body).unwrap() {
            if let Action::Add(add) = action {
                adds.insert(add.path.clone(), add);
            }
        }
    }
    let known = |file: deltaic_log::FileView<'_>| {
        // Of a file whose commit is cleaned up, the checkpoint's statistics are not looked at.
        adds.get(file.path()).cloned().unwrap_or_else(|| Add {
            path: file.path().to_owned(),
            partition_values: file.partition_values(),
            ..Add::default()
        })
    };
    block_on(snapshot.files()).unwrap().iter().map(known).collect()
}

fn is_of(snapshot: &Snapshot, add: &Add, read: &FileRead) -> bool {
    deltaic::scan::location::file_url(snapshot.store().root(), &add.path).unwrap() == read.location
}

/// A table in memory of the same columns, properties and features. Its identity columns take what they are given.
fn made_anew(snapshot: &Snapshot) -> Result<TableStore, Error> {
    let context = Context::new(Arc::new(SingleStore::new(Arc::new(InMemory::new()))));
    let store = TableStore::new(&"memory:///table".parse().unwrap(), context)?;
    let mut schema: StructType = snapshot.schema().clone();
    for field in &mut schema.fields {
        field.metadata.retain(|key, _| !key.starts_with("delta.identity."));
    }
    let mut metadata: Metadata = snapshot.metadata().clone();
    metadata.schema_string = Some(schema.to_json());
    snapshot.protocol().check_writable(snapshot.configuration(), snapshot.access())?;
    let create = Transaction::create(&store, for_table(&store), metadata, Operation::new("CREATE TABLE"));
    let mut create = block_on(create)?;
    create.add_features(snapshot.protocol().supported_features())?;
    block_on(create.commit()).into_result()?;
    Ok(store)
}

fn append(store: &TableStore, rows: &[RecordBatch]) -> Result<Version, Error> {
    let target = block_on(Target::open(store.clone(), for_table(store)))?;
    let schema =
        rows.first().map_or_else(|| Arc::new(target.snapshot().unwrap().schema().to_arrow()), |rows| rows.schema());
    let input = Input::from_batches(schema, rows.to_vec());
    let report = block_on(WriteBuilder::new(target, input).mode(WriteMode::Append).execute())?;
    Ok(report.version.unwrap())
}

fn adds_of(store: &TableStore, version: Version) -> Vec<Add> {
    let body = block_on(store.read(&format!("_delta_log/{:020}.json", version.0))).unwrap().unwrap();
    let add = |action| if let Action::Add(add) = action { Some(add) } else { None };
    read_actions(&body).unwrap().into_iter().filter_map(add).collect()
}

fn rows_of(store: &TableStore, version: Version, add: &Add) -> Vec<RecordBatch> {
    let snapshot = block_on(Snapshot::open_in(store, SnapshotOptions::new().with_version(version))).unwrap();
    let scan = ScanBuilder::new(snapshot.clone()).build().unwrap();
    let read = block_on(scan.plan()).unwrap().into_iter().find(|read| is_of(&snapshot, add, read)).unwrap();
    block_on(scan.reader().read_file(read).try_collect()).unwrap()
}

fn compare_partitions(name: &str, snapshot: &Snapshot, before: &Add, after: &Add) {
    let table = snapshot.configuration();
    for field in table.partition_fields() {
        let key = field.physical_name(table.column_mapping_mode());
        let value = |add: &Add| {
            let text = add.partition_values.get(key).cloned().flatten().unwrap_or_default();
            Scalar::parse(&text, &field.data_type).unwrap()
        };
        // NaN is not itself.
        assert_eq!(format!("{:?}", value(before)), format!("{:?}", value(after)), "{name}: {key}");
    }
}

/// All that the first writer measured. Columns that were added since are measured, too, and those that were dropped are not.
fn compare_statistics(name: &str, snapshot: &Snapshot, before: &str, after: &str, problems: &mut Vec<String>) {
    let [before_json, after_json]: [Value; 2] = [before, after].map(|text| serde_json::from_str(text).unwrap());
    let fields = snapshot.configuration().physical_schema().fields_at_every_depth();
    let mut comparison =
        Comparison { columns: fields.into_iter().map(|(_, f)| f.name.clone()).collect(), found: Vec::new() };
    comparison.compare("", &before_json, &after_json);
    if !comparison.found.is_empty() {
        problems.push(format!("{name}: {:?}\n  {before}\n  {after}", comparison.found));
    }
}

struct Comparison {
    columns: BTreeSet<String>,
    found: Vec<String>,
}

impl Comparison {
    fn compare(&mut self, at: &str, before: &Value, after: &Value) {
        match (before, after) {
            (Value::Object(before), Value::Object(after)) => {
                for (key, value) in before {
                    match after.get(key) {
                        Some(other) => self.compare(&format!("{at}.{key}"), value, other),
                        None if !at.is_empty() && !self.columns.contains(key) => {}
                        None => self.found.push(format!("{at}.{key} is missing")),
                    }
                }
            }
            (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
            // The least float: Java spells more digits than tell it from its neighbours.
            (Value::Number(a), Value::Number(b))
                if a.to_string() == "1.4e-45" && b.as_f64().is_some_and(|b| b < 1.1e-45) => {}
            (before, after) if before == after => {}
            (before, after) => self.found.push(format!("{at} was {before} and is {after}")),
        }
    }
}
