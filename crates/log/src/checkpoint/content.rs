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

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::DataType;
use arrow_select::filter::filter;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::encode::{AddEncoder, CheckpointSchema, conform_removes, encode_removes, has_all};
use super::parquet_file::{ParquetFile, RowGroupBatches, is_all_null};
use super::{Checkpoint, FileRowGroup, files, removes};
use crate::action::{Action, Add, Remove, Sidecar};
use crate::action_reconciliation::{KeySet, file_key};
use crate::commit_file::ActionReader;
use crate::cpu;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::segment::DeltaFile;
use crate::side_by_side::SideBySide;
use crate::snapshot::Snapshot;
use crate::store::TableStore;
use crate::version::TimestampMs;

/// Rows that are handed on together, about.
const ROWS: usize = 8192;
/// Commits that are read ahead.
const READ_AHEAD: usize = 32;

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
    /// ```no_run
    /// # futures::executor::block_on(async {
    /// # let snapshot: deltaic_log::Snapshot = unimplemented!();
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
        let newer = Newer {
            encoder: AddEncoder::new(&options.schema),
            deleted_after: options.deleted_after,
            keys: KeySet::default(),
            commit: None,
            adds: Vec::new(),
            removes: Vec::new(),
        };
        let unread = read_commits(self.store(), &self.segment().deltas);
        let state = Walk::Newer(unread, Box::new(newer));
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
type Commits = BoxStream<'static, Result<(String, Bytes)>>;

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
                    true => Self::Older(Arc::new(newer.keys)),
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

/// The commits, newest first, and what they leave standing.
struct Newer {
    encoder: AddEncoder,
    deleted_after: TimestampMs,
    /// The files that the commits read so far mention.
    keys: KeySet,
    /// The commit that is being read.
    commit: Option<OpenCommit>,
    /// Standing actions that are not handed on yet.
    adds: Vec<Add>,
    removes: Vec<Remove>,
}

struct OpenCommit {
    path: String,
    reader: ActionReader,
    /// Its removes, until all of its adds are seen: the order within a commit is of no matter.
    removes: Vec<Remove>,
}

impl Newer {
    /// Has a commit to read, if there is one left; whether there is none.
    async fn advance(&mut self, commits: &mut Commits) -> Result<bool> {
        if self.commit.is_none() {
            let next = commits.try_next().await?;
            self.commit =
                next.map(|(path, bytes)| OpenCommit { path, reader: ActionReader::new(bytes), removes: Vec::new() });
        }
        Ok(self.commit.is_none())
    }

    fn is_done(&self) -> bool {
        self.commit.is_none() && self.adds.is_empty() && self.removes.is_empty()
    }

    /// Reads on in the commit, and gives the rows that are worth handing on; all of them, if this is the end.
    fn take_rows(&mut self, is_last: bool) -> Result<Vec<FileActions>> {
        if let Some(mut commit) = self.commit.take() {
            let ended = self.read(&mut commit).with("file", &commit.path)?;
            match ended {
                true => self.take_removes(commit.removes),
                false => self.commit = Some(commit),
            }
        }
        let mut items = Vec::new();
        let is_enough = |count: usize| count >= ROWS || is_last && count > 0;
        if is_enough(self.adds.len()) {
            let adds = self.encoder.of_actions(std::mem::take(&mut self.adds))?;
            items.push(add_rows(adds)?);
        }
        if is_enough(self.removes.len()) {
            items.push(remove_rows(std::mem::take(&mut self.removes), self.encoder.schema())?);
        }
        Ok(items)
    }

    /// Reads until there are rows enough; whether the commit is at its end.
    fn read(&mut self, commit: &mut OpenCommit) -> Result<bool> {
        let mut scratch = Vec::new();
        while self.adds.len() < ROWS {
            match commit.reader.next_action()? {
                Some(Action::Add(add)) => {
                    if self.keys.insert(file_key(&add.path, add.deletion_vector.as_ref(), &mut scratch)) {
                        self.adds.push(add);
                    }
                }
                Some(Action::Remove(remove)) => commit.removes.push(remove),
                Some(_) => {}
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    fn take_removes(&mut self, removes: Vec<Remove>) {
        let mut scratch = Vec::new();
        for remove in removes {
            let is_new = self.keys.insert(file_key(&remove.path, remove.deletion_vector.as_ref(), &mut scratch));
            if is_new && !is_expired(&remove, self.deleted_after) {
                self.removes.push(remove);
            }
        }
    }
}

/// One without a time counts as made at 0.
fn is_expired(remove: &Remove, deleted_after: TimestampMs) -> bool {
    remove.deletion_timestamp.unwrap_or(0) <= deleted_after.0
}

/// The bytes of commits, newest first.
fn read_commits(store: &TableStore, deltas: &[DeltaFile]) -> Commits {
    let store = store.clone();
    let paths: Vec<String> = deltas.iter().rev().map(|delta| delta.file.path.clone()).collect();
    let read = move |path: String| {
        let store = store.clone();
        async move {
            let gone =
                || Error::new(ErrorKind::MissingFile, "a commit is gone since it was listed").with("file", &path);
            let bytes = store.read(&path).await?.ok_or_else(gone)?;
            Ok((path, bytes))
        }
    };
    stream::iter(paths).map(read).buffered(READ_AHEAD).boxed()
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

/// The actions of the older checkpoint that no newer commit makes void.
async fn older(store: TableStore, checkpoint: Checkpoint, options: ContentOptions, keys: Arc<KeySet>) -> Result<Items> {
    let mut items: Vec<FileActions> = Vec::new();
    let mut files = checkpoint.top_files().to_vec();
    for (sidecar, file) in checkpoint.open_sidecars(&store).await? {
        match kept(&store, sidecar, &file, &options, &keys).await? {
            Some(kept) => items.push(FileActions::Kept(kept)),
            None => files.push(file),
        }
    }
    let inline = checkpoint.inline_json_actions(&store, &options, &keys).await?;
    let jobs = files.into_iter().flat_map(|file| (0..file.row_groups().len()).map(move |group| (file.clone(), group)));
    let jobs: Vec<_> = jobs.collect();
    let width = store.context().cpu.parallelism();
    let encoder = AddEncoder::new(&options.schema);
    let row_groups = jobs.into_iter().map(move |(file, row_group)| {
        let standing = Standing { keys: keys.clone(), deleted_after: options.deleted_after, encoder: encoder.clone() };
        row_group_items(store.clone(), file, row_group, standing)
    });
    let first = stream::iter(items.into_iter().chain(inline).map(Ok));
    Ok(first.chain(SideBySide::new(row_groups, width)).boxed())
}

/// What decides which rows of an older checkpoint stand, and how they are written.
#[derive(Clone)]
struct Standing {
    keys: Arc<KeySet>,
    deleted_after: TimestampMs,
    encoder: AddEncoder,
}

impl Standing {
    /// The rows of a batch that stand, as those of the new checkpoint; `None` where there are none.
    fn rows(&self, kind: Kind, batch: &RecordBatch) -> Result<Option<FileActions>> {
        let Some(actions) = batch.column_by_name(kind.column()).and_then(|column| column.as_struct_opt()) else {
            return Ok(None);
        };
        let standing = match kind {
            Kind::Add => files::live_rows(actions, &self.keys)?,
            Kind::Remove => files::unexpired_rows(actions, &self.keys, self.deleted_after)?,
        };
        let filtered = match standing.true_count() {
            0 => return Ok(None),
            count if count == actions.len() => actions.clone(),
            _ => filter(actions, &standing)?.as_struct().clone(),
        };
        match kind {
            Kind::Add => add_rows(self.encoder.of_columns(&filtered)?).map(Some),
            Kind::Remove => rows(kind.column(), conform_removes(&filtered, self.encoder.schema())?, 0).map(Some),
        }
    }
}

/// A kind of file actions.
#[derive(Clone, Copy)]
enum Kind {
    Add,
    Remove,
}

impl Kind {
    fn column(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }

    /// The leaves that a new checkpoint takes over, as far as they hold a value in this row group; none where it has no
    /// such action.
    fn leaves(self, file: &ParquetFile, row_group: usize, schema: &CheckpointSchema) -> Vec<usize> {
        match self {
            Self::Add => add_leaves(file, row_group, schema).unwrap_or_default(),
            Self::Remove => {
                let leaves = file.leaves(|path| path.first().is_some_and(|root| root == "remove"));
                let columns = file.row_groups()[row_group].columns();
                let is_empty = leaves.iter().all(|&leaf| is_all_null(&columns[leaf]));
                if is_empty { Vec::new() } else { leaves }
            }
        }
    }
}

/// The actions of a row group that stand: live files, then tombstones.
fn row_group_items(store: TableStore, file: ParquetFile, row_group: usize, standing: Standing) -> Items {
    let kinds = stream::iter([Kind::Add, Kind::Remove]);
    let items = kinds.then(move |kind| {
        let (store, file, standing) = (store.clone(), file.clone(), standing.clone());
        async move {
            let leaves = kind.leaves(&file, row_group, standing.encoder.schema());
            if leaves.is_empty() {
                return Ok::<_, Error>(stream::empty().boxed());
            }
            let (cpu, path) = (store.context().cpu.clone(), file.path.clone());
            let batches = file.fetch(&store, row_group, leaves).await?.batches(None)?;
            let items = stream::try_unfold((batches, standing), move |(batches, standing)| {
                let cpu = cpu.clone();
                async move {
                    let next = cpu::run(&cpu, move || next_rows(kind, batches, standing)).await?;
                    Ok::<_, Error>(next.map(|(items, state)| (stream::iter(items.into_iter().map(Ok)), state)))
                }
            });
            Ok(items.try_flatten().map(move |item| item.with("file", &path)).boxed())
        }
    });
    items.try_flatten().boxed()
}

type RowsAndRest = (Vec<FileActions>, (RowGroupBatches, Standing));

/// The standing rows of the next few batches; `None` at the end of the row group.
fn next_rows(kind: Kind, mut batches: RowGroupBatches, standing: Standing) -> Result<Option<RowsAndRest>> {
    let (mut items, mut decoded) = (Vec::new(), 0);
    while decoded < ROWS {
        let Some(batch) = batches.next().transpose()? else { break };
        decoded += batch.num_rows();
        items.extend(standing.rows(kind, &batch)?);
    }
    Ok((decoded > 0).then_some((items, (batches, standing))))
}

/// The leaves of `add` that a new checkpoint takes over, as far as they hold a value in this row group. `None` where the row
/// group has no `add`.
fn add_leaves(file: &ParquetFile, row_group: usize, schema: &CheckpointSchema) -> Option<Vec<usize>> {
    let mut leaves = files::file_leaves(file, row_group)?;
    let columns = file.row_groups()[row_group].columns();
    let in_every_add = |wanted: &[&str]| {
        let nulls = |leaf: usize| columns[leaf].statistics().and_then(|statistics| statistics.null_count_opt());
        let path = file.leaves(|path| path == ["add", "path"]).first().and_then(|&leaf| nulls(leaf));
        let found = file.leaves(|path| path == wanted).first().and_then(|&leaf| nulls(leaf));
        path.is_some() && path == found
    };
    let forms = schema.forms();
    let parsed = if let DataType::Struct(parsed) = stats_parsed_type(file) { parsed } else { Default::default() };
    let is_complete = schema.stats_parsed().is_none_or(|wanted| has_all(&parsed, wanted));
    let needs_text = forms.json || !(is_complete && in_every_add(&["add", "stats_parsed", "numRecords"]));
    let needs_parsed = forms.parsed || !in_every_add(&["add", "stats"]);
    let wanted = |path: &[String]| {
        path.first().is_some_and(|root| root == "add")
            && match path.get(1).map(String::as_str) {
                Some("stats") => needs_text,
                Some("stats_parsed") => needs_parsed,
                Some("partitionValues_parsed") => forms.parsed,
                Some("tags" | "clusteringProvider" | "deletionVector") => true,
                _ => false,
            }
    };
    // A map's keys and values are decoded together or not at all.
    let tags = file.leaves(|path| path.len() > 2 && path[..2] == ["add", "tags"]);
    let has_tags = tags.iter().any(|&leaf| !is_all_null(&columns[leaf]));
    let has_values = |leaf: &usize| if tags.contains(leaf) { has_tags } else { !is_all_null(&columns[*leaf]) };
    leaves.extend(file.leaves(wanted).into_iter().filter(has_values));
    leaves.sort_unstable();
    leaves.dedup();
    Some(leaves)
}

fn stats_parsed_type(file: &ParquetFile) -> DataType {
    let add = file.footer().schema().field_with_name("add").map(|field| field.data_type().clone());
    let Ok(DataType::Struct(fields)) = add else { return DataType::Null };
    fields.iter().find(|field| field.name() == "stats_parsed").map_or(DataType::Null, |field| field.data_type().clone())
}

/// The sidecar, if it is large enough to be kept, has the columns that are wanted, and all of its actions stand.
async fn kept(
    store: &TableStore,
    sidecar: Sidecar,
    file: &ParquetFile,
    options: &ContentOptions,
    keys: &Arc<KeySet>,
) -> Result<Option<KeptSidecar>> {
    let rows: i64 = file.row_groups().iter().map(|row_group| row_group.num_rows()).sum();
    let is_large = |min: usize| usize::try_from(rows).is_ok_and(|rows| rows >= min);
    if !options.kept_sidecar_actions_min.is_some_and(is_large) || !has_columns(file, &options.schema) {
        return Ok(None);
    }
    let (mut adds, mut removes) = (0, 0);
    for row_group in 0..file.row_groups().len() {
        if let Some(leaves) = files::file_leaves(file, row_group) {
            let job = FileRowGroup { file: file.clone(), row_group, leaves };
            let mut chunks = std::pin::pin!(files::decode(store.clone(), job, keys.clone()));
            while let Some(chunk) = chunks.try_next().await? {
                if chunk.live_files() < chunk.rows() {
                    return Ok(None);
                }
                adds += chunk.rows();
            }
        }
        let all = removes::of_row_group(store, file, row_group, Arc::default()).await?;
        let standing = removes::standing(all.clone(), keys);
        if standing.len() < all.len() || standing.iter().any(|remove| is_expired(remove, options.deleted_after)) {
            return Ok(None);
        }
        removes += all.len();
    }
    Ok(Some(KeptSidecar { sidecar, adds, removes }))
}

/// Whether a file of the older checkpoint has all columns of statistics that are wanted.
fn has_columns(file: &ParquetFile, schema: &CheckpointSchema) -> bool {
    let add = file.footer().schema().field_with_name("add").map(|field| field.data_type().clone());
    let Ok(DataType::Struct(found)) = add else { return false };
    let statistics = ["stats", "stats_parsed", "partitionValues_parsed"];
    let wanted = schema.add().iter().filter(|field| statistics.contains(&field.name().as_str())).cloned();
    has_all(&found, &wanted.collect())
}

impl Checkpoint {
    /// The file actions that stand in the top-level file itself, where that is JSON.
    async fn inline_json_actions(
        &self,
        store: &TableStore,
        options: &ContentOptions,
        keys: &Arc<KeySet>,
    ) -> Result<Vec<FileActions>> {
        if !self.top_files().is_empty() {
            return Ok(Vec::new());
        }
        let path = &self.json_path;
        let gone =
            || Error::new(ErrorKind::MissingFile, "a checkpoint file is gone since it was listed").with("file", path);
        let bytes = store.read(path).await?.ok_or_else(gone)?;
        let (options, keys) = (options.clone(), keys.clone());
        let encode = move || {
            let (mut reader, mut adds, mut removes, mut scratch) =
                (ActionReader::new(bytes), VecDeque::new(), Vec::new(), Vec::new());
            while let Some(action) = reader.next_action()? {
                match action {
                    Action::Add(add) => {
                        if !keys.contains(file_key(&add.path, add.deletion_vector.as_ref(), &mut scratch)) {
                            adds.push_back(add);
                        }
                    }
                    Action::Remove(remove) if !is_expired(&remove, options.deleted_after) => removes.push(remove),
                    _ => {}
                }
            }
            let mut items = Vec::new();
            let encoder = AddEncoder::new(&options.schema);
            while !adds.is_empty() {
                let some: Vec<Add> = adds.drain(..adds.len().min(ROWS)).collect();
                items.push(add_rows(encoder.of_actions(some)?)?);
            }
            let removes = removes::standing(removes, &keys);
            if !removes.is_empty() {
                items.push(remove_rows(removes, &options.schema)?);
            }
            Ok(items)
        };
        cpu::run(&store.context().cpu, encode).await.with("file", path)
    }
}
