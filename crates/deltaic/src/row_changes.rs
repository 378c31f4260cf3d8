//! Changes of the rows of an open table.

use deltaic_ops::{RestoreBuilder, UpdateBuilder};

use crate::DeltaTable;

impl DeltaTable {
    /// Rows to be changed: all, unless the builder is told which. The table stays at its version; [`Self::refresh`] moves it.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use arrow_array::{Int64Array, RecordBatch};
    /// use deltaic::DeltaTable;
    /// use deltaic::ops::{Input, WriteBuilder};
    /// use std::sync::Arc;
    /// # let place = tempfile::tempdir().unwrap();
    /// # let location = place.path().to_str().unwrap();
    /// # let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as _)]).unwrap();
    /// # let rows = Input::from_batches(batch.schema(), [batch]);
    /// # WriteBuilder::new(DeltaTable::builder(location).target().await?, rows).execute().await?;
    /// let table = DeltaTable::open(location).await?;
    /// let report = table.update().set_sql("id = id + 10")?.predicate_sql("id > 1")?.execute().await?;
    /// assert_eq!(report.metric("numUpdatedRows"), 2);
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    pub fn update(&self) -> UpdateBuilder {
        UpdateBuilder::new(self.target())
    }

    /// Makes the table what it was at an older version: the builder is told which. It goes out from the newest version,
    /// whichever this one is.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use arrow_array::{Int64Array, RecordBatch};
    /// use deltaic::ops::{Input, WriteBuilder};
    /// use deltaic::{DeltaTable, Version};
    /// use std::sync::Arc;
    /// # let place = tempfile::tempdir().unwrap();
    /// # let location = place.path().to_str().unwrap();
    /// # let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as _)]).unwrap();
    /// # let rows = Input::from_batches(batch.schema(), [batch]);
    /// # WriteBuilder::new(DeltaTable::builder(location).target().await?, rows).execute().await?;
    /// let mut table = DeltaTable::open(location).await?;
    /// table.delete().execute().await?;
    /// table.restore().version(Version(0)).execute().await?;
    /// table.refresh().await?;
    /// assert_eq!((table.version(), table.num_rows().await?), (Version(2), Some(3)));
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    pub fn restore(&self) -> RestoreBuilder {
        RestoreBuilder::new(self.target())
    }
}
