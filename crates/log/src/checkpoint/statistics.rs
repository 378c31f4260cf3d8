//! The statistics of a checkpoint's files: typed where the checkpoint has `stats_parsed`, else from the text.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, new_null_array};
use arrow_schema::DataType;
use arrow_select::concat::concat;

use super::parquet_file::{FetchedRowGroup, ParquetFile, is_all_null};
use crate::cpu;
use crate::error::{Result, ResultExt};
use crate::file_set::RowGroupOrigin;
use crate::schema::{ColumnPath, StructField, StructType};
use crate::statistics::{BoundsBatch, ColumnBounds, Side, StatsExtractor, parsed_bounds};
use crate::store::TableStore;

/// The statistics of some columns, by their physical paths, for the files of a row group that a chunk holds.
///
/// # Errors
/// [`crate::ErrorKind::CorruptLog`], [`crate::ErrorKind::MissingFile`], [`crate::ErrorKind::Storage`].
pub(crate) async fn read_bounds(
    store: &TableStore,
    origin: &RowGroupOrigin,
    schema: &StructType,
    columns: &[ColumnPath],
) -> Result<BoundsBatch> {
    let file = &origin.file;
    let parsed = parsed_leaves(file, origin.row_group, columns);
    let is_parsed = parsed.is_some();
    let leaves = parsed.unwrap_or_else(|| file.leaves(|path| path == ["add", "stats"]));
    let fetched = file.fetch(store, origin.row_group, leaves).await?;
    let (rows, schema, columns) = (origin.rows.clone(), schema.clone(), columns.to_vec());
    let read = cpu::run(&store.context().cpu, move || match is_parsed {
        true => from_struct(fetched, &rows, &schema, &columns),
        false => from_text(fetched, &rows, &schema, &columns),
    });
    read.await.with("file", &file.path).with("table", store.root())
}

/// The statistics, as text, of the files of a row group that a chunk holds; none where the checkpoint has no text.
///
/// # Errors
/// As [`read_bounds`].
pub(crate) async fn read_texts(store: &TableStore, origin: &RowGroupOrigin) -> Result<Vec<Option<String>>> {
    let file = &origin.file;
    let leaves = file.leaves(|path| path == ["add", "stats"]);
    if leaves.is_empty() {
        return Ok(vec![None; origin.rows.iter().map(ExactSizeIterator::len).sum()]);
    }
    let fetched = file.fetch(store, origin.row_group, leaves).await?;
    let rows = origin.rows.clone();
    let read = cpu::run(&store.context().cpu, move || {
        let mut texts = Vec::new();
        let mut first_row = span(&rows).start;
        for batch in fetched.batches(Some(span(&rows)))? {
            let batch = batch?;
            let stats =
                member(&batch, &["stats"]).map(|stats| arrow_cast::cast(&stats, &DataType::Utf8View)).transpose()?;
            let stats = stats.as_ref().map(|stats| stats.as_string_view());
            for row in within(&rows, first_row, batch.num_rows()).flatten() {
                texts.push(stats.filter(|stats| stats.is_valid(row)).map(|stats| stats.value(row).to_owned()));
            }
            first_row += batch.num_rows();
        }
        Ok(texts)
    });
    read.await.with("file", &file.path).with("table", store.root())
}

/// The leaves of `stats_parsed` that are needed; `None` where the row group has no typed statistics of these columns.
fn parsed_leaves(file: &ParquetFile, row_group: usize, columns: &[ColumnPath]) -> Option<Vec<usize>> {
    let of_column = |path: &[String]| columns.iter().any(|column| path.get(3..) == Some(column.names()));
    let wanted = |path: &[String]| {
        path.starts_with(&["add".to_owned(), "stats_parsed".to_owned()])
            && match path.get(2).map(String::as_str) {
                Some("numRecords" | "tightBounds") => path.len() == 3,
                Some("minValues" | "maxValues" | "nullCount") => of_column(path),
                _ => false,
            }
    };
    let leaves = file.leaves(wanted);
    let chunks = file.row_groups()[row_group].columns();
    leaves.iter().any(|&leaf| !is_all_null(&chunks[leaf])).then_some(leaves)
}

fn from_text(
    fetched: FetchedRowGroup,
    rows: &[Range<usize>],
    schema: &StructType,
    columns: &[ColumnPath],
) -> Result<BoundsBatch> {
    let mut extractor = StatsExtractor::new(schema, columns)?;
    let mut first_row = span(rows).start;
    for batch in fetched.batches(Some(span(rows)))? {
        let batch = batch?;
        let stats =
            member(&batch, &["stats"]).map(|stats| arrow_cast::cast(&stats, &DataType::Utf8View)).transpose()?;
        let stats = stats.as_ref().map(|stats| stats.as_string_view());
        for row in within(rows, first_row, batch.num_rows()).flatten() {
            extractor.push_text(stats.filter(|stats| stats.is_valid(row)).map(|stats| stats.value(row)));
        }
        first_row += batch.num_rows();
    }
    Ok(extractor.finish())
}

fn from_struct(
    fetched: FetchedRowGroup,
    rows: &[Range<usize>],
    schema: &StructType,
    columns: &[ColumnPath],
) -> Result<BoundsBatch> {
    let mut batches = Vec::new();
    let mut first_row = span(rows).start;
    for batch in fetched.batches(Some(span(rows)))? {
        let batch = batch?;
        batches.extend(within(rows, first_row, batch.num_rows()).map(|rows| batch.slice(rows.start, rows.len())));
        first_row += batch.num_rows();
    }
    let whole = |path: &[&str], data_type: &DataType| column_of(&batches, path, data_type);
    let num_records = whole(&["stats_parsed", "numRecords"], &DataType::Int64)?.as_primitive::<Int64Type>().clone();
    let tight = whole(&["stats_parsed", "tightBounds"], &DataType::Boolean)?;
    let tight: BooleanArray = tight.as_boolean().iter().map(|tight| Some(tight.unwrap_or(true))).collect();
    let columns = columns.iter().map(|path| {
        let column = schema.resolve(path)?;
        let names: Vec<&str> = column.path.names().iter().map(String::as_str).collect();
        let nulls = whole(&[&["stats_parsed", "nullCount"], names.as_slice()].concat(), &DataType::Int64)?;
        Ok(ColumnBounds {
            min: bounds_of(&batches, "minValues", &names, column.field, Side::Min)?,
            max: bounds_of(&batches, "maxValues", &names, column.field, Side::Max)?,
            null_count: informative(nulls.as_primitive(), &num_records, &tight),
            path: column.path,
        })
    });
    let columns = columns.collect::<Result<_>>()?;
    Ok(BoundsBatch { num_records, tight, columns })
}

fn bounds_of(
    batches: &[RecordBatch],
    section: &str,
    names: &[&str],
    field: &StructField,
    side: Side,
) -> Result<ArrayRef> {
    let path = [&["stats_parsed", section], names].concat();
    let held = batches.iter().find_map(|batch| member(batch, &path)).map(|column| column.data_type().clone());
    let held = held.unwrap_or_else(|| field.data_type.to_arrow());
    parsed_bounds(field, side, &column_of(batches, &path, &held)?)
}

/// Where bounds are wide, a count of nulls says something only if it is none or all.
fn informative(nulls: &Int64Array, records: &Int64Array, tight: &BooleanArray) -> Int64Array {
    let count = |row: usize| {
        let count = nulls.is_valid(row).then(|| nulls.value(row))?;
        let all = records.is_valid(row) && count == records.value(row);
        (tight.value(row) || count == 0 || all).then_some(count)
    };
    (0..nulls.len()).map(count).collect()
}

/// A column of all batches together, in one type; nulls where a batch has none.
fn column_of(batches: &[RecordBatch], path: &[&str], data_type: &DataType) -> Result<ArrayRef> {
    let parts = batches.iter().map(|batch| match member(batch, path) {
        Some(column) => Ok(arrow_cast::cast(&column, data_type)?),
        None => Ok(new_null_array(data_type, batch.num_rows())),
    });
    let parts = parts.collect::<Result<Vec<_>>>()?;
    match parts.iter().map(|part| &**part).collect::<Vec<_>>().as_slice() {
        [] => Ok(new_null_array(data_type, 0)),
        parts => Ok(concat(parts)?),
    }
}

/// A field of `add`. A null struct's fields are null.
fn member(batch: &RecordBatch, path: &[&str]) -> Option<ArrayRef> {
    path.iter().try_fold(batch.column_by_name("add")?.clone(), |parent, name| {
        parent.as_struct_opt()?.column_by_name(name).cloned()
    })
}

/// From the first of some rows to the last.
fn span(rows: &[Range<usize>]) -> Range<usize> {
    rows.first().map_or(0, |first| first.start)..rows.last().map_or(0, |last| last.end)
}

/// Which rows of a batch are wanted: `rows`, as far as they lie in the batch, counted from its start.
fn within(rows: &[Range<usize>], first_row: usize, count: usize) -> impl Iterator<Item = Range<usize>> {
    let end = first_row + count;
    let from = rows.partition_point(move |range| range.end <= first_row);
    rows[from..]
        .iter()
        .take_while(move |range| range.start < end)
        .map(move |range| range.start.max(first_row) - first_row..range.end.min(end) - first_row)
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn ranges_are_cut_to_the_batch() {
        let rows = [2..5, 7..20];
        let check = |first, count, expected: &[(usize, usize)]| {
            let found: Vec<_> = within(&rows, first, count).map(|range| (range.start, range.end)).collect();
            assert_eq!(found, expected, "{count} rows from {first}");
        };
        check(0, 2, &[]);
        check(0, 8, &[(2, 5), (7, 8)]);
        check(4, 4, &[(0, 1), (3, 4)]);
        check(8, 4, &[(0, 4)]);
        check(20, 4, &[]);
    }
}
