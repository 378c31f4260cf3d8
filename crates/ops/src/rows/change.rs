//! A change of rows as actions.

use std::collections::BTreeMap;

use deltaic_commit::Transaction;
use deltaic_log::action::{Add, AddCdcFile, Remove};
use deltaic_log::{Result, Snapshot};

use super::matched::MatchedFile;
use crate::remove::removal;

/// Counts by the names that the table's history has for them.
pub(crate) type Metrics = BTreeMap<String, u64>;

/// What becomes of files whose rows change, and what was counted.
#[derive(Debug, Default)]
pub(crate) struct RowChange {
    pub(crate) removes: Vec<Remove>,
    pub(crate) adds: Vec<Add>,
    pub(crate) cdc_files: Vec<AddCdcFile>,
    /// Every file that was written for it.
    pub(crate) paths: Vec<String>,
    /// How many rows are deleted or updated, where that is known.
    pub(super) changed_rows: Option<u64>,
    pub(crate) copied_rows: u64,
    pub(super) vectors_added: u64,
    pub(super) vectors_removed: u64,
    pub(super) vectors_updated: u64,
}

impl RowChange {
    /// Of whole files, whose rows nobody looked at.
    pub(crate) async fn of_files(snapshot: &Snapshot, removes: Vec<Remove>) -> Result<Self> {
        let changed_rows = rows_of(snapshot, &removes).await?;
        let vectors_removed = removes.iter().filter(|remove| remove.deletion_vector.is_some()).count() as u64;
        Ok(Self { removes, changed_rows, vectors_removed, ..Self::default() })
    }

    /// Whether nothing was to be changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.removes.is_empty()
    }

    /// Of these files, which hold the rows that change.
    pub(crate) fn of_matched(files: &[MatchedFile]) -> Self {
        Self {
            changed_rows: Some(files.iter().map(|file| file.positions.cardinality()).sum()),
            removes: files.iter().map(|file| removal(file.planned.file())).collect(),
            ..Self::default()
        }
    }

    /// What was counted, by the names of the table's history; that of the rows depends on what became of them.
    pub(crate) fn metrics(&self, rows_name: &str) -> Metrics {
        // A file whose vector grew is neither removed nor added.
        let grown = self.vectors_grown();
        let size =
            |sizes: &mut dyn Iterator<Item = i64>| sizes.filter_map(|size| u64::try_from(size).ok()).sum::<u64>();
        let is_whole = |remove: &&Remove| !self.adds.iter().any(|add| add.path == remove.path);
        let is_new = |add: &&Add| add.deletion_vector.is_none();
        let counts = [
            ("numRemovedFiles", self.removes.len() as u64 - grown),
            ("numRemovedBytes", size(&mut self.removes.iter().filter(is_whole).filter_map(|remove| remove.size))),
            ("numAddedFiles", self.adds.len() as u64 - grown),
            ("numAddedBytes", size(&mut self.adds.iter().filter(is_new).map(|add| add.size))),
            ("numAddedChangeFiles", self.cdc_files.len() as u64),
            ("numCopiedRows", self.copied_rows),
            ("numDeletionVectorsAdded", self.vectors_added),
            ("numDeletionVectorsRemoved", self.vectors_removed),
            ("numDeletionVectorsUpdated", self.vectors_updated),
        ];
        let counts = counts.into_iter().chain(self.changed_rows.map(|rows| (rows_name, rows)));
        counts.map(|(name, count)| (name.to_owned(), count)).collect()
    }

    fn vectors_grown(&self) -> u64 {
        self.adds.iter().filter(|add| add.deletion_vector.is_some()).count() as u64
    }

    /// Stages the actions.
    pub(crate) fn stage(self, transaction: &mut Transaction) {
        self.removes.into_iter().for_each(|remove| transaction.remove(remove));
        self.adds.into_iter().for_each(|add| transaction.add(add));
        self.cdc_files.into_iter().for_each(|cdc| transaction.add_cdc_file(cdc));
    }
}

/// The rows of these files, by the log; `None` where it does not tell of one.
async fn rows_of(snapshot: &Snapshot, removes: &[Remove]) -> Result<Option<u64>> {
    let wanted: std::collections::HashSet<&str> = removes.iter().map(|remove| remove.path.as_str()).collect();
    let (store, schema) = (snapshot.store(), snapshot.configuration().physical_schema());
    let mut rows = 0_u64;
    for chunk in snapshot.files().await?.chunks() {
        let counted = chunk.bounds(store, schema, &[]).await?.num_records;
        let counted: Vec<Option<i64>> = counted.iter().collect();
        for file in chunk.files().filter(|file| wanted.contains(file.path())) {
            let Some(count) = counted[file.row()] else { return Ok(None) };
            let deleted = file.deletion_vector().map_or(0, |vector| vector.cardinality);
            rows = rows.saturating_add(u64::try_from(count.saturating_sub(deleted)).unwrap_or(0));
        }
    }
    Ok(Some(rows))
}
