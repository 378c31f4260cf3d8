use std::sync::Arc;

use parquet::file::properties::WriterProperties;

/// How data files are written.
///
/// ```
/// use deltaic_ops::FileOptions;
/// let options = FileOptions::new().with_target_file_size_bytes(64 << 20);
/// assert_eq!(options.target_file_size_bytes, 64 << 20);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileOptions {
    /// The size at which a file is full; the last one of a partition is smaller.
    pub target_file_size_bytes: u64,
    /// The most rows in a row group.
    pub row_group_rows_max: usize,
    /// The size, encoded, at which a row group is full.
    pub row_group_bytes_max: usize,
    /// What to write Parquet with, instead of what the table's properties say of codec and format.
    pub writer_properties: Option<Arc<WriterProperties>>,
    /// Whether local files are on disk before a commit names them.
    pub sync: bool,
}

impl FileOptions {
    /// Files of 128 MiB, row groups of 1,048,576 rows or 64 MiB, on disk before they are committed.
    pub fn new() -> Self {
        Self {
            target_file_size_bytes: 128 << 20,
            row_group_rows_max: 1 << 20,
            row_group_bytes_max: 64 << 20,
            writer_properties: None,
            sync: true,
        }
    }

    /// The same, with files of another size.
    #[must_use]
    pub fn with_target_file_size_bytes(mut self, bytes: u64) -> Self {
        self.target_file_size_bytes = bytes.max(1);
        self
    }

    /// The same, with at most this many rows in a row group.
    #[must_use]
    pub fn with_row_group_rows_max(mut self, rows: usize) -> Self {
        self.row_group_rows_max = rows.max(1);
        self
    }

    /// The same, written with these properties of Parquet: codec, encodings, bloom filters, page sizes.
    #[must_use]
    pub fn with_writer_properties(mut self, properties: WriterProperties) -> Self {
        self.writer_properties = Some(Arc::new(properties));
        self
    }

    /// The same, left to the operating system to bring to disk: faster, for tables that can be made anew.
    #[must_use]
    pub fn unsynced(mut self) -> Self {
        self.sync = false;
        self
    }
}

impl Default for FileOptions {
    fn default() -> Self {
        Self::new()
    }
}
