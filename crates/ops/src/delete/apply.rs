//! A deletion as actions.

use deltaic_commit::Transaction;
use deltaic_log::action::{Add, AddCdcFile, Remove};
use deltaic_log::feature::DELETION_VECTORS;
use deltaic_log::{Error, Result, Snapshot};
use deltaic_scan::expr::{EvalContext, Expr};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

use super::matched::{MatchedFile, matched};
use super::{Metrics, rewrite, whole_files};
use crate::data::deletion_vectors;
use crate::data::options::FileOptions;
use crate::remove::removal;

/// What a deletion does to the table, and what it counted.
#[derive(Debug, Default)]
pub(crate) struct Deletion {
    pub(crate) removes: Vec<Remove>,
    pub(crate) adds: Vec<Add>,
    pub(crate) cdc_files: Vec<AddCdcFile>,
    /// Every file that was written for it.
    pub(crate) paths: Vec<String>,
    /// Where they are known.
    deleted_rows: Option<u64>,
    pub(super) copied_rows: u64,
    vectors_added: u64,
    vectors_removed: u64,
    vectors_updated: u64,
}

impl Deletion {
    /// Of whole files, whose rows nobody looked at.
    pub(crate) async fn of_files(snapshot: &Snapshot, removes: Vec<Remove>) -> Result<Self> {
        let deleted_rows = rows_of(snapshot, &removes).await?;
        let vectors_removed = removes.iter().filter(|remove| remove.deletion_vector.is_some()).count() as u64;
        Ok(Self { removes, deleted_rows, vectors_removed, ..Self::default() })
    }

    /// Whether nothing was to be deleted.
    pub(crate) fn is_empty(&self) -> bool {
        self.removes.is_empty()
    }

    /// What was counted, by the names of the table's history.
    pub(crate) fn metrics(&self) -> Metrics {
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
        let counts = counts.into_iter().chain(self.deleted_rows.map(|rows| ("numDeletedRows", rows)));
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

/// Deletes the rows for which `predicate` is true. On an error, the paths of what was written by then.
pub(crate) async fn delete_where(
    snapshot: &Snapshot,
    predicate: &Expr,
    eval: &EvalContext,
    options: &FileOptions,
) -> Result<Deletion, (Error, Vec<String>)> {
    let unwritten = |error| (error, Vec::new());
    if let Some(removes) = whole_files(snapshot, predicate, eval).await.map_err(unwritten)? {
        return Deletion::of_files(snapshot, removes).await.map_err(unwritten);
    }
    let files = matched(snapshot, predicate, eval).await.map_err(unwritten)?;
    let mut deletion = Deletion {
        deleted_rows: Some(files.iter().map(|file| file.positions.cardinality()).sum()),
        removes: files.iter().map(|file| removal(file.planned.file())).collect(),
        ..Deletion::default()
    };
    let done = match snapshot.configuration().is_active(&DELETION_VECTORS) {
        true => grow_vectors(snapshot, &files, options, &mut deletion).await,
        false => rewrite::rewrite(snapshot, &files, eval, options, &mut deletion).await,
    };
    match done {
        Ok(()) => Ok(deletion),
        Err(error) => Err((error, deletion.paths)),
    }
}

/// Marks the rows as deleted where they are.
async fn grow_vectors(
    snapshot: &Snapshot,
    files: &[MatchedFile],
    options: &FileOptions,
    deletion: &mut Deletion,
) -> Result<()> {
    let had_vector = |file: &&MatchedFile| file.planned.file().deletion_vector().is_some();
    let (whole, partial): (Vec<&MatchedFile>, Vec<&MatchedFile>) = files.iter().partition(|file| file.is_whole());
    deletion.vectors_updated = partial.iter().copied().filter(had_vector).count() as u64;
    deletion.vectors_removed = deletion.vectors_updated + whole.iter().copied().filter(had_vector).count() as u64;
    deletion.vectors_added = partial.len() as u64;
    let vectors: Vec<_> = partial.iter().map(|file| file.deleted.union(&file.positions)).collect();
    let descriptors = deletion_vectors::write(snapshot.store(), &vectors, options.sync, &mut deletion.paths).await?;
    for (file, descriptor) in partial.into_iter().zip(descriptors) {
        let statistics = file.planned.chunk.statistics(snapshot.store()).await?;
        let statistics = statistics.into_iter().nth(file.planned.row).flatten();
        let view = file.planned.file();
        deletion.adds.push(Add {
            path: view.path().to_owned(),
            partition_values: view.partition_values(),
            size: view.size(),
            modification_time: view.modification_time(),
            data_change: true,
            stats: Some(with_wide_bounds(statistics.as_deref(), file.num_records)),
            tags: None,
            deletion_vector: Some(descriptor),
            base_row_id: view.base_row_id(),
            default_row_commit_version: view.default_row_commit_version(),
            clustering_provider: None,
        });
    }
    Ok(())
}

/// The same statistics, exact in the number of rows, with bounds that may be wide from now on.
fn with_wide_bounds(statistics: Option<&str>, num_records: u64) -> String {
    let raw = |text: String| RawValue::from_string(text).ok();
    let members: Option<BTreeMap<String, Box<RawValue>>> = statistics.and_then(|text| serde_json::from_str(text).ok());
    let mut members = members.unwrap_or_default();
    for (key, value) in [("numRecords", num_records.to_string()), ("tightBounds", "false".to_owned())] {
        members.extend(raw(value).map(|value| (key.to_owned(), value)));
    }
    serde_json::to_string(&members)
        .unwrap_or_else(|_| format!("{{\"numRecords\":{num_records},\"tightBounds\":false}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_keep_their_numbers() {
        let before = r#"{"numRecords":3,"minValues":{"d":99999999999999999999999999999999999999}}"#;
        let after = with_wide_bounds(Some(before), 3);
        assert_eq!(
            after,
            r#"{"minValues":{"d":99999999999999999999999999999999999999},"numRecords":3,"tightBounds":false}"#
        );
        assert_eq!(with_wide_bounds(Some("no JSON"), 2), r#"{"numRecords":2,"tightBounds":false}"#);
        assert_eq!(with_wide_bounds(None, 2), r#"{"numRecords":2,"tightBounds":false}"#);
    }
}
