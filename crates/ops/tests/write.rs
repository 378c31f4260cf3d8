//! Writing rows, as its users see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray};
use deltaic_log::schema::{DataType, PrimitiveType as P, StructField, StructType};
use deltaic_log::{Error, ErrorKind, Version};
use deltaic_ops::write::{SchemaMode, WriteMode};
use deltaic_ops::{CreateBuilder, FileOptions, Input, WriteBuilder};
use futures::executor::block_on;
use futures::stream;
use rstest::rstest;
use serde_json::{Value, json};
use support::{Place, batch, ids, numbers, texts};

fn append(write: WriteBuilder) -> WriteBuilder {
    write.mode(WriteMode::Append)
}

fn overwrite(write: WriteBuilder) -> WriteBuilder {
    write.mode(WriteMode::Overwrite)
}

/// The refusal of some rows: its kind, and what the context says under a key. The table is as it was, and no file is left.
#[track_caller]
fn check_refused(place: &Place, rows: RecordBatch, with: impl FnOnce(WriteBuilder) -> WriteBuilder) -> Error {
    let (version, files) = (place.version(), place.data_files());
    let error = place.write(rows, with).unwrap_err();
    assert_eq!((place.version(), place.data_files()), (version, files), "{error}");
    error
}

#[test]
fn rows_are_appended_and_read_back() {
    let directory = tempfile::tempdir().unwrap();
    for place in [Place::in_memory(), Place::local(directory.path())] {
        let first = place.write(batch(&[("id", numbers(0..3))]), |write| write).unwrap();
        assert_eq!((first.version, first.metric("numFiles"), first.metric("numOutputRows")), (Some(Version(0)), 1, 3));
        let second = place.write(batch(&[("ID", numbers(3..5))]), append).unwrap();
        assert_eq!(second.version, Some(Version(1)));
        assert_eq!(ids(&place), [0, 1, 2, 3, 4]);
        assert_eq!(place.data_files().len(), 2);
    }
}

#[test]
fn the_history_tells_what_other_engines_tell() {
    let place = Place::in_memory();
    place.write(batch(&[("p", texts(&["a", "b"])), ("id", numbers(0..2))]), |w| w.partition_by(["p"])).unwrap();
    place.write(batch(&[("p", texts(&["a"])), ("id", numbers(2..3))]), |w| append(w).user_metadata("mine")).unwrap();
    place.write(batch(&[("p", texts(&["a"])), ("id", numbers(3..4))]), overwrite).unwrap();
    let info = |version| place.commit(version)[0]["commitInfo"].clone();
    assert_eq!(info(0)["operationParameters"], json!({"mode": "ErrorIfExists", "partitionBy": "[\"p\"]"}));
    assert_eq!((&info(1)["operation"], &info(1)["isBlindAppend"]), (&json!("WRITE"), &json!(true)));
    assert_eq!(info(1)["userMetadata"], "mine");
    assert_eq!(info(1)["operationParameters"], json!({"mode": "Append", "partitionBy": "[]"}));
    assert_eq!(info(2)["isBlindAppend"], false);
    let metrics = info(2)["operationMetrics"].clone();
    assert_eq!((&metrics["numFiles"], &metrics["numOutputRows"]), (&json!("1"), &json!("1")));
    assert_eq!(metrics["numRemovedFiles"], "3");
}

/// An empty text was read as '' by one path, and as null by another: the log has one spelling for both.
#[test]
fn an_empty_partition_value_is_null() {
    let place = Place::in_memory();
    let rows = batch(&[("p", texts(&["a", "b", "-", "a", ""])), ("id", numbers(0..5))]);
    let report = place.write(rows, |write| write.partition_by(["p"])).unwrap();
    assert_eq!(report.metric("numFiles"), 3);
    let values: Vec<Value> = place.adds(0).iter().map(|add| add["partitionValues"]["p"].clone()).collect();
    assert_eq!(values, [json!("a"), json!("b"), Value::Null]);
    let nulls: usize = place.rows().iter().map(|rows| rows.column_by_name("p").unwrap().null_count()).sum();
    assert_eq!(nulls, 2);
}

#[test]
fn partition_directories_are_escaped_twice() {
    let place = Place::in_memory();
    let rows = batch(&[("p q", texts(&["a/b %é"])), ("id", numbers(0..1))]);
    place.write(rows, |write| write.partition_by(["p q"]).property("delta.columnMapping.mode", "none")).unwrap_err();
    let rows = batch(&[("p", texts(&["a/b %é"])), ("id", numbers(0..1))]);
    place.write(rows, |write| write.partition_by(["p"])).unwrap();
    let path = place.adds(0)[0]["path"].as_str().unwrap().to_owned();
    assert!(path.starts_with("p=a%252Fb%20%2525%C3%A9/part-00000-"), "{path}");
    assert_eq!(ids(&place), [0]);
}

#[rstest]
#[case(Arc::new(Float64Array::from(vec![7.0, 1.5])), ErrorKind::InvalidRow, Some("1"))]
#[case(Arc::new(Float64Array::from(vec![f64::NAN])), ErrorKind::InvalidRow, Some("0"))]
#[case(Arc::new(BooleanArray::from(vec![true])), ErrorKind::InvalidArgument, None)]
#[case(Arc::new(StringArray::from(vec!["7"])), ErrorKind::InvalidArgument, None)]
/// A neighbour stored 1.5 as 1, `true` as 1 and "7" as 7.
fn a_value_that_would_change_is_refused(#[case] values: ArrayRef, #[case] kind: ErrorKind, #[case] row: Option<&str>) {
    let place = Place::in_memory();
    place.write(batch(&[("id", numbers(0..3))]), |write| write).unwrap();
    let error = check_refused(&place, batch(&[("id", values)]), append);
    assert_eq!((error.kind(), error.context("column"), error.context("row")), (kind, Some("id"), row));
}

#[test]
fn a_value_that_fits_is_stored() {
    let place = Place::in_memory();
    place.write(batch(&[("id", numbers(0..1))]), |write| write).unwrap();
    place.write(batch(&[("id", Arc::new(Float64Array::from(vec![7.0])) as _)]), append).unwrap();
    place.write(batch(&[("id", Arc::new(Int32Array::from(vec![8])) as _)]), append).unwrap();
    assert_eq!(ids(&place), [0, 7, 8]);
}

#[test]
fn modes_decide_about_a_table_that_is_there() {
    let place = Place::in_memory();
    let rows = || batch(&[("id", numbers(0..2))]);
    place.write(rows(), |write| write).unwrap();
    assert_eq!(check_refused(&place, rows(), |write| write).kind(), ErrorKind::InvalidArgument);
    let ignored = place.write(rows(), |write| write.mode(WriteMode::Ignore)).unwrap();
    assert_eq!((ignored.version, ignored.unchanged.is_some()), (None, true));
    place.write(batch(&[("id", numbers(7..8))]), overwrite).unwrap();
    assert_eq!(ids(&place), [7]);
}

#[test]
fn unknown_columns_are_refused_or_merged() {
    let place = Place::in_memory();
    place.write(batch(&[("id", numbers(0..1))]), |write| write).unwrap();
    let rows = || batch(&[("id", numbers(1..2)), ("amount", numbers(5..6))]);
    let error = check_refused(&place, rows(), append);
    assert_eq!((error.kind(), error.context("column")), (ErrorKind::UnknownColumn, Some("amount")));
    place.write(rows(), |write| append(write).schema_mode(SchemaMode::Merge)).unwrap();
    place.write(batch(&[("ID", numbers(2..3))]), append).unwrap();
    assert_eq!(ids(&place), [0, 1, 2]);
    let nulls: usize = place.rows().iter().map(|rows| rows.column_by_name("amount").unwrap().null_count()).sum();
    assert_eq!(nulls, 2);
    // Nothing new: the metadata stays.
    place.write(rows(), |write| append(write).schema_mode(SchemaMode::Merge)).unwrap();
    assert!(place.commit(3).iter().all(|line| line.get("metaData").is_none()));
}

#[test]
fn a_schema_is_overwritten_with_its_partitioning() {
    let place = Place::in_memory();
    let rows = batch(&[("p", texts(&["a"])), ("id", numbers(0..1))]);
    place.write(rows, |write| write.partition_by(["p"]).property("mine", "kept")).unwrap();
    let rows = batch(&[("id", texts(&["x"])), ("q", numbers(1..2))]);
    let write = |write| overwrite(write).schema_mode(SchemaMode::Overwrite);
    assert_eq!(check_refused(&place, rows.clone(), write).kind(), ErrorKind::UnknownColumn);
    place.write(rows, |w| write(w).partition_by(["q"])).unwrap();
    let snapshot = place.snapshot();
    assert_eq!(snapshot.configuration().partition_columns(), ["q"]);
    assert_eq!(snapshot.schema().fields[0].data_type, P::String.into());
    assert_eq!(snapshot.configuration().properties().text("mine"), Some("kept"));
    assert_eq!(place.row_count(), 1);
}

/// A repeated (app id, version) was recorded, but not enforced: rows were doubled.
#[test]
fn an_applications_version_is_written_once() {
    let place = Place::in_memory();
    let write = |version| place.write(batch(&[("id", numbers(0..1))]), |w| append(w).transaction("app", version));
    assert_eq!(write(4).unwrap().version, Some(Version(0)));
    for repeated in [4, 3] {
        let report = write(repeated).unwrap();
        assert_eq!((report.version, report.unchanged.is_some()), (None, true));
    }
    assert_eq!(write(5).unwrap().version, Some(Version(1)));
    assert_eq!((ids(&place), place.data_files().len()), (vec![0, 0], 2));
}

/// Custom properties were refused at creation, and every new table got a feature uninvited.
#[test]
fn custom_properties_are_kept_and_no_feature_comes_uninvited() {
    let place = Place::in_memory();
    place.write(batch(&[("id", numbers(0..1))]), |write| write.property("my.key", "v")).unwrap();
    let snapshot = place.snapshot();
    assert_eq!(snapshot.configuration().properties().text("my.key"), Some("v"));
    assert_eq!((snapshot.protocol().min_reader_version, snapshot.protocol().min_writer_version), (1, 2));
    assert_eq!(snapshot.protocol().writer_features, None);
}

#[rstest]
#[case("p = 'a'", &["a"], Ok(vec![1, 2, 10]))]
#[case("p = 'a'", &["b"], Err(ErrorKind::InvalidRow))]
#[case("id < 2", &["a"], Err(ErrorKind::InvalidRow))]
#[case("id < 2 or id >= 10", &["a"], Ok(vec![2, 10]))]
#[case("nothing = 1", &["a"], Err(ErrorKind::UnknownColumn))]
#[case("p =", &["a"], Err(ErrorKind::InvalidExpression))]
fn rows_are_replaced_by_a_predicate(
    #[case] predicate: &str,
    #[case] partitions: &[&str],
    #[case] expected: Result<Vec<i64>, ErrorKind>,
    #[values("true", "false")] deletion_vectors: &str,
) {
    let place = Place::in_memory();
    let before = batch(&[("p", texts(&["a", "b", "b"])), ("id", numbers(0..3))]);
    let vectors = |write: WriteBuilder| write.property("delta.enableDeletionVectors", deletion_vectors);
    place.write(before, |write| vectors(write.partition_by(["p"]))).unwrap();
    let files = place.data_files();
    let rows = batch(&[("p", texts(partitions)), ("id", numbers(10..11))]);
    let input = Input::from_batches(rows.schema(), [rows]);
    let write = overwrite(WriteBuilder::new(place.target(), input)).replace_where_sql(predicate);
    match (write.and_then(|write| block_on(write.execute())), expected) {
        (Ok(_), Ok(expected)) => assert_eq!(ids(&place), expected),
        (Err(error), Err(kind)) => {
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!((ids(&place), place.data_files()), (vec![0, 1, 2], files));
        }
        (found, expected) => panic!("{found:?} is not {expected:?}"),
    }
}

#[test]
fn only_partitions_that_are_written_are_replaced() {
    let place = Place::in_memory();
    let before = batch(&[("p", texts(&["a", "b", "-"])), ("id", numbers(0..3))]);
    place.write(before, |write| write.partition_by(["p"])).unwrap();
    let rows = batch(&[("p", texts(&["a", "-"])), ("id", numbers(10..12))]);
    let report = place.write(rows, |write| overwrite(write).overwrite_partitions()).unwrap();
    assert_eq!(report.metric("numRemovedFiles"), 2);
    assert_eq!(ids(&place), [1, 10, 11]);
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let place = Place::in_memory();
    place.write(batch(&[("id", numbers(0..1))]), |write| write).unwrap();
    let rows = || batch(&[("id", numbers(0..1))]);
    let builds: [fn(WriteBuilder) -> WriteBuilder; 4] = [
        |write| append(write).overwrite_partitions(),
        |write| append(write).schema_mode(SchemaMode::Overwrite),
        |write| overwrite(write).overwrite_partitions().schema_mode(SchemaMode::Overwrite),
        |write| append(write).partition_by(["id"]),
    ];
    for build in builds {
        assert_eq!(check_refused(&place, rows(), build).kind(), ErrorKind::InvalidArgument);
    }
}

/// An overwrite from a stale handle, after a concurrent append, committed, and the appended rows survived.
#[test]
fn an_overwrite_depends_on_the_whole_table() {
    let place = Place::in_memory();
    place.write(batch(&[("id", numbers(0..1))]), |write| write).unwrap();
    let stale = place.target();
    place.write(batch(&[("id", numbers(1..2))]), append).unwrap();
    let rows = batch(&[("id", numbers(7..8))]);
    let input = Input::from_batches(rows.schema(), [rows]);
    let files = place.data_files();
    let error = block_on(overwrite(WriteBuilder::new(stale, input)).execute()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConcurrentAppend);
    assert_eq!((ids(&place), place.data_files()), (vec![0, 1], files), "what was written in vain is gone");
}

#[test]
fn an_append_goes_on_behind_others() {
    let place = Place::in_memory();
    place.write(batch(&[("id", numbers(0..1))]), |write| write).unwrap();
    let stale = place.target();
    place.write(batch(&[("id", numbers(1..2))]), append).unwrap();
    let rows = batch(&[("id", numbers(2..3))]);
    let input = Input::from_batches(rows.schema(), [rows]);
    block_on(append(WriteBuilder::new(stale, input)).execute()).unwrap();
    assert_eq!(ids(&place), [0, 1, 2]);
}

#[test]
fn an_input_that_fails_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    for place in [Place::in_memory(), Place::local(directory.path())] {
        place.write(batch(&[("id", numbers(0..1))]), |write| write).unwrap();
        let files = place.data_files();
        let rows = batch(&[("id", numbers(0..100_000))]);
        let items =
            vec![Ok(rows.clone()), Ok(rows.clone()), Err(Error::new(ErrorKind::Cancelled, "the source is gone"))];
        let input = Input::new(rows.schema(), stream::iter(items));
        let options = FileOptions::new().with_target_file_size_bytes(1_000).with_row_group_rows_max(10_000);
        let write = append(WriteBuilder::new(place.target(), input)).files(options);
        assert_eq!(block_on(write.execute()).unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!((place.version(), place.data_files()), (Version(0), files));
    }
}

#[test]
fn batches_of_another_schema_than_promised_are_refused() {
    let place = Place::in_memory();
    let rows = batch(&[("id", numbers(0..1))]);
    let other = batch(&[("id", texts(&["x"]))]);
    let input = Input::from_batches(rows.schema(), [rows, other]);
    assert_eq!(
        block_on(WriteBuilder::new(place.target(), input).execute()).unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    assert!(place.data_files().is_empty());
}

#[test]
fn files_end_where_they_are_full() {
    let place = Place::in_memory();
    let options = FileOptions::new().with_target_file_size_bytes(50_000).with_row_group_rows_max(8_192);
    let report = place.write(batch(&[("id", numbers(0..200_000))]), |write| write.files(options)).unwrap();
    assert!(report.metric("numFiles") > 3, "{report:?}");
    assert_eq!(ids(&place).len(), 200_000);
}

/// With memory for a few of them, all partitions still come whole.
#[test]
fn any_number_of_partitions_fits_into_little_memory() {
    let directory = tempfile::tempdir().unwrap();
    for place in [Place::in_memory().with_memory(1 << 20), Place::local(directory.path()).with_memory(1 << 20)] {
        let values: Vec<i64> = (0..60_000).map(|row| row * 7_919 % 500).collect();
        let rows = batch(&[("p", numbers(values.clone())), ("id", numbers(0..60_000))]);
        let report = place.write(rows, |write| write.partition_by(["p"])).unwrap();
        assert_eq!(report.metric("numOutputRows"), 60_000);
        assert_eq!(ids(&place), (0..60_000).collect::<Vec<_>>());
        let mut by_partition: BTreeMap<String, i64> = BTreeMap::new();
        for add in place.adds(0) {
            let stats: Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
            *by_partition.entry(add["partitionValues"]["p"].as_str().unwrap().to_owned()).or_default() +=
                stats["numRecords"].as_i64().unwrap();
        }
        assert!(by_partition.len() == 500 && by_partition.values().all(|rows| *rows == 120));
    }
}

fn created(fields: Vec<StructField>, with: impl FnOnce(CreateBuilder) -> CreateBuilder) -> Place {
    let place = Place::in_memory();
    block_on(with(CreateBuilder::new(place.target(), StructType::new(fields))).execute()).unwrap();
    place
}

#[test]
fn constraints_are_kept() {
    let inner = StructType::new([StructField::new("x", P::Long, false)]);
    let fields = vec![
        StructField::new("id", P::Long, false),
        StructField::nullable("s", inner.clone()),
        StructField::nullable("l", DataType::array(inner, false)),
    ];
    let place = created(fields, |create| create.constraint("Positive", "id > 0"));
    let structs = |x: Option<i64>| -> ArrayRef {
        let x: ArrayRef = Arc::new(arrow_array::Int64Array::from(vec![x]));
        Arc::new(arrow_array::StructArray::from(batch(&[("x", x)])))
    };
    place.write(batch(&[("id", numbers(1..2)), ("s", structs(Some(1)))]), append).unwrap();
    let refusals = [
        (batch(&[("s", structs(Some(1)))]), "NOT NULL", Some("id")),
        (batch(&[("id", numbers(1..2)), ("s", structs(None))]), "NOT NULL", Some("s.x")),
        (batch(&[("id", numbers(0..1))]), "the constraint positive", None),
    ];
    for (rows, constraint, column) in refusals {
        let error = check_refused(&place, rows, append);
        assert_eq!(error.kind(), ErrorKind::InvalidRow);
        assert_eq!((error.context("constraint"), error.context("column")), (Some(constraint), column));
        assert_eq!(error.context("row"), Some("0"));
    }
    let error = check_refused(&place, batch(&[("id", numbers(-1..1))]), append);
    assert_eq!(error.context("values"), Some("id = -1"));
    assert_eq!(ids(&place), [1]);
}

#[test]
fn columns_are_computed() {
    let fields = vec![
        StructField::nullable("id", P::Long),
        StructField::nullable("double", P::Integer).with_metadata("delta.generationExpression", "id * 2"),
        StructField::nullable("text", P::String).with_metadata("CURRENT_DEFAULT", "concat('it', '''s')"),
        StructField::nullable("list", DataType::array(P::Integer, true))
            .with_metadata("CURRENT_DEFAULT", "array(1, 2)"),
        StructField::nullable("key", P::Long)
            .with_metadata("delta.identity.start", 10)
            .with_metadata("delta.identity.step", 5)
            .with_metadata("delta.identity.allowExplicitInsert", false),
    ];
    let place = created(fields, |create| create.property("delta.feature.allowColumnDefaults", "supported"));
    place.write(batch(&[("id", numbers(1..3))]), append).unwrap();
    place.write(batch(&[("id", numbers(3..4)), ("double", numbers(6..7)), ("text", texts(&["-"]))]), append).unwrap();
    let rows = place.lines();
    let expected = [
        json!({"id": 1, "double": 2, "text": "it's", "list": [1, 2], "key": 10}),
        json!({"id": 2, "double": 4, "text": "it's", "list": [1, 2], "key": 15}),
        json!({"id": 3, "double": 6, "list": [1, 2], "key": 20}),
    ];
    assert_eq!(rows, expected);
    let wrong = batch(&[("id", numbers(1..2)), ("double", numbers(3..4))]);
    assert_eq!(check_refused(&place, wrong, append).context("constraint"), Some("the generated column double"));
    let explicit = batch(&[("id", numbers(1..2)), ("key", numbers(3..4))]);
    assert_eq!(check_refused(&place, explicit, append).kind(), ErrorKind::InvalidArgument);
}

/// Two writers that number rows from the same mark never both commit.
#[test]
fn identities_are_given_once() {
    let key = StructField::nullable("key", P::Long).with_metadata("delta.identity.step", 1);
    let place = created(vec![StructField::nullable("id", P::Long), key], |create| create);
    let stale = place.target();
    place.write(batch(&[("id", numbers(0..2))]), append).unwrap();
    let rows = batch(&[("id", numbers(2..3))]);
    let input = Input::from_batches(rows.schema(), [rows]);
    let error = block_on(append(WriteBuilder::new(stale, input)).execute()).unwrap_err();
    assert!(error.kind().is_concurrent_modification(), "{error}");
    place.write(batch(&[("id", numbers(2..3))]), append).unwrap();
    let keys: Vec<i64> = place.lines().iter().map(|row| row["key"].as_i64().unwrap()).collect();
    assert_eq!(keys, [1, 2, 3]);
}

#[test]
fn columns_have_names_of_their_own_in_files() {
    let fields = vec![
        StructField::nullable("the id", P::Long),
        StructField::nullable("p,q", P::String),
        StructField::nullable("s", StructType::new([StructField::nullable("x y", P::Long)])),
    ];
    for mode in ["name", "id"] {
        let place =
            created(fields.clone(), |create| create.property("delta.columnMapping.mode", mode).partition_by(["p,q"]));
        let rows = batch(&[("the id", numbers(1..2)), ("p,q", texts(&["v"]))]);
        place.write(rows, append).unwrap();
        let add = &place.adds(1)[0];
        let stats: Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
        let names: Vec<&String> = stats["minValues"].as_object().unwrap().keys().collect();
        assert!(names.iter().all(|name| name.starts_with("col-")), "{names:?}");
        assert!(add["partitionValues"].as_object().unwrap().keys().all(|name| name.starts_with("col-")));
        let path = add["path"].as_str().unwrap();
        assert!(!path.contains('=') && path.find('/') == Some(2), "{path}");
        assert_eq!(place.lines(), [json!({"the id": 1, "p,q": "v"})]);
        let wider = batch(&[("the id", numbers(2..3)), ("new one", numbers(7..8))]);
        place.write(wider, |write| append(write).schema_mode(SchemaMode::Merge)).unwrap();
        assert_eq!(place.lines()[1], json!({"the id": 2, "new one": 7}));
    }
}

#[test]
fn a_feature_that_cannot_be_written_is_refused_before_a_file_is() {
    let place = Place::in_memory();
    let rows = batch(&[("id", numbers(0..1))]);
    let error = place.write(rows, |write| write.property("delta.enableIcebergCompatV2", "true")).unwrap_err();
    assert_eq!((error.kind(), place.data_files().len()), (ErrorKind::UnsupportedProtocol, 0));
}

#[test]
fn a_plan_reads_nothing() {
    let place = Place::in_memory();
    place.write(batch(&[("id", numbers(0..1))]), |write| write).unwrap();
    let rows = batch(&[("id", numbers(1..2)), ("new", numbers(1..2))]);
    let input = Input::from_batches(rows.schema(), [rows]);
    let write = overwrite(WriteBuilder::new(place.target(), input)).schema_mode(SchemaMode::Merge);
    let plan = block_on(write.plan()).unwrap();
    assert_eq!((plan.read_version, plan.removed_files), (Some(Version(0)), 1));
    assert_eq!(plan.added_columns, ["new"]);
    assert_eq!(place.version(), Version(0));
}

#[test]
fn types_grow_with_the_input_where_the_table_allows() {
    let place = created(vec![StructField::nullable("id", P::Short)], |create| {
        create.property("delta.enableTypeWidening", "true")
    });
    let shorts: ArrayRef = Arc::new(arrow_array::Int16Array::from(vec![1]));
    place.write(batch(&[("id", shorts)]), append).unwrap();
    let wide = || batch(&[("id", numbers([70_000]))]);
    assert_eq!(check_refused(&place, wide(), append).kind(), ErrorKind::InvalidRow);
    place.write(wide(), |write| append(write).schema_mode(SchemaMode::Merge)).unwrap();
    assert_eq!(ids(&place), [1, 70_000]);
    assert_eq!(place.snapshot().schema().fields[0].type_changes().unwrap().len(), 1);
}

#[test]
fn clustering_columns_are_always_measured() {
    let place = created(vec![StructField::nullable("id", P::Long), StructField::nullable("k", P::Long)], |create| {
        create.cluster_by(["K"]).property("delta.dataSkippingNumIndexedCols", "1")
    });
    place.write(batch(&[("id", numbers(1..2)), ("k", numbers(5..6))]), append).unwrap();
    let stats: Value = serde_json::from_str(place.adds(1)[0]["stats"].as_str().unwrap()).unwrap();
    assert_eq!(stats["minValues"], json!({"id": 1, "k": 5}));
    let domains = block_on(place.snapshot().domains()).unwrap();
    assert_eq!(domains["delta.clustering"].configuration, r#"{"clusteringColumns":[["k"]]}"#);
    let builder = CreateBuilder::new(Place::in_memory().target(), place.snapshot().schema().clone());
    let both = builder.clone().cluster_by(["k"]).partition_by(["id"]);
    assert_eq!(block_on(both.execute()).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(block_on(builder.cluster_by(["no"]).execute()).unwrap_err().kind(), ErrorKind::UnknownColumn);
}

#[test]
fn partition_columns_stand_in_files_where_the_table_says_so() {
    let place = created(vec![StructField::nullable("id", P::Long), StructField::nullable("p", P::Long)], |create| {
        create.partition_by(["p"]).property("delta.enableMaterializePartitionColumnsFeature", "true")
    });
    place.write(batch(&[("id", numbers(1..2)), ("p", numbers(5..6))]), append).unwrap();
    let path = place.data_files().pop().unwrap();
    let file = block_on(place.store.read(path.strip_prefix("table/").unwrap())).unwrap().unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let names: Vec<&str> = reader.schema().fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["id", "p"]);
    let stats: Value = serde_json::from_str(place.adds(1)[0]["stats"].as_str().unwrap()).unwrap();
    assert_eq!(stats["minValues"], json!({"id": 1}));
    assert_eq!(place.lines(), [json!({"id": 1, "p": 5})]);
}
