//! Data files: rows of every type, nested in every way, are what they were once they are written and read; and what the log
//! says of the files is true of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::types::*;
use arrow_array::{ArrayRef, BooleanArray, ListArray, MapArray, NullArray, PrimitiveArray, RecordBatch, StructArray};
use arrow_schema::{DataType as Arrow, Fields};
use deltaic::check::{CheckOptions, check};
use deltaic::commit::committer::for_table;
use deltaic::ops::write::WriteMode;
use deltaic::ops::{CreateBuilder, DeleteBuilder, FileOptions, Input, Target, WriteBuilder};
use deltaic::scan::ScanBuilder;
use deltaic_log::schema::{DataType, DecimalType, PrimitiveType as P, StructField, StructType};
use deltaic_log::{Context, SingleStore, TableStore};
use deltaic_protocol_tests::Rng;
use deltaic_protocol_tests::canonical_rows::canonical_rows;
use futures::TryStreamExt;
use futures::executor::block_on;
use object_store::memory::InMemory;

#[test]
fn rows_of_every_type_come_back() {
    for seed in 0..120 {
        println!("seed {seed}");
        round_trip(&mut Rng::new(seed));
    }
}

fn round_trip(rng: &mut Rng) {
    let context = Context::new(Arc::new(SingleStore::new(Arc::new(InMemory::new()))));
    let store = TableStore::new(&"memory:///table".parse().unwrap(), context).unwrap();
    let target = || block_on(Target::open(store.clone(), for_table(&store))).unwrap();
    let schema = any_schema(rng);
    let partition = schema.fields.iter().find(|field| parts_well(&field.data_type)).filter(|_| rng.chance(40));
    let mut create = CreateBuilder::new(target(), schema.clone());
    for (key, value) in [("delta.columnMapping.mode", "name"), ("delta.enableDeletionVectors", "true")] {
        if rng.chance(40) {
            create = create.property(key, value);
        }
    }
    if let Some(field) = partition {
        create = create.partition_by([field.name.clone()]);
    }
    block_on(create.execute()).unwrap();

    let mut expected: Vec<RecordBatch> = Vec::new();
    for _ in 0..1 + rng.below(3) {
        let batches: Vec<RecordBatch> = (0..rng.below(4)).map(|_| any_rows(rng, &schema)).collect();
        let input = Input::from_batches(Arc::new(schema.to_arrow()), batches.clone());
        let options = FileOptions::new().with_row_group_rows_max(1 + rng.below(50));
        let write = WriteBuilder::new(target(), input).mode(WriteMode::Append).files(options);
        let report = block_on(write.execute()).unwrap();
        assert_eq!(report.metric("numOutputRows") as usize, batches.iter().map(RecordBatch::num_rows).sum::<usize>());
        expected.extend(batches);
    }
    assert_eq!(rows(&target()), canonical_rows(&expected));
    verify(&store);
    block_on(DeleteBuilder::new(target()).predicate_sql("keep IS NOT TRUE").unwrap().execute()).unwrap();
    let kept: Vec<RecordBatch> = expected.iter().map(kept).collect();
    assert_eq!(rows(&target()), canonical_rows(&kept));
    verify(&store);
}

fn rows(target: &Target) -> Vec<String> {
    let scan = ScanBuilder::new(target.snapshot().unwrap().clone()).build().unwrap();
    let batches: Vec<RecordBatch> = block_on(scan.stream().try_collect()).unwrap();
    canonical_rows(&batches)
}

/// Reads everything, and compares it with the log.
fn verify(store: &TableStore) {
    let report = block_on(check(store, &CheckOptions::new().with_deep(true))).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

fn kept(batch: &RecordBatch) -> RecordBatch {
    use arrow_array::cast::AsArray;
    let keep = batch.column_by_name("keep").unwrap().as_boolean();
    let rows: Vec<usize> = (0..batch.num_rows()).filter(|row| keep.iter().nth(*row).flatten() == Some(true)).collect();
    let slices: Vec<RecordBatch> = rows.into_iter().map(|row| batch.slice(row, 1)).collect();
    let columns = (0..batch.num_columns()).map(|column| {
        let parts: Vec<ArrayRef> = slices.iter().map(|slice| slice.column(column).clone()).collect();
        let parts: Vec<&dyn arrow_array::Array> = parts.iter().map(|part| &**part).collect();
        match parts.is_empty() {
            true => batch.column(column).slice(0, 0),
            false => arrow_select::concat::concat(&parts).unwrap(),
        }
    });
    RecordBatch::try_new(batch.schema(), columns.collect()).unwrap()
}

/// A column to keep rows by, and some of any type.
fn any_schema(rng: &mut Rng) -> StructType {
    let keep = StructField::nullable("keep", P::Boolean);
    let others = (0..1 + rng.below(5)).map(|place| {
        let data_type = any_type(rng, 3);
        let nullable = data_type == P::Void.into() || rng.chance(70);
        StructField::new(format!("c{place}"), data_type, nullable)
    });
    StructType::new(std::iter::once(keep).chain(others.collect::<Vec<_>>()))
}

fn any_type(rng: &mut Rng, depth: usize) -> DataType {
    let nested = depth > 0 && rng.chance(40);
    match (nested, rng.below(3)) {
        (true, 0) => {
            let fields = (0..1 + rng.below(3)).map(|place| {
                let data_type = without_void(any_type(rng, depth - 1));
                StructField::new(format!("f{place}"), data_type, rng.chance(70))
            });
            StructType::new(fields.collect::<Vec<_>>()).into()
        }
        (true, 1) => DataType::array(without_void(any_type(rng, depth - 1)), rng.chance(70)),
        (true, _) => {
            let value = without_void(any_type(rng, depth - 1));
            DataType::map(without_void(any_primitive(rng).into()), value, rng.chance(70))
        }
        (false, _) => any_primitive(rng).into(),
    }
}

/// Void stands in no list or map, and in no struct alone.
fn without_void(data_type: DataType) -> DataType {
    if data_type == P::Void.into() { P::Long.into() } else { data_type }
}

fn any_primitive(rng: &mut Rng) -> P {
    let precision = 1 + rng.below(38) as u8;
    let decimal = P::Decimal(DecimalType { precision, scale: rng.below(usize::from(precision) + 1) as u8 });
    let types = [
        P::String,
        P::Long,
        P::Integer,
        P::Short,
        P::Byte,
        P::Float,
        P::Double,
        decimal,
        P::Boolean,
        P::Binary,
        P::Date,
        P::Timestamp,
        P::TimestampNtz,
        P::Void,
    ];
    *rng.pick(&types).unwrap()
}

/// An empty text is null in a partition, and is tried elsewhere.
fn parts_well(data_type: &DataType) -> bool {
    data_type.as_primitive().is_some_and(|data_type| !matches!(data_type, P::String | P::Binary | P::Void | P::Boolean))
}

fn any_rows(rng: &mut Rng, schema: &StructType) -> RecordBatch {
    let rows = rng.below(40);
    let columns = schema.fields.iter().map(|field| any_array(rng, &field.data_type, field.nullable, rows)).collect();
    RecordBatch::try_new(Arc::new(schema.to_arrow()), columns).unwrap()
}

fn valid(rng: &mut Rng, nullable: bool, rows: usize) -> Vec<bool> {
    (0..rows).map(|_| !nullable || rng.chance(80)).collect()
}

fn any_array(rng: &mut Rng, data_type: &DataType, nullable: bool, rows: usize) -> ArrayRef {
    let valid = valid(rng, nullable, rows);
    match (data_type, data_type.to_arrow()) {
        (DataType::Primitive(primitive), _) => any_primitives(rng, *primitive, &valid),
        (DataType::Struct(fields), Arrow::Struct(arrow)) => {
            let columns = fields.fields.iter().map(|f| any_array(rng, &f.data_type, f.nullable, rows)).collect();
            Arc::new(StructArray::try_new(arrow, columns, Some(valid.into())).unwrap())
        }
        (DataType::Array(list), Arrow::List(element)) => {
            let lengths: Vec<usize> = valid.iter().map(|valid| if *valid { rng.below(4) } else { 0 }).collect();
            let values = any_array(rng, &list.element_type, list.contains_null, lengths.iter().sum());
            let offsets = arrow_offsets(&lengths);
            Arc::new(ListArray::try_new(element, offsets, values, Some(valid.into())).unwrap())
        }
        (DataType::Map(map), Arrow::Map(entries, sorted)) => {
            let lengths: Vec<usize> = valid.iter().map(|valid| if *valid { rng.below(4) } else { 0 }).collect();
            let count = lengths.iter().sum();
            let keys = any_array(rng, &map.key_type, false, count);
            let values = any_array(rng, &map.value_type, map.value_contains_null, count);
            let Arrow::Struct(parts) = entries.data_type() else { panic!("entries are pairs") };
            let parts: Fields = parts.clone();
            let pairs = StructArray::try_new(parts, vec![keys, values], None).unwrap();
            Arc::new(MapArray::try_new(entries, arrow_offsets(&lengths), pairs, Some(valid.into()), sorted).unwrap())
        }
        (other, _) => panic!("{other} is not made here"),
    }
}

fn arrow_offsets(lengths: &[usize]) -> arrow_buffer::OffsetBuffer<i32> {
    arrow_buffer::OffsetBuffer::from_lengths(lengths.iter().copied())
}

fn any_primitives(rng: &mut Rng, primitive: P, valid: &[bool]) -> ArrayRef {
    fn of<T: ArrowPrimitiveType>(valid: &[bool], data_type: P, mut value: impl FnMut() -> T::Native) -> ArrayRef {
        let values: PrimitiveArray<T> = valid.iter().map(|valid| valid.then(&mut value)).collect();
        Arc::new(values.with_data_type(data_type.to_arrow()))
    }
    let micros = |rng: &mut Rng| rng.next_u64() as i64 % 60_000_000_000_000_000;
    match primitive {
        P::Long => of::<Int64Type>(valid, primitive, || rng.next_u64() as i64),
        P::Integer => of::<Int32Type>(valid, primitive, || rng.next_u64() as i32),
        P::Short => of::<Int16Type>(valid, primitive, || rng.next_u64() as i16),
        P::Byte => of::<Int8Type>(valid, primitive, || rng.next_u64() as i8),
        P::Float => of::<Float32Type>(valid, primitive, || any_float(rng) as f32),
        P::Double => of::<Float64Type>(valid, primitive, || any_float(rng)),
        P::Decimal(decimal) => of::<Decimal128Type>(valid, primitive, || {
            let any = i128::from(rng.next_u64()) << 64 | i128::from(rng.next_u64());
            any % 10_i128.pow(u32::from(decimal.precision))
        }),
        P::Date => of::<Date32Type>(valid, primitive, || rng.below(3_600_000) as i32 - 700_000),
        P::Timestamp | P::TimestampNtz => of::<TimestampMicrosecondType>(valid, primitive, || micros(rng)),
        P::Boolean => Arc::new(valid.iter().map(|valid| valid.then(|| rng.chance(50))).collect::<BooleanArray>()),
        P::String => {
            let mut builder = StringBuilder::new();
            valid.iter().for_each(|valid| builder.append_option(valid.then(|| any_text(rng))));
            Arc::new(builder.finish())
        }
        P::Binary => {
            let mut builder = BinaryBuilder::new();
            for valid in valid {
                let length = rng.below(5);
                builder.append_option(valid.then(|| rng.bytes(length)));
            }
            Arc::new(builder.finish())
        }
        P::Void => Arc::new(NullArray::new(valid.len())),
        other => panic!("{other} is not made here"),
    }
}

fn any_float(rng: &mut Rng) -> f64 {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, f64::from(f32::MAX), 1e-40];
    match rng.chance(30) {
        true => *rng.pick(&odd).unwrap(),
        false => rng.next_u64() as i64 as f64 / 1e9,
    }
}

fn any_text(rng: &mut Rng) -> String {
    const LETTERS: &[char] = &['a', 'Z', '\u{7f}', 'é', '日', '😀', '\u{10ffff}', '"', '\\', '\n'];
    let length = if rng.chance(20) { 60 } else { rng.below(8) };
    (0..length).map(|_| *rng.pick(LETTERS).unwrap()).collect()
}
