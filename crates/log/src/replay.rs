//! Reads the commits after a checkpoint, newest first, and reconciles them.
//!
//! Every commit is read and parsed once: what opening a snapshot reads in search of protocol and metadata is kept for the
//! file listing that may follow.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::action::{Metadata, Protocol};
use crate::action_reconciliation::{KeySet, file_key};
use crate::commit_file::DeltaBatch;
use crate::cpu;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::file_set::{FileChunk, LiveRows, Origin};
use crate::segment::DeltaFile;
use crate::store::TableStore;

/// Commits read at first, when the search for protocol and metadata may well end in the newest ones.
const FIRST_WAVE: usize = 32;
/// Commits of one batch: a job of the CPU pool.
const BATCH_FILES: usize = 256;
/// Requests under way at a time, on stores that are not local.
const REQUESTS: usize = 32;
/// A commit larger than this is refused: it would not fit a chunk.
const COMMIT_BYTES_MAX: usize = 1 << 31;

/// Commits that are read: newest first, without gaps from the newest on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail {
    batches: Vec<Arc<DeltaBatch>>,
    /// How many of the segment's deltas the batches cover, from the newest.
    covered: usize,
}

impl Tail {
    /// Reads older and older commits until both protocol and metadata are known, or none newer than index `stop` of
    /// `deltas` is left.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptLog`], [`ErrorKind::MissingFile`], [`ErrorKind::Storage`].
    pub(crate) async fn read_until_known(store: &TableStore, deltas: &[DeltaFile], stop: usize) -> Result<Self> {
        let mut tail = Self::default();
        let mut wave = FIRST_WAVE;
        while deltas.len() - tail.covered > stop && !tail.knows_both() {
            let end = deltas.len() - tail.covered;
            tail.read(store, &deltas[end.saturating_sub(wave).max(stop)..end]).await?;
            wave = wave.saturating_mul(64);
        }
        Ok(tail)
    }

    /// The same commits and all older ones of `deltas`.
    ///
    /// # Errors
    /// As [`Self::read_until_known`].
    pub(crate) async fn complete(&self, store: &TableStore, deltas: &[DeltaFile]) -> Result<Self> {
        let mut tail = self.clone();
        tail.read(store, &deltas[..deltas.len() - tail.covered]).await?;
        Ok(tail)
    }

    /// The same commits and those of `newer`, and the latter alone.
    ///
    /// # Errors
    /// As [`Self::read_until_known`].
    pub(crate) async fn extended(&self, store: &TableStore, newer: &[DeltaFile]) -> Result<(Self, Self)> {
        let mut new = Self::default();
        new.read(store, newer).await?;
        Ok((self.with_newer(&new), new))
    }

    /// The same commits and those of `newer`.
    pub(crate) fn with_newer(&self, newer: &Self) -> Self {
        let batches = newer.batches.iter().chain(&self.batches).cloned().collect();
        Self { batches, covered: self.covered + newer.covered }
    }

    /// The newest protocol among the commits read.
    pub(crate) fn protocol(&self) -> Option<&Protocol> {
        self.deltas().find_map(|delta| delta.protocol.as_ref())
    }

    /// The newest metadata among the commits read.
    pub(crate) fn metadata(&self) -> Option<&Metadata> {
        self.deltas().find_map(|delta| delta.metadata.as_ref())
    }

    /// The commits read, newest first.
    pub(crate) fn deltas(&self) -> impl Iterator<Item = &crate::commit_file::Delta> {
        self.batches.iter().flat_map(|batch| batch.deltas.iter().rev())
    }

    fn knows_both(&self) -> bool {
        self.protocol().is_some() && self.metadata().is_some()
    }

    async fn read(&mut self, store: &TableStore, deltas: &[DeltaFile]) -> Result<()> {
        let per_batch = deltas.len().div_ceil(store.context().cpu.parallelism()).clamp(1, BATCH_FILES);
        let groups: Vec<Vec<DeltaFile>> = deltas.rchunks(per_batch).map(<[_]>::to_vec).collect();
        let width = if store.is_local() { store.context().cpu.parallelism() } else { 2 };
        let read = stream::iter(groups).map(|group| read_group(store.clone(), group)).buffered(width);
        let batches: Vec<Vec<Arc<DeltaBatch>>> = read.try_collect().await.with("table", store.root())?;
        self.batches.extend(batches.into_iter().flatten());
        self.covered += deltas.len();
        Ok(())
    }
}

/// Reads some consecutive commits into batches, the newest batch first.
async fn read_group(store: TableStore, group: Vec<DeltaFile>) -> Result<Vec<Arc<DeltaBatch>>> {
    let cpu = store.context().cpu.clone();
    if store.is_local() {
        return cpu::run(&cpu, move || parse_group(group, |delta| store.read_local_now(&delta.file.path))).await;
    }
    let fetch = |delta: DeltaFile| {
        let store = store.clone();
        async move {
            let bytes = store.read(&delta.file.path).await?;
            let gone = || {
                Error::new(ErrorKind::MissingFile, "a commit is gone since it was listed")
                    .with("file", &delta.file.path)
            };
            Ok::<_, Error>((bytes.ok_or_else(gone)?, delta))
        }
    };
    let fetched: Vec<_> = stream::iter(group).map(fetch).buffered(REQUESTS).try_collect().await?;
    cpu::run(&cpu, move || {
        let (bytes, group): (Vec<_>, Vec<_>) = fetched.into_iter().unzip();
        let mut bytes = bytes.into_iter();
        parse_group(group, |_| Ok(bytes.next().expect("one for each commit")))
    })
    .await
}

fn parse_group(
    group: Vec<DeltaFile>,
    mut bytes_of: impl FnMut(&DeltaFile) -> Result<bytes::Bytes>,
) -> Result<Vec<Arc<DeltaBatch>>> {
    let mut batches = Vec::new();
    let mut batch = DeltaBatch::default();
    for delta in group {
        let bytes = bytes_of(&delta)?;
        let size = bytes.len();
        if size > COMMIT_BYTES_MAX {
            let message = format!("a commit of {size} bytes is larger than {COMMIT_BYTES_MAX} bytes can be read");
            return Err(Error::new(ErrorKind::ResourceLimit, message).with("file", &delta.file.path));
        }
        if size == 0 && delta.is_compaction() {
            // It may stand for commits that did nothing, but a crash leaves such a file, too; and the commits tell.
            return Err(
                Error::new(ErrorKind::CorruptLog, "a log compaction file is empty").with("file", &delta.file.path)
            );
        }
        batch.read(&bytes).with("file", &delta.file.path).with("version", delta.end)?;
        if batch.is_full() {
            batches.push(close(std::mem::take(&mut batch)));
        }
    }
    batches.push(close(batch));
    batches.reverse();
    Ok(batches)
}

fn close(mut batch: DeltaBatch) -> Arc<DeltaBatch> {
    batch.freeze();
    Arc::new(batch)
}

/// The files that the commits of a tail add and leave live, and the keys of every file that they mention: those are void
/// in anything older.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReconciledTail {
    /// Newest first.
    pub(crate) chunks: Vec<FileChunk>,
    pub(crate) keys: Arc<KeySet>,
}

impl ReconciledTail {
    /// Spec: "Action Reconciliation", newest first. Within one commit the order of actions is of no matter, so its `add`s
    /// are seen before its `remove`s: a file that is removed with one deletion vector and added with another has two keys.
    pub(crate) fn new(tail: &Tail) -> Self {
        let mut keys = KeySet::default();
        let chunks = tail.batches.iter().filter_map(|batch| reconcile_batch(batch, &mut keys)).collect();
        Self { chunks, keys: Arc::new(keys) }
    }
}

fn reconcile_batch(batch: &Arc<DeltaBatch>, keys: &mut KeySet) -> Option<FileChunk> {
    let mut scratch = Vec::new();
    let mut live = vec![false; batch.adds.len()];
    for delta in batch.deltas.iter().rev() {
        for row in delta.adds.clone() {
            let vector = batch.adds.deletion_vector(row);
            live[row] = keys.insert(file_key(batch.adds.paths.text(row), vector, &mut scratch));
        }
        for row in delta.removes.clone() {
            keys.insert(batch.removes.get(row));
        }
    }
    let columns = batch.adds.clone();
    let live = LiveRows::of(columns.len(), |row| live[row]);
    (columns.len() > 0).then(|| FileChunk::new(columns, live, Origin::Commits))
}
