//! The log of an open table: compactions, and the clean-up of what has expired.

use deltaic_commit::maintenance::{
    CleanupOptions, CleanupPlan, LogCompaction, compact_logs, plan_metadata_cleanup, uncovered_commits,
};

use crate::{DeltaTable, Result};

impl DeltaTable {
    /// Writes a log compaction file of the commits that no checkpoint covers: readers take it instead of them. `None` where
    /// there are fewer than two.
    ///
    /// # Errors
    /// As [`compact_logs`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let place = tempfile::tempdir().unwrap();
    /// # let (from, to) = ("../../fixtures/add_file_and_remove_file/optimize/table/_delta_log", place.path().join("_delta_log"));
    /// # std::fs::create_dir(&to).unwrap();
    /// # for entry in std::fs::read_dir(from).unwrap() {
    /// #     let entry = entry.unwrap();
    /// #     std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    /// # }
    /// # let location = place.path().to_str().unwrap();
    /// let table = deltaic::DeltaTable::open(location).await?;
    /// let compaction = table.compact_logs().await?.expect("the table has commits since its last checkpoint");
    /// assert_eq!(compaction.end, table.version());
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    pub async fn compact_logs(&self) -> Result<Option<LogCompaction>> {
        match uncovered_commits(self.snapshot()) {
            Some(commits) => compact_logs(self.snapshot(), commits).await.map(Some),
            None => Ok(None),
        }
    }

    /// Tells what of the log has expired, and deletes nothing: [`CleanupPlan::execute`] would.
    ///
    /// # Errors
    /// As [`plan_metadata_cleanup`].
    pub async fn plan_metadata_cleanup(&self, options: CleanupOptions) -> Result<CleanupPlan> {
        plan_metadata_cleanup(self.snapshot(), options).await
    }

    /// Deletes what of the log has expired, as the table's properties say, and tells what that was. Call it on the newest
    /// version; older ones, down to [`CleanupPlan::oldest`], can be read afterwards as before.
    ///
    /// # Errors
    /// As [`plan_metadata_cleanup`] and [`CleanupPlan::execute`].
    pub async fn cleanup_metadata(&self) -> Result<CleanupPlan> {
        let plan = self.plan_metadata_cleanup(CleanupOptions::new()).await?;
        plan.execute(self.snapshot().store()).await?;
        Ok(plan)
    }
}
