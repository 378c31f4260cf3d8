//! Which files come back, and which go.

use std::collections::HashSet;

use deltaic_log::action::{Add, Remove};
use deltaic_log::action_reconciliation::canonical_path;
use deltaic_log::deletion_vector::DeletionVectorDescriptor;
use deltaic_log::{Result, Snapshot};
use futures::TryStreamExt;

use crate::remove::removal;
use crate::rows::change::Metrics;

/// From the files of one version to those of another.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) adds: Vec<Add>,
    pub(super) removes: Vec<Remove>,
    /// How many files the other version has, and their size.
    files: u64,
    bytes: u64,
}

/// What makes a file the same: its path, and which of its rows are deleted.
type Key = (String, Option<String>);

fn key(path: &str, vector: Option<&DeletionVectorDescriptor>) -> Key {
    (canonical_path(path).into_owned(), vector.map(DeletionVectorDescriptor::unique_id))
}

impl Difference {
    /// # Errors
    /// As [`Snapshot::files`] and [`Snapshot::stream_adds`].
    pub(super) async fn between(current: &Snapshot, target: &Snapshot) -> Result<Self> {
        let live: HashSet<Key> =
            current.files().await?.iter().map(|file| key(file.path(), file.deletion_vector())).collect();
        let (mut this, mut stay) = (Self::default(), HashSet::new());
        let mut chunks = target.stream_adds().await?;
        while let Some(adds) = chunks.try_next().await? {
            for add in adds {
                this.files += 1;
                this.bytes = this.bytes.saturating_add(u64::try_from(add.size).unwrap_or(0));
                let key = key(&add.path, add.deletion_vector.as_ref());
                match live.contains(&key) {
                    true => drop(stay.insert(key)),
                    false => this.adds.push(Add { data_change: true, ..add }),
                }
            }
        }
        let goes = |file: &deltaic_log::FileView<'_>| !stay.contains(&key(file.path(), file.deletion_vector()));
        this.removes = current.files().await?.iter().filter(goes).map(removal).collect();
        Ok(this)
    }

    /// Without the files at these places of `adds`.
    pub(super) fn leave_out(&mut self, places: &[usize]) {
        let mut place = 0;
        self.adds.retain(|add| {
            let stays = !places.contains(&place);
            place += 1;
            if !stays {
                self.files -= 1;
                self.bytes = self.bytes.saturating_sub(u64::try_from(add.size).unwrap_or(0));
            }
            stays
        });
    }

    /// What is counted, by the names of the table's history.
    pub(super) fn metrics(&self) -> Metrics {
        let bytes = |sizes: &mut dyn Iterator<Item = i64>| sizes.filter_map(|size| u64::try_from(size).ok()).sum();
        let counts = [
            ("tableSizeAfterRestore", self.bytes),
            ("numOfFilesAfterRestore", self.files),
            ("numRemovedFiles", self.removes.len() as u64),
            ("numRestoredFiles", self.adds.len() as u64),
            ("removedFilesSize", bytes(&mut self.removes.iter().filter_map(|remove| remove.size))),
            ("restoredFilesSize", bytes(&mut self.adds.iter().map(|add| add.size))),
        ];
        counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
    }
}
