//! Values as text: for aligned tables, and nested ones as JSON for formats that are flat.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_json::writer::{EncoderOptions, make_encoder};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema};

use super::text_keys::with_text_keys;

/// The batch's values as text, row by row. Nested values are JSON, null is nothing.
pub(super) fn text_rows(batch: &RecordBatch) -> Result<Vec<Vec<String>>, ArrowError> {
    let flat = flattened(batch)?;
    let options = FormatOptions::new().with_display_error(true).with_null("null");
    let columns = flat.columns().iter();
    let formatters = columns.map(|column| ArrayFormatter::try_new(column, &options)).collect::<Result<Vec<_>, _>>()?;
    let row = |row: usize| formatters.iter().map(|formatter| formatter.value(row).to_string()).collect();
    Ok((0..flat.num_rows()).map(row).collect())
}

/// The batch with each nested column as a column of JSON text.
pub(super) fn flattened(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let batch = &with_text_keys(batch)?;
    let mut fields: Vec<FieldRef> = Vec::with_capacity(batch.num_columns());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if field.data_type().is_nested() {
            fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
            columns.push(json_text(field, column)?);
        } else if *field.data_type() == DataType::Binary {
            fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
            columns.push(arrow_cast::cast(&hexadecimal(column)?, &DataType::Utf8)?);
        } else {
            fields.push(field.clone());
            columns.push(column.clone());
        }
    }
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

/// An array as JSON text, null as null.
pub(super) fn json_text(field: &FieldRef, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(field, column, &options)?;
    let mut text = Vec::new();
    let mut value = |row: usize| {
        if encoder.is_null(row) {
            return Ok(None);
        }
        text.clear();
        encoder.encode(row, &mut text);
        let value = String::from_utf8(text.clone());
        value.map(Some).map_err(|error| ArrowError::JsonError(error.to_string()))
    };
    Ok(Arc::new((0..column.len()).map(&mut value).collect::<Result<StringArray, _>>()?))
}

fn hexadecimal(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let formatter = ArrayFormatter::try_new(column, &FormatOptions::new())?;
    let value = |row: usize| column.is_valid(row).then(|| formatter.value(row).to_string());
    Ok(Arc::new((0..column.len()).map(value).collect::<StringArray>()))
}
