use super::Tags;
use serde::{Deserialize, Serialize};

/// Spec: [Checkpoint Metadata](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoint-metadata).
/// Marks a checkpoint of the V2 spec: exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointMetadata {
    /// The checkpoint's version.
    pub version: i64,
    /// Facts about the checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
}
