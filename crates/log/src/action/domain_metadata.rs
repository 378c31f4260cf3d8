use serde::{Deserialize, Serialize};

/// Spec: [Domain Metadata](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#domain-metadata).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainMetadata {
    /// The domain; `delta.*` are the system's.
    pub domain: String,
    /// The domain's own text, usually JSON.
    pub configuration: String,
    /// True: a tombstone. The domain is no more.
    pub removed: bool,
}
