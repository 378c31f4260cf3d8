use super::Tags;
use serde::{Deserialize, Serialize};

/// Spec: [Sidecar File Information](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#sidecar-file-information).
/// A parquet file of `add` and `remove` actions that a V2 checkpoint refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sidecar {
    /// A URI-encoded path: a bare file name lies in `_delta_log/_sidecars`.
    pub path: String,
    /// The file's size in bytes.
    pub size_in_bytes: i64,
    /// The file's time of modification, in milliseconds since the epoch.
    pub modification_time: i64,
    /// Facts about the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
}
