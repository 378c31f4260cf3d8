//! Copy-on-write: the rows that stay are written anew; those that go, as row changes, where the table records them.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{Field, Schema};
use deltaic_log::action::{Add, AddCdcFile};
use deltaic_log::deletion_vector::{DeletionVector, DeletionVectorDescriptor};
use deltaic_log::feature::WriterRequirements;
use deltaic_log::schema::{ColumnPath, PrimitiveType, StructField};
use deltaic_log::{Error, ErrorKind, Result, Snapshot};
use deltaic_scan::expr::EvalContext;
use deltaic_scan::plan::{FileRead, MetadataColumn, RowSet};
use deltaic_scan::{Reader, ScanBuilder};
use futures::stream::TryStreamExt;

use super::Deletion;
use super::matched::MatchedFile;
use crate::clustering::clustering_columns;
use crate::data::alignment::{Alignment, relaxed_fields};
use crate::data::layout::{Layout, Purpose};
use crate::data::options::FileOptions;
use crate::data::table_writer::TableWriter;

/// Where files of row changes are.
const CHANGE_DATA: &str = "_change_data/";
const CHANGE_TYPE: &str = "_change_type";

/// Writes the files of `deletion` anew, without the rows that match.
pub(super) async fn rewrite(
    snapshot: &Snapshot,
    files: &[MatchedFile],
    eval: &EvalContext,
    options: &FileOptions,
    deletion: &mut Deletion,
) -> Result<()> {
    let requirements = snapshot.configuration().writer_requirements()?;
    let partial: Vec<&MatchedFile> = files.iter().filter(|file| !file.is_whole()).collect();
    let stay = |file: &MatchedFile| RowSet::without(inline(&file.deleted.union(&file.positions)));
    let tracked = tracked_columns(snapshot)?;
    let clustering = clustering_columns(snapshot).await?;
    let copy = Copy { snapshot, requirements: &requirements, eval, options, clustering: &clustering };
    let reads = partial.iter().map(|file| (*file, stay(file)));
    let copied = copy.copy(reads.collect(), Extra::Tracked(&tracked), &mut deletion.paths).await?;
    deletion.copied_rows = copied.rows;
    deletion.adds.extend(copied.adds);
    // Whole files tell their changes by themselves, but not beside others that do not.
    if requirements.change_data && !partial.is_empty() {
        let gone = |file: &MatchedFile| RowSet { only: inline(&file.positions), except: None };
        let reads = files.iter().map(|file| (file, gone(file))).collect();
        let changes = copy.copy(reads, Extra::ChangeType("delete"), &mut deletion.paths).await?;
        deletion.cdc_files.extend(changes.adds.into_iter().map(change_file));
    }
    Ok(())
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
    ChangeType(&'static str),
}

struct Copy<'a> {
    snapshot: &'a Snapshot,
    requirements: &'a WriterRequirements,
    eval: &'a EvalContext,
    options: &'a FileOptions,
    clustering: &'a [ColumnPath],
}

impl Copy<'_> {
    /// Writes these rows of these files into new ones.
    async fn copy(
        &self,
        files: Vec<(&MatchedFile, RowSet)>,
        extra: Extra<'_>,
        paths: &mut Vec<String>,
    ) -> Result<crate::data::table_writer::WrittenFiles> {
        let table = self.snapshot.configuration();
        let (directory, columns) = match extra {
            Extra::Tracked(tracked) => ("", tracked.iter().map(|(_, field)| field.clone()).collect()),
            Extra::ChangeType(_) => (CHANGE_DATA, vec![StructField::nullable(CHANGE_TYPE, PrimitiveType::String)]),
        };
        let purpose = Purpose { directory, extra_columns: &columns, measured_columns: self.clustering };
        let layout = Arc::new(Layout::new(table, self.requirements, self.options.clone(), purpose)?);
        let fields = relaxed_fields(table.schema()).fields.into_iter().chain(columns.iter().cloned());
        let fields: Vec<Field> = fields.map(|field| field.to_arrow()).collect();
        let mut writer = TableWriter::new(self.snapshot.store(), layout, &Arc::new(Schema::new(fields)))?;
        let written = self.fill(&mut writer, files, extra).await;
        paths.extend(writer.paths().iter().cloned());
        if written.is_err() {
            writer.abort().await;
        }
        written
    }

    async fn fill(
        &self,
        writer: &mut TableWriter,
        files: Vec<(&MatchedFile, RowSet)>,
        extra: Extra<'_>,
    ) -> Result<crate::data::table_writer::WrittenFiles> {
        let mut scan = ScanBuilder::new(self.snapshot.clone()).eval_context(self.eval.clone());
        if let Extra::Tracked(tracked) = extra {
            scan = tracked.iter().fold(scan, |scan, (metadata, _)| scan.metadata_column(*metadata));
        }
        let scan = scan.build()?;
        let table = self.snapshot.schema();
        let alignment = Alignment::new(&table.to_arrow(), table)?;
        let reader: Reader = scan.reader();
        let spec = Arc::new(scan.read_spec().clone());
        for (file, rows) in files {
            let read = FileRead { rows, spec: spec.clone(), ..file.planned.read.clone() };
            let mut batches = reader.read_file(read);
            while let Some(batch) = batches.try_next().await? {
                writer.write(self.columns(&batch, &alignment, extra)?).await?;
            }
        }
        writer.finish().await
    }

    fn columns(&self, batch: &RecordBatch, alignment: &Alignment, extra: Extra<'_>) -> Result<Vec<ArrayRef>> {
        let count = self.snapshot.schema().fields.len();
        let table = batch.project(&(0..count).collect::<Vec<_>>())?;
        let mut columns: Vec<ArrayRef> = alignment.apply(&table, 0)?.into_iter().flatten().collect();
        match extra {
            Extra::Tracked(_) => columns.extend(batch.columns()[count..].iter().cloned()),
            Extra::ChangeType(name) => {
                let names: ArrayRef =
                    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(name, batch.num_rows())));
                columns.push(names);
            }
        }
        Ok(columns)
    }
}
