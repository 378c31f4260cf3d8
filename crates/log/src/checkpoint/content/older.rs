//! The older checkpoint, row group by row group: what still stands of it.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use arrow_select::filter::filter;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::kept::kept;
use super::{ContentOptions, FileActions, Items, ROWS, add_rows, is_expired, remove_rows, rows};
use crate::action::{Action, Add};
use crate::action_reconciliation::{KeySet, file_key};
use crate::checkpoint::encode::{AddEncoder, CheckpointSchema, conform_removes, has_all};
use crate::checkpoint::parquet_file::{ParquetFile, RowGroupBatches, is_all_null};
use crate::checkpoint::{Checkpoint, files, removes};
use crate::commit_file::ActionReader;
use crate::cpu;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::side_by_side::SideBySide;
use crate::store::TableStore;
use crate::version::TimestampMs;

/// The actions of the older checkpoint that no newer commit makes void.
pub(super) async fn older(
    store: TableStore,
    checkpoint: Checkpoint,
    options: ContentOptions,
    keys: Arc<KeySet>,
) -> Result<Items> {
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
                    Action::Add(add)
                        if !keys.contains(file_key(&add.path, add.deletion_vector.as_ref(), &mut scratch)) =>
                    {
                        adds.push_back(add);
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
