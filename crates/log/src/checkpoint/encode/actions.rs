//! Actions that are at hand as structs, as rows of a checkpoint.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, StructArray};
use arrow_json::ReaderBuilder;
use arrow_schema::{DataType, FieldRef, Schema, SchemaRef};
use serde::Serialize;

use super::CheckpointSchema;
use super::conform::conform_struct;
use crate::action::{Action, Remove};
use crate::error::Result;

/// The rows of some actions, in a checkpoint's columns. Fields that the columns lack are left out.
///
/// # Errors
/// [`ErrorKind::Internal`](crate::ErrorKind::Internal) where an action does not fit its column, which all do.
///
/// ```
/// # use deltaic_log::checkpoint::encode::{CheckpointSchema, StatisticsForms, encode_actions};
/// # use deltaic_log::{TableConfiguration, action::{Metadata, Protocol}};
/// # let protocol: Protocol = serde_json::from_str(r#"{"minReaderVersion":1,"minWriterVersion":2}"#).unwrap();
/// # let metadata: Metadata = serde_json::from_str(r#"{"id":"x","schemaString":null}"#).unwrap();
/// # let table = TableConfiguration::try_new(protocol, metadata)?;
/// use deltaic_log::action::{Action, SetTransaction};
/// let schema = CheckpointSchema::new(&table, StatisticsForms::of(&table)?)?;
/// let actions = [Action::SetTransaction(SetTransaction { app_id: "app".to_owned(), version: 3, last_updated: None })];
/// assert_eq!(encode_actions(&actions, schema.classic())?.num_rows(), 1);
/// # Ok::<(), deltaic_log::Error>(())
/// ```
pub fn encode_actions(actions: &[Action], schema: &SchemaRef) -> Result<RecordBatch> {
    rows(actions, schema)
}

/// The column `remove` of some tombstones: none of them changes data any more.
pub(crate) fn encode_removes(removes: Vec<Remove>, schema: &CheckpointSchema) -> Result<ArrayRef> {
    #[derive(Serialize)]
    struct Row {
        remove: Remove,
    }
    let rows_of: Vec<_> =
        removes.into_iter().map(|remove| Row { remove: Remove { data_change: false, ..remove } }).collect();
    column(&rows_of, schema.remove())
}

/// The column `remove` of an older checkpoint, as a new one has it.
///
/// # Errors
/// [`ErrorKind::CorruptLog`](crate::ErrorKind::CorruptLog) where a column is of a type that it cannot be of.
pub(crate) fn conform_removes(removes: &StructArray, schema: &CheckpointSchema) -> Result<ArrayRef> {
    let DataType::Struct(fields) = schema.remove().data_type() else { return Ok(Arc::new(removes.clone())) };
    let conformed = conform_struct(removes, fields)?;
    let (fields, mut columns, nulls) = conformed.into_parts();
    if let Some((at, _)) = fields.find("dataChange") {
        columns[at] = Arc::new(BooleanArray::from(vec![false; removes.len()]));
    }
    Ok(Arc::new(StructArray::try_new_with_length(fields, columns, nulls, removes.len())?))
}

/// The one column that these rows have.
pub(super) fn column<R: Serialize>(rows_of: &[R], field: &FieldRef) -> Result<ArrayRef> {
    let batch = rows(rows_of, &Arc::new(Schema::new(vec![field.clone()])))?;
    Ok(batch.column(0).clone())
}

fn rows<R: Serialize>(rows: &[R], schema: &SchemaRef) -> Result<RecordBatch> {
    let mut decoder = ReaderBuilder::new(schema.clone()).with_batch_size(rows.len().max(1)).build_decoder()?;
    decoder.serialize(rows)?;
    Ok(decoder.flush()?.unwrap_or_else(|| RecordBatch::new_empty(schema.clone())))
}
