//! Byte strings of a chunk, in one buffer.

/// A column of byte strings: one buffer, 32-bit offsets. A chunk is bounded ([`super::CHUNK_ROWS_MAX`],
/// [`super::CHUNK_BYTES_MAX`]), so the offsets never overflow.
#[derive(Clone, Debug)]
pub(crate) struct ByteColumn {
    offsets: Vec<u32>,
    bytes: Vec<u8>,
}

impl Default for ByteColumn {
    fn default() -> Self {
        Self { offsets: vec![0], bytes: Vec::new() }
    }
}

impl ByteColumn {
    pub(crate) fn with_capacity(rows: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { offsets, bytes: Vec::with_capacity(bytes) }
    }

    pub(crate) fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.offsets.push(u32::try_from(self.bytes.len()).expect("a chunk is closed long before 4 GiB"));
    }

    pub(crate) fn get(&self, row: usize) -> &[u8] {
        &self.bytes[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    /// The text of a row whose bytes were pushed as text.
    pub(crate) fn text(&self, row: usize) -> &str {
        std::str::from_utf8(self.get(row)).expect("only text was pushed")
    }

    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(crate) fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.offsets.capacity() * size_of::<u32>()
    }

    pub(crate) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.offsets.shrink_to_fit();
    }
}
