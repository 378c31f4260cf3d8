use std::collections::BTreeMap;

use deltaic_log::Version;
use serde::Serialize;

/// What an operation did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    /// The version that it made; `None` where there was nothing to do.
    pub version: Option<Version>,
    /// Why there was nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<String>,
    /// What it counted, by the names that the table's history has: `numFiles`, `numOutputRows`.
    pub metrics: BTreeMap<String, u64>,
    /// What went on beside, and is worth knowing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Report {
    /// Nothing was done, for this reason.
    pub(crate) fn unchanged(why: impl Into<String>) -> Self {
        Self { unchanged: Some(why.into()), ..Self::default() }
    }

    /// A count; 0 where the operation has none of that name.
    ///
    /// ```
    /// assert_eq!(deltaic_ops::Report::default().metric("numFiles"), 0);
    /// ```
    pub fn metric(&self, name: &str) -> u64 {
        self.metrics.get(name).copied().unwrap_or(0)
    }
}
