//! What is done for the log once a commit has landed, and how it is told what became of it.

use std::sync::Arc;

use deltaic_log::feature::CATALOG_MANAGED;
use deltaic_log::table_properties::property;
use deltaic_log::version_checksum::VersionChecksum;
use deltaic_log::{Error, Result, Snapshot};

use super::checkpoint::{CheckpointForm, CheckpointOptions, CheckpointWritten, write_checkpoint};
use super::metadata_cleanup::{CleanupOptions, plan_metadata_cleanup};

use super::log_files;
use super::version_checksum::{self, Landed};
use crate::committer::commit_path;

/// What a transaction does for the log after its commit.
///
/// ```
/// use deltaic_commit::maintenance::Upkeep;
/// assert!(Upkeep::default().checkpoint && !Upkeep::nothing().checksum);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upkeep {
    /// Writes the version's checksum (spec: "Version Checksum File"), where it can be made without reading much.
    pub checksum: bool,
    /// Writes a checkpoint where the version is a multiple of the table's `delta.checkpointInterval`: so of any number of
    /// writers, one does it.
    pub checkpoint: bool,
    /// Deletes what has expired of the log (spec: "Metadata Cleanup") once a checkpoint is written, unless the table's
    /// `delta.enableExpiredLogCleanup` is false, or a catalog manages it.
    pub cleanup: bool,
}

impl Default for Upkeep {
    /// Everything.
    fn default() -> Self {
        Self { checksum: true, checkpoint: true, cleanup: true }
    }
}

impl Upkeep {
    /// Nothing but the commit.
    pub fn nothing() -> Self {
        Self { checksum: false, checkpoint: false, cleanup: false }
    }

    /// With the version's checksum, or without.
    #[must_use]
    pub fn with_checksum(mut self, checksum: bool) -> Self {
        self.checksum = checksum;
        self
    }

    /// With checkpoints of the versions that are due, or without.
    #[must_use]
    pub fn with_checkpoint(mut self, checkpoint: bool) -> Self {
        self.checkpoint = checkpoint;
        self
    }

    /// With a clean-up after a checkpoint, or without.
    #[must_use]
    pub fn with_cleanup(mut self, cleanup: bool) -> Self {
        self.cleanup = cleanup;
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
    /// The checkpoint that was written, if the version was due.
    pub checkpoint: Option<Arc<CheckpointWritten>>,
    /// How many expired files were deleted from the log.
    pub files_deleted: usize,
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
    /// The checkpoint that was due.
    Checkpoint,
    /// The clean-up of the log.
    Cleanup,
}

impl UpkeepReport {
    fn keep<T>(&mut self, step: UpkeepStep, done: Result<T>) -> Option<T> {
        done.map_err(|error| self.warn(step, error)).ok()
    }

    pub(crate) fn warn(&mut self, step: UpkeepStep, error: Error) {
        tracing::warn!(%error, ?step, "the commit stands, but the log's upkeep after it failed");
        self.warnings.push(UpkeepWarning { step, error: Arc::new(error) });
    }
}

/// Does what `upkeep` says. Never fails: the commit has landed.
#[tracing::instrument(name = "upkeep", skip_all, fields(version = %landed.commit.version))]
pub(crate) async fn after_commit(landed: &Landed<'_>, upkeep: Upkeep) -> UpkeepReport {
    let mut report = UpkeepReport::default();
    if upkeep.checksum {
        report.checksum = report.keep(UpkeepStep::Checksum, checksum(landed).await).flatten();
    }
    if upkeep.checkpoint {
        let snapshot = due_for_checkpoint(landed, report.checksum.as_ref()).await;
        if let Some(snapshot) = report.keep(UpkeepStep::Checkpoint, snapshot).flatten() {
            report.after_checkpoint(&snapshot, upkeep).await;
        }
    }
    report
}

impl UpkeepReport {
    async fn after_checkpoint(&mut self, snapshot: &Snapshot, upkeep: Upkeep) {
        let written = write_checkpoint(snapshot, CheckpointOptions::new()).await;
        self.checkpoint = self.keep(UpkeepStep::Checkpoint, written).map(Arc::new);
        if let Some(written) = self.checkpoint.clone().filter(|_| upkeep.cleanup) {
            let cleaned = clean_up(snapshot, &written).await;
            self.files_deleted = self.keep(UpkeepStep::Cleanup, cleaned).unwrap_or(0);
        }
    }
}

/// The committed version, if a checkpoint of it is due. Commits since the transaction's own snapshot are read by name.
async fn due_for_checkpoint(landed: &Landed<'_>, checksum: Option<&Arc<VersionChecksum>>) -> Result<Option<Snapshot>> {
    let Some(base) = landed.base else { return Ok(None) };
    let version = landed.commit.version;
    let table = landed.commit.configuration_after(landed.before)?;
    let interval = table.properties().get(&property::CHECKPOINT_INTERVAL)?;
    if version.0 % interval != 0 || !is_published(landed).await? {
        return Ok(None);
    }
    let snapshot = base.advance_to(version).await?;
    // A source may know of newer versions already: those are not this transaction's to look after.
    let snapshot = if snapshot.version() == version { snapshot } else { snapshot.at_version(version).await? };
    Ok(Some(checksum.map_or(snapshot.clone(), |checksum| snapshot.with_checksum(checksum.clone()))))
}

/// Deletes what has expired, where the table says so. Before the last checkpoint goes that every reader knows the name of,
/// there is a newer one: who cannot read the table is to see that he cannot.
async fn clean_up(snapshot: &Snapshot, written: &CheckpointWritten) -> Result<usize> {
    let table = snapshot.configuration();
    let wants = table.properties().get(&property::ENABLE_EXPIRED_LOG_CLEANUP)?;
    if !wants || table.protocol().supports(&CATALOG_MANAGED) {
        return Ok(0);
    }
    let plan = plan_metadata_cleanup(snapshot, CleanupOptions::new()).await?;
    if !plan.is_empty() && matches!(written.form, CheckpointForm::Uuid(_)) {
        let options = CheckpointOptions::new().with_form(CheckpointForm::V2UnderClassicName);
        write_checkpoint(snapshot, options).await?;
    }
    plan.execute(snapshot.store()).await
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
