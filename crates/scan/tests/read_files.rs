//! Data files as writers of all kinds leave them, read as the table's schema says.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

mod support;

use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::*;
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use deltaic_log::deletion_vector::{DeletionVector, DeletionVectorDescriptor};
use deltaic_log::feature::{ColumnSource, RowTrackingSource};
use deltaic_log::{Context, ErrorKind, SingleStore};
use deltaic_scan::expr::parse;
use deltaic_scan::plan::{FileRead, MetadataColumn, ReadSpec, RowSet};
use deltaic_scan::read::{ReadOptions, Reader};
use futures::TryStreamExt;
use futures::executor::block_on;
use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, path::Path};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use support::{columns, field, rows};

/// One file in a store of its own, and how to read it.
struct File {
    store: Arc<InMemory>,
    size: u64,
    read: FileRead,
}

impl File {
    fn new(batch: &RecordBatch, columns: Vec<ColumnSource>) -> Self {
        Self::with_row_groups(batch, columns, 1 << 20)
    }

    fn with_row_groups(batch: &RecordBatch, columns: Vec<ColumnSource>, rows: usize) -> Self {
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(rows))
            .set_data_page_row_count_limit(10)
            .set_write_batch_size(5)
            .build();
        let options = ArrowWriterOptions::new().with_properties(properties);
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), options).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
        Self::of_bytes(bytes, columns)
    }

    fn of_bytes(bytes: Vec<u8>, columns: Vec<ColumnSource>) -> Self {
        let store = Arc::new(InMemory::new());
        let size = bytes.len() as u64;
        block_on(store.put(&Path::from("t/f.parquet"), bytes.into())).unwrap();
        let read = FileRead {
            location: "memory:///t/f.parquet".parse().unwrap(),
            size,
            partition_values: Default::default(),
            rows: RowSet::default(),
            base_row_id: None,
            default_row_commit_version: None,
            num_records: None,
            spec: Arc::new(ReadSpec::new("memory:///t/".parse().unwrap(), columns)),
        };
        Self { store, size, read }
    }

    fn spec(mut self, change: impl FnOnce(&mut ReadSpec)) -> Self {
        change(Arc::make_mut(&mut self.read.spec));
        self
    }

    fn read(mut self, change: impl FnOnce(&mut FileRead)) -> Self {
        change(&mut self.read);
        self
    }

    fn reader(&self) -> Reader {
        Reader::new(Context::new(Arc::new(SingleStore::new(self.store.clone()))))
    }

    /// The rows, which every way to read must agree on.
    fn rows(&self) -> deltaic_log::Result<Vec<Value>> {
        let carried: FileRead = serde_json::from_str(&serde_json::to_string(&self.read).unwrap()).unwrap();
        let blocking: Vec<_> = self.reader().read_file_blocking(carried)?.collect::<deltaic_log::Result<_>>()?;
        let streamed: Vec<_> = block_on(self.reader().read_file(self.read.clone()).try_collect())?;
        assert!(blocking.iter().chain(&streamed).all(|batch| batch.schema() == self.read.spec.schema()));
        assert_eq!(rows(&blocking), rows(&streamed));
        Ok(rows(&blocking))
    }
}

fn batch(fields: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(fields.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

/// One column `c` of the file, as the table's `data_type`.
fn check(array: ArrayRef, data_type: Value, expected: Value) {
    let file = File::new(&batch(vec![("c", array)]), columns(json!([field("c", data_type)]), &[], json!({})));
    let got: Value = file.rows().unwrap().into_iter().map(|row| row["c"].clone()).collect();
    assert_eq!(got, expected);
}

fn fails(array: ArrayRef, data_type: Value) -> deltaic_log::Error {
    let file = File::new(&batch(vec![("c", array)]), columns(json!([field("c", data_type)]), &[], json!({})));
    file.rows().unwrap_err()
}

fn int64s(count: i64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(0..count))
}

fn n() -> Vec<ColumnSource> {
    columns(json!([field("n", json!("long"))]), &[], json!({}))
}

fn numbers(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["n"].as_i64().unwrap()).collect()
}

#[test]
fn other_widths_of_integers_are_read_where_they_fit() {
    check(Arc::new(Int32Array::from(vec![Some(-5), None])), json!("long"), json!([-5, null]));
    check(Arc::new(Int64Array::from(vec![7])), json!("integer"), json!([7]));
    check(Arc::new(UInt8Array::from(vec![200])), json!("short"), json!([200]));
    check(Arc::new(UInt32Array::from(vec![u32::MAX])), json!("long"), json!([u32::MAX]));
    check(Arc::new(Int32Array::from(vec![-128])), json!("byte"), json!([-128]));
    for (array, data_type) in [
        (Arc::new(Int32Array::from(vec![128])) as ArrayRef, "byte"),
        (Arc::new(UInt64Array::from(vec![u64::MAX])), "long"),
    ] {
        let error = fails(array, json!(data_type));
        assert_eq!(error.kind(), ErrorKind::CorruptData);
        assert_eq!(error.context("column"), Some("c"));
    }
}

#[test]
fn widened_types_are_cast() {
    check(Arc::new(Int16Array::from(vec![3])), json!("double"), json!([3.0]));
    check(Arc::new(Float32Array::from(vec![1.5])), json!("double"), json!([1.5]));
    check(Arc::new(Int32Array::from(vec![12])), json!("decimal(12,2)"), json!(["12.00"]));
    check(Arc::new(Date32Array::from(vec![1])), json!("timestamp_ntz"), json!(["1970-01-02T00:00:00.000000"]));
    let decimals = Decimal128Array::from(vec![12_345]).with_precision_and_scale(5, 2).unwrap();
    check(Arc::new(decimals.clone()), json!("decimal(10,2)"), json!(["123.45"]));
    check(Arc::new(decimals.clone()), json!("decimal(10,4)"), json!(["123.4500"]));
    assert_eq!(fails(Arc::new(decimals), json!("decimal(10,1)")).kind(), ErrorKind::CorruptData);
    assert_eq!(fails(Arc::new(StringArray::from(vec!["1"])), json!("long")).kind(), ErrorKind::CorruptData);
}

#[test]
fn widening_reaches_into_nested_types() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
    check(
        Arc::new(list),
        json!({"type": "array", "elementType": "long", "containsNull": true}),
        json!([[1, null], null]),
    );
    let values: ArrayRef = Arc::new(Int32Array::from(vec![4]));
    let inner = StructArray::from(vec![(Arc::new(Field::new("x", DataType::Int32, true)), values)]);
    let data_type = json!({"type": "struct", "fields": [field("x", json!("long")), field("y", json!("string"))]});
    check(Arc::new(inner), data_type, json!([{"x": 4, "y": null}]));
}

#[test]
fn a_struct_without_any_wanted_field_is_not_null_for_that() {
    let values: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    let fields = Fields::from(vec![Field::new("gone", DataType::Int32, true)]);
    let array = StructArray::new(fields, vec![values], Some(vec![true, false].into()));
    check(
        Arc::new(array),
        json!({"type": "struct", "fields": [field("new", json!("long"))]}),
        json!([{"new": null}, null]),
    );
}

#[test]
fn instants_keep_their_place_in_time_in_every_unit() {
    let before_1970 = "1969-12-31T23:59:59.999999Z";
    check(
        Arc::new(TimestampNanosecondArray::from(vec![-1]).with_timezone("UTC")),
        json!("timestamp"),
        json!([before_1970]),
    );
    check(
        Arc::new(TimestampMillisecondArray::from(vec![1]).with_timezone("UTC")),
        json!("timestamp"),
        json!(["1970-01-01T00:00:00.001000Z"]),
    );
    check(
        Arc::new(TimestampMillisecondArray::from(vec![1])),
        json!("timestamp"),
        json!(["1970-01-01T00:00:00.001000Z"]),
    );
    check(Arc::new(TimestampMicrosecondArray::from(vec![-1])), json!("timestamp"), json!([before_1970]));
    check(
        Arc::new(TimestampMicrosecondArray::from(vec![-1]).with_timezone("UTC")),
        json!("timestamp_ntz"),
        json!(["1969-12-31T23:59:59.999999"]),
    );
    let error =
        fails(Arc::new(TimestampMillisecondArray::from(vec![i64::MAX]).with_timezone("UTC")), json!("timestamp"));
    assert_eq!(error.kind(), ErrorKind::CorruptData);
}

#[test]
fn the_writers_own_arrow_types_do_not_show() {
    check(
        Arc::new(StringViewArray::from(vec!["a", "a long text, beyond twelve bytes"])),
        json!("string"),
        json!(["a", "a long text, beyond twelve bytes"]),
    );
    check(Arc::new(LargeStringArray::from(vec!["b"])), json!("string"), json!(["b"]));
    check(
        Arc::new(["x", "y", "x"].into_iter().collect::<DictionaryArray<Int32Type>>()),
        json!("string"),
        json!(["x", "y", "x"]),
    );
    check(Arc::new(BinaryArray::from(vec![b"text".as_slice()])), json!("string"), json!(["text"]));
    check(Arc::new(StringArray::from(vec!["ab"])), json!("binary"), json!(["6162"]));
}

#[test]
fn binary_that_is_no_text_is_an_error_in_a_string_column() {
    let error = fails(Arc::new(BinaryArray::from(vec![&[0xffu8, 0xfe][..]])), json!("string"));
    assert_eq!(error.kind(), ErrorKind::CorruptData);
}

#[test]
fn columns_come_by_exact_name_and_missing_ones_are_null() {
    let file = batch(vec![("a", int64s(1)), ("B", int64s(1))]);
    let table = columns(
        json!([field("A", json!("long")), field("v", json!("void")), field("B", json!("long"))]),
        &[],
        json!({}),
    );
    assert_eq!(File::new(&file, table).rows().unwrap(), [json!({"A": null, "v": null, "B": 0})]);
}

#[test]
fn a_missing_column_that_must_not_be_null_is_an_error() {
    let table = columns(json!([{"name": "x", "type": "long", "nullable": false, "metadata": {}}]), &[], json!({}));
    let error = File::new(&batch(vec![("n", int64s(1))]), table).rows().unwrap_err();
    assert_eq!((error.kind(), error.context("column")), (ErrorKind::CorruptData, Some("x")));
}

fn mapped(name: &str, id: i32) -> Value {
    let metadata = json!({"delta.columnMapping.id": id, "delta.columnMapping.physicalName": format!("col-{id}")});
    json!({"name": name, "type": "long", "nullable": true, "metadata": metadata})
}

fn with_id(name: &str, id: i32) -> Field {
    Field::new(name, DataType::Int64, true)
        .with_metadata(HashMap::from([("PARQUET:field_id".to_owned(), id.to_string())]))
}

#[test]
fn column_mapping_finds_columns_by_physical_name_or_by_id() {
    let schema = Arc::new(Schema::new(vec![with_id("col-1", 2), with_id("col-2", 1)]));
    let file =
        RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![10])), Arc::new(Int64Array::from(vec![20]))])
            .unwrap();
    let fields = json!([mapped("a", 1), mapped("b", 2), mapped("c", 3)]);
    let read = |mode| {
        File::new(&file, columns(fields.clone(), &[], json!({"delta.columnMapping.mode": mode}))).rows().unwrap()
    };
    assert_eq!(read("name"), [json!({"a": 10, "b": 20, "c": null})]);
    assert_eq!(read("id"), [json!({"a": 20, "b": 10, "c": null})]);
}

#[test]
fn a_file_without_ids_is_refused_where_ids_decide() {
    let table = columns(json!([mapped("a", 1)]), &[], json!({"delta.columnMapping.mode": "id"}));
    let error = File::new(&batch(vec![("col-1", int64s(1))]), table).rows().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptData);
}

#[test]
fn partition_values_are_typed_and_the_files_own_column_is_not_asked() {
    let table = columns(json!([field("n", json!("long")), field("p", json!("date"))]), &["p"], json!({}));
    let file = File::new(&batch(vec![("n", int64s(2)), ("p", int64s(2))]), table)
        .read(|read| drop(read.partition_values.insert("p".to_owned(), Some("2024-02-29".to_owned()))));
    let expected = [json!({"n": 0, "p": "2024-02-29"}), json!({"n": 1, "p": "2024-02-29"})];
    assert_eq!(file.rows().unwrap(), expected);
    let null = file.read(|read| read.partition_values.clear());
    assert_eq!(null.rows().unwrap()[0], json!({"n": 0, "p": null}));
}

#[test]
fn no_column_at_all_still_counts_rows() {
    let file = File::with_row_groups(&batch(vec![("n", int64s(25))]), Vec::new(), 10);
    assert_eq!(file.rows().unwrap().len(), 25);
}

fn deleted(positions: impl IntoIterator<Item = u64>) -> Option<DeletionVectorDescriptor> {
    Some(DeletionVectorDescriptor::inline(&positions.into_iter().collect::<DeletionVector>()).unwrap())
}

#[test]
fn deleted_rows_do_not_come_whatever_row_groups_they_are_in() {
    let cases: [Vec<u64>; 5] = [vec![], vec![0, 24], (10..20).collect(), (5..15).collect(), (0..25).collect()];
    for positions in cases {
        let file = File::with_row_groups(&batch(vec![("n", int64s(25))]), n(), 10);
        let file = file.read(|read| read.rows = RowSet::without(deleted(positions.clone())));
        let expected: Vec<i64> = (0..25).filter(|n| !positions.contains(&(*n as u64))).collect();
        assert_eq!(numbers(&file.rows().unwrap()), expected, "{positions:?}");
    }
}

#[test]
fn only_the_rows_between_two_vectors_can_be_asked_for() {
    let file = File::with_row_groups(&batch(vec![("n", int64s(25))]), n(), 10);
    let file = file.read(|read| read.rows = RowSet { only: deleted([3, 9, 10, 24]), except: deleted([9]) });
    assert_eq!(numbers(&file.rows().unwrap()), [3, 10, 24]);
}

#[test]
fn a_vector_of_another_file_is_an_error() {
    let file = File::new(&batch(vec![("n", int64s(5))]), n()).read(|read| read.rows = RowSet::without(deleted([5])));
    assert_eq!(file.rows().unwrap_err().kind(), ErrorKind::CorruptData);
}

#[test]
fn metadata_columns_count_deleted_rows_and_prefer_materialized_values() {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(7), None, None]));
    let file = File::new(&batch(vec![("n", int64s(4)), ("_row-id", ids)]), n()).read(|read| {
        read.rows = RowSet::without(deleted([2]));
        read.base_row_id = Some(100);
        read.default_row_commit_version = Some(3);
    });
    let file = file.spec(|spec| {
        spec.metadata_columns = vec![
            MetadataColumn::RowIndex,
            MetadataColumn::RowId,
            MetadataColumn::RowCommitVersion,
            MetadataColumn::FilePath,
        ];
        spec.row_tracking = Some(RowTrackingSource {
            row_id_column: Some("_row-id".to_owned()),
            row_commit_version_column: Some("absent".to_owned()),
        });
    });
    let row = |n: i64, id: i64| json!({"n": n, "_metadata.row_index": n, "_metadata.row_id": id, "_metadata.row_commit_version": 3, "_metadata.file_path": "memory:///t/f.parquet"});
    assert_eq!(file.rows().unwrap(), [row(0, 100), row(1, 7), row(3, 103)]);
}

#[test]
fn the_predicate_selects_rows_the_same_with_and_without_pruning() {
    for (predicate, expected) in [
        ("n >= 12 AND n < 15", vec![12, 13, 14]),
        ("n = 99", vec![]),
        ("n IS NULL", vec![]),
        ("n % 10 = 3", vec![3, 13, 23]),
        ("NULL", vec![]),
    ] {
        for pruning in [true, false] {
            let file = File::with_row_groups(
                &batch(vec![("n", int64s(25)), ("m", int64s(25))]),
                columns(json!([field("m", json!("long"))]), &[], json!({})),
                10,
            );
            let file = file.read(|read| read.rows = RowSet::without(deleted([24]))).spec(|spec| {
                spec.predicate = Some(parse(predicate).unwrap());
                spec.predicate_columns = n();
                spec.pruning = pruning;
            });
            let got: Vec<_> = file.rows().unwrap().iter().map(|row| row["m"].as_i64().unwrap()).collect();
            assert_eq!(got, expected, "{predicate}, pruning: {pruning}");
        }
    }
}

#[test]
fn limits_concurrency_and_memory_change_no_row() {
    let file = File::with_row_groups(&batch(vec![("n", int64s(95))]), n(), 10).spec(|spec| spec.batch_rows = 3);
    let reads = vec![file.read.clone(), file.read.clone()];
    let read = |options| -> Vec<i64> {
        let batches: Vec<_> = block_on(file.reader().read_all(reads.clone(), options).try_collect()).unwrap();
        numbers(&rows(&batches))
    };
    let expected: Vec<i64> = (0..95).chain(0..95).collect();
    for concurrency in [1, 3, 64] {
        for memory in [1, 1 << 30] {
            let options = ReadOptions::default().with_concurrency(concurrency).with_memory_bytes(memory);
            assert_eq!(read(options.clone().ordered()), expected);
            assert_eq!(read(options.clone().ordered().with_limit(98)), expected[..98]);
            assert_eq!(read(options.clone().with_limit(0)), [0i64; 0]);
            let mut unordered = read(options);
            unordered.sort_unstable();
            let mut sorted = expected.clone();
            sorted.sort_unstable();
            assert_eq!(unordered, sorted);
        }
    }
}

#[test]
fn a_wrong_size_in_the_log_is_put_right() {
    for wrong in [0, 7, 1 << 40] {
        let file = File::new(&batch(vec![("n", int64s(3))]), n()).read(|read| read.size = wrong);
        assert_eq!(numbers(&file.rows().unwrap()), [0, 1, 2]);
    }
}

#[test]
fn damage_is_named_and_never_a_panic() {
    let whole = File::with_row_groups(&batch(vec![("n", int64s(30))]), n(), 10);
    let bytes = block_on(async { whole.store.get(&Path::from("t/f.parquet")).await.unwrap().bytes().await.unwrap() });
    assert_eq!(bytes.len() as u64, whole.size);
    for len in [0, 3, 8, bytes.len() / 2, bytes.len() - 1] {
        let error = File::of_bytes(bytes[..len].to_vec(), n()).rows().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptData, "{len} bytes: {error}");
        assert_eq!(error.context("file"), Some("memory:///t/f.parquet"));
    }
    for at in (0..bytes.len()).step_by(3) {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= flip;
            let file = File::of_bytes(damaged, n());
            // Whatever comes of it comes as a result.
            let _ = file.reader().read_file_blocking(file.read.clone()).map(Iterator::count);
        }
    }
}

#[test]
fn a_missing_file_is_named() {
    let file = File::new(&batch(vec![("n", int64s(1))]), n())
        .read(|read| read.location = "memory:///t/gone.parquet".parse().unwrap());
    assert_eq!(file.rows().unwrap_err().kind(), ErrorKind::MissingFile);
}

#[test]
fn maps_and_lists_of_structs_come_out_in_the_tables_names() {
    let mut map = builder::MapBuilder::new(None, builder::StringBuilder::new(), builder::Int32Builder::new());
    map.keys().append_value("k");
    map.values().append_value(1);
    map.append(true).unwrap();
    let data_type = json!({"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": true});
    check(Arc::new(map.finish()), data_type, json!([[["k", 1]]]));
}

/// Documents of every shape come out as the library puts them together. (It shreds 123.45 to the integer 123: what went in
/// is no measure.)
#[test]
fn variants_come_out_whole_also_where_they_are_shredded() {
    use parquet_variant_compute::{VariantArray, json_to_variant, shred_variant, unshred_variant};
    let object = |fields: Vec<(&str, DataType)>| {
        DataType::Struct(fields.into_iter().map(|(name, data_type)| Field::new(name, data_type, true)).collect())
    };
    let list = |element| DataType::List(Arc::new(Field::new("element", element, true)));
    let long = "long ".repeat(20);
    let texts = [
        r#"{"a":1,"b":"x","c":[1,"two",[3],{"a":4}]}"#,
        r#"{"a":"no number","b":null,"z":{"a":1.25,"b":{}}}"#,
        r#"{"b":{"a":true,"b":[],"c":-1.5e300}}"#,
        r#"[1,2,300,70000,5000000000]"#,
        r#"[{"a":1},{"b":2},{},null,"text"]"#,
        r#""text""#,
        r#"123.45"#,
        r#"null"#,
        &format!(r#"{{"a":"{long}","long":["{long}","{long}","{long}"]}}"#),
        &format!("[{}]", vec!["7"; 300].join(",")),
    ];
    let texts: ArrayRef = Arc::new(texts.iter().map(Some).chain([None]).collect::<StringArray>());
    let variants = json_to_variant(&texts).unwrap();
    let mut stored = vec![variants.clone()];
    for data_type in [
        DataType::Int64,
        DataType::Utf8,
        DataType::Boolean,
        DataType::Decimal128(7, 2),
        DataType::Decimal128(30, 3),
        list(DataType::Int64),
        list(object(vec![("a", DataType::Int8)])),
        object(vec![("a", DataType::Int64)]),
        object(vec![("b", object(vec![("a", DataType::Boolean)])), ("a", DataType::Utf8), ("c", list(DataType::Utf8))]),
    ] {
        stored.push(shred_variant(&variants, &data_type).unwrap());
    }
    for stored in stored {
        let stored = stored.into_inner();
        let whole = unshred_variant(&VariantArray::try_new(&stored).unwrap()).unwrap();
        let data_type = stored.data_type().clone();
        let table = columns(json!([field("v", json!("variant"))]), &[], json!({}));
        let file = File::new(&batch(vec![("v", Arc::new(stored))]), table);
        let batches: Vec<_> =
            file.reader().read_file_blocking(file.read.clone()).unwrap().collect::<Result<_, _>>().unwrap();
        let got = VariantArray::try_new(batches[0].column(0)).unwrap();
        for row in 0..whole.len() {
            assert_eq!(got.is_null(row), whole.is_null(row));
            assert!(got.is_null(row) || got.value(row) == whole.value(row), "row {row} of {data_type}");
        }
    }
}

#[test]
fn interval_columns_are_read_as_their_numbers_mean() {
    let array: ArrayRef = Arc::new(Int64Array::from(vec![5]));
    let table = columns(json!([field("c", json!("interval day to second"))]), &[], json!({}));
    let file = File::new(&batch(vec![("c", array)]), table);
    let batches: Vec<_> =
        file.reader().read_file_blocking(file.read.clone()).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(batches[0].column(0).data_type(), &DataType::Duration(TimeUnit::Microsecond));
}

#[test]
fn a_stream_that_is_not_polled_rests() {
    let file = File::with_row_groups(&batch(vec![("n", int64s(95))]), n(), 10);
    let mut stream = file.reader().read_file(file.read.clone());
    let first = block_on(stream.try_next()).unwrap().unwrap();
    assert_eq!(first.column(0).as_any().downcast_ref::<PrimitiveArray<Int64Type>>().unwrap().value(0), 0);
    drop(stream);
}
