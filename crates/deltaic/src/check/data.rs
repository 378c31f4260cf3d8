//! The statistics of the newest version's files against their rows.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, Scalar, make_array};
use arrow_buffer::NullBuffer;
use arrow_ord::cmp::{gt, lt};
use deltaic_log::schema::{ColumnPath, DataType, PrimitiveType, StructType};
use deltaic_log::statistics::{BoundsBatch, ColumnBounds};
use deltaic_log::{ErrorKind, FileView, Result};
use deltaic_scan::FileRead;
use deltaic_scan::plan::RowSet;
use futures::TryStreamExt;

use super::finding::{Finding, Report, Rule};
use super::{CheckOptions, Progress};
use crate::table::DeltaTable;

/// A column that can have statistics: where it is in a batch, and what the statistics call it.
struct Leaf {
    logical: Vec<String>,
    physical: ColumnPath,
}

pub(super) async fn check(table: &DeltaTable, options: &CheckOptions, report: &mut Report) -> Result<()> {
    let leaves = leaves(table);
    let physical: Vec<_> = leaves.iter().map(|leaf| leaf.physical.clone()).collect();
    let scan = table.scan().pruning(false).build()?;
    let reads = scan.plan().await?;
    options.tell(Progress::Ahead(reads.len() as u64));
    let files = table.files().await?;
    let mut reads = reads.into_iter();
    for chunk in files.chunks() {
        let bounds = chunk.bounds(table.snapshot().store(), table.configuration().physical_schema(), &physical).await?;
        for (file, read) in chunk.files().zip(&mut reads) {
            options.tell(Progress::Done(1));
            report.files_read += 1;
            // Statistics speak of every row of the file, those that a deletion vector hides too.
            let whole = FileRead { rows: RowSet::default(), ..read };
            let stream = scan.reader().read_file(whole);
            match OneFile::new(&leaves, &bounds, &file).read(stream).await {
                Ok(findings) => findings.into_iter().for_each(|f| report.add(f.at(table.version()).of(file.path()))),
                // That it is missing is found already.
                Err(error) if error.kind() == ErrorKind::MissingFile => {}
                Err(error) => report.add_error(error.with("file", file.path()), Rule::AddAndRemoveFile)?,
            }
        }
    }
    Ok(())
}

/// The columns below structs; lists and maps have no statistics of their own.
fn leaves(table: &DeltaTable) -> Vec<Leaf> {
    let mut logical = Vec::new();
    let is_data = |name: &str| !table.configuration().is_partition_column(name);
    for field in table.schema().fields.iter().filter(|field| is_data(&field.name)) {
        add_leaves(&mut vec![field.name.clone()], &field.data_type, &mut logical);
    }
    let mode = table.configuration().column_mapping_mode();
    let leaf = |logical: Vec<String>| {
        let physical = table.schema().to_physical_path(&ColumnPath::new(logical.iter().cloned()), mode)?;
        Some(Leaf { logical, physical })
    };
    logical.into_iter().filter_map(leaf).collect()
}

fn add_leaves(path: &mut Vec<String>, data_type: &DataType, leaves: &mut Vec<Vec<String>>) {
    match data_type {
        DataType::Struct(fields) => add_fields(path, fields, leaves),
        DataType::Primitive(PrimitiveType::Void | PrimitiveType::Binary) => {}
        DataType::Primitive(_) => leaves.push(path.clone()),
        _ => {}
    }
}

fn add_fields(path: &mut Vec<String>, fields: &StructType, leaves: &mut Vec<Vec<String>>) {
    for field in &fields.fields {
        path.push(field.name.clone());
        add_leaves(path, &field.data_type, leaves);
        path.pop();
    }
}

/// What is counted while a file is read.
struct OneFile<'a> {
    columns: Vec<Column<'a>>,
    stated_rows: Option<i64>,
    rows: i64,
}

struct Column<'a> {
    leaf: &'a Leaf,
    min: ArrayRef,
    max: ArrayRef,
    stated_nulls: Option<i64>,
    nulls: i64,
    is_below: bool,
    is_above: bool,
}

impl<'a> OneFile<'a> {
    fn new(leaves: &'a [Leaf], bounds: &BoundsBatch, file: &FileView<'_>) -> Self {
        let row = file.row();
        let column = |leaf: &'a Leaf| {
            let of: &ColumnBounds = bounds.columns.iter().find(|bounds| bounds.path == leaf.physical)?;
            let stated_nulls = of.null_count.is_valid(row).then(|| of.null_count.value(row));
            let (min, max) = (of.min.slice(row, 1), of.max.slice(row, 1));
            Some(Column { leaf, min, max, stated_nulls, nulls: 0, is_below: false, is_above: false })
        };
        let stated_rows = bounds.num_records.is_valid(row).then(|| bounds.num_records.value(row));
        Self { columns: leaves.iter().filter_map(column).collect(), stated_rows, rows: 0 }
    }

    async fn read(mut self, mut batches: deltaic_scan::read::BatchStream) -> Result<Vec<Finding>> {
        while let Some(batch) = batches.try_next().await? {
            self.rows += i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
            self.columns.iter_mut().try_for_each(|column| column.count(&batch))?;
        }
        Ok(self.findings())
    }

    fn findings(&self) -> Vec<Finding> {
        let wrong = |message: String| Finding::error(Rule::PerFileStatistics, message);
        let mut findings = Vec::new();
        if let Some(stated) = self.stated_rows.filter(|stated| *stated != self.rows) {
            findings.push(wrong(format!("numRecords is {stated}, but the file has {} rows", self.rows)));
        }
        for column in &self.columns {
            let name = &column.leaf.physical;
            if let Some(stated) = column.stated_nulls.filter(|stated| *stated != column.nulls) {
                findings.push(wrong(format!("nullCount of {name} is {stated}, but {} values are null", column.nulls)));
            }
            if column.is_below {
                findings.push(wrong(format!("a value of {name} is less than its minValues")));
            }
            if column.is_above {
                findings.push(wrong(format!("a value of {name} is greater than its maxValues")));
            }
        }
        findings
    }
}

impl Column<'_> {
    fn count(&mut self, batch: &RecordBatch) -> Result<()> {
        let Some(values) = nested(batch, &self.leaf.logical)? else { return Ok(()) };
        self.nulls += i64::try_from(values.null_count()).unwrap_or(i64::MAX);
        self.is_below = self.is_below || is_any(&values, Side::Below, &self.min)?;
        self.is_above = self.is_above || is_any(&values, Side::Above, &self.max)?;
        Ok(())
    }
}

/// The column at `path`; a value is null where a struct around it is.
fn nested(batch: &RecordBatch, path: &[String]) -> Result<Option<ArrayRef>> {
    let Some((first, rest)) = path.split_first() else { return Ok(None) };
    let Some(mut found) = batch.column_by_name(first).cloned() else { return Ok(None) };
    for name in rest {
        let Some(part) = found.as_struct_opt().and_then(|parent| parent.column_by_name(name)) else { return Ok(None) };
        let nulls = NullBuffer::union(found.nulls(), part.nulls());
        found = make_array(part.to_data().into_builder().nulls(nulls).build()?);
    }
    Ok(Some(found))
}

#[derive(Clone, Copy)]
enum Side {
    Below,
    Above,
}

/// Whether any value lies on that side of a bound, which is one value or null. Bounds of floating-point columns say nothing
/// of NaN, and do not tell -0.0 from 0.0: their values are compared as numbers, not in the total order of kernels.
fn is_any(values: &ArrayRef, side: Side, bound: &ArrayRef) -> Result<bool> {
    if bound.is_null(0) {
        return Ok(false);
    }
    if let (Some(values), Some(bound)) =
        (values.as_primitive_opt::<Float64Type>(), bound.as_primitive_opt::<Float64Type>())
    {
        return Ok(values.iter().flatten().any(|value| is_beyond(value, side, bound.value(0))));
    }
    if let (Some(values), Some(bound)) =
        (values.as_primitive_opt::<Float32Type>(), bound.as_primitive_opt::<Float32Type>())
    {
        return Ok(values.iter().flatten().any(|value| is_beyond(value, side, bound.value(0))));
    }
    let beyond = match side {
        Side::Below => lt(values, &Scalar::new(bound))?,
        Side::Above => gt(values, &Scalar::new(bound))?,
    };
    Ok(beyond.true_count() > 0)
}

fn is_beyond<T: PartialOrd>(value: T, side: Side, bound: T) -> bool {
    match side {
        Side::Below => value < bound,
        Side::Above => value > bound,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use arrow_array::{Float64Array, Int64Array, StringArray, StructArray};
    use arrow_schema::{DataType as Arrow, Field};

    fn check(values: impl Array + 'static, bound: impl Array + 'static, expect: (bool, bool)) {
        let (values, bound): (ArrayRef, ArrayRef) = (Arc::new(values), Arc::new(bound));
        let found = (is_any(&values, Side::Below, &bound).unwrap(), is_any(&values, Side::Above, &bound).unwrap());
        assert_eq!(found, expect, "{values:?} {bound:?}");
    }

    #[test]
    fn values_beyond_a_bound() {
        let numbers = || Int64Array::from(vec![Some(1), None, Some(5)]);
        check(numbers(), Int64Array::from(vec![1]), (false, true));
        check(numbers(), Int64Array::from(vec![5]), (true, false));
        check(numbers(), Int64Array::from(vec![None]), (false, false));
        check(StringArray::from(vec!["b"]), StringArray::from(vec!["a"]), (false, true));
        check(Float64Array::from(vec![f64::NAN, -0.0]), Float64Array::from(vec![0.0]), (false, false));
        check(Float64Array::from(vec![-1.0]), Float64Array::from(vec![0.0]), (true, false));
    }

    #[test]
    fn a_value_is_null_where_its_struct_is() {
        let inner: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(2), None]));
        let field = Arc::new(Field::new("b", Arrow::Int64, true));
        let nulls = NullBuffer::from(vec![true, false, true]);
        let outer: ArrayRef = Arc::new(StructArray::new(vec![field].into(), vec![inner], Some(nulls)));
        let batch = RecordBatch::try_from_iter([("a", outer)]).unwrap();
        let path = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(nested(&batch, &path(&["a", "b"])).unwrap().unwrap().null_count(), 2);
        assert!(nested(&batch, &path(&["a", "c"])).unwrap().is_none());
        assert!(nested(&batch, &path(&["x"])).unwrap().is_none());
    }
}
