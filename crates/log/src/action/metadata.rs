use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Spec: [Change Metadata](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#change-metadata).
/// The newest one of a log is the table's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The table's unique id: a GUID.
    pub id: String,
    /// The table's name, as the user gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The table's description, as the user gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The encoding of the data files.
    #[serde(default)]
    pub format: Format,
    /// The schema as JSON. Old writers left it out for tables without columns.
    pub schema_string: Option<String>,
    /// The partition columns, by logical name, in order.
    #[serde(default)]
    pub partition_columns: Vec<String>,
    /// The table properties.
    #[serde(default)]
    pub configuration: BTreeMap<String, String>,
    /// When this metadata was made, in milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time: Option<i64>,
}

/// Spec: [Format Specification](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#format-specification).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// `parquet`, always.
    pub provider: String,
    /// Options of the format; none are known.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

impl Default for Format {
    fn default() -> Self {
        Self { provider: "parquet".to_owned(), options: BTreeMap::new() }
    }
}
