//! Spec: [Sidecar Files](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#sidecar-files): the files of a table in parquet
//! files of their own, which the next checkpoint may refer to again.

use deltaic_log::action::Sidecar;
use deltaic_log::checkpoint::FileActions;
use deltaic_log::checkpoint::encode::CheckpointSchema;
use deltaic_log::file_name::{LOG_DIR, SIDECAR_DIR};
use deltaic_log::{Result, TableStore};
use futures::stream::{BoxStream, TryStreamExt};

use super::Counts;
use super::row_groups::FileWriter;

/// The sidecar files of a checkpoint.
#[derive(Default)]
pub(super) struct Sidecars {
    pub(super) all: Vec<Sidecar>,
    /// How many of them are an older checkpoint's.
    pub(super) kept: usize,
    pub(super) counts: Counts,
    pub(super) size_bytes: u64,
}

/// A sidecar file that is being written.
struct Open {
    name: String,
    file: FileWriter,
    actions: usize,
}

impl Sidecars {
    /// Writes the rows of `files`, in files of `actions_max` or a few more; no checkpoint refers to them yet.
    pub(super) async fn write(
        store: &TableStore,
        schema: &CheckpointSchema,
        mut files: BoxStream<'static, Result<FileActions>>,
        actions_max: usize,
    ) -> Result<Self> {
        let mut sidecars = Self::default();
        let mut open: Option<Open> = None;
        while let Some(actions) = files.try_next().await? {
            let (batch, adds) = match actions {
                FileActions::Rows { batch, adds } => (batch, adds),
                FileActions::Kept(kept) => {
                    sidecars.counts.add(kept.adds, kept.removes);
                    sidecars.size_bytes += u64::try_from(kept.sidecar.size_in_bytes).unwrap_or(0);
                    sidecars.all.push(kept.sidecar);
                    sidecars.kept += 1;
                    continue;
                }
            };
            let rows = batch.num_rows();
            let mut current = match open.take() {
                Some(current) => current,
                None => Open::begin(store, schema).await?,
            };
            current.file = current.file.write(batch).await?;
            current.actions += rows;
            sidecars.counts.add(adds, rows - adds);
            match current.actions >= actions_max {
                true => sidecars.close(current).await?,
                false => open = Some(current),
            }
        }
        if let Some(last) = open {
            sidecars.close(last).await?;
        }
        Ok(sidecars)
    }

    async fn close(&mut self, open: Open) -> Result<()> {
        let uploaded = open.file.finish().await?;
        self.size_bytes += uploaded.size;
        self.all.push(Sidecar {
            path: open.name,
            size_in_bytes: i64::try_from(uploaded.size).unwrap_or(i64::MAX),
            modification_time: uploaded.modified.0,
            tags: None,
        });
        Ok(())
    }
}

impl Open {
    async fn begin(store: &TableStore, schema: &CheckpointSchema) -> Result<Self> {
        let name = format!("{}.parquet", store.context().ids.uuid());
        let path = format!("{LOG_DIR}/{SIDECAR_DIR}/{name}");
        Ok(Self { name, file: FileWriter::begin(store, path, schema.files()).await?, actions: 0 })
    }
}
