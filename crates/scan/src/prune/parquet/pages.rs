//! Bounds of pages, from the page index of one row group.
//!
//! Columns have their pages where they like, so a row group is cut at every page's start: within each stretch of rows, every column stays in one page.
//!
//! ```text
//! pages of a:  |-----0-----|-----1-----|
//! pages of b:  |---0---|-------1-------|
//! stretches:   |---0---|-1-|-----2-----|
//! ```

use super::column::{End, FileColumn, FileColumns};
use super::row_groups::signed;
use super::{PartitionValues, repeated};
use crate::expr::ColumnPath;
use crate::prune::{Bounds, PruningPredicate};
use arrow_array::{Array, ArrayRef, Int64Array, UInt32Array};
use arrow_select::take::take;
use deltaic_log::Result;
use parquet::file::metadata::{ParquetColumnIndex, ParquetMetaData, ParquetOffsetIndex};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a page index says of the rows of one row group, stretch by stretch.
#[derive(Debug)]
pub struct PageBounds<'a> {
    metadata: &'a ParquetMetaData,
    row_group: usize,
    columns: &'a FileColumns,
    partition_values: &'a PartitionValues,
    column_index: &'a ParquetColumnIndex,
    offset_index: &'a ParquetOffsetIndex,
    stretches: Vec<Range<u64>>,
    /// For each column with pages: the page of each stretch, and the rows of each page.
    pages: BTreeMap<ColumnPath, Pages>,
}

#[derive(Debug)]
struct Pages {
    of_stretch: UInt32Array,
    row_counts: Vec<i64>,
}

impl<'a> PageBounds<'a> {
    /// The stretches that the pages of the predicate's columns make of a row group. Nothing if the file has no page index for them.
    pub fn new(
        predicate: &PruningPredicate,
        metadata: &'a ParquetMetaData,
        row_group: usize,
        columns: &'a FileColumns,
        partition_values: &'a PartitionValues,
    ) -> Option<Self> {
        let rows = u64::try_from(metadata.row_groups().get(row_group)?.num_rows()).ok()?;
        let (column_index, offset_index) = (metadata.column_index()?, metadata.offset_index()?);
        column_index.get(row_group)?;
        let starts: BTreeMap<ColumnPath, Vec<u64>> = predicate
            .required_columns()
            .filter_map(|path| Some((path.clone(), page_starts(offset_index, row_group, columns.get(path)?, rows)?)))
            .collect();
        if starts.is_empty() {
            return None;
        }
        let mut cuts: Vec<u64> = starts.values().flatten().copied().chain([rows]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let stretches: Vec<_> = cuts.windows(2).map(|cut| cut[0]..cut[1]).collect();
        let pages = starts.into_iter().map(|(path, starts)| (path, Pages::new(&starts, &stretches, rows))).collect();
        Some(Self { metadata, row_group, columns, partition_values, column_index, offset_index, stretches, pages })
    }

    /// The rows of the row group that might match: ascending ranges that do not touch.
    pub fn matching_rows(&self, predicate: &PruningPredicate) -> Result<Vec<Range<u64>>> {
        let might_match = predicate.evaluate(self)?;
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for (stretch, _) in self.stretches.iter().zip(might_match.values()).filter(|(_, keep)| *keep) {
            match ranges.last_mut() {
                Some(last) if last.end == stretch.start => last.end = stretch.end,
                _ => ranges.push(stretch.clone()),
            }
        }
        Ok(ranges)
    }

    fn bound(&self, path: &ColumnPath, end: End) -> Option<ArrayRef> {
        let (column, pages) = (self.columns.get(path)?, self.pages.get(path)?);
        if !column.has_ordered_bounds(self.metadata) {
            return None;
        }
        let field = column.field();
        let converter = column.converter(&field, self.metadata)?;
        let group = [&self.row_group];
        let bounds = match end {
            End::Min => converter.data_page_mins(self.column_index, self.offset_index, group),
            End::Max => converter.data_page_maxes(self.column_index, self.offset_index, group),
        };
        let bounds = bounds.ok().filter(|bounds| bounds.len() == pages.row_counts.len())?;
        column.logical(take(&bounds, &pages.of_stretch, None).ok()?, end).ok()?
    }
}

/// Where the pages of a column begin: nothing unless they cover the row group in order, as the format demands.
fn page_starts(index: &ParquetOffsetIndex, row_group: usize, column: &FileColumn, rows: u64) -> Option<Vec<u64>> {
    let pages = index.get(row_group)?.get(column.leaf)?.page_locations();
    let starts: Option<Vec<u64>> = pages.iter().map(|page| u64::try_from(page.first_row_index).ok()).collect();
    let starts = starts.filter(|starts| starts.first() == Some(&0) && starts.is_sorted_by(|a, b| a < b))?;
    starts.last().is_some_and(|last| *last < rows).then_some(starts)
}

impl Pages {
    fn new(starts: &[u64], stretches: &[Range<u64>], rows: u64) -> Self {
        let page_of = |stretch: &Range<u64>| {
            let page = starts.partition_point(|start| *start <= stretch.start).saturating_sub(1);
            u32::try_from(page).ok()
        };
        let ends = starts.iter().skip(1).copied().chain([rows]);
        let row_counts = starts.iter().zip(ends).map(|(start, end)| i64::try_from(end - start).unwrap_or(i64::MAX));
        Self { of_stretch: stretches.iter().map(page_of).collect(), row_counts: row_counts.collect() }
    }
}

impl Bounds for PageBounds<'_> {
    fn len(&self) -> usize {
        self.stretches.len()
    }

    fn min(&self, column: &ColumnPath) -> Option<ArrayRef> {
        self.bound(column, End::Min)
    }

    fn max(&self, column: &ColumnPath) -> Option<ArrayRef> {
        self.bound(column, End::Max)
    }

    /// A page's count says something of a part of it only when it is none or all.
    fn null_count(&self, path: &ColumnPath) -> Option<Int64Array> {
        let (column, pages) = (self.columns.get(path)?, self.pages.get(path)?);
        let field = column.field();
        let converter = column.converter(&field, self.metadata)?;
        let counts = converter.data_page_null_counts(self.column_index, self.offset_index, [&self.row_group]).ok()?;
        let counts = Some(signed(&counts)).filter(|counts| counts.len() == pages.row_counts.len())?;
        let stretch_count = |(page, stretch): (Option<u32>, &Range<u64>)| {
            let page = usize::try_from(page?).ok()?;
            match counts.is_valid(page).then(|| counts.value(page))? {
                0 => Some(0),
                all if all == *pages.row_counts.get(page)? => i64::try_from(stretch.end - stretch.start).ok(),
                _ => None,
            }
        };
        Some(pages.of_stretch.iter().zip(&self.stretches).map(stretch_count).collect())
    }

    fn row_count(&self) -> Option<Int64Array> {
        Some(self.stretches.iter().map(|stretch| i64::try_from(stretch.end - stretch.start).ok()).collect())
    }

    fn partition_value(&self, column: &str) -> Option<ArrayRef> {
        repeated(self.partition_values.get(column)?, self.len())
    }
}
