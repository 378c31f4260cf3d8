//! The commits of a range, read many at a time, in order.

use deltaic_log::action::Action;
use deltaic_log::commit_file::read_actions;
use deltaic_log::history::History;
use deltaic_log::{Error, ErrorKind, Result, ResultExt, Snapshot, TableConfiguration, TimestampMs, Version, cpu};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

/// Requests under way at a time.
const REQUESTS: usize = 32;

/// What a version did.
#[derive(Clone, Debug)]
pub(super) struct Commit {
    pub(super) version: Version,
    pub(super) timestamp: TimestampMs,
    pub(super) actions: Vec<Action>,
}

/// What the table's metadata meant at a version.
pub(super) async fn configuration_at(latest: &Snapshot, version: Version) -> Result<TableConfiguration> {
    if version == latest.version() {
        return Ok(latest.configuration().clone());
    }
    Ok(latest.at_version(version).await?.configuration().clone())
}

/// The commits from `start` to `end`, oldest first.
pub(super) async fn read(
    latest: &Snapshot,
    start: Version,
    end: Version,
) -> Result<BoxStream<'static, Result<Commit>>> {
    let history = History::load(latest).await?;
    let latest = latest.clone();
    let one = move |version: u64| {
        let (latest, history) = (latest.clone(), history.clone());
        async move { read_one(&latest, &history, Version(version)).await.with("version", version) }
    };
    Ok(stream::iter(start.0..=end.0).map(one).buffered(REQUESTS).boxed())
}

/// The next commit of a range.
pub(super) async fn next(commits: &mut BoxStream<'static, Result<Commit>>) -> Result<Option<Commit>> {
    commits.try_next().await
}

async fn read_one(latest: &Snapshot, history: &History, version: Version) -> Result<Commit> {
    let timestamp = history.timestamp_of(version).await?;
    let path = history.file_of(version)?.path.clone();
    let bytes = latest.store().read(&path).await?.ok_or_else(gone).with("file", &path)?;
    let actions = cpu::run(&latest.store().context().cpu, move || read_actions(&bytes).with("file", &path)).await?;
    Ok(Commit { version, timestamp, actions })
}

fn gone() -> Error {
    Error::new(ErrorKind::VersionNotFound, "a commit of the range is gone from the log: begin with a later version")
}
