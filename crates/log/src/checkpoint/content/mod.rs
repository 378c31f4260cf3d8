//! Spec: [Action Reconciliation](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#action-reconciliation): what a
//! checkpoint of a snapshot holds, as rows in the columns of a new checkpoint.
//!
//! ```text
//!   commits, newest first ──► live adds, standing removes ──────────────────┐
//!           └── the keys of their files, void in anything older             ├─► FileActions, as a stream
//!   checkpoint, row group by row group ──► rows without those keys ─────────┘
//! ```
//!
//! Memory is bounded by the keys of the commits' files and a few row groups. Rows of the older checkpoint stay Arrow columns
//! from one file to the next.

mod kept;
mod newer;
mod older;

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::encode::{CheckpointSchema, encode_removes};
use crate::action::{Action, Remove, Sidecar};
use crate::action_reconciliation::KeySet;
use crate::cpu;
use crate::error::{Result, ResultExt};
use crate::snapshot::Snapshot;
use crate::version::TimestampMs;
use newer::{Commits, Newer, read_commits};
use older::older;

/// Rows that are handed on together, about.
const ROWS: usize = 8192;

/// What a checkpoint is to hold, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ContentOptions {
    /// The checkpoint's columns.
    pub schema: CheckpointSchema,
    /// Tombstones that were made then or before have expired.
    pub deleted_after: TimestampMs,
    /// How many actions a sidecar of the older checkpoint must have at least, to be kept as it is; none is kept where absent.
    pub kept_sidecar_actions_min: Option<usize>,
}

/// The actions of a checkpoint.
pub struct CheckpointContent {
    /// Those that are no files': protocol, metadata, transaction identifiers, domains.
    pub actions: Vec<Action>,
    /// Those of files, in no particular order.
    pub files: BoxStream<'static, Result<FileActions>>,
}

/// Some file actions of a checkpoint.
#[derive(Clone, Debug)]
pub enum FileActions {
    /// As rows.
    Rows {
        /// A column `add` or a column `remove`.
        batch: RecordBatch,
        /// How many rows are `add`s; the others are `remove`s.
        adds: usize,
    },
    /// As a sidecar of the older checkpoint, whose actions all stand.
    Kept(KeptSidecar),
}

/// A sidecar of the older checkpoint that the new one may refer to.
#[derive(Clone, Debug)]
pub struct KeptSidecar {
    /// The sidecar.
    pub sidecar: Sidecar,
    /// How many `add`s it has.
    pub adds: usize,
    /// How many `remove`s it has.
    pub removes: usize,
}

impl ContentOptions {
    /// All files as rows in these columns, and the tombstones that were made after this time.
    pub fn new(schema: CheckpointSchema, deleted_after: TimestampMs) -> Self {
        Self { schema, deleted_after, kept_sidecar_actions_min: None }
    }

    /// Keeps sidecars of at least so many actions where all of their actions still stand.
    #[must_use]
    pub fn keeping_sidecars_from(mut self, actions: usize) -> Self {
        self.kept_sidecar_actions_min = Some(actions);
        self
    }
}

impl Snapshot {
    /// What a checkpoint of this version holds.
    ///
    /// The stream reads the log as it goes. Where it meets an optional file that is unreadable it fails;
    /// [`Self::without_unreadable`] then gives the snapshot to begin anew with.
    ///
    /// # Errors
    /// As [`Self::files`] and [`Self::transactions`]; so do the stream's items.
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
    /// use deltaic_log::TimestampMs;
    /// use deltaic_log::checkpoint::{ContentOptions, encode::{CheckpointSchema, StatisticsForms}};
    /// let table = snapshot.configuration();
    /// let schema = CheckpointSchema::new(table, StatisticsForms::of(table)?)?;
    /// let content = snapshot.checkpoint_content(ContentOptions::new(schema, TimestampMs(0))).await?;
    /// assert!(content.actions.len() >= 2);
    /// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
    /// ```
    pub async fn checkpoint_content(&self, options: ContentOptions) -> Result<CheckpointContent> {
        let actions = self.actions_beside_files().await?;
        let unread = read_commits(self.store(), &self.segment().deltas);
        let state = Walk::Newer(unread, Box::new(Newer::new(&options)));
        let context = Arc::new((self.clone(), options));
        let files = stream::try_unfold(state, move |state| state.next(context.clone())).try_flatten().boxed();
        Ok(CheckpointContent { actions, files })
    }

    async fn actions_beside_files(&self) -> Result<Vec<Action>> {
        let mut actions = vec![Action::Protocol(self.protocol().clone()), Action::Metadata(self.metadata().clone())];
        actions.extend(self.transactions().await?.into_values().map(Action::SetTransaction));
        actions.extend(self.domains().await?.into_values().map(Action::DomainMetadata));
        Ok(actions)
    }
}

type Items = BoxStream<'static, Result<FileActions>>;

/// Where the walk through the log is.
enum Walk {
    /// In the commits.
    Newer(Commits, Box<Newer>),
    /// At the older checkpoint.
    Older(Arc<KeySet>),
    Done,
}

impl Walk {
    async fn next(self, context: Arc<(Snapshot, ContentOptions)>) -> Result<Option<(Items, Self)>> {
        let (snapshot, options) = &*context;
        match self {
            Self::Newer(mut commits, mut newer) => {
                let is_last = newer.advance(&mut commits).await?;
                let run = cpu::run(&snapshot.store().context().cpu, move || Ok((newer.take_rows(is_last)?, newer)));
                let (items, newer) = run.await.with("table", snapshot.store().root())?;
                let next = match is_last && newer.is_done() {
                    true => Self::Older(Arc::new(newer.into_keys())),
                    false => Self::Newer(commits, newer),
                };
                Ok(Some((stream::iter(items.into_iter().map(Ok)).boxed(), next)))
            }
            Self::Older(keys) => {
                let items = match snapshot.checkpoint().await? {
                    Some(checkpoint) => older(snapshot.store().clone(), checkpoint, options.clone(), keys).await?,
                    None => stream::empty().boxed(),
                };
                Ok(Some((items, Self::Done)))
            }
            Self::Done => Ok(None),
        }
    }
}

/// One without a time counts as made at 0.
fn is_expired(remove: &Remove, deleted_after: TimestampMs) -> bool {
    remove.deletion_timestamp.unwrap_or(0) <= deleted_after.0
}

fn add_rows(adds: StructArray) -> Result<FileActions> {
    let count = adds.len();
    rows("add", Arc::new(adds), count)
}

fn remove_rows(removes: Vec<Remove>, schema: &CheckpointSchema) -> Result<FileActions> {
    rows("remove", encode_removes(removes, schema)?, 0)
}

fn rows(name: &str, column: ArrayRef, adds: usize) -> Result<FileActions> {
    Ok(FileActions::Rows { batch: RecordBatch::try_from_iter_with_nullable([(name, column, true)])?, adds })
}
