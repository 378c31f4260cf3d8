//! The first two steps of pruning, over the files of a snapshot: partition values, then file statistics. (The third, row
//! groups and pages, is the reader's.)

use std::collections::BTreeMap;

use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, UInt32Array, new_null_array};
use arrow_schema::Schema;
use arrow_select::take::take;
use deltaic_log::schema::{ColumnPath, StructType};
use deltaic_log::statistics::{BoundsBatch, ColumnBounds};
use deltaic_log::{FileChunk, Result, TableConfiguration, TableStore, partition_value};

use crate::expr::{EvalContext, Expr, conjuncts};
use crate::prune::{Bounds, PruningPredicate};

/// Tells which files of a chunk may hold matching rows.
#[derive(Debug)]
pub(crate) struct FilePruning {
    table: TableConfiguration,
    /// The conditions on partition columns alone: exact, and free of storage.
    by_partition: Option<PruningPredicate>,
    /// The other conditions.
    by_statistics: Option<PruningPredicate>,
    /// The columns of the latter, logical and physical.
    columns: BTreeMap<ColumnPath, ColumnPath>,
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
        let mut columns = BTreeMap::new();
        for column in by_statistics.iter().flat_map(PruningPredicate::required_columns) {
            let logical = table.schema().resolve(column)?.path;
            if let Some(physical) = table.schema().to_physical_path(&logical, table.column_mapping_mode()) {
                columns.insert(column.clone(), physical);
            }
        }
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
        self.columns.get(column)
    }

    pub(crate) fn physical_schema(&self) -> &StructType {
        self.table.physical_schema()
    }

    /// The live rows that may match. Statistics are read only where partition values leave a row.
    pub(crate) async fn matching_rows(&self, chunk: &FileChunk, store: &TableStore) -> Result<Vec<usize>> {
        let mut rows: Vec<usize> = (0..chunk.rows()).filter(|row| chunk.is_live(*row)).collect();
        let mut known = Known { pruning: self, chunk, statistics: None };
        if let Some(predicate) = &self.by_partition {
            keep(&mut rows, &predicate.evaluate(&known)?);
        }
        let Some(predicate) = self.by_statistics.as_ref().filter(|_| !rows.is_empty()) else { return Ok(rows) };
        let physical: Vec<ColumnPath> = self.columns.values().cloned().collect();
        known.statistics = Some(chunk.bounds(store, self.table.physical_schema(), &physical).await?);
        keep(&mut rows, &predicate.evaluate(&known)?);
        Ok(rows)
    }
}

fn keep(rows: &mut Vec<usize>, might_match: &BooleanArray) {
    rows.retain(|row| might_match.is_null(*row) || might_match.value(*row));
}

/// What is known of a chunk's files.
struct Known<'a> {
    pruning: &'a FilePruning,
    chunk: &'a FileChunk,
    statistics: Option<BoundsBatch>,
}

impl Known<'_> {
    fn column(&self, column: &ColumnPath) -> Option<&ColumnBounds> {
        let physical = self.pruning.columns.get(column)?;
        self.statistics.as_ref()?.columns.iter().find(|bounds| bounds.path == *physical)
    }
}

impl Bounds for Known<'_> {
    fn len(&self) -> usize {
        self.chunk.rows()
    }

    fn min(&self, column: &ColumnPath) -> Option<ArrayRef> {
        Some(self.column(column)?.min.clone())
    }

    fn max(&self, column: &ColumnPath) -> Option<ArrayRef> {
        Some(self.column(column)?.max.clone())
    }

    fn null_count(&self, column: &ColumnPath) -> Option<Int64Array> {
        Some(self.column(column)?.null_count.clone())
    }

    fn row_count(&self) -> Option<Int64Array> {
        Some(self.statistics.as_ref()?.num_records.clone())
    }

    fn partition_value(&self, column: &str) -> Option<ArrayRef> {
        let table = &self.pruning.table;
        let field = table.partition_fields().find(|field| field.name.eq_ignore_ascii_case(column))?;
        let Some((codes, texts)) = self.chunk.partition_column(field.physical_name(table.column_mapping_mode())) else {
            return Some(new_null_array(&field.data_type.to_arrow(), self.chunk.rows()));
        };
        // Each distinct text is parsed once. One that is no value of the type is the reader's to complain of, if its file
        // is read at all: nothing is pruned by it.
        let values =
            partition_value::parse_column(std::iter::once(None).chain(texts.into_iter().map(Some)), &field.data_type)
                .ok()?;
        take(&values, &UInt32Array::from(codes.to_vec()), None).ok()
    }
}
