use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Spec: [Commit Provenance Information](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#commit-provenance-information).
/// Who committed what. Any JSON is legal: the fields below are the usual ones, `extra` keeps all others, and a usual
/// field of an unusual type goes to `extra` too rather than failing the commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitInfo {
    /// When the commit was made by its writer's clock, in milliseconds since the epoch.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// The commit's time under the feature `inCommitTimestamp`.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub in_commit_timestamp: Option<i64>,
    /// `WRITE`, `DELETE`, …
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The operation's parameters; values are usually, not always, JSON as text.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub operation_parameters: Option<Map<String, Value>>,
    /// The operation's metrics; values are usually numbers as text.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub operation_metrics: Option<Map<String, Value>>,
    /// The version that the writer had read.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub read_version: Option<i64>,
    /// `Serializable`, `WriteSerializable` or `SnapshotIsolation`.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub isolation_level: Option<String>,
    /// Whether the commit only added files, and read none.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub is_blind_append: Option<bool>,
    /// The writing software.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub engine_info: Option<String>,
    /// The id of the writing transaction.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub txn_id: Option<String>,
    /// What the user wanted to be recorded.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub user_metadata: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A field of another type than usual reads as absent.
fn lenient<'de, D: serde::Deserializer<'de>, T: serde::de::DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).ok())
}
