//! The first two steps of pruning, over the files of a snapshot: partition values, then file statistics. (The third, row
//! groups and pages, is the reader's.)

use arrow_array::{Array, ArrayRef, BooleanArray, UInt32Array, new_null_array};
use arrow_schema::Schema;
use arrow_select::take::take;
use deltaic_log::schema::{ColumnPath, StructField, StructType};
use deltaic_log::statistics::BoundsBatch;
use deltaic_log::{FileChunk, Result, TableConfiguration, TableStore, partition_value};

use crate::expr::{EvalContext, Expr, conjuncts};
use crate::prune::{KnownFiles, PruningPredicate, StatisticsColumns};

/// Tells which files of a chunk may hold matching rows.
#[derive(Debug)]
pub(crate) struct FilePruning {
    table: TableConfiguration,
    /// The conditions on partition columns alone: exact, and free of storage.
    by_partition: Option<PruningPredicate>,
    /// The other conditions.
    by_statistics: Option<PruningPredicate>,
    /// The columns of the latter.
    columns: StatisticsColumns,
}

impl FilePruning {
    pub(crate) fn new(
        predicate: &Expr,
        table: &TableConfiguration,
        schema: &Schema,
        eval: &EvalContext,
    ) -> Result<Self> {
        let is_partition =
            |column: &&ColumnPath| table.partition_columns().iter().any(|name| name.eq_ignore_ascii_case(column.top()));
        let (on_partitions, others): (Vec<Expr>, Vec<Expr>) = conjuncts(predicate)
            .into_iter()
            .cloned()
            .partition(|condition| condition.columns().iter().all(is_partition));
        let pruning = |conditions: Vec<Expr>| match conditions.is_empty() {
            true => Ok(None),
            false => {
                PruningPredicate::try_new(&Expr::all(conditions), schema, table.partition_columns(), eval).map(Some)
            }
        };
        let (by_partition, by_statistics) = (pruning(on_partitions)?, pruning(others)?);
        let columns = StatisticsColumns::of(&by_statistics, table)?;
        Ok(Self { table: table.clone(), by_partition, by_statistics, columns })
    }

    /// The conditions that file statistics can decide.
    pub(crate) fn by_statistics(&self) -> Option<&PruningPredicate> {
        self.by_statistics.as_ref()
    }

    /// The columns whose statistics are needed, logical and physical.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&ColumnPath, &ColumnPath)> {
        self.columns.iter()
    }

    pub(crate) fn physical_path(&self, column: &ColumnPath) -> Option<&ColumnPath> {
        self.columns.physical_path(column)
    }

    pub(crate) fn physical_schema(&self) -> &StructType {
        self.table.physical_schema()
    }

    /// The live rows that may match. Statistics are read only where partition values leave a row.
    pub(crate) async fn matching_rows(&self, chunk: &FileChunk, store: &TableStore) -> Result<Vec<usize>> {
        let mut rows: Vec<usize> = (0..chunk.rows()).filter(|row| chunk.is_live(*row)).collect();
        if let Some(predicate) = &self.by_partition {
            keep(&mut rows, &self.evaluate(predicate, chunk, None)?);
        }
        let Some(predicate) = self.by_statistics.as_ref().filter(|_| !rows.is_empty()) else { return Ok(rows) };
        let statistics = chunk.bounds(store, self.table.physical_schema(), &self.columns.physical()).await?;
        keep(&mut rows, &self.evaluate(predicate, chunk, Some(&statistics))?);
        Ok(rows)
    }

    fn evaluate(
        &self,
        predicate: &PruningPredicate,
        chunk: &FileChunk,
        statistics: Option<&BoundsBatch>,
    ) -> Result<BooleanArray> {
        let (table, columns) = (&self.table, &self.columns);
        let partition_values = |field: &StructField| partition_values(chunk, field, table);
        predicate.evaluate(&KnownFiles { files: chunk.rows(), table, columns, statistics, partition_values })
    }
}

fn keep(rows: &mut Vec<usize>, might_match: &BooleanArray) {
    rows.retain(|row| might_match.is_null(*row) || might_match.value(*row));
}

/// Each distinct text is parsed once. One that is no value of the type is the reader's to complain of, if its file is read at
/// all: nothing is pruned by it.
fn partition_values(chunk: &FileChunk, field: &StructField, table: &TableConfiguration) -> Option<ArrayRef> {
    let Some((codes, texts)) = chunk.partition_column(field.physical_name(table.column_mapping_mode())) else {
        return Some(new_null_array(&field.data_type.to_arrow(), chunk.rows()));
    };
    let texts = std::iter::once(None).chain(texts.into_iter().map(Some));
    let values = partition_value::parse_column(texts, &field.data_type).ok()?;
    take(&values, &UInt32Array::from(codes.to_vec()), None).ok()
}
