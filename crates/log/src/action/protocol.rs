use serde::{Deserialize, Serialize};

/// Spec: [Protocol Evolution](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#protocol-evolution).
/// What a client must implement to read or write the table; [`crate::feature`] judges it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Protocol {
    /// The least reader version.
    pub min_reader_version: i32,
    /// The least writer version.
    pub min_writer_version: i32,
    /// The features a reader must implement; only with reader version 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader_features: Option<Vec<String>>,
    /// The features a writer must implement; only with writer version 7.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writer_features: Option<Vec<String>>,
}
