//! The upkeep of an open table's log.

use std::ops::RangeInclusive;

use deltaic_commit::maintenance::{self, CleanupOptions, CleanupPlan, LogCompaction};

use crate::{DeltaTable, Result, Version};

impl DeltaTable {
    /// Writes a log compaction file of these commits, which readers read in their place.
    ///
    /// # Errors
    /// As [`maintenance::compact_logs`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let location = "../../fixtures/transaction_identifiers/streaming/table";
    /// let table = deltaic::DeltaTable::open(location).await?;
    /// let newest = table.version();
    /// let too_few = table.compact_logs(newest..=newest).await;
    /// assert!(too_few.is_err(), "a compaction covers two commits at least");
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    pub async fn compact_logs(&self, commits: RangeInclusive<Version>) -> Result<LogCompaction> {
        maintenance::compact_logs(self.snapshot(), commits).await
    }

    /// Plans to delete the files of the log that have expired: a dry run, until [`CleanupPlan::execute`] is called.
    ///
    /// # Errors
    /// As [`maintenance::plan_metadata_cleanup`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let location = "../../fixtures/transaction_identifiers/streaming/table";
    /// use deltaic::commit::maintenance::CleanupOptions;
    /// let table = deltaic::DeltaTable::open(location).await?;
    /// let plan = table.plan_metadata_cleanup(CleanupOptions::new()).await?;
    /// assert!(plan.is_empty(), "a young log is kept");
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    pub async fn plan_metadata_cleanup(&self, options: CleanupOptions) -> Result<CleanupPlan> {
        maintenance::plan_metadata_cleanup(self.snapshot(), options).await
    }
}
