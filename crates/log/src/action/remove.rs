use super::{PartitionValues, Tags, add::yes};
use crate::deletion_vector::DeletionVectorDescriptor;
use serde::{Deserialize, Serialize};

/// Spec: [Add File and Remove File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-file-and-remove-file).
/// A data file that is part of the table no more: a tombstone until its retention ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remove {
    /// A URI, relative to the table's root or absolute, percent-encoded.
    pub path: String,
    /// When the file was removed, in milliseconds since the epoch. Absent means 0: expired at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_timestamp: Option<i64>,
    /// False where the rows are still in the table, only elsewhere.
    #[serde(default = "yes")]
    pub data_change: bool,
    /// Whether `partition_values`, `size` and `tags` are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_file_metadata: Option<bool>,
    /// The file's partition values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_values: Option<PartitionValues>,
    /// The file's size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// The file's statistics, as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<String>,
    /// Facts about the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// The deletion vector that the file had when it was removed: part of its identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_vector: Option<DeletionVectorDescriptor>,
    /// The row id of the file's first row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_row_id: Option<i64>,
    /// The version in which the file's rows were first committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_row_commit_version: Option<i64>,
}
