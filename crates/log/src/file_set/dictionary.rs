//! Partition values of a chunk: a code a row, each distinct text once.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use super::byte_column::ByteColumn;

/// A column of optional texts with few distinct values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dictionary {
    /// 0 is null; `n` is value `n - 1`.
    codes: Vec<u32>,
    values: ByteColumn,
    index: HashTable<u32>,
    hasher: RandomState,
}

impl Dictionary {
    /// A column that begins with `rows` nulls.
    pub(crate) fn nulls(rows: usize) -> Self {
        Self { codes: vec![0; rows], ..Self::default() }
    }

    /// The code of `value`, for [`Self::push_code`].
    pub(crate) fn intern(&mut self, value: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(value);
        let (values, hasher) = (&self.values, &self.hasher);
        let entry =
            self.index.entry(hash, |&i| values.get(i as usize) == value, |&i| hasher.hash_one(values.get(i as usize)));
        match entry {
            hashbrown::hash_table::Entry::Occupied(found) => *found.get() + 1,
            hashbrown::hash_table::Entry::Vacant(free) => {
                let next = u32::try_from(self.values.len()).expect("a chunk has fewer rows than 2^32");
                free.insert(next);
                self.values.push(value);
                next + 1
            }
        }
    }

    pub(crate) fn push_code(&mut self, code: u32) {
        self.codes.push(code);
    }

    pub(crate) fn len(&self) -> usize {
        self.codes.len()
    }

    /// The text of a row.
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        self.codes[row].checked_sub(1).map(|value| self.values.text(value as usize))
    }

    /// A code for each row: 0 is null, `n` is the distinct value `n - 1`.
    pub(crate) fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// The distinct values.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        (0..self.values.len()).map(|value| self.values.text(value))
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.codes.capacity() * size_of::<u32>() + self.values.memory_bytes() + self.index.allocation_size()
    }

    /// No value is interned any more.
    pub(crate) fn freeze(&mut self) {
        self.codes.shrink_to_fit();
        self.values.shrink();
        self.index = HashTable::new();
    }
}
