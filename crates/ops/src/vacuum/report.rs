use deltaic_log::{TimestampMs, Version};
use serde::Serialize;

/// A file below the table's root that nothing needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VacuumFile {
    /// The path below the root, decoded.
    pub path: String,
    /// The size in bytes; 0 where the log does not tell it.
    pub size: u64,
    /// When it was last modified; where only the log was looked at, when it was removed.
    pub modified: TimestampMs,
}

/// What a vacuum did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VacuumReport {
    /// The version that tells that it began; `None` where nothing was recorded.
    pub start_version: Option<Version>,
    /// The version that tells how it ended.
    pub end_version: Option<Version>,
    /// The files deleted.
    pub num_deleted_files: u64,
    /// Their size, in bytes.
    pub deleted_bytes: u64,
    /// The empty folders deleted: of local tables alone.
    pub num_vacuumed_directories: u64,
    /// What did not go as it should, and did no harm.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}
