use super::{PartitionValues, Tags};
use crate::deletion_vector::DeletionVectorDescriptor;
use serde::{Deserialize, Serialize};

/// Spec: [Add File and Remove File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-file-and-remove-file).
/// A data file that is part of the table from this commit on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Add {
    /// A URI, relative to the table's root or absolute, percent-encoded.
    pub path: String,
    /// The file's partition values.
    #[serde(default)]
    pub partition_values: PartitionValues,
    /// The file's size in bytes.
    pub size: i64,
    /// The file's time of modification, in milliseconds since the epoch.
    pub modification_time: i64,
    /// False where the rows were already in the table, only elsewhere.
    #[serde(default = "yes")]
    pub data_change: bool,
    /// The file's statistics, as JSON text (spec: "Per-file Statistics").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<String>,
    /// Facts about the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// The rows of the file that are deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_vector: Option<DeletionVectorDescriptor>,
    /// The row id of the file's first row (spec: "Row IDs").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_row_id: Option<i64>,
    /// The version in which the file's rows were first committed (spec: "Row Commit Versions").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_row_commit_version: Option<i64>,
    /// Who clustered the file (spec: "Clustered Table").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clustering_provider: Option<String>,
}

impl Add {
    /// How many rows the file holds, deleted ones included, as far as its statistics tell.
    ///
    /// ```
    /// use deltaic_log::action::Add;
    /// let add = Add { stats: Some(r#"{"numRecords":7,"nullCount":{}}"#.to_owned()), ..Add::default() };
    /// assert_eq!(add.num_records(), Some(7));
    /// assert_eq!(Add::default().num_records(), None);
    /// ```
    pub fn num_records(&self) -> Option<i64> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Statistics {
            num_records: Option<i64>,
        }
        let statistics: Statistics = serde_json::from_str(self.stats.as_deref()?).ok()?;
        statistics.num_records.filter(|rows| *rows >= 0)
    }
}

/// Writers that leave `dataChange` out changed data.
pub(super) fn yes() -> bool {
    true
}
