//! Pruning changes no result: a file whose bounds say "cannot match" holds no matching row, for random files and predicates; the same
//! for row groups and pages of real parquet files.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow_select::concat::concat;
use deltaic_log::ManualClock;
use deltaic_scan::expr::{BoundExpr, ColumnPath, EvalContext, Scalar, parse};
use deltaic_scan::prune::parquet::{FileColumn, FileColumns, PageBounds, PartitionValues, RowGroupBounds};
use deltaic_scan::prune::{Bounds, PruningPredicate};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use proptest::prelude::*;
use std::sync::Arc;

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("i", DataType::Int32, true),
        Field::new("f", DataType::Float64, true),
        Field::new("s", DataType::Utf8, true),
        Field::new("d", DataType::Date32, true),
        Field::new("t", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("n", DataType::Decimal128(6, 2), true),
        Field::new("b", DataType::Boolean, true),
        Field::new("p", DataType::Int32, true),
    ]))
}

const DAY: i64 = 86_400_000_000;

/// A row: small numbers from which every column's value is made, so that columns meet literals often.
type Row = [Option<i8>; 7];

fn batch(rows: &[Row], p: Option<i32>) -> RecordBatch {
    let of = |column: usize| rows.iter().map(move |row| row[column]);
    let float = |v: i8| match v {
        4 => f64::NAN,
        3 => -0.0,
        -4 => f64::NEG_INFINITY,
        v => f64::from(v) / 2.0,
    };
    let text = |v: i8| ["", "a", "ab", "abc", "b", "ba", "é", "zz", "%"].get(v.unsigned_abs() as usize).copied();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(of(0).map(|v| v.map(i32::from)).collect::<Int32Array>()),
        Arc::new(of(1).map(|v| v.map(float)).collect::<Float64Array>()),
        Arc::new(of(2).map(|v| v.and_then(text)).collect::<StringArray>()),
        Arc::new(of(3).map(|v| v.map(i32::from)).collect::<Date32Array>()),
        Arc::new(
            of(4)
                .map(|v| v.map(|v| i64::from(v) * DAY / 4))
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        ),
        Arc::new(
            of(5)
                .map(|v| v.map(|v| i128::from(v) * 25))
                .collect::<Decimal128Array>()
                .with_precision_and_scale(6, 2)
                .unwrap(),
        ),
        Arc::new(of(6).map(|v| v.map(|v| v > 0)).collect::<BooleanArray>()),
        Arc::new(Int32Array::from(vec![p; rows.len()])),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// Honest bounds of files, with NaN left out as most writers do, and what `hidden` says kept secret.
struct Honest {
    files: Vec<(RecordBatch, Option<i32>)>,
    hidden: Vec<bool>,
    /// How far bounds lie outside of the values.
    slack: i8,
}

impl Honest {
    fn values(&self, column: &ColumnPath, file: usize) -> ArrayRef {
        self.files[file].0.column_by_name(column.top()).unwrap().clone()
    }

    fn bound(&self, column: &ColumnPath, end: i8) -> Option<ArrayRef> {
        let data_type = schema().field_with_name(column.top()).unwrap().data_type().clone();
        if column.top() == "b" || column.top() == "p" {
            return None;
        }
        let bounds: Vec<ArrayRef> = (0..self.files.len())
            .map(|file| {
                let values = without_nan(self.values(column, file));
                let sorted = arrow_ord::sort::sort(&values, None).unwrap();
                let present = sorted.slice(sorted.null_count(), sorted.len() - sorted.null_count());
                if present.is_empty() || self.hidden[file % self.hidden.len()] {
                    return arrow_array::new_null_array(&data_type, 1);
                }
                let edge = present.slice(if end < 0 { 0 } else { present.len() - 1 }, 1);
                widened(edge, end * self.slack)
            })
            .collect();
        Some(concat(&bounds.iter().map(AsRef::as_ref).collect::<Vec<_>>()).unwrap())
    }
}

fn without_nan(values: ArrayRef) -> ArrayRef {
    match values.as_primitive_opt::<Float64Type>() {
        Some(floats) => Arc::new(floats.iter().map(|v| v.filter(|v| !v.is_nan())).collect::<Float64Array>()),
        None => values,
    }
}

fn widened(edge: ArrayRef, by: i8) -> ArrayRef {
    match Scalar::from_array(&edge, 0).unwrap() {
        Scalar::Integer(v) => Scalar::Integer(v + i32::from(by)).to_array(),
        Scalar::Timestamp(v) => Scalar::Timestamp(v + i64::from(by) * 1_000).to_array(),
        _ => edge,
    }
}

impl Bounds for Honest {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn min(&self, column: &ColumnPath) -> Option<ArrayRef> {
        self.bound(column, -1)
    }

    fn max(&self, column: &ColumnPath) -> Option<ArrayRef> {
        self.bound(column, 1)
    }

    fn null_count(&self, column: &ColumnPath) -> Option<Int64Array> {
        let count = |file: usize| {
            let known = !self.hidden[(file + 1) % self.hidden.len()];
            known.then(|| i64::try_from(self.values(column, file).null_count()).unwrap())
        };
        Some((0..self.files.len()).map(count).collect())
    }

    fn row_count(&self) -> Option<Int64Array> {
        Some(self.files.iter().map(|(batch, _)| Some(batch.num_rows() as i64)).collect())
    }

    fn partition_value(&self, column: &str) -> Option<ArrayRef> {
        (column == "p").then(|| Arc::new(self.files.iter().map(|(_, p)| *p).collect::<Int32Array>()) as ArrayRef)
    }
}

/// A condition on one column.
fn condition() -> impl Strategy<Value = String> {
    let literal = |column: &'static str| (-5i8..6).prop_map(move |v| literal(column, v)).boxed();
    let column = prop::sample::select(vec!["i", "f", "s", "d", "t", "n", "p"]);
    let op = prop::sample::select(vec!["=", "<>", "<", "<=", ">", ">=", "<=>"]);
    prop_oneof![
        6 => (column.clone(), op.clone()).prop_flat_map(move |(c, op)| literal(c).prop_map(move |v| format!("{c} {op} {v}"))),
        1 => (column.clone(), op.clone()).prop_flat_map(move |(c, op)| literal(c).prop_map(move |v| format!("{v} {op} {c}"))),
        1 => (op.clone(), -5i8..6).prop_map(|(op, v)| format!("CAST(i AS DOUBLE) {op} {v}.5D")),
        1 => (op.clone(), -5i8..6).prop_map(|(op, v)| format!("i + 2 {op} {v}")),
        1 => (op.clone(), -5i8..6).prop_map(|(op, v)| format!("n {op} {v}.255")),
        1 => (op.clone(), -2i8..3).prop_map(|(op, v)| format!("t {op} DATE'1970-01-0{}'", v + 3)),
        1 => (op.clone(), -2i8..3).prop_map(|(op, v)| format!("CAST(t AS DATE) {op} DATE'1970-01-0{}'", v + 3)),
        1 => (op, prop::sample::select(vec!["p", "d", "n"])).prop_map(|(op, c)| format!("{c} {op} {c}")),
        1 => Just("f = CAST('NaN' AS DOUBLE)".to_owned()),
        1 => Just("-f < 0".to_owned()),
        1 => Just("p % 2 = 1".to_owned()),
        1 => Just("10 / p > 3".to_owned()),
        1 => (column.clone(), any::<bool>()).prop_map(|(c, not)| format!("{c} IS {}NULL", if not { "NOT " } else { "" })),
        1 => prop::sample::select(vec!["b", "b IS TRUE", "b IS NOT FALSE", "b IS UNKNOWN", "b = TRUE", "NULL", "TRUE", "FALSE"])
            .prop_map(str::to_owned),
        2 => prop::sample::select(vec!["a%", "ab", "%b", "a_", "b%%", "\\\\%", "é%", "%"])
            .prop_flat_map(|pattern| any::<bool>().prop_map(move |not| {
                format!("s {}LIKE '{pattern}'", if not { "NOT " } else { "" })
            })),
        2 => (column.clone(), prop::collection::vec(-5i8..6, 1..4), any::<bool>(), any::<bool>()).prop_map(|(c, list, not, null)| {
            let list: Vec<_> = list.into_iter().map(|v| self::literal(c, v)).chain(null.then(|| "NULL".into())).collect();
            format!("{c} {}IN ({})", if not { "NOT " } else { "" }, list.join(", "))
        }),
        2 => (column, -5i8..6, -5i8..6, any::<bool>()).prop_map(|(c, low, high, not)| {
            format!("{c} {}BETWEEN {} AND {}", if not { "NOT " } else { "" }, self::literal(c, low), self::literal(c, high))
        }),
    ]
}

fn literal(column: &str, v: i8) -> String {
    match column {
        "f" => format!("{}D", f64::from(v) / 2.0),
        "s" => ["''", "'a'", "'ab'", "'abb'", "'b'", "'é'"][v.unsigned_abs() as usize].to_owned(),
        "d" => Scalar::Date(v.into()).to_string(),
        "t" => Scalar::Timestamp(i64::from(v) * DAY / 4).to_string(),
        "n" => format!("{}", f64::from(v) / 4.0),
        _ => v.to_string(),
    }
}

fn predicate() -> impl Strategy<Value = String> {
    condition().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|list| format!("({})", list.join(" AND "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|list| format!("({})", list.join(" OR "))),
            inner.clone().prop_map(|inner| format!("NOT ({inner})")),
            inner.prop_map(|inner| format!("({inner}) IS NOT TRUE")),
        ]
    })
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    // Files of close values, so that something can be pruned.
    (-4i8..4, 1i8..4).prop_flat_map(|(low, width)| {
        let value = prop::option::weighted(0.8, low..(low + width).min(5));
        prop::collection::vec(prop::array::uniform7(value), 0..5)
    })
}

fn files() -> impl Strategy<Value = Vec<(RecordBatch, Option<i32>)>> {
    let file = (rows(), prop::option::of(-3i32..4)).prop_map(|(rows, p)| (batch(&rows, p), p));
    prop::collection::vec(file, 1..5)
}

fn context() -> EvalContext {
    EvalContext::new(&ManualClock::default())
}

/// Whether some row matches; a row that fails to evaluate counts as one that does not.
fn has_match(sql: &str, batch: &RecordBatch) -> bool {
    let context = context();
    let bound = BoundExpr::bind_predicate(&parse(sql).unwrap(), &batch.schema(), &context).unwrap();
    let matches =
        |row: usize| bound.evaluate_predicate(&batch.slice(row, 1), &context).is_ok_and(|result| result.has_true());
    (0..batch.num_rows()).any(matches)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pruned_files_hold_no_match(
        files in files(),
        sql in predicate(),
        hidden in prop::collection::vec(prop::bool::weighted(0.2), 1..4),
        slack in 0i8..2,
    ) {
        let bounds = Honest { files, hidden, slack };
        let predicate = PruningPredicate::try_new(&parse(&sql).unwrap(), &schema(), &["p".into()], &context()).unwrap();
        let might_match = predicate.evaluate(&bounds).unwrap();
        for (file, (batch, _)) in bounds.files.iter().enumerate() {
            prop_assert!(might_match.value(file) || !has_match(&sql, batch), "{} pruned {:?}", sql, batch);
        }
    }
}

/// The columns of a file that has all of the schema's, save the partition column.
fn file_columns() -> FileColumns {
    let schema = schema();
    let columns = schema.fields().iter().enumerate().take(7).map(|(leaf, field)| {
        let data_type = field.data_type().clone();
        (
            ColumnPath::from(field.name().as_str()),
            FileColumn { leaf, file_type: data_type.clone(), logical_type: data_type },
        )
    });
    columns.collect()
}

fn write(batches: &[RecordBatch]) -> bytes::Bytes {
    let properties = WriterProperties::builder()
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_data_page_row_count_limit(2)
        .set_write_batch_size(1)
        .build();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batches[0].schema(), Some(properties)).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    file.into()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pruned_row_groups_and_pages_hold_no_match(groups in prop::collection::vec(rows(), 1..4), sql in predicate()) {
        let batches: Vec<_> = groups.iter().filter(|rows| !rows.is_empty()).map(|rows| batch(rows, Some(1))).collect();
        prop_assume!(!batches.is_empty());
        let file = write(&batches);
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required)).unwrap().metadata().clone();
        let columns = file_columns();
        let values = PartitionValues::from([("p".to_owned(), Scalar::Integer(1).to_array())]);
        let predicate = PruningPredicate::try_new(&parse(&sql).unwrap(), &schema(), &["p".into()], &context()).unwrap();
        let all: Vec<usize> = (0..batches.len()).collect();
        let might_match = predicate.evaluate(&RowGroupBounds::new(&metadata, &all, &columns, &values)).unwrap();
        let mut groups = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().with_batch_size(1024).build().unwrap();
        prop_assert!(groups.next().is_some());
        for (group, batch) in batches.iter().enumerate() {
            prop_assert!(might_match.value(group) || !has_match(&sql, batch), "{} pruned {:?}", sql, batch);
            let Some(pages) = PageBounds::new(&predicate, &metadata, group, &columns, &values) else { continue };
            let kept = pages.matching_rows(&predicate).unwrap();
            for row in 0..batch.num_rows() {
                let is_kept = kept.iter().any(|range| range.contains(&(row as u64)));
                prop_assert!(is_kept || !has_match(&sql, &batch.slice(row, 1)), "{} pruned row {} of {:?}", sql, row, batch);
            }
        }
    }
}

/// What pruning should see: (predicate, might match file 0 to 2).
#[test]
fn what_bounds_tell() {
    let file = |values: [i8; 2], p: i32| (batch(&values.map(|v| [Some(v); 7]), Some(p)), Some(p));
    let all_null = (batch(&[[None; 7]], None), None);
    let bounds = Honest { files: vec![file([-3, -1], 1), file([1, 2], 2), all_null], hidden: vec![false], slack: 0 };
    for (sql, expected) in [
        ("i > 0", [false, true, false]),
        ("NOT (i > 0)", [true, false, false]),
        ("i = 5", [false, false, false]),
        ("i IN (2, 7)", [false, true, false]),
        ("i NOT IN (2, 7)", [true, true, false]),
        ("i IS NULL", [false, false, true]),
        ("i IS NOT NULL", [true, true, false]),
        ("i <=> NULL", [false, false, true]),
        ("i BETWEEN -2 AND 0", [true, false, false]),
        ("i BETWEEN 5 AND 9", [false, false, false]),
        ("s LIKE 'ab%'", [true, true, false]),
        ("s LIKE 'b%'", [false, false, false]),
        ("f < -1", [true, false, false]),
        // NaN may hide above the maximum, and exceeds every number.
        ("f > 100", [true, true, false]),
        ("f > 100 AND f < 200", [false, false, false]),
        ("f = 100", [false, false, false]),
        ("CAST(i AS BIGINT) > 0", [false, true, false]),
        ("i + 10 > 10", [false, true, false]),
        ("n > 0.1", [false, true, false]),
        ("p = 2", [false, true, false]),
        ("p % 2 = 1", [true, false, false]),
        ("p IS NULL", [false, false, true]),
        ("p = 1 OR i = 2", [true, true, false]),
        ("length(s) > 100", [true, true, true]),
        ("d > DATE'1970-01-01'", [false, true, false]),
        ("t >= DATE'1970-01-01'", [false, true, false]),
        ("b", [true, true, false]),
        ("1 / 0 = 1", [true, true, true]),
    ] {
        let Ok(predicate) = PruningPredicate::try_new(&parse(sql).unwrap(), &schema(), &["p".into()], &context())
        else {
            assert!(sql.contains("length"), "only a function may be missing: {sql}");
            continue;
        };
        assert_eq!(predicate.evaluate(&bounds).unwrap(), expected.to_vec().into(), "{sql}");
    }
}

#[test]
fn only_useful_columns_are_required() {
    let predicate = parse("i > 1 AND p = 2 AND (s = 'x' OR f IS NULL) AND n * n > 1").unwrap();
    let predicate = PruningPredicate::try_new(&predicate, &schema(), &["p".into()], &context()).unwrap();
    let columns: Vec<_> = predicate.required_columns().map(ToString::to_string).collect();
    assert_eq!(columns, ["f", "i", "s"]);
    assert_eq!(predicate.required_partition_columns().collect::<Vec<_>>(), ["p"]);
}
