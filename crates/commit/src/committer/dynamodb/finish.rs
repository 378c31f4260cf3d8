//! The steps of a commit that anybody may take: from its entry to its file, and back to the entry.

use bytes::Bytes;
use deltaic_log::context::Location;
use deltaic_log::{Error, ErrorKind, Result, ResultExt, TableStore};
use object_store::{Error as StoreError, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::{LockEntry, LockTable};

/// How long a complete entry is kept: see the module's documentation for why it is a day.
pub(super) const ENTRY_LIFETIME_S: i64 = 86_400;

/// Finishes the commit of an entry: its file stands when this returns.
///
/// # Errors
/// [`ErrorKind::CorruptLog`] where the commit's text is gone; [`ErrorKind::Storage`].
pub(super) async fn finish(table: &dyn LockTable, store: &TableStore, entry: &LockEntry) -> Result<()> {
    if entry.is_complete() {
        return Ok(());
    }
    tracing::info!(table = %store.root(), file = %entry.file_name, "finishing a commit that another writer left half done");
    copy(store, entry).await.with("table", store.root()).with("file", &entry.file_name)?;
    acknowledge(table, store, entry).await;
    Ok(())
}

async fn copy(store: &TableStore, entry: &LockEntry) -> Result<()> {
    if exists(store, &entry.file()).await? {
        return Ok(());
    }
    match store.read(&entry.temp_file()).await? {
        Some(text) => put_file(&store.locate(&entry.file())?, text).await.map(drop),
        // Some writers move the text instead of copying it.
        None if exists(store, &entry.file()).await? => Ok(()),
        None => {
            let message = "the lock table holds a half-done commit whose text is gone, so that nobody can finish it: if the \
                           table was deleted, remove its entries from the lock table; else restore the text";
            Err(Error::new(ErrorKind::CorruptLog, message).with("temp_path", &entry.temp_path))
        }
    }
}

/// Marks the entry complete. Its file stands: whether this succeeds changes nothing, as the next one who meets it tries again.
pub(super) async fn acknowledge(table: &dyn LockTable, store: &TableStore, entry: &LockEntry) {
    let now_s = store.context().clock.now().0.div_euclid(1_000);
    if let Err(error) = table.complete(entry, now_s.saturating_add(ENTRY_LIFETIME_S)).await {
        tracing::warn!(%error, file = %entry.file_name, "an entry of the lock table could not be marked complete: others will");
    }
}

/// Whether a file was put now, or was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilePut {
    Now,
    Before,
}

/// Puts a commit's file. Where the store can, only if it is absent: a stranger's commit is never overwritten. Where it cannot,
/// whoever is here at the same time puts the same bytes.
pub(super) async fn put_file(location: &Location, text: Bytes) -> Result<FilePut> {
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    match location.store.put_opts(&location.path, PutPayload::from(text.clone()), options).await {
        Ok(_) => Ok(FilePut::Now),
        Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => Ok(FilePut::Before),
        Err(error) if has_no_conditional_put(&error) => {
            location.store.put(&location.path, PutPayload::from(text)).await?;
            Ok(FilePut::Now)
        }
        Err(error) => Err(error.into()),
    }
}

fn has_no_conditional_put(error: &StoreError) -> bool {
    match error {
        StoreError::NotImplemented { .. } | StoreError::NotSupported { .. } => true,
        // What a server says that knows no such condition; the client has no error of its own for it.
        StoreError::Generic { source, .. } => source.to_string().contains("501 Not Implemented"),
        _ => false,
    }
}

/// Whether a file of the table is there.
pub(super) async fn exists(store: &TableStore, path: &str) -> Result<bool> {
    let location = store.locate(path)?;
    match location.store.head(&location.path).await {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Deletes a file that nobody needs. That it could not be deleted does no harm.
pub(super) async fn discard(store: &TableStore, path: &str) {
    let Ok(location) = store.locate(path) else { return };
    match location.store.delete(&location.path).await {
        Ok(()) | Err(StoreError::NotFound { .. }) => {}
        Err(error) => tracing::debug!(%error, path, "a temporary file could not be deleted"),
    }
}
