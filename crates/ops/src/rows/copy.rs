//! Rows of files that are there, written into new files: as they are, or as an update makes them.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, new_null_array};
use arrow_schema::{DataType, Field, Schema};
use deltaic_log::action::{Add, AddCdcFile};
use deltaic_log::deletion_vector::{DeletionVector, DeletionVectorDescriptor};
use deltaic_log::feature::WriterRequirements;
use deltaic_log::schema::{PrimitiveType, StructField};
use deltaic_log::{Error, ErrorKind, Result, Snapshot, cpu};
use deltaic_scan::expr::EvalContext;
use deltaic_scan::plan::{FileRead, MetadataColumn, RowSet};
use deltaic_scan::{Reader, ScanBuilder};
use futures::stream::TryStreamExt;

use super::matched::MatchedFile;
use crate::clustering::clustering_columns;
use crate::data::alignment::{Alignment, relaxed_fields};
use crate::data::layout::{Layout, Purpose};
use crate::data::options::FileOptions;
use crate::data::table_writer::{TableWriter, WrittenFiles};
use crate::update::Updater;

/// Where files of row changes are.
const CHANGE_DATA: &str = "_change_data/";
const CHANGE_TYPE: &str = "_change_type";

/// Some rows of a file, and what they are.
pub(crate) struct Part<'a> {
    file: &'a MatchedFile,
    rows: RowSet,
    kind: RowKind,
}

/// What becomes of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    /// They stay as they are.
    Kept,
    /// They are deleted: written as they were.
    Deleted,
    /// They are updated: written as they were.
    BeforeUpdate,
    /// They are updated: written as they are from now on.
    Updated,
}

impl RowKind {
    /// What the table's changes call it.
    fn change_type(self) -> &'static str {
        match self {
            Self::Kept => "",
            Self::Deleted => "delete",
            Self::BeforeUpdate => "update_preimage",
            Self::Updated => "update_postimage",
        }
    }
}

impl<'a> Part<'a> {
    /// The live rows of the file that do not match.
    pub(crate) fn kept(file: &'a MatchedFile) -> Self {
        let rows = RowSet::without(inline(&file.deleted.union(&file.positions)));
        Self { file, rows, kind: RowKind::Kept }
    }

    /// The rows of the file that match.
    pub(crate) fn matched(file: &'a MatchedFile, kind: RowKind) -> Self {
        Self { file, rows: RowSet { only: inline(&file.positions), except: None }, kind }
    }
}

/// Rows by their positions.
fn inline(positions: &DeletionVector) -> Option<DeletionVectorDescriptor> {
    DeletionVectorDescriptor::inline(positions).ok()
}

fn change_file(add: Add) -> AddCdcFile {
    let Add { path, partition_values, size, .. } = add;
    AddCdcFile { path, partition_values, size, data_change: false, tags: None }
}

/// The columns of data files that keep the ids of rows which move, where the table tracks rows.
fn tracked_columns(snapshot: &Snapshot) -> Result<Vec<(MetadataColumn, StructField)>> {
    let Some(tracking) = snapshot.configuration().reader_requirements()?.row_tracking else { return Ok(Vec::new()) };
    let column = |name: Option<String>| name.map(|name| StructField::nullable(name, PrimitiveType::Long));
    let found = [
        (MetadataColumn::RowId, column(tracking.row_id_column)),
        (MetadataColumn::RowCommitVersion, column(tracking.row_commit_version_column)),
    ];
    let untold = || {
        let message = "the table tracks its rows, but does not say in which columns of data files their ids are kept: turn row \
                       tracking off and on again";
        Error::new(ErrorKind::InvalidProperty, message)
    };
    found.into_iter().map(|(metadata, field)| Ok((metadata, field.ok_or_else(untold)?))).collect()
}

/// What stands behind the table's columns in the new files.
#[derive(Clone, Copy)]
enum Extra<'a> {
    Tracked(&'a [(MetadataColumn, StructField)]),
    ChangeType,
}

/// Writes rows of a table's files into new ones.
pub(crate) struct Copier<'a> {
    snapshot: &'a Snapshot,
    requirements: WriterRequirements,
    eval: &'a EvalContext,
    options: &'a FileOptions,
    updater: Option<Updater>,
}

impl<'a> Copier<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, eval: &'a EvalContext, options: &'a FileOptions) -> Result<Self> {
        let requirements = snapshot.configuration().writer_requirements()?;
        Ok(Self { snapshot, requirements, eval, options, updater: None })
    }

    /// The same, which can write [`RowKind::Updated`] rows.
    pub(crate) fn with_updater(self, updater: Updater) -> Self {
        Self { updater: Some(updater), ..self }
    }

    /// Whether the table wants changes to be recorded that adds and removes do not tell.
    pub(crate) fn records_changes(&self) -> bool {
        self.requirements.change_data
    }

    /// Writes rows into data files, with the ids that they have.
    pub(crate) async fn rows(&mut self, parts: Vec<Part<'_>>, paths: &mut Vec<String>) -> Result<WrittenFiles> {
        let tracked = tracked_columns(self.snapshot)?;
        self.copy(parts, Extra::Tracked(&tracked), paths).await
    }

    /// Writes rows into files of changes.
    pub(crate) async fn changes(&mut self, parts: Vec<Part<'_>>, paths: &mut Vec<String>) -> Result<Vec<AddCdcFile>> {
        let written = self.copy(parts, Extra::ChangeType, paths).await?;
        Ok(written.adds.into_iter().map(change_file).collect())
    }

    /// Writes these rows of these files into new ones.
    async fn copy(&mut self, parts: Vec<Part<'_>>, extra: Extra<'_>, paths: &mut Vec<String>) -> Result<WrittenFiles> {
        let table = self.snapshot.configuration();
        let (directory, columns) = match extra {
            Extra::Tracked(tracked) => ("", tracked.iter().map(|(_, field)| field.clone()).collect()),
            Extra::ChangeType => (CHANGE_DATA, vec![StructField::nullable(CHANGE_TYPE, PrimitiveType::String)]),
        };
        let clustering = clustering_columns(self.snapshot).await?;
        let purpose = Purpose { directory, extra_columns: &columns, measured_columns: &clustering };
        let layout = Arc::new(Layout::new(table, &self.requirements, self.options.clone(), purpose)?);
        let fields = relaxed_fields(table.schema()).fields.into_iter().chain(columns.iter().cloned());
        let fields: Vec<Field> = fields.map(|field| field.to_arrow()).collect();
        let mut writer = TableWriter::new(self.snapshot.store(), layout, &Arc::new(Schema::new(fields)))?;
        let written = self.fill(&mut writer, parts, extra).await;
        paths.extend(writer.paths().iter().cloned());
        if written.is_err() {
            writer.abort().await;
        }
        written
    }

    async fn fill(&mut self, writer: &mut TableWriter, parts: Vec<Part<'_>>, extra: Extra<'_>) -> Result<WrittenFiles> {
        let mut scan = ScanBuilder::new(self.snapshot.clone()).eval_context(self.eval.clone());
        if let Extra::Tracked(tracked) = extra {
            scan = tracked.iter().fold(scan, |scan, (metadata, _)| scan.metadata_column(*metadata));
        }
        let scan = scan.build()?;
        let table = self.snapshot.schema();
        let alignment = Alignment::new(&table.to_arrow(), table)?;
        let reader: Reader = scan.reader();
        let spec = Arc::new(scan.read_spec().clone());
        for Part { file, rows, kind } in parts {
            let read = FileRead { rows, spec: spec.clone(), ..file.planned.read.clone() };
            let mut batches = reader.read_file(read);
            while let Some(batch) = batches.try_next().await? {
                let (columns, behind) = self.split(&batch, &alignment)?;
                let mut columns = match kind {
                    RowKind::Updated => self.updated(columns).await?,
                    _ => columns,
                };
                columns.extend(extra.columns(kind, behind, batch.num_rows()));
                writer.write(columns).await?;
            }
        }
        writer.finish().await
    }

    /// The table's columns, in its own types, and those behind them.
    fn split(&self, batch: &RecordBatch, alignment: &Alignment) -> Result<(Vec<ArrayRef>, Vec<ArrayRef>)> {
        let count = self.snapshot.schema().fields.len();
        let table = batch.project(&(0..count).collect::<Vec<_>>())?;
        let columns = alignment.apply(&table, 0)?.into_iter().flatten().collect();
        Ok((columns, batch.columns()[count..].to_vec()))
    }

    async fn updated(&mut self, columns: Vec<ArrayRef>) -> Result<Vec<ArrayRef>> {
        let missing = || Error::new(ErrorKind::Internal, "rows are to be updated, but nothing says how");
        let mut updater = self.updater.take().ok_or_else(missing)?;
        let update = move || {
            let columns = updater.apply(columns)?;
            Ok((updater, columns))
        };
        let (updater, columns) = cpu::run(&self.snapshot.store().context().cpu, update).await?;
        self.updater = Some(updater);
        Ok(columns)
    }
}

impl Extra<'_> {
    fn columns(self, kind: RowKind, behind: Vec<ArrayRef>, rows: usize) -> Vec<ArrayRef> {
        match self {
            Self::Tracked(tracked) if kind == RowKind::Updated => {
                // A row that is written anew keeps its id; its version is the one that is being made.
                let column = |((metadata, _), read): (&(MetadataColumn, StructField), ArrayRef)| match metadata {
                    MetadataColumn::RowCommitVersion => new_null_array(&DataType::Int64, rows),
                    _ => read,
                };
                tracked.iter().zip(behind).map(column).collect()
            }
            Self::Tracked(_) => behind,
            Self::ChangeType => {
                let names = StringArray::from_iter_values(std::iter::repeat_n(kind.change_type(), rows));
                vec![Arc::new(names)]
            }
        }
    }
}
