//! What is done for the log once a commit has landed, and how it is told what became of it.

use std::sync::Arc;

use deltaic_log::feature::CATALOG_MANAGED;
use deltaic_log::version_checksum::VersionChecksum;
use deltaic_log::{Error, Result};

use super::log_files;
use super::version_checksum::{self, Landed};
use crate::committer::commit_path;

/// What a transaction does for the log after its commit.
///
/// ```
/// use deltaic_commit::maintenance::Upkeep;
/// assert!(Upkeep::default().checksum && !Upkeep::nothing().checksum);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upkeep {
    /// Writes the version's checksum (spec: "Version Checksum File"), where it can be made without reading much.
    pub checksum: bool,
}

impl Default for Upkeep {
    /// Everything.
    fn default() -> Self {
        Self { checksum: true }
    }
}

impl Upkeep {
    /// Nothing but the commit.
    pub fn nothing() -> Self {
        Self { checksum: false }
    }

    /// With the version's checksum, or without.
    #[must_use]
    pub fn with_checksum(mut self, checksum: bool) -> Self {
        self.checksum = checksum;
        self
    }
}

/// What was done for the log after a commit, and what could not be.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UpkeepReport {
    /// The checksum that was written, if one was. A snapshot of the version may be told of it:
    /// [`deltaic_log::Snapshot::with_checksum`].
    pub checksum: Option<Arc<VersionChecksum>>,
    /// What failed. The commit stands all the same.
    pub warnings: Vec<UpkeepWarning>,
}

/// A part of the upkeep that failed. The table is as sound as without it; a later commit makes up for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpkeepWarning {
    /// What failed.
    pub step: UpkeepStep,
    /// Why.
    pub error: Arc<Error>,
}

/// A part of the upkeep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpkeepStep {
    /// The version's checksum.
    Checksum,
}

impl UpkeepReport {
    fn keep<T>(&mut self, step: UpkeepStep, done: Result<T>) -> Option<T> {
        done.map_err(|error| {
            tracing::warn!(%error, ?step, "the commit stands, but the log's upkeep after it failed");
            self.warnings.push(UpkeepWarning { step, error: Arc::new(error) });
        })
        .ok()
    }
}

/// Does what `upkeep` says. Never fails: the commit has landed.
#[tracing::instrument(name = "upkeep", skip_all, fields(version = %landed.commit.version))]
pub(crate) async fn after_commit(landed: &Landed<'_>, upkeep: Upkeep) -> UpkeepReport {
    let mut report = UpkeepReport::default();
    if upkeep.checksum {
        report.checksum = report.keep(UpkeepStep::Checksum, checksum(landed).await).flatten();
    }
    report
}

async fn checksum(landed: &Landed<'_>) -> Result<Option<Arc<VersionChecksum>>> {
    match is_published(landed).await? {
        true => version_checksum::write(landed).await,
        false => Ok(None),
    }
}

/// Spec: [Maintenance Operations on Catalog-managed Tables](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#maintenance-operations-on-catalog-managed-tables):
/// what stands beside commits is written for published ones alone.
async fn is_published(landed: &Landed<'_>) -> Result<bool> {
    match landed.before.protocol().supports(&CATALOG_MANAGED) {
        true => log_files::exists(landed.store, &commit_path(landed.commit.version)).await,
        false => Ok(true),
    }
}
