//! Keys of removed files.

use super::byte_column::ByteColumn;
use super::{CHUNK_BYTES_MAX, CHUNK_ROWS_MAX};

/// The keys of files that commits removed, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyColumn(ByteColumn);

impl KeyColumn {
    pub(crate) fn push(&mut self, key: &[u8]) {
        self.0.push(key);
    }

    pub(crate) fn get(&self, row: usize) -> &[u8] {
        self.0.get(row)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() >= CHUNK_ROWS_MAX || self.0.bytes_len() >= CHUNK_BYTES_MAX
    }
}
