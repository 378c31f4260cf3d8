//! Whole `add` actions of a snapshot, with what no scan needs: tags, statistics as text, who clustered the file.

use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray, RecordBatch, StructArray};
use arrow_json::writer::{JsonArray, WriterBuilder};
use arrow_schema::Schema;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};

use super::content::{ContentOptions, FileActions};
use super::encode::{CheckpointSchema, StatisticsForms};
use crate::action::Add;
use crate::cpu;
use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::Snapshot;
use crate::version::TimestampMs;

impl Snapshot {
    /// The `add` actions of all live files, some at a time, in no particular order. Their `dataChange` is false, as in a
    /// checkpoint. Memory is bounded as that of [`Self::checkpoint_content`].
    ///
    /// # Errors
    /// As [`Self::checkpoint_content`]; so do the stream's items.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// # use std::sync::Arc;
    /// # use deltaic_log::{Context, SingleStore, Snapshot, SnapshotOptions};
    /// # use object_store::{ObjectStoreExt, memory::InMemory};
    /// # let memory = Arc::new(InMemory::new());
    /// # let protocol = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#;
    /// # let metadata = r#"{"metaData":{"id":"x","schemaString":"{\"type\":\"struct\",\"fields\":[]}"}}"#;
    /// # let add = r#"{"add":{"path":"f","partitionValues":{},"size":1,"modificationTime":0,"dataChange":true}}"#;
    /// # let commit = [protocol, metadata, add].join("\n");
    /// # memory.put(&"table/_delta_log/00000000000000000000.json".into(), commit.into()).await.unwrap();
    /// # let context = Context::new(Arc::new(SingleStore::new(memory)));
    /// # let snapshot = Snapshot::open(&"memory:///table".parse().unwrap(), context, SnapshotOptions::new()).await?;
    /// use futures::TryStreamExt;
    /// let adds: Vec<_> = snapshot.stream_adds().await?.try_concat().await?;
    /// assert_eq!(adds.len(), snapshot.files().await?.len());
    /// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
    /// ```
    pub async fn stream_adds(&self) -> Result<BoxStream<'static, Result<Vec<Add>>>> {
        let forms = StatisticsForms { json: true, parsed: false };
        let schema = CheckpointSchema::new(self.configuration(), forms)?;
        // No tombstone is younger than that.
        let content = self.checkpoint_content(ContentOptions::new(schema, TimestampMs(i64::MAX))).await?;
        let executor = self.store().context().cpu.clone();
        let decoded = content.files.and_then(move |actions| {
            let executor = executor.clone();
            async move {
                match actions {
                    FileActions::Rows { batch, adds } if adds > 0 => cpu::run(&executor, move || adds_of(&batch)).await,
                    FileActions::Rows { .. } | FileActions::Kept(_) => Ok(Vec::new()),
                }
            }
        });
        Ok(decoded.boxed())
    }
}

fn adds_of(batch: &RecordBatch) -> Result<Vec<Add>> {
    let Some(column) = batch.column_by_name("add").and_then(|column| column.as_struct_opt()) else {
        return Ok(Vec::new());
    };
    let present: BooleanArray = (0..column.len()).map(|row| Some(column.is_valid(row))).collect();
    let column: StructArray = arrow_select::filter::filter(column, &present)?.as_struct().clone();
    let (fields, columns, _) = column.into_parts();
    let rows = RecordBatch::try_new(Schema::new(fields).into(), columns)?;
    // A partition value that is null is a value, which must not be left out.
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(Vec::new());
    writer.write(&rows).and_then(|()| writer.finish())?;
    serde_json::from_slice(&writer.into_inner()).map_err(|error| {
        Error::new(ErrorKind::CorruptLog, "the log has a malformed `add` action: restore the log").because(error)
    })
}
