//! What is kept: the files that the newest version, versions to keep, and tombstones within the retention name, and the files
//! of their deletion vectors.

use deltaic_log::action::{Action, Remove};
use deltaic_log::commit_file::read_actions;
use deltaic_log::deletion_vector::{DeletionVectorDescriptor, DeletionVectorLocation};
use deltaic_log::{ErrorKind, History, Result, ResultExt, Snapshot, TimestampMs, Version, cpu};
use futures::TryStreamExt;
use futures::stream::{self, StreamExt};

use super::Options;
use super::cutoff::Cutoff;
use super::keep_set::KeepSet;
use super::root::Root;

/// Commits read at a time.
const REQUESTS: usize = 8;

/// What is kept, and what is worth knowing about it.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) set: KeepSet,
    pub(super) warnings: Vec<String>,
}

/// Everything that must stay.
pub(super) async fn collect(snapshot: &Snapshot, root: &Root, cutoff: &Cutoff, options: &Options) -> Result<Kept> {
    let mut keeper = Keeper { root, set: KeepSet::default(), elsewhere: 0 };
    keeper.live_files(snapshot).await?;
    keeper.tombstones(snapshot, cutoff.time).await?;
    for version in &options.keep_versions {
        keeper.live_files(&snapshot.at_version(*version).await?).await.with("version", *version)?;
    }
    let mut warnings = Vec::new();
    if cutoff.exceeds_tombstones() {
        warnings.extend(keeper.removed_by_commits(snapshot, cutoff.time).await?);
    }
    if keeper.elsewhere > 0 {
        warnings.push(format!(
            "{} files of the table are outside of its root, as those of a shallow clone are: a vacuum of the table that they \
             belong to does not know that they are needed here",
            keeper.elsewhere
        ));
    }
    Ok(Kept { set: keeper.set.complete(), warnings })
}

struct Keeper<'a> {
    root: &'a Root,
    set: KeepSet,
    /// Files that the table needs, and that are not below its root.
    elsewhere: u64,
}

impl Keeper<'_> {
    async fn live_files(&mut self, snapshot: &Snapshot) -> Result<()> {
        let mut chunks = snapshot.stream_files();
        while let Some(chunk) = chunks.try_next().await? {
            for file in chunk.files() {
                self.keep(file.path(), file.deletion_vector())?;
            }
        }
        Ok(())
    }

    async fn tombstones(&mut self, snapshot: &Snapshot, cutoff: TimestampMs) -> Result<()> {
        let mut tombstones = snapshot.stream_tombstones(TimestampMs(cutoff.0.saturating_sub(1)));
        while let Some(remove) = tombstones.try_next().await? {
            self.keep(&remove.path, remove.deletion_vector.as_ref())?;
        }
        Ok(())
    }

    /// What the commits since then removed. A warning where the log does not go back that far.
    async fn removed_by_commits(&mut self, snapshot: &Snapshot, cutoff: TimestampMs) -> Result<Option<String>> {
        let history = History::load(snapshot).await?;
        let Some((earliest, newest)) = history.versions() else { return Ok(None) };
        let reaches_back = history.timestamp_of(earliest).await? <= cutoff || earliest == Version(0);
        let from = last_before(&history, cutoff).await?.map_or(earliest, Version::next);
        let removes = (from.0..=newest.0).map(|version| removes_of(&history, snapshot, Version(version)));
        let mut removes = stream::iter(removes).buffered(REQUESTS);
        while let Some(removes) = removes.try_next().await? {
            for remove in removes {
                self.keep(&remove.path, remove.deletion_vector.as_ref())?;
            }
        }
        Ok((!reaches_back).then(|| {
            "the log does not go back as far as files are to be kept: of what was removed before its first commit, only what is \
             still known is kept"
                .to_owned()
        }))
    }

    fn keep(&mut self, path: &str, vector: Option<&DeletionVectorDescriptor>) -> Result<()> {
        match self.root.path_of(path) {
            Some(path) => self.set.insert(&path),
            None => self.elsewhere += 1,
        }
        if let Some(path) = vector.map(|vector| vector_path(self.root, vector)).transpose()?.flatten() {
            self.set.insert(&path);
        }
        Ok(())
    }
}

/// The last commit that is not newer than `time`; `None` where the log holds none that is as old.
pub(super) async fn last_before(history: &History, time: TimestampMs) -> Result<Option<Version>> {
    let Some((_, newest)) = history.versions() else { return Ok(None) };
    if history.timestamp_of(newest).await? <= time {
        return Ok(Some(newest));
    }
    match history.version_at(time).await {
        Ok(version) => Ok(Some(version)),
        Err(error) if error.kind() == ErrorKind::VersionNotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file of a deletion vector, below the root.
pub(super) fn vector_path(root: &Root, vector: &DeletionVectorDescriptor) -> Result<Option<String>> {
    Ok(match vector.location()? {
        DeletionVectorLocation::Inline => None,
        DeletionVectorLocation::Relative { path, .. } => Some(path),
        DeletionVectorLocation::Absolute { uri, .. } => root.path_of(&uri),
        _ => {
            let message = "a deletion vector is kept in a way that this release does not know: nothing was deleted; use a newer one";
            return Err(deltaic_log::Error::new(ErrorKind::UnsupportedProtocol, message));
        }
    })
}

async fn removes_of(history: &History, snapshot: &Snapshot, version: Version) -> Result<Vec<Remove>> {
    let actions = actions_of(history, snapshot, version).await?;
    Ok(actions
        .into_iter()
        .filter_map(|action| if let Action::Remove(remove) = action { Some(remove) } else { None })
        .collect())
}

/// The actions of a commit.
pub(super) async fn actions_of(history: &History, snapshot: &Snapshot, version: Version) -> Result<Vec<Action>> {
    let (store, path) = (snapshot.store(), &history.file_of(version)?.path);
    let body = store.read(path).await?.ok_or_else(|| {
        let message =
            "a commit is gone since the log was listed: the log was cleaned up meanwhile; run the vacuum again";
        deltaic_log::Error::new(ErrorKind::MissingFile, message).with("file", path).with("table", store.root())
    })?;
    cpu::run(&store.context().cpu, move || read_actions(&body)).await.with("file", path)
}
