//! Spec: [Checkpoints](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoints): the state of a table at a
//! version, in classic, multi-part and UUID-named form, with [sidecar
//! files](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#sidecar-files) or without.
//!
//! A checkpoint is opened by its footers alone; what is asked of it is read then, column by column.

mod actions;
mod content;
pub mod encode;
mod files;
mod parquet_file;
mod removes;
mod row_group_bytes;
mod standing_adds;
mod statistics;

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use percent_encoding::percent_decode_str;

use crate::action::{DomainMetadata, Metadata, Protocol, Remove, SetTransaction, Sidecar};
use crate::action_reconciliation::KeySet;
use crate::commit_file::{Delta, DeltaBatch};
use crate::cpu;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::file_name::{LOG_DIR, SIDECAR_DIR};
use crate::file_set::{FileChunk, LiveRows, Origin};
use crate::segment::CheckpointFiles;
use crate::side_by_side::SideBySide;
use crate::store::TableStore;
use crate::version::Version;
use actions::rows_of;
pub use content::{CheckpointContent, ContentOptions, FileActions, KeptSidecar};
pub(crate) use parquet_file::ParquetFile;
use parquet_file::is_all_null;
pub(crate) use statistics::{read_bounds, read_texts};

/// A checkpoint whose top-level files are open. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    version: Version,
    top: Top,
    /// The path of a JSON checkpoint's file.
    json_path: String,
}

#[derive(Clone, Debug)]
enum Top {
    /// Classic, multi-part, or UUID-named.
    Parquet(Vec<ParquetFile>),
    /// UUID-named, newline-delimited JSON: read whole.
    Json(Arc<DeltaBatch>),
}

impl Checkpoint {
    /// Opens a checkpoint: reads its footers, or the whole of a JSON one.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptLog`], [`ErrorKind::MissingFile`], [`ErrorKind::Storage`].
    pub(crate) async fn open(store: &TableStore, files: &CheckpointFiles) -> Result<Self> {
        let is_json = files.files.first().is_some_and(|file| file.path.ends_with(".json"));
        let top = if is_json { open_json(store, files).await? } else { open_parquet(store, files).await? };
        let json_path = files.files.first().filter(|_| is_json).map(|file| file.path.clone()).unwrap_or_default();
        Ok(Self { version: files.version, top, json_path })
    }

    /// The checkpoint's protocol and metadata, where it has them.
    pub(crate) async fn protocol_and_metadata(
        &self,
        store: &TableStore,
    ) -> Result<(Option<Protocol>, Option<Metadata>)> {
        if let Top::Json(batch) = &self.top {
            let deltas = || batch.deltas.iter();
            return Ok((deltas().find_map(|d| d.protocol.clone()), deltas().find_map(|d| d.metadata.clone())));
        }
        let (mut protocols, mut metadatas): (Vec<Protocol>, Vec<Metadata>) = (Vec::new(), Vec::new());
        self.read_columns(store, &["protocol", "metaData"], |batch| {
            protocols.extend(rows_of(batch, "protocol")?);
            metadatas.extend(rows_of(batch, "metaData")?);
            Ok(())
        })
        .await?;
        Ok((self.at_most_one(protocols, "protocol")?, self.at_most_one(metadatas, "metaData")?))
    }

    /// The checkpoint's transaction identifiers and domains.
    pub(crate) async fn transactions_and_domains(
        &self,
        store: &TableStore,
    ) -> Result<(Vec<SetTransaction>, Vec<DomainMetadata>)> {
        let (mut transactions, mut domains) = (Vec::new(), Vec::new());
        if let Top::Json(batch) = &self.top {
            for delta in &batch.deltas {
                transactions.extend(delta.transactions.iter().cloned());
                domains.extend(delta.domains.iter().cloned());
            }
            return Ok((transactions, domains));
        }
        self.read_columns(store, &["txn", "domainMetadata"], |batch| {
            transactions.extend(rows_of(batch, "txn")?);
            domains.extend(rows_of(batch, "domainMetadata")?);
            Ok(())
        })
        .await?;
        Ok((transactions, domains))
    }

    /// The live files of the checkpoint, in its order, without those whose key is in `newer`: a few row groups are
    /// decoded at a time, chunk by chunk, and nothing is kept. Whether all files are there is known before the stream begins.
    ///
    /// # Errors
    /// As [`Self::open`]; so do the stream's items.
    pub(crate) async fn files(
        &self,
        store: &TableStore,
        newer: Arc<KeySet>,
        filter: Option<&RowGroupFilter>,
    ) -> Result<BoxStream<'static, Result<FileChunk>>> {
        let jobs: Vec<_> = self.file_row_groups(store).await?.into_iter().filter(|job| job.is_kept(filter)).collect();
        let inline = self.inline_json_files(&newer);
        let (store, width) = (store.clone(), store.context().cpu.parallelism());
        let row_groups = jobs.into_iter().map(move |job| files::decode(store.clone(), job, newer.clone()).boxed());
        Ok(stream::iter(inline.map(Ok)).chain(SideBySide::new(row_groups, width)).boxed())
    }

    /// How many row groups with files `filter` keeps, and how many there are.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) async fn count_row_groups(&self, store: &TableStore, filter: &RowGroupFilter) -> Result<(usize, usize)> {
        let jobs = self.file_row_groups(store).await?;
        Ok((jobs.iter().filter(|job| job.is_kept(Some(filter))).count(), jobs.len()))
    }

    /// The row groups that hold files.
    async fn file_row_groups(&self, store: &TableStore) -> Result<Vec<FileRowGroup>> {
        let files = self.file_bearing(store).await?;
        let row_groups = files
            .into_iter()
            .flat_map(|file| (0..file.row_groups().len()).map(move |row_group| (file.clone(), row_group)));
        let with_files = |(file, row_group)| {
            let leaves = files::file_leaves(&file, row_group)?;
            Some(FileRowGroup { file, row_group, leaves })
        };
        Ok(row_groups.filter_map(with_files).collect())
    }

    /// The tombstones of the checkpoint whose key is not in `newer`, a row group at a time.
    ///
    /// # Errors
    /// As [`Self::files`].
    pub(crate) async fn removes(
        &self,
        store: &TableStore,
        newer: Arc<KeySet>,
    ) -> Result<BoxStream<'static, Result<Remove>>> {
        let inline = match &self.top {
            Top::Json(_) => removes::of_json(store, &self.json_path, &newer).await?,
            Top::Parquet(_) => Vec::new(),
        };
        let parquet = self.file_bearing(store).await?;
        let store = store.clone();
        let jobs =
            parquet.into_iter().flat_map(|file| (0..file.row_groups().len()).map(move |group| (file.clone(), group)));
        let removes = stream::iter(jobs.collect::<Vec<_>>()).then(move |(file, group)| {
            let (store, newer) = (store.clone(), newer.clone());
            async move {
                Ok::<_, Error>(stream::iter(
                    removes::of_row_group(&store, &file, group, newer).await?.into_iter().map(Ok),
                ))
            }
        });
        Ok(stream::iter(inline.into_iter().map(Ok)).chain(removes.try_flatten()).boxed())
    }

    /// The sidecar files that the checkpoint refers to.
    pub(crate) async fn sidecars(&self, store: &TableStore) -> Result<Vec<Sidecar>> {
        if let Top::Json(batch) = &self.top {
            return Ok(batch.deltas.iter().flat_map(|delta| delta.sidecars.iter().cloned()).collect());
        }
        let mut sidecars = Vec::new();
        self.read_columns(store, &["sidecar"], |batch| {
            sidecars.extend(rows_of(batch, "sidecar")?);
            Ok(())
        })
        .await?;
        Ok(sidecars)
    }

    /// The parquet files that may hold `add` and `remove` actions: the checkpoint's own, and its sidecars.
    async fn file_bearing(&self, store: &TableStore) -> Result<Vec<ParquetFile>> {
        let sidecars = self.open_sidecars(store).await?;
        Ok(self.top_files().iter().cloned().chain(sidecars.into_iter().map(|(_, file)| file)).collect())
    }

    /// The checkpoint's own parquet files.
    fn top_files(&self) -> &[ParquetFile] {
        match &self.top {
            Top::Parquet(files) => files,
            Top::Json(_) => &[],
        }
    }

    /// The sidecar files that the checkpoint refers to, opened.
    async fn open_sidecars(&self, store: &TableStore) -> Result<Vec<(Sidecar, ParquetFile)>> {
        let open = |sidecar: Sidecar| async move {
            let path = sidecar_path(&sidecar.path)?;
            let size = u64::try_from(sidecar.size_in_bytes).unwrap_or(0);
            let file = ParquetFile::open(store, &path, size).await.with("sidecar", &sidecar.path)?;
            Ok::<_, Error>((sidecar, file))
        };
        stream::iter(self.sidecars(store).await?).map(open).buffered(16).try_collect().await
    }

    fn inline_json_files(&self, newer: &KeySet) -> Option<FileChunk> {
        let Top::Json(batch) = &self.top else { return None };
        let columns = batch.adds.clone();
        let live = LiveRows::without(&columns, newer);
        (columns.len() > 0).then(|| FileChunk::new(columns, live, Origin::Commits))
    }

    /// Decodes whole struct columns, skipping row groups that hold none of them.
    async fn read_columns(
        &self,
        store: &TableStore,
        names: &[&str],
        mut take: impl FnMut(&arrow_array::RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let Top::Parquet(files) = &self.top else { return Ok(()) };
        for file in files {
            let leaves = file.leaves(|path| path.first().is_some_and(|root| names.contains(&root.as_str())));
            for (row_group, meta) in file.row_groups().iter().enumerate() {
                if leaves.iter().all(|&leaf| is_all_null(&meta.columns()[leaf])) {
                    continue;
                }
                let fetched = file.fetch(store, row_group, leaves.clone()).await?;
                let batches =
                    cpu::run(&store.context().cpu, move || fetched.batches(None)?.collect::<Result<Vec<_>>>());
                batches.await?.iter().try_for_each(&mut take).with("file", &file.path)?;
            }
        }
        Ok(())
    }

    fn at_most_one<T: PartialEq>(&self, mut found: Vec<T>, action: &str) -> Result<Option<T>> {
        found.dedup();
        if found.len() > 1 {
            let message = format!("the checkpoint has {} different `{action}` actions; it may have one", found.len());
            return Err(Error::new(ErrorKind::CorruptLog, message).with("version", self.version));
        }
        Ok(found.pop())
    }
}

/// Where the sidecar files are that a checkpoint refers to, relative to the table's root.
///
/// # Errors
/// [`ErrorKind::CorruptLog`], [`ErrorKind::MissingFile`], [`ErrorKind::Storage`].
pub async fn sidecar_paths(store: &TableStore, files: &CheckpointFiles) -> Result<Vec<String>> {
    let checkpoint = Checkpoint::open(store, files).await?;
    checkpoint.sidecars(store).await?.iter().map(|sidecar| sidecar_path(&sidecar.path)).collect()
}

/// Says of each row group of a checkpoint file whether its files are wanted, from the file's footer.
pub type RowGroupFilter = Arc<dyn Fn(&ArrowReaderMetadata) -> Vec<bool> + Send + Sync>;

/// A row group that holds files, and the leaves to decode.
struct FileRowGroup {
    file: ParquetFile,
    row_group: usize,
    leaves: Vec<usize>,
}

impl FileRowGroup {
    fn is_kept(&self, filter: Option<&RowGroupFilter>) -> bool {
        filter.is_none_or(|filter| filter(self.file.footer()).get(self.row_group).copied().unwrap_or(true))
    }
}

async fn open_parquet(store: &TableStore, files: &CheckpointFiles) -> Result<Top> {
    let open = |file: crate::store::TableFile| async move { ParquetFile::open(store, &file.path, file.size).await };
    Ok(Top::Parquet(stream::iter(files.files.clone()).map(open).buffered(16).try_collect().await?))
}

async fn open_json(store: &TableStore, files: &CheckpointFiles) -> Result<Top> {
    let file = files.files.first().ok_or_else(|| Error::new(ErrorKind::Internal, "a checkpoint without files"))?;
    let gone =
        || Error::new(ErrorKind::MissingFile, "a checkpoint file is gone since it was listed").with("file", &file.path);
    let bytes = store.read(&file.path).await?.ok_or_else(gone)?;
    let path = file.path.clone();
    let batch = cpu::run(&store.context().cpu, move || {
        let mut batch = DeltaBatch::default();
        batch.read(&bytes)?;
        check_whole(&bytes, &batch)?;
        Ok(batch)
    });
    Ok(Top::Json(Arc::new(batch.await.with("file", path)?)))
}

/// A checkpoint of lines reads without an error where it is cut off between two of them. Where it is empty, a crash has left it;
/// where it lacks what every checkpoint has, it is wrong, and what is missing must not be taken from elsewhere: its files are
/// missing with it.
///
/// # Errors
/// [`ErrorKind::CorruptLog`], [`ErrorKind::MissingProtocol`], [`ErrorKind::MissingMetadata`].
fn check_whole(bytes: &[u8], batch: &DeltaBatch) -> Result<()> {
    if bytes.trim_ascii().is_empty() {
        return Err(Error::new(ErrorKind::CorruptLog, "a checkpoint is empty"));
    }
    let has = |of: fn(&Delta) -> bool| batch.deltas.iter().any(of);
    let (kind, action) = match (has(|delta| delta.protocol.is_some()), has(|delta| delta.metadata.is_some())) {
        (true, true) => return Ok(()),
        (false, _) => (ErrorKind::MissingProtocol, "protocol"),
        (true, false) => (ErrorKind::MissingMetadata, "metaData"),
    };
    let message = format!("a checkpoint has no `{action}` action, as every one must: delete it, or restore the log");
    Err(Error::new(kind, message))
}

/// A bare file name lies in `_delta_log/_sidecars`; a longer relative path is relative to `_delta_log`.
fn sidecar_path(path: &str) -> Result<String> {
    let broken = || {
        Error::new(ErrorKind::CorruptLog, "a sidecar's path is no percent-encoded relative path").with("sidecar", path)
    };
    let decoded = percent_decode_str(path).decode_utf8().map_err(|error| broken().because(error))?;
    if decoded.contains("://") || decoded.starts_with('/') {
        return Err(broken());
    }
    Ok(match decoded.contains('/') {
        true => format!("{LOG_DIR}/{decoded}"),
        false => format!("{LOG_DIR}/{SIDECAR_DIR}/{decoded}"),
    })
}
