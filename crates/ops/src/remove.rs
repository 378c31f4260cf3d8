//! The removal of a file that is live.

use deltaic_log::FileView;
use deltaic_log::action::Remove;

/// The tombstone of a file: with all that identifies it, and what readers of changes need to know.
pub(crate) fn removal(file: FileView<'_>) -> Remove {
    Remove {
        path: file.path().to_owned(),
        deletion_timestamp: None,
        data_change: true,
        extended_file_metadata: Some(true),
        partition_values: Some(file.partition_values()),
        size: Some(file.size()),
        stats: None,
        tags: None,
        deletion_vector: file.deletion_vector().cloned(),
        base_row_id: file.base_row_id(),
        default_row_commit_version: file.default_row_commit_version(),
    }
}
