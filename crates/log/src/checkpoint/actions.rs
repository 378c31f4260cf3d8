//! The few actions of a checkpoint that are no files', from columns to the structs that JSON commits use.

use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray, RecordBatch, RecordBatchOptions, StructArray};
use arrow_schema::Schema;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result, ResultExt};

/// The rows of struct column `name` that are not null. Columns are found by name; what a writer left out is absent in
/// the struct as it would be in JSON.
///
/// # Errors
/// [`ErrorKind::CorruptLog`] where a row is no valid action.
pub(crate) fn rows_of<T: DeserializeOwned>(batch: &RecordBatch, name: &str) -> Result<Vec<T>> {
    let Some(column) = batch.column_by_name(name).and_then(|column| column.as_struct_opt()) else {
        return Ok(Vec::new());
    };
    let present = without_nulls(column)?;
    if present.num_rows() == 0 {
        return Ok(Vec::new());
    }
    let mut writer = arrow_json::ArrayWriter::new(Vec::new());
    writer.write(&present).and_then(|()| writer.finish())?;
    serde_json::from_slice(&writer.into_inner())
        .map_err(|error| {
            Error::new(ErrorKind::CorruptLog, format!("a checkpoint has a malformed `{name}` action")).because(error)
        })
        .with("action", name)
}

fn without_nulls(column: &StructArray) -> Result<RecordBatch> {
    let valid: BooleanArray = (0..column.len()).map(|row| Some(column.is_valid(row))).collect();
    let filtered = arrow_select::filter::filter(column, &valid)?;
    let (fields, columns, _) = filtered.as_struct().clone().into_parts();
    let rows = RecordBatchOptions::new().with_row_count(Some(filtered.len()));
    Ok(RecordBatch::try_new_with_options(Schema::new(fields).into(), columns, &rows)?)
}
