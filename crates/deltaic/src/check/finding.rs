//! What a check finds.

use std::fmt;

use deltaic_log::{Error, Version};
use serde::{Serialize, Serializer};

/// Something that contradicts the specification, or is close to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The rule that is broken.
    pub rule: Rule,
    /// What was found.
    pub message: String,
    /// The version that it was found in, if it belongs to one.
    pub version: Option<Version>,
    /// The file that it was found in, relative to the table's root.
    pub file: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// The table is broken: it cannot be read, or not by everybody alike.
    Error,
    /// Readers cope, but it is not as it should be.
    Warning,
}

/// The rules that a check knows, by their heading in the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// Versions are contiguous; commits can be parsed.
    LogEntries,
    /// A commit has at most one metadata, of the parquet format, with a schema.
    ChangeMetadata,
    /// Actions on files do not contradict each other; the files exist in the size that the log gives.
    AddAndRemoveFile,
    /// A logical file is in the table once.
    ActionReconciliation,
    /// A commit has one transaction for an application at most.
    TransactionIdentifiers,
    /// A commit has at most one protocol; it can be read.
    ProtocolEvolution,
    /// A commit has at most one provenance.
    CommitProvenance,
    /// A commit changes a domain once.
    DomainMetadata,
    /// Commits hold rising times, in their first action.
    InCommitTimestamps,
    /// A checkpoint holds the state of its version.
    Checkpoints,
    /// The hint names a checkpoint.
    LastCheckpoint,
    /// A checksum holds the numbers of its version.
    VersionChecksum,
    /// A deletion vector's checksum and cardinality are those of its rows.
    DeletionVectors,
    /// Statistics hold for the data.
    PerFileStatistics,
}

impl Rule {
    /// The heading's text.
    pub fn heading(self) -> &'static str {
        match self {
            Self::LogEntries => "Delta Log Entries",
            Self::ChangeMetadata => "Change Metadata",
            Self::AddAndRemoveFile => "Add File and Remove File",
            Self::ActionReconciliation => "Action Reconciliation",
            Self::TransactionIdentifiers => "Transaction Identifiers",
            Self::ProtocolEvolution => "Protocol Evolution",
            Self::CommitProvenance => "Commit Provenance Information",
            Self::DomainMetadata => "Domain Metadata",
            Self::InCommitTimestamps => "In-Commit Timestamps",
            Self::Checkpoints => "Checkpoints",
            Self::LastCheckpoint => "Last Checkpoint File",
            Self::VersionChecksum => "Version Checksum File",
            Self::DeletionVectors => "Deletion Vectors",
            Self::PerFileStatistics => "Per-file Statistics",
        }
    }

    /// Where the specification says it.
    ///
    /// ```
    /// use deltaic::check::Rule;
    /// assert!(Rule::PerFileStatistics.url().ends_with("PROTOCOL.md#per-file-statistics"));
    /// ```
    pub fn url(self) -> String {
        let anchor = self.heading().to_lowercase().replace(' ', "-");
        format!("https://github.com/delta-io/delta/blob/master/PROTOCOL.md#{anchor}")
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.heading())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl Finding {
    pub(super) fn new(severity: Severity, rule: Rule, message: impl Into<String>) -> Self {
        Self { severity, rule, message: message.into(), version: None, file: None }
    }

    pub(super) fn error(rule: Rule, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, rule, message)
    }

    /// The finding that an error of the engine is.
    pub(super) fn of_error(error: &Error, rule: Rule) -> Self {
        let file = error.context("file").map(str::to_owned);
        let version = error.context("version").and_then(|version| version.parse().ok()).map(Version);
        let line = error.context("line").map_or_else(String::new, |line| format!(" (line {line})"));
        let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
        let message = format!("{}{cause}{line}", error.message());
        Self { severity: Severity::Error, rule, message, version, file }
    }

    pub(super) fn at(mut self, version: Version) -> Self {
        self.version.get_or_insert(version);
        self
    }

    pub(super) fn of(mut self, file: &str) -> Self {
        self.file.get_or_insert_with(|| file.to_owned());
        self
    }
}

/// What a check went through, and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    /// How many commits were replayed.
    pub commits: u64,
    /// How many checkpoints were compared with the replay.
    pub checkpoints: u64,
    /// How many version checksums were compared with the replay.
    pub checksums: u64,
    /// How many live files were looked for.
    pub files: u64,
    /// How many deletion vectors were read.
    pub deletion_vectors: u64,
    /// How many files were read and compared with their statistics.
    pub files_read: u64,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Whether something was found that breaks the table.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    pub(super) fn sort(&mut self) {
        self.findings.sort_by_key(|finding| (finding.severity, finding.version, finding.rule));
        self.findings.dedup();
    }
}
