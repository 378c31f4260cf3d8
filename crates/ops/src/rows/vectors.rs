//! Rows that go are marked in the deletion vectors of their files.

use std::collections::BTreeMap;

use deltaic_log::action::Add;
use deltaic_log::{Result, Snapshot};
use serde_json::value::RawValue;

use super::change::RowChange;
use super::matched::MatchedFile;
use crate::data::deletion_vectors;
use crate::data::options::FileOptions;

/// Marks the rows as deleted where they are.
pub(crate) async fn grow_vectors(
    snapshot: &Snapshot,
    files: &[MatchedFile],
    options: &FileOptions,
    change: &mut RowChange,
) -> Result<()> {
    let had_vector = |file: &&MatchedFile| file.planned.file().deletion_vector().is_some();
    let (whole, partial): (Vec<&MatchedFile>, Vec<&MatchedFile>) = files.iter().partition(|file| file.is_whole());
    change.vectors_updated = partial.iter().copied().filter(had_vector).count() as u64;
    change.vectors_removed = change.vectors_updated + whole.iter().copied().filter(had_vector).count() as u64;
    change.vectors_added = partial.len() as u64;
    let vectors: Vec<_> = partial.iter().map(|file| file.deleted.union(&file.positions)).collect();
    let descriptors = deletion_vectors::write(snapshot.store(), &vectors, options.sync, &mut change.paths).await?;
    for (file, descriptor) in partial.into_iter().zip(descriptors) {
        let statistics = file.planned.chunk.statistics(snapshot.store()).await?;
        let statistics = statistics.into_iter().nth(file.planned.row).flatten();
        let view = file.planned.file();
        change.adds.push(Add {
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
