//! How files are put beside the commits, listed, and deleted again. None of them is a commit: nobody waits for the disk.

use std::io::{self, ErrorKind as Io, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use deltaic_log::store::{TableFile, modified};
use deltaic_log::{Context, Error, ErrorKind, Location, Result, ResultExt, TableStore, TimestampMs, cpu};
use futures::TryStreamExt;
use futures::stream::{self, StreamExt};
use object_store::{Error as StoreError, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use crate::committer::rename_if_absent;
use crate::local_file::Durability;

/// Files deleted by one call to storage.
const DELETED_AT_ONCE: usize = 1_000;

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    Stays,
    IsReplaced,
}

/// Puts a whole file: nobody ever sees a part of it, unless the machine goes down. False where another one stays.
///
/// # Errors
/// [`ErrorKind::Storage`].
pub(crate) async fn put(store: &TableStore, path: &str, body: Vec<u8>, existing: Existing) -> Result<bool> {
    let location = store.locate(path)?;
    let put = match location.local.clone() {
        Some(target) => put_local(store.context(), target, body, existing).await,
        None => put_in_store(&location, body.into(), existing).await,
    };
    put.with("file", path).with("table", store.root())
}

async fn put_in_store(location: &Location, body: Bytes, existing: Existing) -> Result<bool> {
    let mode = match existing {
        Existing::Stays => PutMode::Create,
        Existing::IsReplaced => PutMode::Overwrite,
    };
    let put = |mode| {
        let options = PutOptions { mode, ..PutOptions::default() };
        location.store.put_opts(&location.path, PutPayload::from(body.clone()), options)
    };
    match put(mode).await {
        Ok(_) => Ok(true),
        Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => Ok(false),
        // Where the store cannot put a file only if it is absent, looking first has to do: one writer alone, who made the
        // version, puts such a file.
        Err(StoreError::NotSupported { .. } | StoreError::NotImplemented { .. }) => {
            match location.store.head(&location.path).await {
                Ok(_) => Ok(false),
                Err(StoreError::NotFound { .. }) => Ok(put(PutMode::Overwrite).await.map(|_| true)?),
                Err(error) => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

async fn put_local(context: &Context, target: PathBuf, body: Vec<u8>, existing: Existing) -> Result<bool> {
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let temporary = target.with_file_name(format!(".{name}.{}.tmp", context.ids.uuid()));
    let put = move || {
        let published = write(&temporary, &body).and_then(|()| match existing {
            Existing::Stays => rename_if_absent(&temporary, &target),
            Existing::IsReplaced => std::fs::rename(&temporary, &target),
        });
        if published.is_err() {
            // Whatever is left behind has a name that nobody reads.
            let _ = std::fs::remove_file(&temporary);
        }
        match published {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == Io::AlreadyExists => Ok(false),
            Err(error) => Err(failed(error)),
        }
    };
    cpu::run(&context.cpu, put).await
}

fn write(temporary: &Path, body: &[u8]) -> io::Result<()> {
    Durability::Unsynced.create(temporary)?.write_all(body)
}

/// Deletes files, in their order but for what storage deletes at once. One that is gone already counts as deleted.
///
/// # Errors
/// [`ErrorKind::Storage`], for the first that could not be deleted; those after it are left alone.
pub(crate) async fn delete(store: &TableStore, paths: &[String]) -> Result<usize> {
    for paths in paths.chunks(DELETED_AT_ONCE) {
        let locations = paths.iter().map(|path| store.locate(path)).collect::<Result<Vec<_>>>()?;
        delete_all(store, locations).await.with("table", store.root())?;
    }
    Ok(paths.len())
}

async fn delete_all(store: &TableStore, locations: Vec<Location>) -> Result<()> {
    let local: Option<Vec<PathBuf>> = locations.iter().map(|location| location.local.clone()).collect();
    if let Some(local) = local {
        let delete =
            move || local.iter().try_for_each(|path| ignore_absent(std::fs::remove_file(path)).map_err(failed));
        return cpu::run(&store.context().cpu, delete).await;
    }
    let Some(first) = locations.first() else { return Ok(()) };
    let paths: Vec<_> = locations.iter().map(|location| Ok(location.path.clone())).collect();
    let mut deleted = first.store.delete_stream(stream::iter(paths).boxed());
    while let Some(deleted) = deleted.next().await {
        match deleted {
            Ok(_) | Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn ignore_absent(deleted: io::Result<()>) -> io::Result<()> {
    match deleted {
        Err(error) if error.kind() == Io::NotFound => Ok(()),
        deleted => deleted,
    }
}

/// The files directly in a directory of the table; none where there is no such directory.
///
/// # Errors
/// [`ErrorKind::Storage`].
pub(crate) async fn list(store: &TableStore, directory: &str) -> Result<Vec<TableFile>> {
    let location = store.locate(directory)?;
    let listed = match location.local.clone() {
        Some(path) => cpu::run(&store.context().cpu, move || list_local(&path).map_err(failed)).await,
        None => list_in_store(&location).await,
    };
    let mut files = listed.with("table", store.root())?;
    for file in &mut files {
        file.path = format!("{directory}/{}", file.path);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

async fn list_in_store(location: &Location) -> Result<Vec<TableFile>> {
    let listed = location.store.list(Some(&location.path)).map_err(Error::from);
    let file = |meta: object_store::ObjectMeta| {
        let mut parts = meta.location.prefix_match(&location.path)?;
        let (name, rest) = (parts.next()?, parts.next());
        let modified = TimestampMs(meta.last_modified.timestamp_millis());
        rest.is_none().then(|| TableFile { path: name.as_ref().to_owned(), size: meta.size, modified })
    };
    listed.try_filter_map(|meta| std::future::ready(Ok(file(meta)))).try_collect().await
}

fn list_local(directory: &Path) -> io::Result<Vec<TableFile>> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == Io::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        match (entry.file_name().into_string(), entry.metadata()) {
            (Ok(path), Ok(meta)) if meta.is_file() => {
                files.push(TableFile { path, size: meta.len(), modified: modified(&meta) });
            }
            (_, Err(error)) if error.kind() != Io::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(files)
}

/// Whether there is such a file.
///
/// # Errors
/// [`ErrorKind::Storage`].
pub(crate) async fn exists(store: &TableStore, path: &str) -> Result<bool> {
    let location = store.locate(path)?;
    match location.local.clone() {
        Some(local) => cpu::run(&store.context().cpu, move || local.try_exists().map_err(failed)).await,
        None => match location.store.head(&location.path).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        },
    }
    .with("file", path)
}

fn failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Storage, "the file system failed").because(error)
}
