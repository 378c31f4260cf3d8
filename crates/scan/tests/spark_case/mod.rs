//! One expression with Spark's answer, and how ours compares with it.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema, TimeUnit};
use deltaic_log::{ErrorKind, ManualClock, Result};
use deltaic_scan::expr::{BoundExpr, EvalContext, Expr, OnCastFailure, Scalar, parse, primitive_type};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// An expression and what Spark made of it.
#[derive(Debug, Deserialize)]
pub struct Case {
    /// The expression.
    pub sql: String,
    /// Operator, cast or function.
    pub group: String,
    name: String,
    #[serde(rename = "type")]
    data_type: Option<Value>,
    /// The results, on `rows`.
    pub values: Option<Vec<Value>>,
    /// The class of the error, on each of `rows`.
    pub error: Option<String>,
    rows: Option<Vec<usize>>,
}

/// How our answer compares.
pub enum Outcome {
    /// The same values or an error as well.
    Same,
    /// Said in words.
    Different(String),
    /// The registry of this build lacks the function.
    NoSuchFunction,
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/expressions").join(name)
}

/// Int96 is read as microseconds.
fn logical(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(_, Some(_)) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Timestamp(TimeUnit::Nanosecond, None) => {
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        other => other.clone(),
    }
}

/// All cases.
pub fn cases() -> Vec<Case> {
    serde_json::from_reader(File::open(fixture("spark.json")).unwrap()).unwrap()
}

/// The rows that the cases are about.
pub fn input() -> RecordBatch {
    let file = File::open(fixture("input.parquet")).unwrap();
    let physical = ParquetRecordBatchReaderBuilder::try_new(file.try_clone().unwrap()).unwrap().schema().clone();
    let fields =
        physical.fields().iter().map(|field| field.as_ref().clone().with_data_type(logical(field.data_type())));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    builder.build().unwrap().next().unwrap().unwrap()
}

/// The cases where we differ, each with the reason.
pub fn differences(list: &str) -> BTreeMap<String, String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/spark_differences/{list}.json"));
    let by_reason: BTreeMap<String, Vec<String>> = serde_json::from_reader(File::open(path).unwrap()).unwrap();
    by_reason.into_iter().flat_map(|(reason, all)| all.into_iter().map(move |sql| (sql, reason.clone()))).collect()
}

impl Case {
    /// The case in messages.
    pub fn describe(&self) -> String {
        format!("[{} {}] {}", self.group, self.name, self.sql)
    }

    /// Evaluates the expression and compares.
    pub fn run(&self, input: &RecordBatch) -> Outcome {
        let context = EvalContext::new(&ManualClock::default());
        let bound = parse(&self.sql).and_then(|expr| {
            let bound = BoundExpr::bind(&expr, &input.schema(), &context)?;
            Ok((expr, bound))
        });
        let lacks = |message: &str| message.contains("there is no function");
        match (&bound, &self.error) {
            (Err(error), _) if lacks(error.message()) => Outcome::NoSuchFunction,
            (Err(_), Some(_)) => Outcome::Same,
            (Err(error), None) => Outcome::Different(format!("ours fails: {error}")),
            (Ok((_, bound)), Some(class)) => self.compare_error(bound, class, input, &context),
            (Ok((expr, bound)), None) => self.compare_values(expr, bound, input, &context),
        }
    }

    fn rows(&self, input: &RecordBatch) -> Vec<usize> {
        self.rows.clone().unwrap_or_else(|| (0..input.num_rows()).collect())
    }

    /// Without rows the error is one of types: it does not depend on values.
    fn compare_error(&self, bound: &BoundExpr, class: &str, input: &RecordBatch, context: &EvalContext) -> Outcome {
        for row in self.rows(input) {
            match bound.evaluate(&input.slice(row, 1), context) {
                Err(error) if error.kind() == ErrorKind::Evaluation => {}
                Err(error) => return Outcome::Different(format!("row {row}: not an evaluation error: {error:?}")),
                Ok(values) => {
                    let value = render(&values, 0);
                    return Outcome::Different(format!("row {row}: Spark fails with {class}, ours is {value}"));
                }
            }
        }
        Outcome::Same
    }

    fn compare_values(&self, expr: &Expr, bound: &BoundExpr, input: &RecordBatch, context: &EvalContext) -> Outcome {
        let data_type = type_name(bound.data_type());
        if let Some(expected) = &self.data_type
            && *expected != data_type
            && !(expected.is_object() && bound.data_type().is_nested())
            && !matches!(expr, Expr::Literal(_) if expected == "void")
        {
            return Outcome::Different(format!("Spark's type is {expected}, ours {data_type}"));
        }
        for (row, expected) in self.rows(input).into_iter().zip(self.values.iter().flatten()) {
            match evaluate_row(bound, input, row, context) {
                Ok(value) if same(&value, expected) => {}
                Ok(value) => return Outcome::Different(format!("row {row}: Spark has {expected}, ours is {value}")),
                Err(error) => {
                    return Outcome::Different(format!("row {row}: Spark has {expected}, ours fails: {error}"));
                }
            }
        }
        Outcome::Same
    }
}

fn evaluate_row(bound: &BoundExpr, input: &RecordBatch, row: usize, context: &EvalContext) -> Result<Value> {
    bound.evaluate(&input.slice(row, 1), context).map(|values| render(&values, 0))
}

/// Numbers compare as numbers: JSON writes 1e10 in many ways.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => {
            // The JSON reader is not exact to the last bit.
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            a == b || (a - b).abs() <= 4.0 * f64::EPSILON * a.abs()
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, v), (l, w))| k == l && same(v, w))
        }
        _ => a == b,
    }
}

/// A type as Spark's schemas name it.
fn type_name(data_type: &DataType) -> Value {
    match data_type {
        DataType::List(item) => {
            json!({"type": "array", "elementType": type_name(item.data_type()), "containsNull": item.is_nullable()})
        }
        DataType::Struct(_) | DataType::Map(..) => json!("nested"),
        DataType::Interval(_) => json!("interval year to month"),
        DataType::Duration(_) => json!("interval day to second"),
        other => json!(match primitive_type(other) {
            Some(primitive) => cast_target(primitive),
            None => other.to_string(),
        }),
    }
}

fn cast_target(primitive: deltaic_log::schema::PrimitiveType) -> String {
    let cast = Expr::Cast { expr: Box::new(Expr::column("x")), data_type: primitive, on_failure: OnCastFailure::Error };
    let text = cast.to_string();
    let name = text.trim_start_matches("CAST(x AS ").trim_end_matches(')').to_lowercase().replace(", ", ",");
    match name.as_str() {
        "bigint" => "long".into(),
        "int" => "integer".into(),
        "smallint" => "short".into(),
        "tinyint" => "byte".into(),
        name if name.starts_with("decimal(") => format!("{name})"),
        name => name.into(),
    }
}

/// A value as the fixture writes it.
fn render(values: &ArrayRef, row: usize) -> Value {
    if values.is_null(row) || values.data_type().is_null() {
        return Value::Null;
    }
    match values.data_type() {
        DataType::Boolean => json!(values.as_boolean().value(row)),
        DataType::Int8 => json!(values.as_primitive::<Int8Type>().value(row)),
        DataType::Int16 => json!(values.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => json!(values.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => json!(values.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => float(f64::from(values.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => float(values.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => json!(decimal(values.as_primitive::<Decimal128Type>().value(row), *scale)),
        DataType::Utf8 => json!(values.as_string::<i32>().value(row)),
        DataType::Binary => {
            json!(values.as_binary::<i32>().value(row).iter().map(|b| format!("{b:02x}")).collect::<String>())
        }
        DataType::Date32 => json!(civil(&Scalar::from_array(values, row).unwrap().to_string())),
        DataType::Timestamp(_, zone) => {
            let text = civil(&Scalar::from_array(values, row).unwrap().to_string()).replace(' ', "T");
            let (seconds, fraction) =
                text.trim_end_matches('Z').split_once('.').unwrap_or((text.trim_end_matches('Z'), ""));
            json!(format!("{seconds}.{fraction:0<6}{}", if zone.is_some() { "Z" } else { "" }))
        }
        DataType::List(_) => {
            let items = values.as_list::<i32>().value(row);
            (0..items.len()).map(|i| render(&items, i)).collect()
        }
        DataType::Map(..) => {
            let entries = values.as_map().value(row);
            (0..entries.len()).map(|i| json!([render(entries.column(0), i), render(entries.column(1), i)])).collect()
        }
        DataType::Struct(fields) => {
            let columns = values.as_struct().columns();
            let rendered = fields.iter().zip(columns).map(|(f, column)| (f.name().clone(), render(column, row)));
            Value::Object(rendered.collect())
        }
        other => json!(format!("a value of {other}")),
    }
}

/// The text in a date's or timestamp's literal; years after 9999 have no sign in the fixture.
fn civil(literal: &str) -> String {
    literal.split('\'').nth(1).unwrap().trim_start_matches('+').replacen("-0001-", "-001-", 1)
}

fn float(value: f64) -> Value {
    match value {
        v if v.is_nan() => json!("NaN"),
        v if v.is_infinite() => json!(if v > 0.0 { "Infinity" } else { "-Infinity" }),
        v => json!(v),
    }
}

fn decimal(unscaled: i128, scale: i8) -> String {
    let scale = usize::from(scale.unsigned_abs());
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}
