//! A deletion as actions.

use deltaic_log::feature::DELETION_VECTORS;
use deltaic_log::{Error, Result, Snapshot};
use deltaic_scan::expr::{EvalContext, Expr};

use super::whole_files;
use crate::data::options::FileOptions;
use crate::rows::change::RowChange;
use crate::rows::copy::{Copier, Part, RowKind};
use crate::rows::matched::{MatchedFile, matched};
use crate::rows::vectors::grow_vectors;

/// Deletes the rows for which `predicate` is true. On an error, the paths of what was written by then.
pub(crate) async fn delete_where(
    snapshot: &Snapshot,
    predicate: &Expr,
    eval: &EvalContext,
    options: &FileOptions,
) -> Result<RowChange, (Error, Vec<String>)> {
    let unwritten = |error| (error, Vec::new());
    if let Some(removes) = whole_files(snapshot, predicate, eval).await.map_err(unwritten)? {
        return RowChange::of_files(snapshot, removes).await.map_err(unwritten);
    }
    let files = matched(snapshot, Some(predicate), eval).await.map_err(unwritten)?;
    let mut change = RowChange::of_matched(&files);
    let done = match snapshot.configuration().is_active(&DELETION_VECTORS) {
        true => grow_vectors(snapshot, &files, options, &mut change).await,
        false => rewrite(snapshot, &files, eval, options, &mut change).await,
    };
    match done {
        Ok(()) => Ok(change),
        Err(error) => Err((error, change.paths)),
    }
}

/// Copy-on-write: the rows that stay are written anew; those that go, as row changes, where the table records them.
async fn rewrite(
    snapshot: &Snapshot,
    files: &[MatchedFile],
    eval: &EvalContext,
    options: &FileOptions,
    change: &mut RowChange,
) -> Result<()> {
    let mut copier = Copier::new(snapshot, eval, options)?;
    let partial = || files.iter().filter(|file| !file.is_whole());
    let copied = copier.rows(partial().map(Part::kept).collect(), &mut change.paths).await?;
    change.copied_rows = copied.rows;
    change.adds.extend(copied.adds);
    // Whole files tell their changes by themselves, but not beside others that do not.
    if copier.records_changes() && partial().next().is_some() {
        let gone = files.iter().map(|file| Part::matched(file, RowKind::Deleted));
        change.cdc_files = copier.changes(gone.collect(), &mut change.paths).await?;
    }
    Ok(())
}
