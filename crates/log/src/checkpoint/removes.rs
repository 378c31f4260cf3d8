//! The `remove` actions of a checkpoint: its tombstones.

use std::sync::Arc;

use super::actions::rows_of;
use super::parquet_file::{ParquetFile, is_all_null};
use crate::action::{Action, Remove};
use crate::action_reconciliation::{KeySet, file_key};
use crate::commit_file::read_actions;
use crate::cpu;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::store::TableStore;

/// The tombstones of a row group whose key is not in `newer`.
pub(super) async fn of_row_group(
    store: &TableStore,
    file: &ParquetFile,
    row_group: usize,
    newer: Arc<KeySet>,
) -> Result<Vec<Remove>> {
    let leaves = file.leaves(|path| path.first().is_some_and(|root| root == "remove"));
    let columns = file.row_groups()[row_group].columns();
    if leaves.iter().all(|&leaf| is_all_null(&columns[leaf])) {
        return Ok(Vec::new());
    }
    let fetched = file.fetch(store, row_group, leaves).await?;
    let removes = cpu::run(&store.context().cpu, move || {
        let mut removes = Vec::new();
        for batch in fetched.batches(None)? {
            removes.extend(rows_of::<Remove>(&batch?, "remove")?);
        }
        Ok(standing(removes, &newer))
    });
    removes.await.with("file", &file.path)
}

/// The tombstones of a JSON checkpoint whose key is not in `newer`.
pub(super) async fn of_json(store: &TableStore, path: &str, newer: &Arc<KeySet>) -> Result<Vec<Remove>> {
    let gone =
        || Error::new(ErrorKind::MissingFile, "a checkpoint file is gone since it was listed").with("file", path);
    let (bytes, newer) = (store.read(path).await?.ok_or_else(gone)?, newer.clone());
    let removes = cpu::run(&store.context().cpu, move || {
        let remove = |action| if let Action::Remove(remove) = action { Some(remove) } else { None };
        Ok(standing(read_actions(&bytes)?.into_iter().filter_map(remove).collect(), &newer))
    });
    removes.await.with("file", path)
}

/// Those whose key is not in `newer`.
pub(super) fn standing(mut removes: Vec<Remove>, newer: &KeySet) -> Vec<Remove> {
    let mut scratch = Vec::new();
    removes.retain(|remove| !newer.contains(file_key(&remove.path, remove.deletion_vector.as_ref(), &mut scratch)));
    removes
}
