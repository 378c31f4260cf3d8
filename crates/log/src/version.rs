//! The two numbers that place a commit: its version and its time.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A version of a table: contiguous, from 0 (spec: "Delta Table Specification").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The largest version that fits the signed 64-bit numbers of the log's writers.
    pub const MAX: Version = Version(i64::MAX as u64);

    /// The version after this one.
    #[must_use]
    pub fn next(self) -> Version {
        Version(self.0.saturating_add(1))
    }

    /// The version before this one, if this is not the first.
    pub fn previous(self) -> Option<Version> {
        self.0.checked_sub(1).map(Version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u64> for Version {
    fn from(version: u64) -> Self {
        Version(version)
    }
}

/// Milliseconds since the Unix epoch, UTC: the unit of every time in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimestampMs(pub i64);

impl fmt::Display for TimestampMs {
    /// RFC 3339 with milliseconds, in UTC; the bare number where a calendar has no such date.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match chrono::DateTime::from_timestamp_millis(self.0) {
            Some(time) => write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%S%.3fZ")),
            None => write!(f, "{} ms", self.0),
        }
    }
}
