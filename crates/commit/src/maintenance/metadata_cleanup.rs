//! Spec: [Metadata Cleanup](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#metadata-cleanup): which files of the log
//! have expired, and how they are deleted.
//!
//! ```text
//!   versions   0 ─────────────── c ───────── t ──────────────── newest
//!              └─ are deleted ─┘ │           └ the cut-off commit: the newest that is not newer than midnight, so and so
//!                                │             many days ago
//!                                └ the newest checkpoint not newer than that: it is kept, and so is its commit
//! ```
//!
//! A [`CleanupPlan`] is data: it can be printed, compared, and thrown away. What it deletes first is what others build upon
//! least, so that a table whose clean-up stops anywhere can be read at every version that stays.

use std::collections::BTreeSet;
use std::time::Duration;

use deltaic_log::feature::{CATALOG_MANAGED, V2_CHECKPOINT};
use deltaic_log::file_name::{CheckpointName, LOG_DIR, LogFileName, SIDECAR_DIR, STAGED_COMMIT_DIR};
use deltaic_log::segment::{CheckpointFiles, Listing};
use deltaic_log::store::{LogFile, TableFile};
use deltaic_log::table_properties::property;
use deltaic_log::{
    Error, ErrorKind, History, Result, ResultExt, Snapshot, TableStore, TimestampMs, Version, sidecar_paths,
};

use super::checkpoint_protection;
use super::log_files;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// How the log is cleaned up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CleanupOptions {
    /// How long history is kept, instead of the table's `delta.logRetentionDuration`.
    pub retention: Option<Duration>,
    /// To what the cut-off is rounded down.
    pub granularity: Granularity,
    /// Whether the catalog that manages the table allows it.
    pub is_permitted_by_catalog: bool,
}

/// To what the time is rounded down before which history expires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Granularity {
    /// Midnight UTC, as the specification says.
    #[default]
    Day,
    /// The full hour: where history is cut to drop a feature.
    Hour,
}

impl CleanupOptions {
    /// As the table's properties say.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps history this long, whatever the table says. Transactions and readers that began before that may fail.
    #[must_use]
    pub fn with_retention(mut self, retention: Duration) -> Self {
        self.retention = Some(retention);
        self
    }

    /// Rounds the cut-off down to this.
    #[must_use]
    pub fn with_granularity(mut self, granularity: Granularity) -> Self {
        self.granularity = granularity;
        self
    }

    /// For a table that a catalog manages: the catalog allows it.
    #[must_use]
    pub fn permitted_by_catalog(mut self) -> Self {
        self.is_permitted_by_catalog = true;
        self
    }
}

/// What a clean-up would delete, and why that and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CleanupPlan {
    /// What is committed up to then may expire.
    pub cutoff: TimestampMs,
    /// The oldest version that can be read afterwards, where anything is deleted for being older.
    pub oldest: Option<Version>,
    /// Why nothing of the log expires, where nothing does.
    pub reason: Option<KeepReason>,
    /// The files, by the stage in which they are deleted. A stage begins when the one before it is through.
    stages: Vec<Vec<String>>,
}

/// Why a log is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepReason {
    /// No commit is as old as that.
    NothingExpired,
    /// No checkpoint is as old as the newest commit that has expired: what is older is still needed.
    NoCheckpoint,
    /// The table protects its checkpoints (RFC: "Checkpoint Protection"), and this library does not know every protocol of the
    /// versions that would go.
    CheckpointsProtected,
}

/// Plans a clean-up of the log of `snapshot`, which should be the newest.
///
/// The checkpoint that would become the oldest is read whole, to be sure that the table can do without everything before it.
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, SingleStore, Snapshot, SnapshotOptions, TableStore, action::Metadata};
/// # use deltaic_commit::{Operation, Transaction, committer::PutIfAbsent};
/// use deltaic_commit::maintenance::{CleanupOptions, KeepReason, plan_metadata_cleanup};
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let store = TableStore::new(&"memory:///table".parse().unwrap(), context)?;
/// # let metadata = Metadata { id: "5fba94ed-9794-4965-ba6e-6ee3c0d22af9".to_owned(), ..Metadata::default() };
/// # let create = Transaction::create(&store, Arc::new(PutIfAbsent::new()), metadata, Operation::new("CREATE TABLE")).await?;
/// # create.commit().await.into_result()?;
/// let table = Snapshot::open_in(&store, SnapshotOptions::new()).await?;
/// let plan = plan_metadata_cleanup(&table, CleanupOptions::new()).await?;
/// assert_eq!(plan.reason, Some(KeepReason::NothingExpired));
/// plan.execute(&store).await?;
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
///
/// # Errors
/// [`ErrorKind::UnsupportedProtocol`] where this library must not write to the table; [`ErrorKind::InvalidArgument`] where a
/// catalog manages it and has not allowed this; [`ErrorKind::InvalidProperty`] where the retention is no duration;
/// [`ErrorKind::CorruptLog`] and [`ErrorKind::MissingFile`] where the checkpoint that must stay cannot be read;
/// [`ErrorKind::Storage`].
#[tracing::instrument(name = "plan cleanup", skip_all, fields(table = %snapshot.store().root()))]
pub async fn plan_metadata_cleanup(snapshot: &Snapshot, options: CleanupOptions) -> Result<CleanupPlan> {
    check_allowed(snapshot, options)?;
    let store = snapshot.store();
    let cutoff = cutoff(snapshot, options)?;
    let mut files = store.list_log(Version(0)).await?;
    files.retain(|file| file.name.version() <= snapshot.version());
    let listing = Listing::new(files.clone());
    let newest = History::of(snapshot, &listing)?.newest_version_until(cutoff).await?;
    let oldest = match oldest_to_keep(&listing, newest) {
        Ok(oldest) if checkpoint_protection::allows(snapshot, &listing, oldest).await? => Ok(oldest),
        Ok(_) => Err(KeepReason::CheckpointsProtected),
        Err(reason) => Err(reason),
    };
    let mut plan = CleanupPlan { cutoff, oldest: oldest.ok(), reason: oldest.err(), stages: Vec::new() };
    if let Ok(oldest) = oldest {
        let staged = log_files::list(store, &format!("{LOG_DIR}/{STAGED_COMMIT_DIR}")).await?;
        plan.stages = expired(&files, &staged, oldest);
        if !plan.is_empty() {
            verify(snapshot, oldest).await?;
        }
    }
    if !plan.is_empty() || snapshot.protocol().supports(&V2_CHECKPOINT) {
        plan.stages.push(unreferenced_sidecars(store, &listing, oldest.unwrap_or_default()).await?);
    }
    Ok(plan)
}

fn check_allowed(snapshot: &Snapshot, options: CleanupOptions) -> Result<()> {
    let (table, root) = (snapshot.configuration(), snapshot.store().root());
    table.protocol().check_writable(table).with("table", root)?;
    if table.protocol().supports(&CATALOG_MANAGED) && !options.is_permitted_by_catalog {
        let message =
            "a catalog manages the table, and only by its leave is anything deleted from the log: ask the catalog";
        return Err(Error::new(ErrorKind::InvalidArgument, message).with("table", root));
    }
    Ok(())
}

fn cutoff(snapshot: &Snapshot, options: CleanupOptions) -> Result<TimestampMs> {
    let retention = match options.retention {
        Some(retention) => retention,
        None => snapshot.configuration().properties().get(&property::LOG_RETENTION_DURATION)?,
    };
    let unit = match options.granularity {
        Granularity::Day => DAY_MS,
        Granularity::Hour => HOUR_MS,
    };
    let retention_ms = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
    let time = snapshot.store().context().clock.now().0.saturating_sub(retention_ms);
    Ok(TimestampMs(time.div_euclid(unit).saturating_mul(unit)))
}

/// The newest checkpoint that is not newer than the newest commit that has expired.
fn oldest_to_keep(listing: &Listing, newest_expired: Option<Version>) -> Result<Version, KeepReason> {
    let newest = newest_expired.ok_or(KeepReason::NothingExpired)?;
    let checkpoint = listing.checkpoint_versions().take_while(|version| *version <= newest).last();
    checkpoint.ok_or(KeepReason::NoCheckpoint)
}

/// Everything that makes no version from `oldest` on, oldest first. Compactions, which stand for commits, go before those;
/// checkpoints, which may hide commits that not everybody understands, go after them.
fn expired(files: &[LogFile], staged: &[TableFile], oldest: Version) -> Vec<Vec<String>> {
    let mut stages: [Vec<(Version, &str)>; 5] = Default::default();
    for LogFile { name, file } in files {
        let (stage, version, is_expired) = match name {
            LogFileName::Compaction { start, .. } => (0, *start, *start <= oldest),
            LogFileName::Commit(version) => (1, *version, *version < oldest),
            LogFileName::Checksum(version) => (2, *version, *version < oldest),
            LogFileName::Checkpoint(CheckpointName { version, .. }) => (3, *version, *version < oldest),
            _ => continue,
        };
        if is_expired {
            stages[stage].push((version, &file.path));
        }
    }
    let staged = staged.iter().filter_map(|file| Some((staged_version(&file.path)?, file.path.as_str())));
    stages[4].extend(staged.filter(|(version, _)| *version <= oldest));
    let in_order = |mut stage: Vec<(Version, &str)>| {
        stage.sort_unstable();
        stage.into_iter().map(|(_, path)| path.to_owned()).collect()
    };
    stages.into_iter().map(in_order).collect()
}

/// The version of `<v>.<uuid>.json`.
fn staged_version(path: &str) -> Option<Version> {
    let name = path.rsplit('/').next()?;
    let (digits, rest) = name.split_at_checked(20)?;
    let is_staged = rest.starts_with('.')
        && rest.len() > 6
        && rest.ends_with(".json")
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_staged.then(|| digits.parse().ok()).flatten().map(Version)
}

/// Makes sure that the table can be read from its checkpoint at `oldest` alone.
async fn verify(snapshot: &Snapshot, oldest: Version) -> Result<()> {
    let at_oldest = snapshot.at_version(oldest).await?;
    let verified = match at_oldest.segment().checkpoint.as_ref().is_some_and(|found| found.version == oldest) {
        true => at_oldest.verify_checkpoint().await,
        false => Err(Error::new(ErrorKind::CorruptLog, "it cannot be opened")),
    };
    verified.map_err(|error| {
        let message = "the checkpoint that the log would begin with cannot be read, so nothing was deleted: write a new \
                       checkpoint, and delete the damaged one";
        Error::new(error.kind(), message).because(error).with("version", oldest).with("table", snapshot.store().root())
    })
}

/// Sidecar files to which no checkpoint that stays refers, and which are a day old: younger ones may belong to a checkpoint
/// that is just being written.
async fn unreferenced_sidecars(store: &TableStore, listing: &Listing, oldest: Version) -> Result<Vec<String>> {
    let midnight = store.context().clock.now().0.div_euclid(DAY_MS).saturating_mul(DAY_MS);
    let mut old = log_files::list(store, &format!("{LOG_DIR}/{SIDECAR_DIR}")).await?;
    old.retain(|file| file.modified.0 < midnight.saturating_sub(DAY_MS));
    if old.is_empty() {
        return Ok(Vec::new());
    }
    let mut referenced = BTreeSet::new();
    for checkpoint in listing.checkpoints().filter(|checkpoint| checkpoint.version >= oldest) {
        referenced.extend(sidecars_of(store, &checkpoint).await?);
    }
    Ok(old.into_iter().map(|file| file.path).filter(|path| !referenced.contains(path)).collect())
}

async fn sidecars_of(store: &TableStore, checkpoint: &CheckpointFiles) -> Result<Vec<String>> {
    let file = checkpoint.files.first().map_or("", |file| &file.path);
    sidecar_paths(store, checkpoint).await.with("file", file).with("version", checkpoint.version)
}

impl CleanupPlan {
    /// The files that go, relative to the table's root, in the order in which they are deleted.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().flatten().map(String::as_str)
    }

    /// Whether nothing is to be deleted.
    pub fn is_empty(&self) -> bool {
        self.files().next().is_none()
    }

    /// Deletes the files, and says how many. What somebody else has deleted counts: two clean-ups do no harm to each other.
    ///
    /// Wherever it stops, every version from [`Self::oldest`] on can be read.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`]. Files behind the one that could not be deleted stay; the next clean-up deletes them.
    pub async fn execute(&self, store: &TableStore) -> Result<usize> {
        let mut deleted = 0;
        for stage in &self.stages {
            deleted += log_files::delete(store, stage).await?;
        }
        Ok(deleted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// `names` are short: `3` commit, `3.c` checkpoint, `3.p1/2` part of one, `3.crc` checksum, `3-5` compaction, `3.s` staged
    /// commit.
    fn files(names: &str) -> (Vec<LogFile>, Vec<TableFile>) {
        let file = |path: String| TableFile { path, size: 1, modified: TimestampMs(0) };
        let (mut log, mut staged) = (Vec::new(), Vec::new());
        for name in names.split_whitespace() {
            let long = match (name.split_once('-'), name.split_once('.')) {
                (Some((start, end)), _) => format!("{start:0>20}.{end:0>20}.compacted.json"),
                (_, Some((version, "c"))) => format!("{version:0>20}.checkpoint.parquet"),
                (_, Some((version, "crc"))) => format!("{version:0>20}.crc"),
                (_, Some((version, "s"))) => {
                    let path = format!("_staged/{version:0>20}.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json");
                    staged.push(file(path));
                    continue;
                }
                (_, Some((version, part))) => {
                    let (part, parts) = part[1..].split_once('/').unwrap();
                    format!("{version:0>20}.checkpoint.{part:0>10}.{parts:0>10}.parquet")
                }
                _ => format!("{name:0>20}.json"),
            };
            let name = LogFileName::parse(&long).unwrap();
            log.push(LogFile { name, file: file(long) });
        }
        (log, staged)
    }

    /// What stays of a log whose newest expired commit is `newest`; or why all of it does.
    #[rstest]
    #[case("0 1 2 3", None, "NothingExpired")]
    #[case("0 1 2 3", Some(3), "NoCheckpoint")]
    #[case("0 1 2 2.c 3", Some(1), "NoCheckpoint")]
    #[case("0 1 2 2.c 3", Some(2), "2 2.c 3")]
    #[case("0 1 1.c 2 2.c 3 3.c 4", Some(2), "2 2.c 3 3.c 4")]
    // The newest checkpoint that is not newer than it.
    #[case("0 1 1.c 2 3 4 4.c", Some(3), "1 1.c 2 3 4 4.c")]
    #[case("0 0.crc 1 1.crc 2 2.crc 2.c", Some(2), "2 2.crc 2.c")]
    // A checkpoint with a part missing is none, and goes with the rest.
    #[case("0 1 1.p1/2 2 2.p1/2 2.p2/2 3 3.p1/2", Some(3), "2 2.p1/2 2.p2/2 3 3.p1/2")]
    #[case("0 1 1.p1/2 2", Some(2), "NoCheckpoint")]
    // Compactions that begin at the checkpoint or before it cover what is gone.
    #[case("0 1 2 3 4 0-1 1-3 2-3 3-4 2.c", Some(2), "2 3 4 3-4 2.c")]
    #[case("1.s 2.s 3.s 0 1 2 2.c", Some(2), "3.s 2 2.c")]
    #[case("5 6 7 7.c 8", Some(8), "7 7.c 8")]
    fn what_stays(#[case] names: &str, #[case] newest: Option<u64>, #[case] expected: &str) {
        let (log, staged) = files(names);
        let oldest = match oldest_to_keep(&Listing::new(log.clone()), newest.map(Version)) {
            Ok(oldest) => oldest,
            Err(reason) => return assert_eq!(format!("{reason:?}"), expected, "{names}"),
        };
        let gone: BTreeSet<String> = expired(&log, &staged, oldest).into_iter().flatten().collect();
        let (stay, staged_stay) = files(expected);
        let paths = |log: &[LogFile], staged: &[TableFile]| -> BTreeSet<String> {
            log.iter().map(|file| &file.file).chain(staged).map(|file| file.path.clone()).collect()
        };
        let left: BTreeSet<String> = paths(&log, &staged).difference(&gone).cloned().collect();
        assert_eq!(left, paths(&stay, &staged_stay), "{names} at {newest:?}");
    }

    #[test]
    fn commits_go_before_checkpoints_and_the_oldest_first() {
        let (log, staged) = files("2 1 0 1.c 0.c 0-1 3 3.c 1.crc");
        let order: Vec<String> = expired(&log, &staged, Version(3)).into_iter().flatten().collect();
        let (expected, _) = files("0-1 0 1 2 1.crc 0.c 1.c");
        assert_eq!(order, expected.into_iter().map(|file| file.file.path).collect::<Vec<_>>());
    }

    #[test]
    fn only_staged_commits_are_taken_for_such() {
        let id = "3a0d65cd-4056-49b8-937b-95f9e3ee90e5";
        for (name, version) in [
            (format!("a/b/{:020}.{id}.json", 7), Some(7)),
            (format!("{:020}.json", 7), None),
            ("7.json".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(staged_version(&name), version.map(Version), "{name}");
        }
    }
}
