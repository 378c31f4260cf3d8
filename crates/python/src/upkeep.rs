//! The upkeep of a table: its log, and files that nothing needs any more.

use std::time::Duration;

use deltaic::Version;
use deltaic::commit::maintenance;
use deltaic::ops::vacuum::VacuumMode;
use futures::TryStreamExt;
use pyo3::prelude::*;

use crate::runtime::wait;
use crate::table::RawDeltaTable;

#[pymethods]
impl RawDeltaTable {
    fn create_checkpoint(&self, py: Python<'_>) -> PyResult<()> {
        let table = self.table();
        wait(py, async move { table.create_checkpoint().await.map(|_| ()) })
    }

    fn cleanup_metadata(&self, py: Python<'_>) -> PyResult<()> {
        let table = self.table();
        wait(py, async move { table.cleanup_metadata().await.map(|_| ()) })
    }

    fn compact_logs(&self, py: Python<'_>, starting_version: u64, ending_version: u64) -> PyResult<()> {
        let table = self.table();
        let commits = Version(starting_version)..=Version(ending_version);
        wait(py, async move { maintenance::compact_logs(table.snapshot(), commits).await.map(|_| ()) })
    }

    /// The paths of the files that are deleted, or would be.
    fn vacuum(
        &self,
        py: Python<'_>,
        retention_hours: Option<u64>,
        dry_run: bool,
        enforce_retention_duration: bool,
        full: bool,
        keep_versions: Vec<u64>,
    ) -> PyResult<Vec<String>> {
        let mode = if full { VacuumMode::Full } else { VacuumMode::Lite };
        let mut vacuum = self.table().vacuum().with_mode(mode).keep_versions(keep_versions.into_iter().map(Version));
        if let Some(hours) = retention_hours {
            vacuum = vacuum.with_retention(Duration::from_secs(hours.saturating_mul(3600)));
        }
        if !enforce_retention_duration {
            vacuum = vacuum.without_enforced_retention();
        }
        let paths = wait(py, async move {
            let plan = vacuum.plan().await?;
            let paths = plan.files().map_ok(|file| file.path).try_collect().await?;
            if !dry_run {
                plan.execute().await?;
            }
            Ok(paths)
        })?;
        if !dry_run {
            self.refresh(py)?;
        }
        Ok(paths)
    }
}
