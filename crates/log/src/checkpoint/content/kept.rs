//! Sidecar files of the older checkpoint that the new one may refer to again.

use std::sync::Arc;

use arrow_schema::DataType;
use futures::stream::TryStreamExt;

use super::{ContentOptions, KeptSidecar, is_expired};
use crate::action::Sidecar;
use crate::action_reconciliation::KeySet;
use crate::checkpoint::encode::{CheckpointSchema, has_all};
use crate::checkpoint::parquet_file::ParquetFile;
use crate::checkpoint::{FileRowGroup, files, removes};
use crate::error::Result;
use crate::store::TableStore;

/// The sidecar, if it is large enough to be kept, has the columns that are wanted, and all of its actions stand.
pub(super) async fn kept(
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
