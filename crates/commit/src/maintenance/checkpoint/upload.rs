//! Puts one file below the table, piece by piece; until it is whole, no reader sees it under its name.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use bytes::Bytes;
use deltaic_log::{Error, ErrorKind, Location, Result, ResultExt, TableStore, TimestampMs, cpu};
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};

use crate::local_file::Durability;

/// What is put at a time: stores ask for 5 MiB at least, and some for parts of one size.
const PART_BYTES: usize = 16 << 20;

/// A file on its way into storage. Dropped, it leaves nothing that a reader would take for a file of the log.
pub(super) struct Upload {
    store: TableStore,
    path: String,
    size: u64,
    target: Target,
}

enum Target {
    Local(LocalFile),
    Store { location: Location, multipart: Option<Box<dyn MultipartUpload>>, pending: Vec<u8> },
}

/// What became of an upload.
#[derive(Clone, Debug)]
pub(super) struct Uploaded {
    pub(super) size: u64,
    pub(super) modified: TimestampMs,
}

impl Upload {
    /// Begins a file at `path`, relative to the table's root.
    pub(super) async fn begin(store: &TableStore, path: String) -> Result<Self> {
        let location = store.locate(&path)?;
        let target = match location.local.clone() {
            Some(file) => {
                let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let temporary = file.with_file_name(format!(".{name}.{}.tmp", store.context().ids.uuid()));
                let create = move || LocalFile::create(temporary, file);
                Target::Local(cpu::run(&store.context().cpu, create).await.with("file", &path)?)
            }
            None => Target::Store { location, multipart: None, pending: Vec::new() },
        };
        Ok(Self { store: store.clone(), path, size: 0, target })
    }

    /// Adds the next bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`]. The file is then not to be finished.
    pub(super) async fn write(mut self, bytes: Vec<u8>) -> Result<Self> {
        self.size += bytes.len() as u64;
        match self.target {
            Target::Local(file) => {
                let write = move || file.write(&bytes);
                self.target = Target::Local(cpu::run(&self.store.context().cpu, write).await.with("file", &self.path)?);
            }
            Target::Store { location, mut multipart, mut pending } => {
                pending.extend_from_slice(&bytes);
                while pending.len() >= PART_BYTES {
                    let rest = pending.split_off(PART_BYTES);
                    let part = PutPayload::from(Bytes::from(std::mem::replace(&mut pending, rest)));
                    let upload = match multipart.take() {
                        Some(upload) => upload,
                        None => location.store.put_multipart(&location.path).await.map_err(Error::from)?,
                    };
                    multipart = Some(put_part(upload, part).await.with("file", &self.path)?);
                }
                self.target = Target::Store { location, multipart, pending };
            }
        }
        Ok(self)
    }

    /// Gives the file its name. Whatever had that name is replaced.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    pub(super) async fn finish(self) -> Result<Uploaded> {
        let Self { store, path, size, target } = self;
        let modified = match target {
            Target::Local(file) => cpu::run(&store.context().cpu, move || file.publish()).await.with("file", &path)?,
            Target::Store { location, multipart: None, pending } => {
                location.store.put(&location.path, Bytes::from(pending).into()).await.map_err(Error::from)?;
                modified(&location).await.with("file", &path)?
            }
            Target::Store { location, multipart: Some(upload), pending } => {
                let mut upload = match pending.is_empty() {
                    true => upload,
                    false => put_part(upload, Bytes::from(pending).into()).await.with("file", &path)?,
                };
                upload.complete().await.map_err(Error::from).with("file", &path)?;
                modified(&location).await.with("file", &path)?
            }
        };
        Ok(Uploaded { size, modified })
    }
}

async fn put_part(mut upload: Box<dyn MultipartUpload>, part: PutPayload) -> Result<Box<dyn MultipartUpload>> {
    match upload.put_part(part).await {
        Ok(()) => Ok(upload),
        Err(error) => {
            // What cannot be taken back is seen by nobody.
            let _ = upload.abort().await;
            Err(error.into())
        }
    }
}

async fn modified(location: &Location) -> Result<TimestampMs> {
    let meta = location.store.head(&location.path).await.map_err(Error::from)?;
    Ok(TimestampMs(meta.last_modified.timestamp_millis()))
}

/// A local file under a name that nobody reads; removed, unless it is published.
struct LocalFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    is_published: bool,
}

impl LocalFile {
    fn create(temporary: PathBuf, target: PathBuf) -> Result<Self> {
        let file = Durability::Synced.create(&temporary).map_err(failed)?;
        Ok(Self { file, temporary, target, is_published: false })
    }

    fn write(mut self, bytes: &[u8]) -> Result<Self> {
        self.file.write_all(bytes).map_err(failed)?;
        Ok(self)
    }

    fn publish(mut self) -> Result<TimestampMs> {
        use std::os::unix::fs::MetadataExt;
        let publish = || {
            Durability::Synced.sync_file(&self.file)?;
            let meta = self.file.metadata()?;
            std::fs::rename(&self.temporary, &self.target)?;
            Ok(meta)
        };
        let meta = publish().map_err(failed)?;
        self.is_published = true;
        Durability::Synced.sync_directory_of(&self.target).map_err(failed)?;
        Ok(TimestampMs(meta.mtime().saturating_mul(1000).saturating_add(meta.mtime_nsec() / 1_000_000)))
    }
}

impl Drop for LocalFile {
    fn drop(&mut self) {
        if !self.is_published {
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

fn failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Storage, "a file of the log could not be written to the file system").because(error)
}
