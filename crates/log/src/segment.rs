//! Which files of a log make a version: a checkpoint, and the commits after it.
//!
//! Spec: [Checkpoints](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoints),
//! [Log Compaction Files](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#log-compaction-files). The choice is
//! pure; [`crate::store`] lists.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};
use crate::file_name::{CheckpointKind, CheckpointName, LogFileName};
use crate::store::{LogFile, TableFile, no_log};
use crate::version::Version;

/// The files that make one version of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSegment {
    /// The version that the files make.
    pub version: Version,
    /// The checkpoint to start from, if there is one.
    pub checkpoint: Option<CheckpointFiles>,
    /// The commits and compactions after the checkpoint, ascending and without gaps.
    pub deltas: Vec<DeltaFile>,
    /// The newest version up to this one, not older than the checkpoint, that has a version checksum.
    pub checksum: Option<Version>,
}

/// All files of one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointFiles {
    /// The version whose state it holds.
    pub version: Version,
    /// How it is named; a multi-part one by its first part.
    pub kind: CheckpointKind,
    /// Its files; more than one only for a multi-part checkpoint.
    pub files: Vec<TableFile>,
}

impl LogSegment {
    /// This segment and the commits of `newer`, a listing of what comes after it. `None` where they do not join on.
    pub(crate) fn extended(&self, newer: &Listing) -> Option<Self> {
        let version = newer.latest()?;
        let new =
            newer.deltas(self.version.next(), version, &Unusable { compactions: true, ..Unusable::default() }).ok()?;
        let deltas = self.deltas.iter().cloned().chain(new).collect();
        let checksum = newer.checksums.iter().copied().filter(|v| *v <= version).max().or(self.checksum);
        Some(Self { version, checkpoint: self.checkpoint.clone(), deltas, checksum })
    }
}

/// A commit, or a compaction of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeltaFile {
    /// The first version covered.
    pub start: Version,
    /// The last version covered; `start` for a commit.
    pub end: Version,
    /// Where it is.
    pub file: TableFile,
}

impl DeltaFile {
    /// Whether this is a compaction, not a commit.
    pub fn is_compaction(&self) -> bool {
        self.start != self.end
    }
}

/// Files not to use, because they turned out to be unreadable.
#[derive(Clone, Debug, Default)]
pub struct Unusable {
    /// Paths of checkpoints' files. A checkpoint is not used if one of its files is here.
    pub checkpoints: Vec<String>,
    /// Whether compactions are left aside.
    pub compactions: bool,
}

/// A listing of the log, from some version on.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    commits: BTreeMap<Version, TableFile>,
    checkpoints: BTreeMap<(Version, CheckpointKind), Vec<TableFile>>,
    compactions: BTreeMap<(Version, Version), TableFile>,
    checksums: Vec<Version>,
}

impl Listing {
    /// Sorts out the files listed; incomplete multi-part checkpoints are left out.
    pub fn new(files: Vec<LogFile>) -> Self {
        let mut listing = Self::default();
        let mut parts: BTreeMap<(Version, u32), BTreeMap<u32, TableFile>> = BTreeMap::new();
        for LogFile { name, file } in files {
            match name {
                LogFileName::Commit(version) => drop(listing.commits.insert(version, file)),
                LogFileName::Checksum(version) => listing.checksums.push(version),
                LogFileName::Compaction { start, end } => drop(listing.compactions.insert((start, end), file)),
                LogFileName::Checkpoint(CheckpointName {
                    version,
                    kind: CheckpointKind::MultiPart { part, parts: n },
                }) => {
                    parts.entry((version, n)).or_default().insert(part, file);
                }
                LogFileName::Checkpoint(CheckpointName { version, kind }) => {
                    listing.checkpoints.insert((version, kind), vec![file]);
                }
            }
        }
        for ((version, n), files) in parts {
            if u32::try_from(files.len()) == Ok(n) {
                let kind = CheckpointKind::MultiPart { parts: n, part: 1 };
                listing.checkpoints.insert((version, kind), files.into_values().collect());
            }
        }
        listing
    }

    /// Adds commits that are not listed: those that only a catalog knows. They stand before listed ones.
    pub fn add_commits(&mut self, commits: impl IntoIterator<Item = (Version, TableFile)>) {
        self.commits.extend(commits);
    }

    /// Forgets everything above `version`.
    pub fn truncate(&mut self, version: Version) {
        self.commits.retain(|v, _| *v <= version);
        self.checkpoints.retain(|(v, _), _| *v <= version);
        self.compactions.retain(|(_, end), _| *end <= version);
        self.checksums.retain(|v| *v <= version);
    }

    /// The newest version that the listing can make.
    pub fn latest(&self) -> Option<Version> {
        let commit = self.commits.last_key_value().map(|(version, _)| *version);
        commit.max(self.checkpoints.last_key_value().map(|((version, _), _)| *version))
    }

    /// The oldest version that the listing can make: version 0 with its commit, or the oldest checkpoint.
    pub fn earliest(&self) -> Option<Version> {
        match self.commits.first_key_value() {
            Some((Version(0), _)) => Some(Version(0)),
            _ => self.checkpoints.first_key_value().map(|((version, _), _)| *version),
        }
    }

    /// The commits, ascending.
    pub fn commits(&self) -> impl Iterator<Item = (Version, &TableFile)> {
        self.commits.iter().map(|(version, file)| (*version, file))
    }

    /// The versions that have a complete checkpoint, ascending.
    pub fn checkpoint_versions(&self) -> impl Iterator<Item = Version> {
        let mut versions: Vec<_> = self.checkpoints.keys().map(|(version, _)| *version).collect();
        versions.dedup();
        versions.into_iter()
    }

    /// The checkpoints' kinds and files, ascending.
    pub fn checkpoints(&self) -> impl Iterator<Item = CheckpointFiles> {
        self.checkpoints.iter().map(|((version, kind), files)| CheckpointFiles {
            version: *version,
            kind: kind.clone(),
            files: files.clone(),
        })
    }

    /// The versions that have a checksum.
    pub fn checksum_versions(&self) -> &[Version] {
        &self.checksums
    }

    /// The compactions' ranges, ascending.
    pub fn compactions(&self) -> impl Iterator<Item = (Version, Version)> {
        self.compactions.keys().copied()
    }

    /// The files that make `target`, or the newest version.
    ///
    /// # Errors
    /// [`ErrorKind::NotATable`] for an empty log, [`ErrorKind::VersionNotFound`], [`ErrorKind::VersionGap`].
    pub fn segment(&self, target: Option<Version>, unusable: &Unusable) -> Result<LogSegment> {
        let latest = self.latest().ok_or_else(no_log)?;
        let version = target.unwrap_or(latest);
        if version > latest {
            return Err(self.not_found(version));
        }
        let checkpoint = self.newest_checkpoint(version, unusable);
        let first = checkpoint.as_ref().map_or(Version(0), |checkpoint| checkpoint.version.next());
        let deltas = self.deltas(first, version, unusable)?;
        let base = checkpoint.as_ref().map_or(Version(0), |checkpoint| checkpoint.version);
        let checksum = self.checksums.iter().copied().filter(|v| (base..=version).contains(v)).max();
        Ok(LogSegment { version, checkpoint, deltas, checksum })
    }

    fn newest_checkpoint(&self, up_to: Version, unusable: &Unusable) -> Option<CheckpointFiles> {
        let usable = |files: &[TableFile]| !files.iter().any(|file| unusable.checkpoints.contains(&file.path));
        let candidates = self.checkpoints.iter().rev().filter(|((version, _), _)| *version <= up_to);
        let ((version, kind), files) = { candidates }.find(|(_, files)| usable(files))?;
        Some(CheckpointFiles { version: *version, kind: kind.clone(), files: files.clone() })
    }

    /// Commits `first..=last`, with compactions where they are wider.
    fn deltas(&self, first: Version, last: Version, unusable: &Unusable) -> Result<Vec<DeltaFile>> {
        let mut deltas = Vec::new();
        let mut next = first;
        while next <= last {
            let compaction = self.compactions.range((next, next)..=(next, last)).next_back();
            let delta = match compaction.filter(|_| !unusable.compactions) {
                Some((&(start, end), file)) => DeltaFile { start, end, file: file.clone() },
                None => {
                    let file = self.commits.get(&next).ok_or_else(|| self.missing(first, next, last))?;
                    DeltaFile { start: next, end: next, file: file.clone() }
                }
            };
            next = delta.end.next();
            deltas.push(delta);
        }
        Ok(deltas)
    }

    fn missing(&self, first: Version, missing: Version, wanted: Version) -> Error {
        let is_cleaned_up = self.earliest().is_some_and(|earliest| wanted < earliest);
        if is_cleaned_up || missing == first && self.commits.range(first..).next().is_some_and(|(v, _)| *v > wanted) {
            return self.not_found(wanted);
        }
        let found: Vec<_> = self.commits.range(first..).take(8).map(|(v, _)| v.to_string()).collect();
        Error::new(
            ErrorKind::VersionGap,
            format!(
                "versions are not contiguous: commit {missing} is missing between {first} and {wanted} (found: {}); restore the file",
                found.join(", ")
            ),
        )
        .with("version", missing)
    }

    fn not_found(&self, version: Version) -> Error {
        let range = match (self.earliest(), self.latest()) {
            (Some(earliest), Some(latest)) => format!("versions {earliest} to {latest} are"),
            _ => "no version is".to_owned(),
        };
        Error::new(ErrorKind::VersionNotFound, format!("version {version} is not available; {range}"))
            .with("version", version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::TimestampMs;

    const UUID: &str = "3a0d65cd-4056-49b8-937b-95f9e3ee90e5";

    /// `names` are short: `3` commit, `3.c` classic, `3.u` UUID-named, `3.p1/2` part, `3-5` compaction, `3.crc`.
    fn listing(names: &str) -> Listing {
        let long = |name: &str| {
            if let Some((a, b)) = name.split_once('-') {
                return format!("{:0>20}.{:0>20}.compacted.json", a, b);
            }
            let (version, rest) = name.split_once('.').unwrap_or((name, ""));
            let version = format!("{version:0>20}");
            match rest {
                "" => format!("{version}.json"),
                "crc" => format!("{version}.crc"),
                "c" => format!("{version}.checkpoint.parquet"),
                "u" => format!("{version}.checkpoint.{UUID}.parquet"),
                part => {
                    let (part, parts) = part[1..].split_once('/').unwrap();
                    format!("{version}.checkpoint.{part:0>10}.{parts:0>10}.parquet")
                }
            }
        };
        let file = |name: &str| {
            let name = long(name);
            let file = TableFile { path: name.clone(), size: 1, modified: TimestampMs(0) };
            LogFile { name: LogFileName::parse(&name).unwrap(), file }
        };
        Listing::new(names.split_whitespace().map(file).collect())
    }

    /// What a listing gives: `checkpoint | deltas`, or the error's kind.
    fn check(names: &str, target: Option<u64>, expected: &str) {
        check_without(names, target, &Unusable::default(), expected);
    }

    fn check_without(names: &str, target: Option<u64>, unusable: &Unusable, expected: &str) {
        let found = match listing(names).segment(target.map(Version), unusable) {
            Ok(segment) => {
                let checkpoint = segment.checkpoint.map_or("-".to_owned(), |c| {
                    let kind = match c.kind {
                        CheckpointKind::Classic => "c",
                        CheckpointKind::Uuid { .. } => "u",
                        CheckpointKind::MultiPart { .. } => "p",
                    };
                    format!("{}.{kind}{}", c.version, c.files.len())
                });
                let delta = |d: &DeltaFile| {
                    if d.is_compaction() { format!("{}-{}", d.start, d.end) } else { d.end.to_string() }
                };
                format!("{checkpoint} | {}", segment.deltas.iter().map(delta).collect::<Vec<_>>().join(" "))
            }
            Err(error) => error.kind().name().to_owned(),
        };
        assert_eq!(found, expected, "{names} at {target:?}");
    }

    #[test]
    fn commits_alone() {
        check("0 1 2", None, "- | 0 1 2");
        check("2 0 1", Some(1), "- | 0 1");
        check("0 1 2", Some(3), "version_not_found");
        check("", None, "not_a_delta_table");
        check("0.crc", None, "not_a_delta_table");
    }

    #[test]
    fn gaps() {
        check("0 2", None, "version_gap");
        check("1 2", None, "version_gap");
        check("0 2", Some(0), "- | 0");
        check("0 2 2.c 3", None, "2.c1 | 3"); // below the checkpoint a gap is no matter
        check("0 1 1.c 3", None, "version_gap");
        check("5 5.c 6", Some(3), "version_not_found");
        check("5.c", Some(3), "version_not_found");
        check("2 3 5.c", Some(3), "version_not_found"); // its commit is there, but not what it builds upon
    }

    #[test]
    fn the_newest_complete_checkpoint_wins() {
        check("0 1 1.c 2 2.c 3", None, "2.c1 | 3");
        check("0 1 1.c 2 2.c 3", Some(1), "1.c1 | ");
        check("0 1 1.c 2.p1/2 2 3", None, "1.c1 | 2 3");
        check("0 1 2.p1/2 2.p2/2 2.p1/3 2 3", None, "2.p2 | 3");
        check("2 2.c 2.u", None, "2.u1 | ");
        check("2.c", None, "2.c1 | ");
    }

    #[test]
    fn compactions_are_used_where_they_fit() {
        check("0 1 2 3 4 1-2 1-3", None, "- | 0 1-3 4");
        check("0 1 2 3 4 1-3", Some(2), "- | 0 1 2");
        check("0 1 2 2.c 3 4 1-3 3-4", None, "2.c1 | 3-4");
        check("0 3 1-2", None, "- | 0 1-2 3");
    }

    #[test]
    fn unusable_files_are_left_aside() {
        let bad = |path: &str| Unusable { checkpoints: vec![path.to_owned()], compactions: true };
        check_without("0 1 1.c 2 2.c 3", None, &bad("00000000000000000002.checkpoint.parquet"), "1.c1 | 2 3");
        check_without("0 1 2 1-2", None, &bad(""), "- | 0 1 2");
    }
}
