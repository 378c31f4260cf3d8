//! The live files of a snapshot.

use std::sync::{Arc, OnceLock};

use super::{FileChunk, FileView, LiveRows};
use crate::action_reconciliation::KeySet;
use crate::replay::ReconciledTail;

/// When newer commits hold more than a part in this many of the files, they are merged into the base.
const MERGE_PART: usize = 8;
/// However few files they hold, no more layers than this are kept apart.
const LAYERS_MAX: usize = 16;

/// All live files of a snapshot, as columns. Cheap to clone; clones share everything.
///
/// A set is a base and a few layers of newer commits. A refresh adds a layer and touches nothing else; the files that
/// newer layers removed are sought out once, when the set is first listed.
#[derive(Clone, Debug)]
pub struct FileSet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Newest first.
    layers: Vec<ReconciledTail>,
    base: Vec<FileChunk>,
    resolved: OnceLock<Vec<FileChunk>>,
}

impl FileSet {
    /// A set of a tail of commits and of older chunks from which everything the tail makes void is gone already.
    pub(crate) fn new(tail: ReconciledTail, older: Vec<FileChunk>) -> Self {
        let base = tail.chunks.into_iter().chain(older).collect();
        Self(Arc::new(Inner { layers: Vec::new(), base, resolved: OnceLock::new() }))
    }

    /// The set after newer commits.
    pub(crate) fn with_layer(&self, layer: ReconciledTail) -> Self {
        let resolved = self.0.resolved.get();
        let base = resolved.unwrap_or(&self.0.base).clone();
        let older = if resolved.is_some() { [].as_slice() } else { &self.0.layers };
        let layers: Vec<_> = std::iter::once(layer).chain(older.iter().cloned()).collect();
        let set = Self(Arc::new(Inner { layers, base, resolved: OnceLock::new() }));
        if set.should_merge() {
            set.chunks();
        }
        set
    }

    /// The chunks, newest first. Rows of a chunk that are not live are no part of the set.
    pub fn chunks(&self) -> &[FileChunk] {
        if self.0.layers.is_empty() {
            return &self.0.base;
        }
        self.0.resolved.get_or_init(|| resolve(&self.0.layers, &self.0.base))
    }

    /// The live files, newest first.
    pub fn iter(&self) -> impl Iterator<Item = FileView<'_>> {
        self.chunks().iter().flat_map(FileChunk::files)
    }

    /// The number of live files.
    pub fn len(&self) -> usize {
        self.chunks().iter().map(FileChunk::live_files).sum()
    }

    /// Whether there is no live file.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// About how much memory the set takes, in bytes; shared parts are counted in each set.
    pub fn memory_bytes(&self) -> usize {
        let layers = self.0.layers.iter().map(|layer| layer.keys.memory_bytes()).sum::<usize>();
        layers + self.chunks().iter().map(FileChunk::memory_bytes).sum::<usize>()
    }

    fn should_merge(&self) -> bool {
        let rows = |chunks: &[FileChunk]| chunks.iter().map(FileChunk::rows).sum::<usize>();
        let newer: usize = self.0.layers.iter().map(|layer| rows(&layer.chunks) + layer.keys.len()).sum();
        self.0.layers.len() > LAYERS_MAX || newer * MERGE_PART > rows(&self.0.base).max(1024)
    }
}

/// Each chunk without what newer layers make void.
fn resolve(layers: &[ReconciledTail], base: &[FileChunk]) -> Vec<FileChunk> {
    let mut newer: Vec<&KeySet> = Vec::new();
    let mut chunks = Vec::new();
    for layer in layers {
        chunks.extend(layer.chunks.iter().map(|chunk| without(chunk, &newer)));
        newer.push(&layer.keys);
    }
    chunks.extend(base.iter().map(|chunk| without(chunk, &newer)));
    chunks
}

fn without(chunk: &FileChunk, newer: &[&KeySet]) -> FileChunk {
    if newer.iter().all(|keys| keys.len() == 0) {
        return chunk.clone();
    }
    let mut scratch = Vec::new();
    let live = LiveRows::of(chunk.rows(), |row| {
        chunk.is_live(row) && {
            let key = chunk.key(row, &mut scratch);
            !newer.iter().any(|keys| keys.contains(key))
        }
    });
    FileChunk { live, ..chunk.clone() }
}
