//! Which versions a range of changes means.

use deltaic_log::history::History;
use deltaic_log::{Error, ErrorKind, Result, Snapshot, TimestampMs, Version};

/// An end of a range, included in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeBound {
    /// A version.
    Version(Version),
    /// A time: as a beginning, the first version committed then or later; as an end, the last one committed by then.
    Timestamp(TimestampMs),
}

/// A range of versions, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeRange {
    /// Where it begins.
    pub start: ChangeBound,
    /// Where it ends; at the newest version, if not given or later than that.
    pub end: Option<ChangeBound>,
}

impl ChangeRange {
    /// From a version on.
    pub fn from_version(start: Version) -> Self {
        Self { start: ChangeBound::Version(start), end: None }
    }

    /// From a time on.
    pub fn from_timestamp(start: TimestampMs) -> Self {
        Self { start: ChangeBound::Timestamp(start), end: None }
    }

    /// The same, up to `end`.
    #[must_use]
    pub fn until(mut self, end: ChangeBound) -> Self {
        self.end = Some(end);
        self
    }

    /// The versions; `None` where both ends are times and no version lies between them.
    pub(super) async fn resolve(&self, latest: &Snapshot) -> Result<Option<(Version, Version)>> {
        let history = History::load(latest).await?;
        let start = match self.start {
            ChangeBound::Version(version) => version,
            ChangeBound::Timestamp(time) => {
                history.first_version_from(time).await?.ok_or_else(|| after_latest(latest, &time))?
            }
        };
        let end = match self.end {
            None => latest.version(),
            Some(ChangeBound::Version(version)) => version,
            Some(ChangeBound::Timestamp(time)) => match last_version_by(&history, latest, time).await? {
                Some(version) => version,
                None => return self.nothing(start, None),
            },
        };
        self.ordered(start, end, latest)
    }

    /// The rules that need no storage.
    fn ordered(&self, start: Version, end: Version, latest: &Snapshot) -> Result<Option<(Version, Version)>> {
        if start > latest.version() {
            return Err(after_latest(latest, &start));
        }
        if end < start {
            return self.nothing(start, Some(end));
        }
        Ok(Some((start, end.min(latest.version()))))
    }

    /// Between two times there may be no version; between two versions there must be.
    fn nothing(&self, start: Version, end: Option<Version>) -> Result<Option<(Version, Version)>> {
        if let (ChangeBound::Timestamp(from), Some(ChangeBound::Timestamp(to))) = (self.start, self.end)
            && from <= to
        {
            return Ok(None);
        }
        let end = end.map_or_else(|| "before the first version".to_owned(), |end| format!("with version {end}"));
        Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("the range of changes begins with version {start} but ends {end}"),
        ))
    }
}

/// The last version committed by `time`; `None` where `time` is before the first.
async fn last_version_by(history: &History, latest: &Snapshot, time: TimestampMs) -> Result<Option<Version>> {
    match history.first_version_from(TimestampMs(time.0.saturating_add(1))).await? {
        None => Ok(Some(latest.version())),
        Some(next) => {
            Ok(next.previous().filter(|version| history.versions().is_some_and(|(first, _)| *version >= first)))
        }
    }
}

fn after_latest(latest: &Snapshot, start: &dyn std::fmt::Display) -> Error {
    let message = format!("the changes asked for begin at {start}, after the newest version, {}", latest.version());
    Error::new(ErrorKind::VersionNotFound, message)
}
