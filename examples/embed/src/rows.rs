//! Rows as text, to compare them.

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use deltaic::Result;

/// Each row of the batch: its values, named.
pub fn of_batch(batch: &RecordBatch) -> Result<Vec<String>> {
    let options = FormatOptions::new().with_null("null");
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    let formatters = columns
        .map(|(field, column)| Ok((field.name(), ArrayFormatter::try_new(column, &options)?)))
        .collect::<Result<Vec<_>>>()?;
    let row = |row: usize| {
        let values = formatters.iter().map(|(name, formatter)| format!("{name}={}", formatter.value(row)));
        values.collect::<Vec<_>>().join("|")
    };
    Ok((0..batch.num_rows()).map(row).collect())
}

/// Rows have no order of their own.
pub fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort();
    rows
}
