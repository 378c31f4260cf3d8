//! Actions that are at hand as structs, as rows of a checkpoint.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_json::ReaderBuilder;
use arrow_schema::{FieldRef, Schema, SchemaRef};
use serde::Serialize;

use super::CheckpointSchema;
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
