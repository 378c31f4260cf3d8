//! What the tests of reading share: stores, tables made of columns, batches as JSON.

#![allow(dead_code, reason = "each test file uses its part")]

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use deltaic_log::feature::ColumnSource;
use deltaic_log::{Context, Location, Result, Stores, TableConfiguration, context};
use object_store::memory::InMemory;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// Every URL is a file of this machine.
#[derive(Debug, Default)]
pub struct LocalFiles(Arc<InMemory>);

impl Stores for LocalFiles {
    fn locate(&self, url: &Url) -> Result<Location> {
        let path = context::url_path(url)?;
        let local = Some(PathBuf::from("/").join(path.as_ref()));
        Ok(Location { store: self.0.clone(), path, local })
    }
}

pub fn local_context() -> Context {
    Context::new(Arc::new(LocalFiles::default()))
}

/// The columns of a table whose fields are these, as JSON.
pub fn columns(fields: Value, partition_columns: &[&str], configuration: Value) -> Vec<ColumnSource> {
    let schema = json!({"type": "struct", "fields": fields}).to_string();
    let metadata = json!({
        "id": "test", "schemaString": schema, "partitionColumns": partition_columns, "configuration": configuration,
        "format": {"provider": "parquet"},
    });
    let features = ["columnMapping", "deletionVectors", "timestampNtz", "typeWidening", "variantType"];
    let protocol =
        json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features});
    let protocol = serde_json::from_value(protocol).unwrap();
    let table = TableConfiguration::try_new(protocol, serde_json::from_value(metadata).unwrap()).unwrap();
    table.reader_requirements().unwrap().columns
}

/// A nullable field without metadata.
pub fn field(name: &str, data_type: Value) -> Value {
    json!({"name": name, "type": data_type, "nullable": true, "metadata": {}})
}

/// The rows of batches as canonical JSON: decimals as text, binary as hex, maps as sorted pairs.
pub fn rows(batches: &[RecordBatch]) -> Vec<Value> {
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| self::row(batch, row))).collect()
}

fn row(batch: &RecordBatch, row: usize) -> Value {
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(batch.columns());
    fields.map(|(field, column)| (field.name().clone(), value(column, row))).collect::<Map<_, _>>().into()
}

fn value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) || array.data_type().is_null() {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int8 => primitive::<Int8Type>(array, row).into(),
        DataType::Int16 => primitive::<Int16Type>(array, row).into(),
        DataType::Int32 => primitive::<Int32Type>(array, row).into(),
        DataType::Int64 => primitive::<Int64Type>(array, row).into(),
        DataType::Float32 => float(f64::from(primitive::<Float32Type>(array, row))),
        DataType::Float64 => float(primitive::<Float64Type>(array, row)),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row).into(),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Binary => hex(array.as_binary::<i32>().value(row)).into(),
        DataType::Date32 => array.as_primitive::<Date32Type>().value_as_date(row).unwrap().to_string().into(),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let time =
                chrono::DateTime::from_timestamp_micros(primitive::<TimestampMicrosecondType>(array, row)).unwrap();
            format!("{}{}", time.format("%Y-%m-%dT%H:%M:%S%.6f"), if zone.is_some() { "Z" } else { "" }).into()
        }
        DataType::Struct(fields) => {
            let fields = fields.iter().zip(array.as_struct().columns());
            fields.map(|(field, column)| (field.name().clone(), value(column, row))).collect::<Map<_, _>>().into()
        }
        DataType::List(_) => values(&array.as_list::<i32>().value(row)),
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let pair = |at| json!([value(entries.column(0), at), value(entries.column(1), at)]);
            let mut pairs: Vec<_> = (0..entries.len()).map(pair).collect();
            pairs.sort_by_key(Value::to_string);
            pairs.into()
        }
        other => panic!("no batch holds {other}"),
    }
}

fn values(array: &ArrayRef) -> Value {
    (0..array.len()).map(|row| value(array, row)).collect()
}

fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef, row: usize) -> T::Native {
    array.as_primitive::<T>().value(row)
}

fn float(value: f64) -> Value {
    match value {
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        value if value.is_nan() => "NaN".into(),
        // As the expected text is: by a parser that may miss the nearest number by one.
        value => serde_json::from_str(&json!(value).to_string()).unwrap(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Rows in an order of their own, for comparison.
pub fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_key(Value::to_string);
    rows
}
