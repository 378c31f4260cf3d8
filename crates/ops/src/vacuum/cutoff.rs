use std::time::Duration;

use deltaic_log::table_properties::property;
use deltaic_log::{Error, ErrorKind, Result, Snapshot, TimestampMs};

use super::Options;

/// Until when files are kept, and where that comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cutoff {
    /// What was removed or modified before is not kept.
    pub(super) time: TimestampMs,
    /// How long the table keeps files.
    pub(super) default: Duration,
    /// How long they are to be kept instead.
    pub(super) specified: Option<Duration>,
    pub(super) is_enforced: bool,
}

impl Cutoff {
    pub(super) fn of(snapshot: &Snapshot, options: &Options) -> Result<Self> {
        let default = snapshot.configuration().properties().get(&property::DELETED_FILE_RETENTION_DURATION)?;
        let (specified, is_enforced) = (options.retention, options.enforces_retention);
        if let Some(retention) = specified.filter(|retention| is_enforced && *retention < default) {
            return Err(too_short(retention, default));
        }
        let now = snapshot.store().context().clock.now();
        let retention = i64::try_from(specified.unwrap_or(default).as_millis()).unwrap_or(i64::MAX);
        Ok(Self { time: TimestampMs(now.0.saturating_sub(retention)), default, specified, is_enforced })
    }

    /// Whether files are kept longer than the table keeps tombstones: then commits have to tell what was removed.
    pub(super) fn exceeds_tombstones(&self) -> bool {
        self.specified.is_some_and(|retention| retention > self.default)
    }
}

fn too_short(retention: Duration, default: Duration) -> Error {
    let hours = |duration: Duration| duration.as_secs_f64() / 3600.0;
    let message = format!(
        "files would be kept for {} hours, but the table keeps them for {}: readers of older versions and writers under way \
         would fail; keep them longer, change delta.deletedFileRetentionDuration, or override the check",
        hours(retention),
        hours(default)
    );
    Error::new(ErrorKind::InvalidArgument, message).with("property", property::DELETED_FILE_RETENTION_DURATION.spec.key)
}
