//! Spec: [Checkpoints](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoints). What a checkpoint holds and how it
//! is encoded is [`deltaic_log::checkpoint`]'s; here its files are put.
//!
//! ```text
//!   check ─► rows ─► row groups, encoded on all cores ─► [sidecar files] ─► the checkpoint, whole or not at all ─► _last_checkpoint
//!     └ refused                                            └ seen by nobody until the checkpoint refers to them ┘
//! ```

mod allowed;
mod form;
mod hint;
mod row_groups;
mod sidecars;
mod upload;

use deltaic_log::action::{Action, CheckpointMetadata};
use deltaic_log::checkpoint::encode::{CheckpointSchema, StatisticsForms, encode_actions};
use deltaic_log::checkpoint::{ContentOptions, FileActions};
use deltaic_log::commit_file::write_actions;
use deltaic_log::file_name::{CheckpointFormat, LOG_DIR};
use deltaic_log::table_properties::property;
use deltaic_log::{Error, Result, ResultExt, Snapshot, TimestampMs, Version};
use futures::stream::TryStreamExt;

pub use form::{CheckpointForm, CheckpointOptions};
use row_groups::FileWriter;
use sidecars::Sidecars;
use upload::{Upload, Uploaded};

/// A checkpoint that was written.
#[derive(Debug)]
#[non_exhaustive]
pub struct CheckpointWritten {
    /// The version whose state it holds.
    pub version: Version,
    /// The form it took.
    pub form: CheckpointForm,
    /// Its top-level file, relative to the table's root.
    pub path: String,
    /// How many actions it has, sidecar files included.
    pub actions: usize,
    /// How many live files it has.
    pub adds: usize,
    /// How many tombstones it has.
    pub removes: usize,
    /// The size of its files in bytes, sidecar files included.
    pub size_bytes: u64,
    /// How many sidecar files were written for it.
    pub sidecars_written: usize,
    /// How many sidecar files it shares with the checkpoint before it.
    pub sidecars_kept: usize,
    /// Why `_last_checkpoint` was not updated, where that failed: readers find the checkpoint by listing.
    pub hint_error: Option<Error>,
}

/// Writes a checkpoint of a snapshot's version, and has `_last_checkpoint` point to it unless that points to a newer one.
///
/// Readers see the whole checkpoint or none: what fails or is dropped half-way leaves at most files that nobody reads. Memory
/// is bounded, however many files the table has. A classic checkpoint replaces one of the same version; those with unique
/// names stand beside it.
///
/// # Errors
/// [`deltaic_log::ErrorKind::UnsupportedProtocol`] where the table has a feature that this release does not write, or protects
/// checkpoints of this version; [`deltaic_log::ErrorKind::InvalidArgument`] where the table does not allow the form, or the version
/// is not published by its catalog yet; [`deltaic_log::ErrorKind::InvalidProperty`];
/// [`deltaic_log::ErrorKind::CorruptLog`], [`deltaic_log::ErrorKind::MissingFile`] where the log cannot be read;
/// [`deltaic_log::ErrorKind::Storage`].
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, SingleStore, Snapshot, SnapshotOptions, TableStore, Version};
/// use deltaic_commit::{Operation, Transaction, maintenance};
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let root = "memory:///table".parse().unwrap();
/// # let store = TableStore::new(&root, context.clone())?;
/// # let protocol = serde_json::from_str(r#"{"minReaderVersion":1,"minWriterVersion":2}"#).unwrap();
/// # let metadata = serde_json::from_str(r#"{"id":"x","schemaString":"{\"type\":\"struct\",\"fields\":[]}"}"#).unwrap();
/// # Transaction::create(&store, protocol, metadata, Operation::new("CREATE TABLE")).await?.commit().await.into_result()?;
/// let snapshot = Snapshot::open(&root, context.clone(), SnapshotOptions::new()).await?;
/// let written = maintenance::write_checkpoint(&snapshot, maintenance::CheckpointOptions::new()).await?;
/// assert_eq!((written.version, written.actions), (Version(0), 2));
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[tracing::instrument(name = "checkpoint", skip_all, fields(table = %snapshot.store().root(), version = %snapshot.version()))]
pub async fn write_checkpoint(snapshot: &Snapshot, options: CheckpointOptions) -> Result<CheckpointWritten> {
    allowed::check(snapshot).await.with("table", snapshot.store().root())?;
    let mut snapshot = snapshot.clone();
    loop {
        let plan = Plan::new(&snapshot, &options).with("table", snapshot.store().root())?;
        match plan.execute(&snapshot).await {
            Err(error) => snapshot = snapshot.without_unreadable(error).await?,
            written => return written,
        }
    }
}

/// What is written, decided before anything is.
struct Plan {
    form: CheckpointForm,
    schema: CheckpointSchema,
    content: ContentOptions,
    sidecar_actions_max: usize,
}

/// What a checkpoint's files hold together.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    adds: usize,
    removes: usize,
}

impl Plan {
    fn new(snapshot: &Snapshot, options: &CheckpointOptions) -> Result<Self> {
        let table = snapshot.configuration();
        let form = options.form_for(snapshot)?;
        let statistics = options.statistics.map_or_else(|| StatisticsForms::of(table), Ok)?;
        let schema = CheckpointSchema::new(table, statistics)?;
        let retention = table.properties().get(&property::DELETED_FILE_RETENTION_DURATION)?;
        let retention_ms = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let deleted_after = TimestampMs(snapshot.store().context().clock.now().0.saturating_sub(retention_ms));
        let sidecar_actions_max = options.sidecar_actions_max.max(1);
        let content = ContentOptions::new(schema.clone(), deleted_after);
        let content = match form {
            CheckpointForm::Classic => content,
            _ => content.keeping_sidecars_from(sidecar_actions_max.div_ceil(4)),
        };
        Ok(Self { form, schema, content, sidecar_actions_max })
    }

    async fn execute(&self, snapshot: &Snapshot) -> Result<CheckpointWritten> {
        let name = self.form.name(snapshot.version(), snapshot.store().context().ids.uuid());
        let path = format!("{LOG_DIR}/{name}");
        let (mut written, uploaded) = match self.form {
            CheckpointForm::Classic => self.write_classic(snapshot, path).await?,
            _ => self.write_v2(snapshot, path).await?,
        };
        let hint = hint::put(snapshot.store(), &written, self.form, &uploaded).await;
        if let Err(error) = &hint {
            tracing::warn!(%error, "`_last_checkpoint` could not be updated; the checkpoint is found without it");
        }
        written.hint_error = hint.err();
        Ok(written)
    }

    /// All actions in one file.
    async fn write_classic(&self, snapshot: &Snapshot, path: String) -> Result<(CheckpointWritten, Uploaded)> {
        let content = snapshot.checkpoint_content(self.content.clone()).await?;
        let schema = self.schema.classic();
        let mut file = FileWriter::begin(snapshot.store(), path.clone(), schema).await?;
        file = file.write(encode_actions(&content.actions, schema)?).await?.close_row_group().await?;
        let (mut counts, mut files) = (Counts::default(), content.files);
        while let Some(actions) = files.try_next().await? {
            // None is kept, as none was asked for.
            if let FileActions::Rows { batch, adds } = actions {
                counts.add(adds, batch.num_rows() - adds);
                file = file.write(batch).await?;
            }
        }
        let uploaded = file.finish().await?;
        let written = self.written(snapshot, path, content.actions.len(), counts, uploaded.size);
        Ok((written, uploaded))
    }

    /// Files' actions in sidecars, the others in the top-level file.
    async fn write_v2(&self, snapshot: &Snapshot, path: String) -> Result<(CheckpointWritten, Uploaded)> {
        let content = snapshot.checkpoint_content(self.content.clone()).await?;
        let sidecars = Sidecars::write(snapshot.store(), &self.schema, content.files, self.sidecar_actions_max).await?;
        let tags = [
            ("numOfAddFiles", sidecars.counts.adds.to_string()),
            ("sidecarNumActions", sidecars.counts.total().to_string()),
            ("sidecarSizeInBytes", sidecars.size_bytes.to_string()),
        ];
        let tags = tags.into_iter().map(|(name, value)| (name.to_owned(), Some(value))).collect();
        let version = i64::try_from(snapshot.version().0).unwrap_or(i64::MAX);
        let mut actions = vec![Action::CheckpointMetadata(CheckpointMetadata { version, tags: Some(tags) })];
        actions.extend(content.actions);
        actions.extend(sidecars.all.iter().cloned().map(Action::Sidecar));
        let uploaded = self.write_top(snapshot, path.clone(), &actions).await?;
        let size_bytes = uploaded.size + sidecars.size_bytes;
        let mut written = self.written(snapshot, path, actions.len(), sidecars.counts, size_bytes);
        written.sidecars_written = sidecars.all.len() - sidecars.kept;
        written.sidecars_kept = sidecars.kept;
        Ok((written, uploaded))
    }

    async fn write_top(&self, snapshot: &Snapshot, path: String, actions: &[Action]) -> Result<Uploaded> {
        if self.form == CheckpointForm::Uuid(CheckpointFormat::Json) {
            let upload = Upload::begin(snapshot.store(), path).await?;
            return upload.write(write_actions(actions)?).await?.finish().await;
        }
        let schema = self.schema.v2();
        let file = FileWriter::begin(snapshot.store(), path, schema).await?;
        file.write(encode_actions(actions, schema)?).await?.finish().await
    }

    fn written(
        &self,
        snapshot: &Snapshot,
        path: String,
        others: usize,
        counts: Counts,
        size_bytes: u64,
    ) -> CheckpointWritten {
        CheckpointWritten {
            version: snapshot.version(),
            form: self.form,
            path,
            actions: others + counts.total(),
            adds: counts.adds,
            removes: counts.removes,
            size_bytes,
            sidecars_written: 0,
            sidecars_kept: 0,
            hint_error: None,
        }
    }
}

impl Counts {
    fn add(&mut self, adds: usize, removes: usize) {
        self.adds += adds;
        self.removes += removes;
    }

    fn total(self) -> usize {
        self.adds + self.removes
    }
}
