//! Checkpoints of an open table.

use deltaic_commit::maintenance::{CheckpointOptions, CheckpointWritten, write_checkpoint};

use crate::{DeltaTable, Result};

impl DeltaTable {
    /// Writes a checkpoint of this version, in the form that the table's properties ask for: readers begin there, instead of at
    /// the first commit.
    ///
    /// # Errors
    /// As [`write_checkpoint`].
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
    /// let written = table.create_checkpoint().await?;
    /// assert_eq!(written.version, table.version());
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    pub async fn create_checkpoint(&self) -> Result<CheckpointWritten> {
        self.create_checkpoint_with(CheckpointOptions::new()).await
    }

    /// As [`Self::create_checkpoint`], with options: the form, the forms of statistics.
    ///
    /// # Errors
    /// As [`write_checkpoint`].
    pub async fn create_checkpoint_with(&self, options: CheckpointOptions) -> Result<CheckpointWritten> {
        write_checkpoint(self.snapshot(), options).await
    }
}
