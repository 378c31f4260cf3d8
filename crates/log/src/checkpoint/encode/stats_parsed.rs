//! `stats_parsed` from the JSON text of `stats`.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, StructArray, new_null_array};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Fields};

use crate::error::Result;
use crate::schema::{ColumnPath, StructType};
use crate::statistics::{BoundsBatch, ColumnBounds, Reading, StatsExtractor};

/// Typed statistics, in the fields of `stats_parsed`: values as they are written, null where the text says nothing.
///
/// # Errors
/// None that a table could cause.
pub(super) fn parse<'a>(
    texts: impl Iterator<Item = Option<&'a str>>,
    indexed: &StructType,
    fields: &Fields,
) -> Result<StructArray> {
    let paths: Vec<ColumnPath> = indexed.leaves().into_iter().map(|(path, _)| path).collect();
    let mut extractor = StatsExtractor::reading(indexed, &paths, Reading::AsWritten)?;
    texts.for_each(|text| extractor.push_text(text));
    let parsed = extractor.finish();
    let section =
        |fields: &Fields, value: fn(&ColumnBounds) -> ArrayRef| nest(fields, &ColumnPath::root(), &parsed, value);
    let columns = fields.iter().map(|field| {
        let inner = inner_fields(field.data_type());
        match field.name().as_str() {
            "numRecords" => Ok(Arc::new(parsed.num_records.clone()) as ArrayRef),
            "minValues" => section(inner, |column| column.min.clone()),
            "maxValues" => section(inner, |column| column.max.clone()),
            "nullCount" => section(inner, |column| Arc::new(column.null_count.clone())),
            _ => Ok(Arc::new(parsed.tight.clone()) as ArrayRef),
        }
    });
    of_members(fields, columns.collect::<Result<_>>()?)
}

/// One section's values, nested as the columns are.
fn nest(
    fields: &Fields,
    parent: &ColumnPath,
    parsed: &BoundsBatch,
    value: fn(&ColumnBounds) -> ArrayRef,
) -> Result<ArrayRef> {
    let columns = fields.iter().map(|field| {
        let path = parent.child(field.name().as_str());
        match field.data_type() {
            DataType::Struct(inner) => nest(inner, &path, parsed, value),
            data_type => {
                let found = parsed.columns.iter().find(|column| column.path == path).map(value);
                Ok(found.unwrap_or_else(|| new_null_array(data_type, parsed.num_records.len())))
            }
        }
    });
    Ok(Arc::new(of_members(fields, columns.collect::<Result<_>>()?)?))
}

/// A struct that is null where all of its members are.
fn of_members(fields: &Fields, columns: Vec<ArrayRef>) -> Result<StructArray> {
    let rows = columns.first().map_or(0, |column| column.len());
    let is_full = columns.iter().any(|column| column.logical_null_count() == 0);
    let valid = |row: usize| columns.iter().any(|column| column.is_valid(row));
    let nulls = (!is_full).then(|| (0..rows).map(valid).collect::<NullBuffer>());
    Ok(StructArray::try_new_with_length(fields.clone(), columns, nulls, rows)?)
}

fn inner_fields(data_type: &DataType) -> &Fields {
    static NONE: std::sync::LazyLock<Fields> = std::sync::LazyLock::new(Fields::empty);
    match data_type {
        DataType::Struct(fields) => fields,
        _ => &NONE,
    }
}
