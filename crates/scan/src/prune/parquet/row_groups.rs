//! Bounds of row groups, from the file's footer.

use super::column::{End, FileColumn, FileColumns};
use super::{PartitionValues, repeated};
use crate::expr::ColumnPath;
use crate::prune::Bounds;
use arrow_array::{ArrayRef, BooleanArray, Int64Array, UInt64Array};
use arrow_select::nullif::nullif;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

/// What a footer says of some of the file's row groups.
///
/// ```no_run
/// # use deltaic_scan::prune::{PruningPredicate, parquet::*};
/// # fn example(predicate: &PruningPredicate, metadata: &parquet::file::metadata::ParquetMetaData, columns: &FileColumns,
/// #     partition_values: &PartitionValues) -> deltaic_log::Result<()> {
/// let all: Vec<usize> = (0..metadata.num_row_groups()).collect();
/// let bounds = RowGroupBounds::new(metadata, &all, columns, partition_values);
/// let might_match = predicate.evaluate(&bounds)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RowGroupBounds<'a> {
    metadata: &'a ParquetMetaData,
    row_groups: Vec<&'a RowGroupMetaData>,
    columns: &'a FileColumns,
    partition_values: &'a PartitionValues,
}

impl<'a> RowGroupBounds<'a> {
    /// The bounds of the row groups of these positions; positions that the file does not have are left out.
    pub fn new(
        metadata: &'a ParquetMetaData,
        row_groups: &[usize],
        columns: &'a FileColumns,
        partition_values: &'a PartitionValues,
    ) -> Self {
        let row_groups = row_groups.iter().filter_map(|index| metadata.row_groups().get(*index)).collect();
        Self { metadata, row_groups, columns, partition_values }
    }

    fn bound(&self, column: &ColumnPath, end: End) -> Option<ArrayRef> {
        let column = self.columns.get(column).filter(|column| column.has_ordered_bounds(self.metadata))?;
        let field = column.field();
        let converter = column.converter(&field, self.metadata)?;
        let groups = self.row_groups.iter().copied();
        let bounds = match end {
            End::Min => converter.row_group_mins(groups),
            End::Max => converter.row_group_maxes(groups),
        };
        let trusted = nullif(&bounds.ok()?, &self.deprecated(column)).ok()?;
        column.logical(trusted, end).ok()?
    }

    /// The row groups whose bounds were written in an order that nobody defined.
    fn deprecated(&self, column: &FileColumn) -> BooleanArray {
        let deprecated = |group: &&RowGroupMetaData| {
            let statistics = group.columns().get(column.leaf).and_then(|chunk| chunk.statistics());
            Some(statistics.is_some_and(|statistics| statistics.is_min_max_deprecated()))
        };
        self.row_groups.iter().map(deprecated).collect()
    }
}

impl Bounds for RowGroupBounds<'_> {
    fn len(&self) -> usize {
        self.row_groups.len()
    }

    fn min(&self, column: &ColumnPath) -> Option<ArrayRef> {
        self.bound(column, End::Min)
    }

    fn max(&self, column: &ColumnPath) -> Option<ArrayRef> {
        self.bound(column, End::Max)
    }

    fn null_count(&self, column: &ColumnPath) -> Option<Int64Array> {
        let column = self.columns.get(column)?;
        let field = column.field();
        let counts = column.converter(&field, self.metadata)?.row_group_null_counts(self.row_groups.iter().copied());
        counts.ok().map(|counts| signed(&counts))
    }

    fn row_count(&self) -> Option<Int64Array> {
        Some(self.row_groups.iter().map(|group| Some(group.num_rows())).collect())
    }

    fn partition_value(&self, column: &str) -> Option<ArrayRef> {
        repeated(self.partition_values.get(column)?, self.len())
    }
}

/// Counts as the trait has them; absurd ones are unknown.
pub(super) fn signed(counts: &UInt64Array) -> Int64Array {
    counts.iter().map(|count| count.and_then(|count| i64::try_from(count).ok())).collect()
}
