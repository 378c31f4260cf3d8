use super::{PartitionValues, Tags};
use serde::{Deserialize, Serialize};

/// Spec: [Add CDC File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-cdc-file).
/// A file of row changes. Where a version has one, its changes are what these files say and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddCdcFile {
    /// A URI, relative to the table's root or absolute, percent-encoded.
    pub path: String,
    /// The file's partition values.
    #[serde(default)]
    pub partition_values: PartitionValues,
    /// The file's size in bytes.
    pub size: i64,
    /// Always false: the data itself is in `add` and `remove`.
    #[serde(default)]
    pub data_change: bool,
    /// Facts about the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
}
