//! Where a data file's bytes go: a local file, or an upload in parts.
//!
//! Both take bytes as they come and hold few: a local file is opened for each stretch and closed again, so that any number of
//! files may be under way; an upload holds one part, and sends a few at a time.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use deltaic_log::cpu::{self, Cpu};
use deltaic_log::{Error, ErrorKind, Location, Result, ResultExt, TableStore};
use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload, UploadPart};

/// The size of all parts but the last: what every store takes, and some ask to be always the same.
const PART_BYTES: usize = 8 << 20;
/// How many parts are under way at a time.
const PARTS_IN_FLIGHT_MAX: usize = 4;

/// A file that is being written, under its final name. No commit names it before [`Self::finish`] has ended well.
pub(crate) struct Sink {
    path: String,
    written_bytes: u64,
    kind: Kind,
}

enum Kind {
    Local(LocalFile),
    Store(Box<Upload>),
}

impl Sink {
    /// Nothing is created before the first byte comes.
    pub(crate) fn new(store: &TableStore, path: String, sync: bool) -> Result<Self> {
        let location = store.locate(&path)?;
        let kind = match &location.local {
            Some(local) => {
                let cpu = store.context().cpu.clone();
                Kind::Local(LocalFile { path: local.clone(), cpu, state: LocalState::Absent, sync })
            }
            None => Kind::Store(Box::new(Upload::new(location))),
        };
        Ok(Self { path, written_bytes: 0, kind })
    }

    /// The path below the table's root.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// How many bytes came.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// How many bytes are held in memory.
    pub(crate) fn held_bytes(&self) -> usize {
        match &self.kind {
            Kind::Local(_) => 0,
            Kind::Store(upload) => upload.held.len() + upload.in_flight.len() * PART_BYTES,
        }
    }

    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.written_bytes += bytes.len() as u64;
        match &mut self.kind {
            Kind::Local(file) => file.write(bytes).await,
            Kind::Store(upload) => upload.write(bytes).await,
        }
        .with("file", &self.path)
    }

    /// Makes the file whole, and its content durable. Local directories are for [`sync_directories`].
    pub(crate) async fn finish(&mut self) -> Result<()> {
        match &mut self.kind {
            Kind::Local(file) => file.finish().await,
            Kind::Store(upload) => upload.finish().await,
        }
        .with("file", &self.path)
    }

    /// Gives up: what was sent of an upload is forgotten. Whole files, and local ones, are for [`remove_files`].
    pub(crate) async fn abort(&mut self) {
        if let Kind::Store(upload) = &mut self.kind
            && let Some(parts) = &mut upload.parts
        {
            let _ = parts.abort().await;
        }
    }
}

/// A local file, closed between stretches.
struct LocalFile {
    path: PathBuf,
    cpu: Arc<dyn Cpu>,
    state: LocalState,
    sync: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LocalState {
    Absent,
    Begun,
}

impl LocalFile {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let (path, state, sync) = (self.path.clone(), self.state, self.sync);
        self.state = LocalState::Begun;
        cpu::run(&self.cpu, move || append(&path, state, sync, &bytes).map_err(failed)).await
    }

    async fn finish(&mut self) -> Result<()> {
        if !self.sync {
            return Ok(());
        }
        let path = self.path.clone();
        cpu::run(&self.cpu, move || File::open(path).and_then(|file| file.sync_all()).map_err(failed)).await
    }
}

fn append(path: &Path, state: LocalState, sync: bool, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = match state {
        LocalState::Begun => options.append(true).open(path)?,
        LocalState::Absent => {
            let create = options.append(true).create_new(true);
            match create.open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    make_directory(path.parent().unwrap_or(path), sync)?;
                    create.open(path)?
                }
                created => created?,
            }
        }
    };
    file.write_all(bytes)
}

/// Makes a directory, and whatever lacks above it, and brings each new entry to disk.
fn make_directory(directory: &Path, sync: bool) -> io::Result<()> {
    let missing: Vec<&Path> = directory.ancestors().take_while(|directory| !directory.exists()).collect();
    std::fs::create_dir_all(directory)?;
    let mut above = missing.into_iter().filter_map(Path::parent).filter(|_| sync);
    above.try_for_each(|parent| File::open(parent)?.sync_all())
}

fn failed(error: io::Error) -> Error {
    let message = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full: make room, and write again",
        io::ErrorKind::PermissionDenied => "the file system refuses access: check the table's permissions",
        _ => "a data file could not be written to the file system",
    };
    Error::new(ErrorKind::Storage, message).because(error)
}

/// An upload: one request where the file is small, else parts.
struct Upload {
    location: Location,
    held: BytesMut,
    parts: Option<Box<dyn MultipartUpload>>,
    in_flight: FuturesUnordered<UploadPart>,
}

impl Upload {
    fn new(location: Location) -> Self {
        Self { location, held: BytesMut::new(), parts: None, in_flight: FuturesUnordered::new() }
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.held.extend_from_slice(&bytes);
        while self.held.len() >= PART_BYTES {
            let part = self.held.split_to(PART_BYTES).freeze();
            self.put_part(part).await?;
        }
        // Parts are sent while rows are encoded only if somebody asks after them.
        while let Some(Some(sent)) = self.in_flight.next().now_or_never() {
            sent?;
        }
        Ok(())
    }

    async fn put_part(&mut self, part: Bytes) -> Result<()> {
        while self.in_flight.len() >= PARTS_IN_FLIGHT_MAX {
            self.in_flight.next().await.transpose()?;
        }
        let parts = match &mut self.parts {
            Some(parts) => parts,
            none => none.insert(self.location.store.put_multipart(&self.location.path).await?),
        };
        self.in_flight.push(parts.put_part(PutPayload::from_bytes(part)));
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        let rest = std::mem::take(&mut self.held).freeze();
        if self.parts.is_none() {
            self.location.store.put(&self.location.path, PutPayload::from_bytes(rest)).await?;
            return Ok(());
        }
        if !rest.is_empty() {
            self.put_part(rest).await?;
        }
        while let Some(put) = self.in_flight.next().await {
            put?;
        }
        if let Some(mut parts) = self.parts.take() {
            parts.complete().await?;
        }
        Ok(())
    }
}

/// Brings the directory entries of these new files to disk, where they are local.
///
/// # Errors
/// [`ErrorKind::Storage`].
pub(crate) async fn sync_directories(store: &TableStore, files: &[String]) -> Result<()> {
    let mut directories = BTreeSet::new();
    for file in files {
        let Some(local) = store.locate(file)?.local else { return Ok(()) };
        directories.extend(local.parent().map(Path::to_path_buf));
    }
    let sync = move || directories.iter().try_for_each(|directory| File::open(directory)?.sync_all()).map_err(failed);
    cpu::run(&store.context().cpu, sync).await
}

/// Removes files that no version names. What cannot be removed is told, for vacuum to find.
pub(crate) async fn remove_files(store: &TableStore, files: Vec<String>) -> Vec<String> {
    let mut left = Vec::new();
    for file in files {
        if let Err(error) = remove_file(store, &file).await
            && error.kind() != ErrorKind::MissingFile
        {
            left.push(format!("the file {file} could not be removed: {error}"));
        }
    }
    left
}

async fn remove_file(store: &TableStore, file: &str) -> Result<()> {
    let location = store.locate(file)?;
    match location.local {
        None => Ok(location.store.delete(&location.path).await?),
        Some(local) => {
            let remove = move || match std::fs::remove_file(local) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
                _ => Ok(()),
            };
            cpu::run(&store.context().cpu, remove).await
        }
    }
}
