//! Deletes files: of a store many by one request, of a local table one by one, and none through a link.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deltaic_log::{Error, ErrorKind, Result, cpu};
use futures::stream::{self, StreamExt};
use object_store::Error as StoreError;

use super::report::VacuumFile;
use super::root::Root;
use super::walk::Found;

/// What became of some deletions.
#[derive(Debug, Default)]
pub(super) struct Deleted {
    pub(super) num_files: u64,
    pub(super) bytes: u64,
    pub(super) folders: u64,
    pub(super) failures: u64,
    /// Why the first failed.
    pub(super) first_failure: Option<Error>,
}

impl Deleted {
    pub(super) fn add(&mut self, other: Self) {
        self.num_files += other.num_files;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.folders += other.folders;
        self.failures += other.failures;
        self.first_failure = self.first_failure.take().or(other.first_failure);
    }

    fn file(&mut self, file: &VacuumFile) {
        self.num_files += 1;
        self.bytes = self.bytes.saturating_add(file.size);
    }

    fn failed(&mut self, error: Error) {
        self.failures += 1;
        self.first_failure.get_or_insert(error);
    }
}

/// Deletes what was found. What is gone already counts as deleted.
pub(super) async fn delete(root: Arc<Root>, found: Vec<Found>) -> Deleted {
    let deleted = match root.location().local.clone() {
        Some(local) => cpu::run(&root.store().context().cpu, move || Ok(delete_local(&local, &found))).await,
        None => Ok(delete_from_store(&root, found).await),
    };
    deleted.unwrap_or_else(|error| {
        let mut deleted = Deleted::default();
        deleted.failed(error);
        deleted
    })
}

async fn delete_from_store(root: &Root, found: Vec<Found>) -> Deleted {
    let mut deleted = Deleted::default();
    let mut files = HashMap::new();
    for found in found {
        let Found::File(file) = found else { continue };
        match root.store().locate(&file.path) {
            Ok(location) => drop(files.insert(location.path, file)),
            Err(error) => deleted.failed(error),
        }
    }
    let paths: Vec<_> = files.keys().cloned().map(Ok).collect();
    let mut answers = root.location().store.delete_stream(stream::iter(paths).boxed());
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(path) => {
                if let Some(file) = files.get(&path) {
                    deleted.file(file);
                }
            }
            Err(StoreError::NotFound { path, .. }) => {
                if let Some(file) = files.iter().find(|(known, _)| known.as_ref() == path).map(|(_, file)| file) {
                    deleted.file(file);
                }
            }
            Err(error) => deleted.failed(Error::from(error)),
        }
    }
    deleted
}

fn delete_local(root: &Path, found: &[Found]) -> Deleted {
    let mut deleted = Deleted::default();
    let mut folders = Folders { root, known: HashMap::new() };
    for found in found {
        let (Found::File(VacuumFile { path, .. }) | Found::EmptyFolder { path, .. }) = found;
        let path = root.join(path);
        let gone = match (folders.reaches(&path), found) {
            // Whoever put a link there since the listing has moved the files out of the table.
            (Ok(false), _) => continue,
            (Ok(true), Found::File(_)) => std::fs::remove_file(&path),
            (Ok(true), Found::EmptyFolder { .. }) => std::fs::remove_dir(&path),
            (Err(error), _) => Err(error),
        };
        match (gone, found) {
            (Err(error), Found::File(_)) if error.kind() != std::io::ErrorKind::NotFound => {
                deleted.failed(failed(&path, error));
            }
            // A folder that somebody has put a file into stays.
            (Err(_), Found::EmptyFolder { .. }) => {}
            (_, Found::File(file)) => deleted.file(file),
            (Ok(()), Found::EmptyFolder { .. }) => deleted.folders += 1,
        }
    }
    deleted
}

/// The folders on the way from the root to files.
struct Folders<'a> {
    root: &'a Path,
    /// Whether a folder is reached without a link.
    known: HashMap<PathBuf, bool>,
}

impl Folders<'_> {
    /// Whether the way to a file or folder leads through no link.
    fn reaches(&mut self, path: &Path) -> std::io::Result<bool> {
        let Some(folder) = path.parent().filter(|_| path != self.root) else { return Ok(true) };
        if folder == self.root {
            return Ok(true);
        }
        if let Some(known) = self.known.get(folder) {
            return Ok(*known);
        }
        let reaches = self.reaches(folder)? && std::fs::symlink_metadata(folder)?.is_dir();
        self.known.insert(folder.to_path_buf(), reaches);
        Ok(reaches)
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    let message = "a file of the table could not be deleted: check the permissions of its folder";
    Error::new(ErrorKind::Storage, message).because(error).with("file", path.display())
}

/// The error of deletions of which some failed.
pub(super) fn check(deleted: &mut Deleted) -> Result<()> {
    let Some(error) = deleted.first_failure.take() else { return Ok(()) };
    Err(error.with("num_failed_files", deleted.failures).with("num_deleted_files", deleted.num_files))
}
