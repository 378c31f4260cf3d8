//! The history of a table: which commits there are, when each was made, and which version a time means.
//!
//! Spec: [In-Commit Timestamps](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#in-commit-timestamps) where the
//! feature is on; else the commit files' modification times, forced to grow: each commit is at least a millisecond later
//! than the one before it.

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::action::CommitInfo;
use crate::commit_file::read_commit_info;
use crate::cpu;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::segment::Listing;
use crate::snapshot::Snapshot;
use crate::store::{TableFile, TableStore};
use crate::table_configuration::TableConfiguration;
use crate::table_properties::property;
use crate::version::{TimestampMs, Version};

/// Requests under way at a time.
const REQUESTS: usize = 32;

/// The commits that the log still holds. Made from one listing; commits are read only as far as a question needs it.
#[derive(Clone, Debug)]
pub struct History {
    store: TableStore,
    commits: Vec<Commit>,
    /// The oldest version that can be read in full.
    earliest: Option<Version>,
    in_commit: Option<InCommitTimestamps>,
}

#[derive(Clone, Debug)]
struct Commit {
    version: Version,
    file: TableFile,
    /// The file's time, forced to grow.
    modified: TimestampMs,
}

/// Since when commits carry their own time.
#[derive(Clone, Copy, Debug)]
struct InCommitTimestamps {
    version: Version,
    /// The time of that version; absent where the feature was on from the start.
    timestamp: Option<TimestampMs>,
}

/// A commit of a table's history.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// The version.
    pub version: Version,
    /// When it was committed.
    pub timestamp: TimestampMs,
    /// What its writer says of it, if anything.
    pub commit_info: Option<CommitInfo>,
}

impl History {
    /// The history up to `snapshot`, by whose metadata its times are understood.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`]; [`ErrorKind::InvalidProperty`] where the table's properties on in-commit timestamps are
    /// no numbers.
    pub async fn load(snapshot: &Snapshot) -> Result<Self> {
        let mut listing = snapshot.list_all().await?;
        listing.truncate(snapshot.version());
        Self::of(snapshot, &listing)
    }

    /// As [`Self::load`], of commits that are listed already, none of them newer than the snapshot.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidProperty`] where the table's properties on in-commit timestamps are no numbers.
    pub fn of(snapshot: &Snapshot, listing: &Listing) -> Result<Self> {
        let mut previous = None;
        let commit = |(version, file): (Version, &TableFile)| {
            let modified = previous.map_or(file.modified, |TimestampMs(last)| file.modified.max(TimestampMs(last + 1)));
            previous = Some(modified);
            Commit { version, file: file.clone(), modified }
        };
        Ok(Self {
            store: snapshot.store().clone(),
            commits: listing.commits().map(commit).collect(),
            earliest: listing.earliest(),
            in_commit: InCommitTimestamps::of(snapshot.configuration())?,
        })
    }

    /// The versions whose commits the log still holds, oldest and newest.
    pub fn versions(&self) -> Option<(Version, Version)> {
        Some((self.commits.first()?.version, self.commits.last()?.version))
    }

    /// The newest `limit` commits, newest first.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptLog`], [`ErrorKind::MissingFile`], [`ErrorKind::Storage`].
    pub async fn entries(&self, limit: usize) -> Result<Vec<HistoryEntry>> {
        let newest: Vec<_> = self.commits.iter().rev().take(limit).cloned().collect();
        let entry = |commit: Commit| async move {
            let commit_info = self.commit_info(&commit).await?;
            let timestamp = self.timestamp_in(&commit, commit_info.as_ref())?;
            Ok(HistoryEntry { version: commit.version, timestamp, commit_info })
        };
        stream::iter(newest).map(entry).buffered(REQUESTS).try_collect().await
    }

    /// When a version was committed.
    ///
    /// # Errors
    /// [`ErrorKind::VersionNotFound`] where the log holds no such commit any more; as [`Self::entries`].
    pub async fn timestamp_of(&self, version: Version) -> Result<TimestampMs> {
        self.timestamp(self.commit(version)?).await
    }

    /// Where the commit of a version is: published in the log, or where a catalog has it.
    ///
    /// # Errors
    /// [`ErrorKind::VersionNotFound`] where the log holds no such commit any more.
    pub fn file_of(&self, version: Version) -> Result<&TableFile> {
        Ok(&self.commit(version)?.file)
    }

    /// The version that was the newest at `time`: the last commit not later than it.
    ///
    /// # Errors
    /// [`ErrorKind::VersionNotFound`], with the available range, where `time` is before the first commit that can still be
    /// read, or after the last one; as [`Self::entries`].
    pub async fn version_at(&self, time: TimestampMs) -> Result<Version> {
        let readable = &self.commits[self.commits.partition_point(|commit| Some(commit.version) < self.earliest)..];
        let (Some(first), Some(last)) = (readable.first(), readable.last()) else {
            return Err(self.no_version("the log holds no commit".to_owned()));
        };
        let (earliest, latest) = (self.timestamp(first).await?, self.timestamp(last).await?);
        if time < earliest || time > latest {
            let side = if time < earliest { "before the first" } else { "after the last" };
            let message = format!(
                "{time} is {side} available commit: versions {} to {} were committed from {earliest} to {latest}",
                first.version, last.version
            );
            return Err(self.no_version(message));
        }
        self.last_not_after(self.era(readable, time), time).await
    }

    /// The newest version that was committed at `time` or before, of those whose commits the log still holds. It need not be
    /// one that can be read in full any more.
    ///
    /// # Errors
    /// As [`Self::entries`].
    pub async fn newest_version_until(&self, time: TimestampMs) -> Result<Option<Version>> {
        let commits = self.era(&self.commits, time);
        Ok(self.count_until(commits, time).await?.checked_sub(1).map(|newest| commits[newest].version))
    }

    /// The first version committed at `time` or later, if there is one.
    ///
    /// # Errors
    /// As [`Self::entries`].
    pub async fn first_version_from(&self, time: TimestampMs) -> Result<Option<Version>> {
        let (mut low, mut high) = (0, self.commits.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.timestamp(&self.commits[middle]).await? < time { low = middle + 1 } else { high = middle }
        }
        Ok(self.commits.get(low).map(|commit| commit.version))
    }

    fn commit(&self, version: Version) -> Result<&Commit> {
        let at = self.commits.binary_search_by_key(&version, |commit| commit.version);
        at.map(|at| &self.commits[at]).map_err(|_| self.no_version(format!("commit {version} is gone from the log")))
    }

    /// The commits among which `time` is sought: file times and in-commit times are never compared with each other.
    fn era<'a>(&self, commits: &'a [Commit], time: TimestampMs) -> &'a [Commit] {
        let Some(InCommitTimestamps { version, timestamp }) = self.in_commit else { return commits };
        let (before, after) = commits.split_at(commits.partition_point(|commit| commit.version < version));
        let is_after = before.is_empty() || timestamp.is_none_or(|enabled| time >= enabled);
        if is_after { after } else { before }
    }

    /// How many of the commits, from the first, were made at `time` or before.
    async fn count_until(&self, commits: &[Commit], time: TimestampMs) -> Result<usize> {
        let (mut low, mut high) = (0, commits.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.timestamp(&commits[middle]).await? <= time { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    async fn last_not_after(&self, commits: &[Commit], time: TimestampMs) -> Result<Version> {
        let found = self.count_until(commits, time).await?.checked_sub(1).and_then(|at| commits.get(at));
        found
            .map(|commit| commit.version)
            .ok_or_else(|| self.no_version(format!("no available commit is as old as {time}")))
    }

    async fn timestamp(&self, commit: &Commit) -> Result<TimestampMs> {
        if !self.carries_time(commit.version) {
            return Ok(commit.modified);
        }
        let info = self.commit_info(commit).await?;
        self.timestamp_in(commit, info.as_ref())
    }

    fn timestamp_in(&self, commit: &Commit, info: Option<&CommitInfo>) -> Result<TimestampMs> {
        if !self.carries_time(commit.version) {
            return Ok(commit.modified);
        }
        info.and_then(|info| info.in_commit_timestamp).map(TimestampMs).ok_or_else(|| {
            Error::new(
                ErrorKind::CorruptLog,
                "the commit has no `inCommitTimestamp`, though the table has the feature on",
            )
            .with("version", commit.version)
            .with("file", &commit.file.path)
        })
    }

    fn carries_time(&self, version: Version) -> bool {
        self.in_commit.is_some_and(|since| version >= since.version)
    }

    async fn commit_info(&self, commit: &Commit) -> Result<Option<CommitInfo>> {
        let gone = || {
            Error::new(ErrorKind::MissingFile, "a commit is gone since it was listed").with("file", &commit.file.path)
        };
        let bytes = self.store.read(&commit.file.path).await?.ok_or_else(gone)?;
        let info = cpu::run(&self.store.context().cpu, move || read_commit_info(&bytes));
        info.await.with("file", &commit.file.path).with("version", commit.version)
    }

    fn no_version(&self, message: String) -> Error {
        Error::new(ErrorKind::VersionNotFound, message).with("table", self.store.root())
    }
}

impl InCommitTimestamps {
    fn of(table: &TableConfiguration) -> Result<Option<Self>> {
        let properties = table.properties();
        if !properties.get(&property::ENABLE_IN_COMMIT_TIMESTAMPS)? {
            return Ok(None);
        }
        let version = properties.get(&property::IN_COMMIT_TIMESTAMP_ENABLEMENT_VERSION)?;
        let timestamp = properties.get(&property::IN_COMMIT_TIMESTAMP_ENABLEMENT_TIMESTAMP)?;
        Ok(Some(Self { version: Version(version.unwrap_or(0)), timestamp: timestamp.map(TimestampMs) }))
    }
}
