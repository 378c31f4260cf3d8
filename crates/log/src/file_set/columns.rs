//! The files of a chunk as columns.

use std::collections::BTreeMap;

use super::byte_column::ByteColumn;
use super::dictionary::Dictionary;
use super::{CHUNK_BYTES_MAX, CHUNK_ROWS_MAX};
use crate::action::PartitionValues;
use crate::deletion_vector::DeletionVectorDescriptor;

/// A path is rarely longer: what a footer promises beyond is not believed in advance.
const PATH_BYTES_EXPECTED_MAX: usize = 256;

/// Live files as columns: what planning needs of each `add`. Statistics and tags stay in the log; commits keep their
/// statistics' text, still escaped, because it is at hand and small.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileColumns {
    pub(crate) paths: ByteColumn,
    pub(crate) sizes: Vec<i64>,
    pub(crate) modification_times: Vec<i64>,
    /// By the name in the log (physical under column mapping), in the order of first appearance.
    partitions: Vec<(String, Dictionary)>,
    deletion_vectors: BTreeMap<u32, DeletionVectorDescriptor>,
    base_row_ids: Sparse,
    default_row_commit_versions: Sparse,
    /// Each file's `stats` as the JSON string literal of its commit; empty where absent.
    stats: Option<ByteColumn>,
}

/// Numbers that most chunks have for all rows or for none.
#[derive(Clone, Debug, Default)]
struct Sparse(Vec<Option<i64>>);

impl Sparse {
    fn set(&mut self, row: usize, value: Option<i64>) {
        if value.is_some() {
            self.0.resize(row, None);
            self.0.push(value);
        }
    }

    fn get(&self, row: usize) -> Option<i64> {
        self.0.get(row).copied().flatten()
    }
}

/// What a row of [`FileColumns`] is made from; partition values are given apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileRow<'a> {
    pub(crate) path: &'a str,
    pub(crate) size: i64,
    pub(crate) modification_time: i64,
    pub(crate) deletion_vector: Option<DeletionVectorDescriptor>,
    pub(crate) base_row_id: Option<i64>,
    pub(crate) default_row_commit_version: Option<i64>,
    pub(crate) stats: Option<&'a str>,
}

impl FileColumns {
    /// Columns with room for so many rows, and so many bytes of paths, within the bounds of a chunk.
    pub(crate) fn with_capacity(rows: usize, path_bytes: usize) -> Self {
        let rows = rows.min(CHUNK_ROWS_MAX);
        Self {
            paths: ByteColumn::with_capacity(rows, path_bytes.min(rows.saturating_mul(PATH_BYTES_EXPECTED_MAX))),
            sizes: Vec::with_capacity(rows),
            modification_times: Vec::with_capacity(rows),
            ..Self::default()
        }
    }

    /// Adds a file.
    pub(crate) fn push<'v>(
        &mut self,
        file: FileRow<'_>,
        partition_values: impl Iterator<Item = (&'v str, Option<&'v str>)>,
    ) {
        let row = self.len();
        self.paths.push(file.path.as_bytes());
        self.sizes.push(file.size);
        self.modification_times.push(file.modification_time);
        self.push_partition_values(row, partition_values);
        if let Some(vector) = file.deletion_vector {
            self.deletion_vectors.insert(u32::try_from(row).expect("a chunk has fewer rows than 2^32"), vector);
        }
        self.base_row_ids.set(row, file.base_row_id);
        self.default_row_commit_versions.set(row, file.default_row_commit_version);
        if let Some(stats) = file.stats {
            let column = self.stats.get_or_insert_default();
            while column.len() < row {
                column.push(b"");
            }
            column.push(stats.as_bytes());
        }
    }

    fn push_partition_values<'v>(&mut self, row: usize, values: impl Iterator<Item = (&'v str, Option<&'v str>)>) {
        for (i, (name, value)) in values.enumerate() {
            let at = match self.partitions.get(i) {
                Some((known, _)) if known == name => i,
                _ => self.partition_index(row, name),
            };
            let column = &mut self.partitions[at].1;
            if column.len() == row {
                let code = value.map_or(0, |value| column.intern(value.as_bytes()));
                column.push_code(code);
            }
        }
        for (_, column) in &mut self.partitions {
            if column.len() == row {
                column.push_code(0);
            }
        }
    }

    fn partition_index(&mut self, rows: usize, name: &str) -> usize {
        self.partitions.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.partitions.push((name.to_owned(), Dictionary::nulls(rows)));
            self.partitions.len() - 1
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Whether the chunk should be closed before another file is added.
    pub(crate) fn is_full(&self) -> bool {
        let bytes = self.paths.bytes_len() + self.stats.as_ref().map_or(0, ByteColumn::bytes_len);
        self.len() >= CHUNK_ROWS_MAX || bytes >= CHUNK_BYTES_MAX
    }

    pub(crate) fn partition(&self, name: &str) -> Option<&Dictionary> {
        self.partitions.iter().find(|(known, _)| known == name).map(|(_, column)| column)
    }

    pub(crate) fn partition_values(&self, row: usize) -> PartitionValues {
        self.partitions.iter().map(|(name, column)| (name.clone(), column.get(row).map(str::to_owned))).collect()
    }

    pub(crate) fn deletion_vector(&self, row: usize) -> Option<&DeletionVectorDescriptor> {
        if self.deletion_vectors.is_empty() {
            return None;
        }
        self.deletion_vectors.get(&u32::try_from(row).ok()?)
    }

    pub(crate) fn base_row_id(&self, row: usize) -> Option<i64> {
        self.base_row_ids.get(row)
    }

    pub(crate) fn default_row_commit_version(&self, row: usize) -> Option<i64> {
        self.default_row_commit_versions.get(row)
    }

    /// The statistics' text, still escaped, where the chunk came from commits.
    pub(crate) fn escaped_stats(&self, row: usize) -> Option<&[u8]> {
        let column = self.stats.as_ref()?;
        (row < column.len()).then(|| column.get(row)).filter(|text| !text.is_empty())
    }

    /// Gives back memory that only building needed.
    pub(crate) fn freeze(&mut self) {
        self.paths.shrink();
        self.sizes.shrink_to_fit();
        self.modification_times.shrink_to_fit();
        self.partitions.iter_mut().for_each(|(_, column)| column.freeze());
        if let Some(stats) = &mut self.stats {
            stats.shrink();
        }
    }

    /// About how much memory the columns take, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.paths.memory_bytes()
            + (self.sizes.capacity() + self.modification_times.capacity()) * size_of::<i64>()
            + self.partitions.iter().map(|(_, column)| column.memory_bytes()).sum::<usize>()
            + self.deletion_vectors.len() * 128
            + (self.base_row_ids.0.capacity() + self.default_row_commit_versions.0.capacity())
                * size_of::<Option<i64>>()
            + self.stats.as_ref().map_or(0, ByteColumn::memory_bytes)
    }
}
