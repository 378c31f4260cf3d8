//! Which rows of which files match.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use deltaic_log::deletion_vector::DeletionVector;
use deltaic_log::{Error, ErrorKind, Result, Snapshot};
use deltaic_scan::expr::{EvalContext, Expr};
use deltaic_scan::plan::{FileRead, MetadataColumn, RowSet};
use deltaic_scan::{PlannedFile, Reader, Scan, ScanBuilder};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::sync::Arc;

/// A file, and the rows in it that are to change.
pub(crate) struct MatchedFile {
    pub(crate) planned: PlannedFile,
    /// The positions of the rows that match, of those that were live.
    pub(crate) positions: DeletionVector,
    /// The positions that were deleted before.
    pub(crate) deleted: DeletionVector,
    /// How many rows the file holds, deleted ones included.
    pub(crate) num_records: u64,
}

impl MatchedFile {
    /// Whether all live rows match.
    pub(crate) fn is_whole(&self) -> bool {
        self.positions.cardinality() + self.deleted.cardinality() >= self.num_records
    }
}

/// The files that may hold matching rows. Without a predicate, every row matches.
pub(crate) async fn candidates(
    snapshot: &Snapshot,
    predicate: Option<&Expr>,
    eval: &EvalContext,
) -> Result<Vec<PlannedFile>> {
    scan(snapshot, predicate, eval)?.plan_files().await
}

/// A scan of the positions of matching rows.
fn scan(snapshot: &Snapshot, predicate: Option<&Expr>, eval: &EvalContext) -> Result<Scan> {
    let scan = ScanBuilder::new(snapshot.clone())
        .columns(Vec::<String>::new())
        .metadata_column(MetadataColumn::RowIndex)
        .eval_context(eval.clone());
    match predicate {
        Some(predicate) => scan.filter(predicate.clone()).build(),
        None => scan.build(),
    }
}

/// The files that hold matching rows, and those rows.
pub(crate) async fn matched(
    snapshot: &Snapshot,
    predicate: Option<&Expr>,
    eval: &EvalContext,
) -> Result<Vec<MatchedFile>> {
    let scan = scan(snapshot, predicate, eval)?;
    let (reader, width) = (scan.reader(), snapshot.store().context().cpu.parallelism() + 1);
    let matched = |planned: PlannedFile| {
        let reader = reader.clone();
        async move { match_file(snapshot, &reader, planned).await }
    };
    let files = stream::iter(scan.plan_files().await?).map(matched).buffered(width);
    files.try_filter_map(|file| async move { Ok(file) }).try_collect().await
}

async fn match_file(snapshot: &Snapshot, reader: &Reader, planned: PlannedFile) -> Result<Option<MatchedFile>> {
    let positions = positions(reader, planned.read.clone()).await?;
    if positions.is_empty() {
        return Ok(None);
    }
    let deleted = match planned.file().deletion_vector() {
        Some(descriptor) => reader.deletion_vector(snapshot.store().root(), descriptor).await?,
        None => DeletionVector::new(),
    };
    let schema = snapshot.configuration().physical_schema();
    let counted = planned.chunk.bounds(snapshot.store(), schema, &[]).await?.num_records;
    let known = counted.iter().nth(planned.row).flatten().and_then(|rows| u64::try_from(rows).ok());
    let num_records = match known {
        Some(rows) => rows,
        None => count(reader, &planned.read).await?,
    };
    Ok(Some(MatchedFile { planned, positions, deleted, num_records }))
}

/// The positions of the rows that a read gives out.
async fn positions(reader: &Reader, read: FileRead) -> Result<DeletionVector> {
    let mut found = DeletionVector::new();
    let mut batches = reader.read_file(read);
    while let Some(batch) = batches.try_next().await? {
        let column = batch.column_by_name(MetadataColumn::RowIndex.name()).ok_or_else(unnumbered)?;
        found.extend(column.as_primitive::<Int64Type>().values().iter().filter_map(|row| u64::try_from(*row).ok()));
    }
    Ok(found)
}

/// How many rows a file holds whose statistics do not tell.
async fn count(reader: &Reader, read: &FileRead) -> Result<u64> {
    let mut spec = (*read.spec).clone();
    (spec.predicate, spec.predicate_columns) = (None, Vec::new());
    let read = FileRead { rows: RowSet::default(), spec: Arc::new(spec), ..read.clone() };
    let mut batches = reader.read_file(read);
    let mut rows = 0;
    while let Some(batch) = batches.try_next().await? {
        rows += batch.num_rows() as u64;
    }
    Ok(rows)
}

fn unnumbered() -> Error {
    Error::new(ErrorKind::Internal, "rows came without their positions")
}
