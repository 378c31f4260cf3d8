//! Which row groups of a file are decoded, and which rows of them.

use super::pruning::Pruning;
use super::row_selection::{LiveRows, intersect, selection};
use deltaic_log::{Error, ErrorKind, Result};
use parquet::arrow::arrow_reader::RowSelection;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use std::collections::BTreeSet;

/// A row group to be decoded.
#[derive(Debug)]
pub(super) struct RowGroup {
    pub(super) index: usize,
    /// The rows of it that count; `None` means all.
    pub(super) selection: Option<RowSelection>,
    /// How many bytes its wanted columns take in the file.
    pub(super) bytes: u64,
}

/// The row groups that hold live rows which might match the predicate, in the order of the file.
pub(super) fn choose(
    metadata: &ParquetMetaData,
    live: &LiveRows,
    leaves: &BTreeSet<usize>,
    pruning: Option<&Pruning>,
) -> Result<Vec<RowGroup>> {
    let might_match = pruning.map(|pruning| pruning.row_groups(metadata)).transpose()?;
    let mut chosen = Vec::new();
    let mut start = 0u64;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let rows = u64::try_from(group.num_rows()).ok();
        let all = start..rows.and_then(|rows| start.checked_add(rows)).ok_or_else(negative_rows)?;
        start = all.end;
        if all.is_empty() || might_match.as_ref().is_some_and(|might_match| !might_match[index]) {
            continue;
        }
        let mut rows = if live.is_all() { vec![all.clone()] } else { live.within(all.clone()) };
        if let Some(pages) = pruning.map(|pruning| pruning.rows(metadata, index)).transpose()?.flatten() {
            let pages: Vec<_> = pages.iter().map(|page| all.start + page.start..all.start + page.end).collect();
            rows = intersect(&rows, &pages);
        }
        if !rows.is_empty() {
            chosen.push(RowGroup { index, selection: selection(&rows, &all), bytes: bytes_of(group, leaves) });
        }
    }
    live.check(start)?;
    Ok(chosen)
}

fn bytes_of(group: &RowGroupMetaData, leaves: &BTreeSet<usize>) -> u64 {
    leaves.iter().map(|leaf| u64::try_from(group.column(*leaf).compressed_size()).unwrap_or(0)).sum()
}

fn negative_rows() -> Error {
    Error::new(ErrorKind::CorruptData, "the data file's footer counts a negative number of rows in a row group")
}
