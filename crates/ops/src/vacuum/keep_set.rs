use std::hash::BuildHasher;

use foldhash::fast::RandomState;

/// The files to keep, as hashes: eight bytes each, whatever their names.
///
/// Two names of one hash make a vacuum keep a file that it could delete. It never goes the other way.
#[derive(Debug, Default)]
pub(super) struct KeepSet {
    hasher: RandomState,
    /// Sorted once the set is complete.
    hashes: Vec<u64>,
}

impl KeepSet {
    pub(super) fn insert(&mut self, path: &str) {
        self.hashes.push(self.hasher.hash_one(path));
    }

    /// The set, to be asked: nothing is inserted any more.
    #[must_use]
    pub(super) fn complete(mut self) -> Self {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self
    }

    pub(super) fn contains(&self, path: &str) -> bool {
        self.hashes.binary_search(&self.hasher.hash_one(path)).is_ok()
    }
}
