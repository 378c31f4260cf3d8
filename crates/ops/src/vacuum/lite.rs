//! A lite vacuum: what the commits since the last vacuum removed, and what has left the retention meanwhile.

use std::sync::Arc;

use deltaic_commit::maintenance::LastVacuumInfo;
use deltaic_log::action::Action;
use deltaic_log::{Error, ErrorKind, History, Result, Snapshot, TimestampMs, Version};
use futures::stream::{self, BoxStream, StreamExt};

use super::keep::{actions_of, last_before, vector_path};
use super::report::VacuumFile;
use super::root::Root;
use super::walk::Found;

/// Commits read at a time.
const REQUESTS: usize = 8;

/// The commits to go through.
#[derive(Clone, Debug)]
pub(super) struct Removed {
    snapshot: Snapshot,
    history: Arc<History>,
    /// The versions: none where nothing has left the retention since the last vacuum.
    versions: std::ops::Range<u64>,
}

impl Removed {
    /// The commits after those that the last vacuum went through, up to the last one outside of the retention.
    pub(super) async fn since_last_vacuum(snapshot: &Snapshot, last_outside: Option<Version>) -> Result<Self> {
        let history = Arc::new(History::load(snapshot).await?);
        let last = LastVacuumInfo::read(snapshot.store()).await?;
        let done = last.and_then(|last| last.latest_commit_version_outside_of_retention_window);
        let from = done.map_or(Version(0), Version::next);
        let versions = from.0..last_outside.map_or(from.0, |version| version.next().0);
        match history.versions() {
            Some((earliest, _)) if earliest > from && !versions.is_empty() => Err(cleaned_up(snapshot, from, earliest)),
            _ => Ok(Self { snapshot: snapshot.clone(), history, versions }),
        }
    }

    /// The files that these commits removed or held changes in, and the files of deletion vectors that they removed.
    pub(super) fn files(&self, root: Arc<Root>) -> BoxStream<'static, Result<Vec<Found>>> {
        let this = self.clone();
        let of_version = move |version| {
            let (this, root) = (this.clone(), root.clone());
            async move {
                let version = Version(version);
                let actions = actions_of(&this.history, &this.snapshot, version).await?;
                let committed = this.history.timestamp_of(version).await?;
                let mut found = Vec::new();
                for action in actions {
                    named_by(&action, &root, committed, &mut found)?;
                }
                Ok(found)
            }
        };
        stream::iter(self.versions.clone()).map(of_version).buffered(REQUESTS).boxed()
    }
}

/// The last commit that is older than `cutoff`.
pub(super) async fn last_outside_of_retention(snapshot: &Snapshot, cutoff: TimestampMs) -> Result<Option<Version>> {
    last_before(&History::load(snapshot).await?, TimestampMs(cutoff.0.saturating_sub(1))).await
}

fn named_by(action: &Action, root: &Root, committed: TimestampMs, found: &mut Vec<Found>) -> Result<()> {
    let mut push = |path: Option<String>, size: Option<i64>, modified: TimestampMs| {
        let size = size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
        found.extend(path.map(|path| Found::File(VacuumFile { path, size, modified })));
    };
    match action {
        Action::Remove(remove) => {
            let removed = remove.deletion_timestamp.map_or(committed, TimestampMs);
            push(root.path_of(&remove.path), remove.size, removed);
            if let Some(vector) = &remove.deletion_vector {
                push(vector_path(root, vector)?, None, removed);
            }
        }
        Action::AddCdcFile(cdc) => push(root.path_of(&cdc.path), Some(cdc.size), committed),
        _ => {}
    }
    Ok(())
}

fn cleaned_up(snapshot: &Snapshot, from: Version, earliest: Version) -> Error {
    let message = format!(
        "a lite vacuum has to go through the commits from version {from} on, but the log begins with version {earliest}: run a \
         full vacuum once"
    );
    Error::new(ErrorKind::VersionNotFound, message).with("version", from).with("table", snapshot.store().root())
}
