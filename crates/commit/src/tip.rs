//! The newest version that a transaction knows, and what the next one has to go on from.

use deltaic_log::commit_file::read_commit_info;
use deltaic_log::feature::{IN_COMMIT_TIMESTAMP, ROW_TRACKING};
use deltaic_log::{
    Error, ErrorKind, Result, ResultExt, Snapshot, TableConfiguration, TableStore, TimestampMs, Version, cpu,
};
use object_store::ObjectStoreExt;
use serde::{Deserialize, Serialize};

use crate::committer::{Committer, commit_path};
use crate::stamp::ROW_TRACKING_DOMAIN;
use crate::winner::Winner;

/// Where the next version goes on.
#[derive(Clone, Debug)]
pub(crate) struct Tip {
    /// None where the table has no version yet.
    pub(crate) version: Option<Version>,
    pub(crate) configuration: TableConfiguration,
    /// When the version was committed: by itself, or else by the store. Not known of every winner.
    pub(crate) timestamp: Option<TimestampMs>,
    /// The highest row id given out; -1 where none was.
    pub(crate) row_id_high_water_mark: i64,
}

/// What the domain `delta.rowTracking` says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RowTrackingDomain {
    pub(crate) row_id_high_water_mark: i64,
}

impl Tip {
    /// Before the first version.
    pub(crate) fn of_nothing(configuration: TableConfiguration) -> Self {
        Self { version: None, configuration, timestamp: None, row_id_high_water_mark: -1 }
    }

    /// The version of a snapshot, which is known to be in the log still: else its successor's place might be free because
    /// the log was cleaned up, and a commit there would be lost. Costs one request.
    ///
    /// # Errors
    /// [`ErrorKind::VersionNotFound`] where the log was cleaned up since; [`ErrorKind::Storage`].
    pub(crate) async fn of(snapshot: &Snapshot, committer: &dyn Committer) -> Result<Self> {
        let (store, version) = (snapshot.store(), snapshot.version());
        let configuration = snapshot.configuration().clone();
        let time = match configuration.is_active(&IN_COMMIT_TIMESTAMP) {
            true => {
                committer.read(store, version).await?.map(|body| in_commit_timestamp(version, &body)).transpose()?
            }
            false => modified(store, version).await?,
        };
        let timestamp = match time {
            Some(time) => time,
            None => time_of_checkpoint(snapshot).await?,
        };
        let row_id_high_water_mark = match configuration.protocol().supports(&ROW_TRACKING) {
            true => snapshot
                .domains()
                .await?
                .get(ROW_TRACKING_DOMAIN)
                .map(|domain| &domain.configuration)
                .map_or(Ok(-1), |text| high_water_mark(text))?,
            false => -1,
        };
        Ok(Self { version: Some(version), configuration, timestamp: Some(timestamp), row_id_high_water_mark })
    }

    /// The version that is tried next.
    pub(crate) fn next(&self) -> Version {
        self.version.map_or(Version(0), Version::next)
    }

    /// The tip after this winner, which has made the table's configuration `configuration`.
    pub(crate) fn after(self, winner: &Winner, configuration: TableConfiguration) -> Result<Self> {
        let mut row_id_high_water_mark = self.row_id_high_water_mark;
        if let Some(domain) = winner.domains.iter().find(|domain| domain.domain == ROW_TRACKING_DOMAIN) {
            row_id_high_water_mark = high_water_mark(&domain.configuration).with("version", winner.version)?;
        }
        let timestamp = winner.in_commit_timestamp();
        Ok(Self { version: Some(winner.version), configuration, timestamp, row_id_high_water_mark })
    }

    /// The same tip, its time known if it can be known at all.
    pub(crate) async fn timed(mut self, store: &TableStore) -> Result<Self> {
        if let (Some(version), None) = (self.version, self.timestamp) {
            self.timestamp = modified(store, version).await?;
        }
        Ok(self)
    }
}

fn high_water_mark(configuration: &str) -> Result<i64> {
    let parsed: Result<RowTrackingDomain, _> = serde_json::from_str(configuration);
    parsed.map(|domain| domain.row_id_high_water_mark).map_err(|error| {
        let message = "the metadata domain of row tracking has no `rowIdHighWaterMark`: the table's log is broken";
        Error::new(ErrorKind::CorruptLog, message).because(error).with("domain", ROW_TRACKING_DOMAIN)
    })
}

fn in_commit_timestamp(version: Version, body: &[u8]) -> Result<TimestampMs> {
    let time = read_commit_info(body).with("version", version)?.and_then(|info| info.in_commit_timestamp);
    time.map(TimestampMs).ok_or_else(|| {
        let message = "the commit has no `inCommitTimestamp`, though the table has the feature on: its log is broken";
        Error::new(ErrorKind::CorruptLog, message).with("version", version)
    })
}

/// When a commit's file was modified; `None` where there is no such file.
async fn modified(store: &TableStore, version: Version) -> Result<Option<TimestampMs>> {
    let location = store.locate(&commit_path(version))?;
    let modified = match location.local {
        Some(path) => cpu::run(&store.context().cpu, move || modified_local(&path)).await,
        None => match location.store.head(&location.path).await {
            Ok(meta) => Ok(TimestampMs(meta.last_modified.timestamp_millis())),
            Err(error) => Err(error.into()),
        },
    };
    match modified {
        Ok(time) => Ok(Some(time)),
        Err(error) if error.kind() == ErrorKind::MissingFile => Ok(None),
        Err(error) => Err(error.with("table", store.root()).with("version", version)),
    }
}

fn modified_local(path: &std::path::Path) -> Result<TimestampMs> {
    std::fs::metadata(path).map(|meta| deltaic_log::store::modified(&meta)).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::new(ErrorKind::MissingFile, "storage has no such file"),
        _ => Error::new(ErrorKind::Storage, "the file system failed").because(error),
    })
}

/// The time of a version whose commit is gone, though it is the newest one: a checkpoint stands for it.
async fn time_of_checkpoint(snapshot: &Snapshot) -> Result<TimestampMs> {
    let newer = match snapshot.store().list_log(snapshot.version().next()).await {
        Err(error) if error.kind() == ErrorKind::NotATable => return Err(cleaned_up(snapshot)),
        listed => listed?,
    };
    let checkpoint = snapshot.segment().checkpoint.as_ref().filter(|files| files.version == snapshot.version());
    match checkpoint.and_then(|checkpoint| checkpoint.files.first()).filter(|_| newer.is_empty()) {
        None => Err(cleaned_up(snapshot)),
        Some(file) => {
            let in_commit = snapshot.checksum().and_then(|checksum| checksum.in_commit_timestamp_opt);
            Ok(in_commit.map_or(file.modified, TimestampMs))
        }
    }
}

pub(crate) fn cleaned_up(snapshot: &Snapshot) -> Error {
    let message = "the log was cleaned up since this version was opened, and what was committed since cannot be told any \
                   more: nothing was committed; open the table anew and run the operation again";
    Error::new(ErrorKind::VersionNotFound, message)
        .with("table", snapshot.store().root())
        .with("version", snapshot.version())
}
