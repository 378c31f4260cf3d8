//! Every file name in `_delta_log`: [`LogFileName::parse`] and its inverse, `Display`.
//!
//! Spec: [Delta Log Entries](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#delta-log-entries),
//! [Checkpoint Naming Scheme](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoint-naming-scheme),
//! [Log Compaction Files](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#log-compaction-files),
//! [Version Checksum File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#version-checksum-file).
//! Whatever does not parse (temporary files, Hadoop's `.crc` files, other people's files) is no part of the log.

use std::fmt;

use uuid::Uuid;

use crate::version::Version;

/// The directory of the log, below the table's root.
pub const LOG_DIR: &str = "_delta_log";
/// The hint that names the newest checkpoint.
pub const LAST_CHECKPOINT: &str = "_last_checkpoint";
/// The directory of V2 checkpoints' sidecar files, below the log.
pub const SIDECAR_DIR: &str = "_sidecars";
/// The directory of commits that a catalog has not published yet, below the log.
pub const STAGED_COMMIT_DIR: &str = "_staged_commits";

/// A file of the log, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LogFileName {
    /// `<v>.json`.
    Commit(Version),
    /// `<v>.checkpoint[…].parquet|json`.
    Checkpoint(CheckpointName),
    /// `<x>.<y>.compacted.json`: the commits `x..=y` reconciled.
    Compaction {
        /// The first commit covered.
        start: Version,
        /// The last commit covered.
        end: Version,
    },
    /// `<v>.crc`.
    Checksum(Version),
}

/// A checkpoint file's name. The order is the order of preference among checkpoints: newer first of all, then UUID-named
/// before classic before multi-part, as the reference implementation prefers them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckpointName {
    /// The version whose state the checkpoint holds.
    pub version: Version,
    /// How it is named.
    pub kind: CheckpointKind,
}

/// The three ways to name a checkpoint, from the least to the most preferred.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckpointKind {
    /// `<v>.checkpoint.<part>.<parts>.parquet`, deprecated.
    MultiPart {
        /// How many files make the checkpoint.
        parts: u32,
        /// Which one this is, from 1.
        part: u32,
    },
    /// `<v>.checkpoint.parquet`.
    Classic,
    /// `<v>.checkpoint.<uuid>.<format>`, always of the V2 spec.
    Uuid {
        /// The format of the file.
        format: CheckpointFormat,
        /// What makes the name unique.
        id: Uuid,
    },
}

/// The format of a checkpoint's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckpointFormat {
    /// Newline-delimited JSON.
    Json,
    /// Parquet.
    Parquet,
}

impl LogFileName {
    /// Reads a file's bare name; `None` where the log has no such file.
    ///
    /// ```
    /// use deltaic_log::file_name::LogFileName;
    /// use deltaic_log::Version;
    /// assert_eq!(LogFileName::parse("00000000000000000042.json"), Some(LogFileName::Commit(Version(42))));
    /// assert_eq!(LogFileName::parse(".00000000000000000042.json.crc"), None);
    /// ```
    pub fn parse(name: &str) -> Option<Self> {
        let (version, rest) = version_of(name)?;
        match rest {
            ".json" => return Some(Self::Commit(version)),
            ".crc" => return Some(Self::Checksum(version)),
            ".checkpoint.parquet" => return Some(Self::checkpoint(version, CheckpointKind::Classic)),
            _ => {}
        }
        if let Some(rest) = rest.strip_prefix(".checkpoint.") {
            return Some(Self::checkpoint(version, uuid_kind(rest).or_else(|| multi_part_kind(rest))?));
        }
        let (end, rest) = version_of(rest.strip_prefix('.')?)?;
        (rest == ".compacted.json" && version < end).then_some(Self::Compaction { start: version, end })
    }

    /// The version that the file is about; a compaction's last.
    pub fn version(&self) -> Version {
        match self {
            Self::Commit(version) | Self::Checksum(version) => *version,
            Self::Checkpoint(checkpoint) => checkpoint.version,
            Self::Compaction { end, .. } => *end,
        }
    }

    fn checkpoint(version: Version, kind: CheckpointKind) -> Self {
        Self::Checkpoint(CheckpointName { version, kind })
    }
}

impl fmt::Display for LogFileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit(Version(v)) => write!(f, "{v:020}.json"),
            Self::Checksum(Version(v)) => write!(f, "{v:020}.crc"),
            Self::Compaction { start, end } => write!(f, "{:020}.{:020}.compacted.json", start.0, end.0),
            Self::Checkpoint(checkpoint) => checkpoint.fmt(f),
        }
    }
}

impl fmt::Display for CheckpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = self.version.0;
        match &self.kind {
            CheckpointKind::Classic => write!(f, "{v:020}.checkpoint.parquet"),
            CheckpointKind::MultiPart { part, parts } => write!(f, "{v:020}.checkpoint.{part:010}.{parts:010}.parquet"),
            CheckpointKind::Uuid { id, format } => write!(f, "{v:020}.checkpoint.{id}.{}", format.extension()),
        }
    }
}

impl CheckpointFormat {
    fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Parquet => "parquet",
        }
    }
}

/// Splits off a version: exactly 20 digits, within the range of versions.
fn version_of(name: &str) -> Option<(Version, &str)> {
    let (digits, rest) = name.split_at_checked(20)?;
    let version = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten().map(Version)?;
    (version <= Version::MAX).then_some((version, rest))
}

fn uuid_kind(rest: &str) -> Option<CheckpointKind> {
    let (id, extension) = rest.split_once('.')?;
    let format = match extension {
        "json" => CheckpointFormat::Json,
        "parquet" => CheckpointFormat::Parquet,
        _ => return None,
    };
    (id.len() == 36).then(|| Uuid::try_parse(id).ok()).flatten().map(|id| CheckpointKind::Uuid { format, id })
}

fn multi_part_kind(rest: &str) -> Option<CheckpointKind> {
    let (part, parts) = rest.strip_suffix(".parquet")?.split_once('.')?;
    let number = |text: &str| (text.len() == 10).then(|| text.parse::<u32>().ok()).flatten();
    let (part, parts) = (number(part)?, number(parts)?);
    (1..=parts).contains(&part).then_some(CheckpointKind::MultiPart { parts, part })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_log_reads_and_prints() {
        for name in [
            "00000000000000000000.json",
            "09223372036854775807.json",
            "00000000000000000042.crc",
            "00000000000000000042.checkpoint.parquet",
            "00000000000000000042.checkpoint.0000000001.0000000003.parquet",
            "00000000000000000042.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.parquet",
            "00000000000000000042.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json",
            "00000000000000000004.00000000000000000006.compacted.json",
        ] {
            assert_eq!(LogFileName::parse(name).map(|n| n.to_string()).as_deref(), Some(name));
        }
    }

    #[test]
    fn other_names_are_no_part_of_the_log() {
        for name in [
            "",
            "_last_checkpoint",
            "0.json",
            "00000000000000000042.json.tmp",
            ".00000000000000000042.json.crc",
            "00000000000000000042.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json",
            "99999999999999999999.json",
            "+0000000000000000042.json",
            "00000000000000000042.checkpoint.0000000004.0000000003.parquet",
            "00000000000000000042.checkpoint.0000000000.0000000003.parquet",
            "00000000000000000042.checkpoint.1.3.parquet",
            "00000000000000000042.checkpoint.not-a-uuid.parquet",
            "00000000000000000006.00000000000000000004.compacted.json",
            "0000000000000000004é.json",
        ] {
            assert_eq!(LogFileName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn the_order_of_checkpoints_is_the_order_of_preference() {
        let name = |text: &str| match LogFileName::parse(text) {
            Some(LogFileName::Checkpoint(name)) => name,
            other => panic!("{text}: {other:?}"),
        };
        let classic = name("00000000000000000042.checkpoint.parquet");
        assert!(name("00000000000000000042.checkpoint.0000000001.0000000003.parquet") < classic);
        assert!(classic < name("00000000000000000042.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json"));
        assert!(name("00000000000000000041.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json") < classic);
    }
}
