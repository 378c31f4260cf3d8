//! Which reads can be left out, by what is the same for all rows of a file: partition values, version, time and, where the
//! plan knows it, the kind of change. (What a file's own statistics tell is the reader's.)

use super::{CHANGE_TYPE, COMMIT_TIMESTAMP, COMMIT_VERSION};
use crate::expr::{ColumnPath, EvalContext, Expr};
use crate::plan::FileRead;
use crate::prune::{Bounds, PruningPredicate};
use arrow_array::{ArrayRef, Int64Array};
use arrow_schema::Schema;
use deltaic_log::feature::Origin;
use deltaic_log::partition_value::parse_column;
use deltaic_log::schema::same_name;
use deltaic_log::{Result, TableConfiguration};

/// Tells which reads may hold matching rows.
pub(super) struct Pruning(PruningPredicate);

impl Pruning {
    pub(super) fn new(
        predicate: &Expr,
        table: &TableConfiguration,
        schema: &Schema,
        eval: &EvalContext,
    ) -> Result<Self> {
        let feed = [CHANGE_TYPE, COMMIT_VERSION, COMMIT_TIMESTAMP].map(str::to_owned);
        let constant: Vec<String> = table.partition_columns().iter().cloned().chain(feed).collect();
        PruningPredicate::try_new(predicate, schema, &constant, eval).map(Self)
    }

    pub(super) fn might_match(&self, read: &FileRead) -> Result<bool> {
        Ok(self.0.evaluate(&Constants(read))?.value(0))
    }
}

/// What is known of one file.
struct Constants<'a>(&'a FileRead);

impl Bounds for Constants<'_> {
    fn len(&self) -> usize {
        1
    }

    fn min(&self, _: &ColumnPath) -> Option<ArrayRef> {
        None
    }

    fn max(&self, _: &ColumnPath) -> Option<ArrayRef> {
        None
    }

    fn null_count(&self, _: &ColumnPath) -> Option<Int64Array> {
        None
    }

    fn row_count(&self) -> Option<Int64Array> {
        None
    }

    /// Nothing of a text that is no value: the reader says so.
    fn partition_value(&self, column: &str) -> Option<ArrayRef> {
        let source = self.0.spec.predicate_columns.iter().find(|source| same_name(&source.name, column))?;
        let Origin::PartitionValue { key } = &source.origin else { return None };
        let text = self.0.partition_values.get(key).and_then(Option::as_deref);
        parse_column([text], &source.data_type).ok()
    }
}
