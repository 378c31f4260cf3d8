//! A chunk: immutable columns of files and which of them are live.

use std::sync::Arc;

use super::bounds::BoundsCache;
use super::columns::FileColumns;
use crate::action::PartitionValues;
use crate::action_reconciliation::file_key;
use crate::checkpoint::ParquetFile;
use crate::deletion_vector::DeletionVectorDescriptor;

/// Some files of a table, as columns: those of a few commits, or of a row group of a checkpoint. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FileChunk {
    pub(crate) columns: Arc<FileColumns>,
    pub(crate) live: LiveRows,
    pub(crate) origin: Origin,
    pub(crate) bounds: Arc<BoundsCache>,
}

/// Where a chunk's statistics can be read.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// In the chunk's own columns.
    Commits,
    /// In these rows of a row group of a checkpoint's file.
    RowGroup(Arc<RowGroupOrigin>),
}

/// A row group of a checkpoint file, and which of its rows are the chunk's files.
#[derive(Debug)]
pub(crate) struct RowGroupOrigin {
    pub(crate) file: ParquetFile,
    pub(crate) row_group: usize,
    /// The rows of the row group that are the chunk's, as ranges.
    pub(crate) rows: Vec<std::ops::Range<usize>>,
}

/// Which rows of a chunk are live.
#[derive(Clone, Debug)]
pub(crate) enum LiveRows {
    All,
    /// A bit a row.
    Some(Arc<Vec<u64>>),
}

impl LiveRows {
    /// Asks `is_live` of every row.
    pub(crate) fn of(rows: usize, mut is_live: impl FnMut(usize) -> bool) -> Self {
        let mut words = vec![u64::MAX; rows.div_ceil(64)];
        let mut dead = 0;
        for row in 0..rows {
            if !is_live(row) {
                words[row / 64] &= !(1 << (row % 64));
                dead += 1;
            }
        }
        if dead == 0 { Self::All } else { Self::Some(Arc::new(words)) }
    }

    pub(crate) fn contains(&self, row: usize) -> bool {
        match self {
            Self::All => true,
            Self::Some(words) => words[row / 64] >> (row % 64) & 1 == 1,
        }
    }
}

impl FileChunk {
    pub(crate) fn new(columns: Arc<FileColumns>, live: LiveRows, origin: Origin) -> Self {
        Self { columns, live, origin, bounds: Arc::default() }
    }

    /// The number of rows, live or not: the length of every column of the chunk.
    pub fn rows(&self) -> usize {
        self.columns.len()
    }

    /// Whether a row is a live file. Rows that are not were removed or replaced by newer commits.
    pub fn is_live(&self, row: usize) -> bool {
        self.live.contains(row)
    }

    /// The number of live files.
    pub fn live_files(&self) -> usize {
        match &self.live {
            LiveRows::All => self.rows(),
            LiveRows::Some(_) => (0..self.rows()).filter(|row| self.is_live(*row)).count(),
        }
    }

    /// The live files.
    pub fn files(&self) -> impl Iterator<Item = FileView<'_>> {
        (0..self.rows()).filter(|row| self.is_live(*row)).map(|row| FileView { chunk: self, row })
    }

    /// The file of a row, live or not.
    ///
    /// # Panics
    /// Where `row` is not below [`Self::rows`].
    pub fn file(&self, row: usize) -> FileView<'_> {
        assert!(row < self.rows(), "row {row} of a chunk of {} rows", self.rows());
        FileView { chunk: self, row }
    }

    /// The row's key among logical files.
    pub(crate) fn key<'a>(&'a self, row: usize, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        file_key(self.columns.paths.text(row), self.columns.deletion_vector(row), scratch)
    }

    /// The partition values of a column (by its physical name under column mapping), as a code for each row and the
    /// distinct texts: code 0 is null, code `n` is text `n - 1`. `None` where no file of the chunk has the column.
    pub fn partition_column(&self, physical_name: &str) -> Option<(&[u32], Vec<&str>)> {
        let column = self.columns.partition(physical_name)?;
        Some((column.codes(), column.values().collect()))
    }

    /// About how much memory the chunk takes, in bytes.
    pub fn memory_bytes(&self) -> usize {
        let mask = match &self.live {
            LiveRows::All => 0,
            LiveRows::Some(words) => words.len() * 8,
        };
        self.columns.memory_bytes() + mask
    }
}

/// A live file: a row of a chunk. Spec: "Add File and Remove File".
#[derive(Clone, Copy, Debug)]
pub struct FileView<'a> {
    chunk: &'a FileChunk,
    row: usize,
}

impl<'a> FileView<'a> {
    /// The row in its chunk.
    pub fn row(&self) -> usize {
        self.row
    }

    /// The path as the log has it: a percent-encoded URI, relative or absolute.
    pub fn path(&self) -> &'a str {
        self.chunk.columns.paths.text(self.row)
    }

    /// The file's size in bytes.
    pub fn size(&self) -> i64 {
        self.chunk.columns.sizes[self.row]
    }

    /// When the file was last modified, in milliseconds since the epoch.
    pub fn modification_time(&self) -> i64 {
        self.chunk.columns.modification_times[self.row]
    }

    /// The value of one partition column, serialised, by the column's physical name; `None` is null.
    pub fn partition_value(&self, physical_name: &str) -> Option<&'a str> {
        self.chunk.columns.partition(physical_name)?.get(self.row)
    }

    /// All partition values, serialised.
    pub fn partition_values(&self) -> PartitionValues {
        self.chunk.columns.partition_values(self.row)
    }

    /// The file's deletion vector.
    pub fn deletion_vector(&self) -> Option<&'a DeletionVectorDescriptor> {
        self.chunk.columns.deletion_vector(self.row)
    }

    /// The row id of the file's first row (spec: "Row IDs").
    pub fn base_row_id(&self) -> Option<i64> {
        self.chunk.columns.base_row_id(self.row)
    }

    /// The version that first committed the file's rows (spec: "Row Commit Versions").
    pub fn default_row_commit_version(&self) -> Option<i64> {
        self.chunk.columns.default_row_commit_version(self.row)
    }
}
