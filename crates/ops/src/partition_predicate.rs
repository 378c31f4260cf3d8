//! Predicates on partition columns alone, decided by the log: exactly, for each file.
//!
//! Pruning tells which files *may* hold matching rows. Whoever removes files must know that all of a file's rows match.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_schema::Schema;
use arrow_select::take::take;
use deltaic_log::partition_value::parse_column;
use deltaic_log::schema::{StructType, same_name};
use deltaic_log::{FileChunk, Result, TableConfiguration};
use deltaic_scan::expr::{BoundExpr, EvalContext, Expr};

use crate::data::alignment::relaxed_fields;

/// A predicate that reads no data file.
#[derive(Debug)]
pub(crate) struct PartitionPredicate {
    bound: BoundExpr,
    fields: StructType,
    keys: Vec<String>,
    schema: Arc<Schema>,
    eval: EvalContext,
}

impl PartitionPredicate {
    /// `None` where the predicate is about other columns, too.
    ///
    /// # Errors
    /// As [`BoundExpr::bind_predicate`].
    pub(crate) fn new(expr: &Expr, table: &TableConfiguration, eval: &EvalContext) -> Result<Option<Self>> {
        let is_partition = |name: &str| table.partition_columns().iter().any(|column| same_name(column, name));
        if !expr.columns().iter().all(|path| is_partition(path.top())) {
            return Ok(None);
        }
        let fields: StructType = table.partition_fields().cloned().collect();
        let keys = table.partition_fields().map(|field| field.physical_name(table.column_mapping_mode()).to_owned());
        let schema = Arc::new(relaxed_fields(&fields).to_arrow());
        let bound = BoundExpr::bind_predicate(expr, &schema, eval)?;
        Ok(Some(Self { bound, keys: keys.collect(), fields, schema, eval: eval.clone() }))
    }

    /// For each row of the chunk, whether it is live, and the predicate true for all rows of that file.
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::CorruptLog`] where a partition value is none of its column; that of the evaluation.
    pub(crate) fn matches(&self, chunk: &FileChunk) -> Result<Vec<bool>> {
        let live: Vec<usize> = (0..chunk.rows()).filter(|row| chunk.is_live(*row)).collect();
        let columns = self.keys.iter().zip(&self.fields.fields).map(|(key, field)| {
            let Some((codes, texts)) = chunk.partition_column(key) else {
                return parse_column(vec![None; live.len()], &field.data_type);
            };
            // Code 0 is null.
            let values = parse_column(std::iter::once(None).chain(texts.into_iter().map(Some)), &field.data_type)?;
            let codes: UInt32Array = live.iter().map(|row| codes.get(*row).copied()).collect();
            Ok(take(&values, &codes, None)?)
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(live.len()));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        let found = self.bound.evaluate_predicate(&batch, &self.eval)?;
        let mut matches = vec![false; chunk.rows()];
        live.iter().zip(&found).for_each(|(row, value)| matches[*row] = value == Some(true));
        Ok(matches)
    }
}
