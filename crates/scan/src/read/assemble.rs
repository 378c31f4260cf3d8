//! From what the decoder gives out to batches of exactly the logical schema. Where the types are already the table's,
//! no value is copied.

use super::error::corrupt_values;
use super::resolve::{Build, Child};
use super::variant::build_variant;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{
    Array, ArrayRef, Int64Array, ListArray, MapArray, RecordBatch, RecordBatchOptions, StructArray, UInt32Array,
    new_null_array,
};
use arrow_schema::{DataType, SchemaRef};
use arrow_select::{take::take, zip::zip};
use deltaic_log::{Error, ErrorKind, Result, ResultExt};
use std::sync::{Arc, OnceLock};

/// How one file's decoded batches become logical ones.
#[derive(Debug)]
pub(super) struct Assembly {
    pub(super) schema: SchemaRef,
    pub(super) columns: Vec<Column>,
}

/// Where a logical column comes from.
#[derive(Debug)]
pub(super) enum Column {
    /// From the file, or null.
    File(Child),
    /// The same in each row.
    Constant(Constant),
    /// The position of each row, which the decoder puts at this place.
    RowIndex(usize),
    /// Per row: `materialized` where it has a value, else `start`, plus the row's position where that is given.
    Tracked { materialized: Option<Child>, start: Option<i64>, row_index: Option<usize> },
}

impl Assembly {
    /// The logical batch of a decoded one. Fails with [`ErrorKind::CorruptData`] where a value does not fit the schema.
    pub(super) fn assemble(&self, decoded: &RecordBatch) -> Result<RecordBatch> {
        let fields = self.schema.fields().iter();
        let columns = self.columns.iter().zip(fields).map(|(column, field)| {
            let array = column.build(decoded).with("column", field.name())?;
            check_nulls(&array, field.is_nullable()).with("column", field.name())?;
            Ok(array)
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(decoded.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options).map_err(corrupt_values)
    }
}

impl Column {
    fn build(&self, decoded: &RecordBatch) -> Result<ArrayRef> {
        let rows = decoded.num_rows();
        match self {
            Self::File(child) => child.build(decoded.columns(), rows),
            Self::Constant(constant) => constant.rows(rows),
            Self::RowIndex(at) => Ok(decoded.column(*at).clone()),
            Self::Tracked { materialized, start, row_index } => {
                let derived = derive(*start, row_index.map(|at| decoded.column(at)), rows)?;
                match materialized {
                    Some(child) => coalesce(&child.build(decoded.columns(), rows)?, &derived),
                    None => Ok(derived),
                }
            }
        }
    }
}

/// One value, given out in any number of rows.
#[derive(Debug)]
pub(super) struct Constant {
    value: ArrayRef,
    rows_max: usize,
    expanded: OnceLock<ArrayRef>,
}

impl Constant {
    /// The first element of `value`; batches of up to `rows_max` rows share one array.
    pub(super) fn new(value: ArrayRef, rows_max: usize) -> Self {
        Self { value, rows_max, expanded: OnceLock::new() }
    }

    fn rows(&self, rows: usize) -> Result<ArrayRef> {
        if let Some(shared) = self.expanded.get().filter(|shared| shared.len() >= rows) {
            return Ok(shared.slice(0, rows));
        }
        let zeros = UInt32Array::from_value(0, rows.max(self.rows_max));
        let expanded = take(&self.value, &zeros, None).map_err(corrupt_values)?;
        // Whoever comes first shares its array; a second one at the same moment uses its own.
        let _ = self.expanded.set(expanded.clone());
        Ok(expanded.slice(0, rows))
    }
}

impl Child {
    fn build(&self, decoded: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        match self {
            Self::At(at, build) => build.apply(&decoded[*at]),
            Self::Missing(data_type) => Ok(new_null_array(data_type, rows)),
        }
    }
}

impl Build {
    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match self {
            Self::Leaf(convert) => convert.apply(array),
            Self::Struct { fields, children } => {
                let array = array.as_struct();
                let columns =
                    children.iter().map(|child| child.build(array.columns(), array.len())).collect::<Result<_>>()?;
                let nulls = array.nulls().cloned();
                let built = StructArray::try_new_with_length(fields.clone(), columns, nulls, array.len());
                Ok(Arc::new(built.map_err(corrupt_values)?))
            }
            Self::List { element, build } => {
                let array = array.as_list::<i32>();
                let (offsets, nulls) = (array.offsets().clone(), array.nulls().cloned());
                let built = ListArray::try_new(element.clone(), offsets, build.apply(array.values())?, nulls);
                Ok(Arc::new(built.map_err(corrupt_values)?))
            }
            Self::Map { entry, key, value } => {
                let array = array.as_map();
                let columns = vec![key.apply(array.keys())?, value.apply(array.values())?];
                let DataType::Struct(fields) = entry.data_type() else { return Err(no_entries()) };
                let entries = StructArray::try_new(fields.clone(), columns, None).map_err(corrupt_values)?;
                let (offsets, nulls) = (array.offsets().clone(), array.nulls().cloned());
                let built = MapArray::try_new(entry.clone(), offsets, entries, nulls, false);
                Ok(Arc::new(built.map_err(corrupt_values)?))
            }
            Self::Variant { fields } => build_variant(array, fields),
        }
    }
}

/// `start`, plus each row's position: null where there is no start.
fn derive(start: Option<i64>, row_index: Option<&ArrayRef>, rows: usize) -> Result<ArrayRef> {
    let overflow = || Error::new(ErrorKind::CorruptLog, "a row id exceeds 63 bits: the log's baseRowId is too large");
    Ok(Arc::new(match (start, row_index) {
        (None, _) => Int64Array::new_null(rows),
        (Some(start), None) => Int64Array::from_value(start, rows),
        (Some(start), Some(row_index)) => {
            let add = |position: i64| start.checked_add(position).ok_or_else(overflow);
            row_index.as_primitive::<Int64Type>().try_unary::<_, Int64Type, _>(add)?
        }
    }))
}

fn coalesce(first: &ArrayRef, second: &ArrayRef) -> Result<ArrayRef> {
    if first.null_count() == 0 {
        return Ok(first.clone());
    }
    let valid = first.nulls().expect("there are nulls").inner().clone();
    zip(&arrow_array::BooleanArray::new(valid, None), first, second).map_err(corrupt_values)
}

fn check_nulls(array: &ArrayRef, nullable: bool) -> Result<()> {
    if nullable || array.logical_null_count() == 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::CorruptData,
        "the data file has null, or nothing at all, in a column that must not be null",
    ))
}

fn no_entries() -> Error {
    Error::new(ErrorKind::Internal, "a map's entries are no struct")
}
