//! Spec: [Last Checkpoint File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#last-checkpoint-file).

use deltaic_log::file_name::{LAST_CHECKPOINT, LOG_DIR};
use deltaic_log::last_checkpoint::{LastCheckpoint, V2CheckpointFile};
use deltaic_log::{Result, TableStore};

use super::upload::{Upload, Uploaded};
use super::{CheckpointForm, CheckpointWritten};

/// Has the hint point to a checkpoint, unless it points to one of a newer version.
///
/// # Errors
/// [`deltaic_log::ErrorKind::Storage`].
pub(super) async fn put(
    store: &TableStore,
    written: &CheckpointWritten,
    form: CheckpointForm,
    uploaded: &Uploaded,
) -> Result<()> {
    if LastCheckpoint::read(store).await?.is_some_and(|hint| hint.version > written.version) {
        return Ok(());
    }
    let count = |number: usize| i64::try_from(number).ok();
    let bytes = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let file = V2CheckpointFile {
        path: written.path.strip_prefix(LOG_DIR).unwrap_or(&written.path).trim_start_matches('/').to_owned(),
        size_in_bytes: bytes(uploaded.size),
        modification_time: uploaded.modified.0,
    };
    let hint = LastCheckpoint {
        version: written.version,
        size: count(written.actions),
        parts: None,
        size_in_bytes: Some(bytes(written.size_bytes)),
        num_of_add_files: count(written.adds),
        v2_checkpoint: (form != CheckpointForm::Classic).then_some(file),
        checksum: None,
    };
    let upload = Upload::begin(store, format!("{LOG_DIR}/{LAST_CHECKPOINT}")).await?;
    upload.write(hint.to_json()?.into_bytes()).await?.finish().await?;
    Ok(())
}
