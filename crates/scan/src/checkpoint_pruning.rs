//! Pruning before a file is even listed: a checkpoint's row groups whose typed statistics (`stats_parsed`) show, in the
//! checkpoint's own parquet footer, that none of their files can match.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array};
use arrow_schema::{DataType, Fields};
use arrow_select::nullif::nullif;
use deltaic_log::RowGroupFilter;
use deltaic_log::schema::{ColumnPath, StructType};
use deltaic_log::statistics::{Side, parsed_bounds};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;

use crate::file_pruning::FilePruning;
use crate::prune::parquet::{FileColumn, FileColumns, PartitionValues, RowGroupBounds};
use crate::prune::{Bounds, PruningPredicate};

/// The filter, where the predicate has conditions on statistics.
pub(crate) fn row_group_filter(pruning: &Arc<FilePruning>) -> Option<RowGroupFilter> {
    pruning.by_statistics()?;
    let pruning = pruning.clone();
    Some(Arc::new(move |footer: &ArrowReaderMetadata| {
        pruning.by_statistics().map_or_else(Vec::new, |predicate| kept(&pruning, predicate, footer))
    }))
}

/// For each row group whether it may hold a file that may match; all of them, where that cannot be told.
fn kept(pruning: &FilePruning, predicate: &PruningPredicate, footer: &ArrowReaderMetadata) -> Vec<bool> {
    let bounds = CheckpointBounds {
        pruning,
        footer,
        mins: columns(pruning, footer, "minValues"),
        maxs: columns(pruning, footer, "maxValues"),
    };
    match predicate.evaluate(&bounds) {
        Ok(might_match) => might_match.iter().map(|might| might.unwrap_or(true)).collect(),
        Err(_) => vec![true; bounds.len()],
    }
}

/// What the footer says of the statistics of a row group's files: the least of their minima, the greatest of their maxima.
struct CheckpointBounds<'a> {
    pruning: &'a FilePruning,
    footer: &'a ArrowReaderMetadata,
    mins: FileColumns,
    maxs: FileColumns,
}

impl CheckpointBounds<'_> {
    /// The bound of a column over all files of each row group; null where a file has none.
    fn bound(&self, columns: &FileColumns, column: &ColumnPath, side: Side) -> Option<ArrayRef> {
        let all: Vec<usize> = (0..self.len()).collect();
        let none = PartitionValues::default();
        let footer = RowGroupBounds::new(self.footer.metadata(), &all, columns, &none);
        let held = match side {
            Side::Min => footer.min(column),
            Side::Max => footer.max(column),
        };
        let incomplete = self.incomplete(&footer.null_count(column)?);
        let schema: &StructType = self.pruning.physical_schema();
        let field = schema.resolve(self.pruning.physical_path(column)?).ok()?.field;
        let bounds = parsed_bounds(field, side, &held?).ok()?;
        nullif(&bounds, &incomplete).ok()
    }

    /// The row groups in which some file has no bound: more rows lack it than are no files at all.
    fn incomplete(&self, without_bound: &Int64Array) -> BooleanArray {
        let path = leaf(self.footer, &["add", "path"]);
        let groups = self.footer.metadata().row_groups().iter().enumerate();
        let is_incomplete = |(row, group): (usize, &parquet::file::metadata::RowGroupMetaData)| {
            let statistics = group.columns().get(path?)?.statistics()?;
            let no_file = i64::try_from(statistics.null_count_opt()?).ok()?;
            Some(without_bound.is_null(row) || without_bound.value(row) != no_file)
        };
        groups.map(|group| Some(is_incomplete(group).unwrap_or(true))).collect()
    }
}

impl Bounds for CheckpointBounds<'_> {
    fn len(&self) -> usize {
        self.footer.metadata().num_row_groups()
    }

    fn min(&self, column: &ColumnPath) -> Option<ArrayRef> {
        self.bound(&self.mins, column, Side::Min)
    }

    fn max(&self, column: &ColumnPath) -> Option<ArrayRef> {
        self.bound(&self.maxs, column, Side::Max)
    }

    fn null_count(&self, _: &ColumnPath) -> Option<Int64Array> {
        None
    }

    fn row_count(&self) -> Option<Int64Array> {
        None
    }

    fn partition_value(&self, _: &str) -> Option<ArrayRef> {
        None
    }
}

/// Where the predicate's columns lie in one section of `stats_parsed`.
fn columns(pruning: &FilePruning, footer: &ArrowReaderMetadata, section: &str) -> FileColumns {
    let column = |(logical, physical): (&ColumnPath, &ColumnPath)| {
        let names: Vec<&str> =
            ["add", "stats_parsed", section].into_iter().chain(physical.names().iter().map(String::as_str)).collect();
        let (leaf, file_type) = (leaf(footer, &names)?, field_type(footer.schema().fields(), &names)?);
        Some((logical.clone(), FileColumn { leaf, logical_type: file_type.clone(), file_type }))
    };
    pruning.columns().filter_map(column).collect()
}

fn leaf(footer: &ArrowReaderMetadata, names: &[&str]) -> Option<usize> {
    let leaves = footer.parquet_schema().columns();
    leaves.iter().position(|leaf| leaf.path().parts() == names)
}

fn field_type(fields: &Fields, names: &[&str]) -> Option<DataType> {
    let (first, rest) = names.split_first()?;
    let (_, field) = fields.find(first)?;
    match field.data_type() {
        data_type if rest.is_empty() => Some(data_type.clone()),
        DataType::Struct(fields) => field_type(fields, rest),
        _ => None,
    }
}
