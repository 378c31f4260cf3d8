//! A read-only view of one table's storage: the log's listing, whole files, ranges of files.
//!
//! Local tables are read by the CPU pool's threads with plain file calls where the context allows it; everything else
//! goes through the object store.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use url::Url;

use crate::context::{Context, Location};
use crate::cpu;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::file_name::{LOG_DIR, LogFileName};
use crate::version::{TimestampMs, Version};

/// A file of the table, by its decoded path relative to the table's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFile {
    /// The path below the table's root, decoded.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// When it was last modified, by the store's clock.
    pub modified: TimestampMs,
}

/// A file of the log, as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// What the file is.
    pub name: LogFileName,
    /// Where it is.
    pub file: TableFile,
}

/// The storage of one table. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TableStore {
    root: Url,
    location: Location,
    context: Context,
}

impl TableStore {
    /// The storage of the table at `root`, a directory's URL.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where no store of the context serves the URL.
    pub fn new(root: &Url, context: Context) -> Result<Self> {
        let mut root = root.clone();
        if !root.path().ends_with('/') {
            root.set_path(&format!("{}/", root.path()));
        }
        let location = context.stores.locate(&root)?;
        Ok(Self { root, location, context })
    }

    /// The table's root, which ends in a slash.
    pub fn root(&self) -> &Url {
        &self.root
    }

    /// What the embedder gave.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Where a file below the root is; `path` is decoded and relative.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptLog`] where the path is empty or leaves the root.
    pub fn locate(&self, path: &str) -> Result<Location> {
        if path.split('/').any(|segment| segment.is_empty() || segment == "." || segment == "..") {
            return Err(outside(path));
        }
        let full = match self.location.path.as_ref() {
            "" => path.to_owned(),
            prefix => format!("{prefix}/{path}"),
        };
        Ok(Location {
            store: self.location.store.clone(),
            path: Path::parse(full).map_err(|error| outside(path).because(error))?,
            local: self.location.local.as_ref().map(|root| root.join(path)),
        })
    }

    /// The files of the log from version `from` on, in no particular order, and whatever else the directory holds
    /// left out. One list request (one for each page, in a large log).
    ///
    /// # Errors
    /// [`ErrorKind::NotATable`] where there is no `_delta_log`; [`ErrorKind::Storage`].
    pub async fn list_log(&self, from: Version) -> Result<Vec<LogFile>> {
        let dir = self.locate(LOG_DIR)?;
        let files = match dir.local {
            Some(path) => cpu::run(&self.context.cpu, move || list_local(&path)).await,
            None => list_store(&*dir.store, &dir.path, from).await,
        };
        let mut files = files.with("table", &self.root)?;
        files.retain(|file| file.name.version() >= from);
        Ok(files)
    }

    /// The whole of a file; `None` where there is no such file.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    pub async fn read(&self, path: &str) -> Result<Option<Bytes>> {
        let location = self.locate(path)?;
        let read = match location.local {
            Some(local) => cpu::run(&self.context.cpu, move || read_local(&local)).await,
            None => match location.store.get(&location.path).await {
                Ok(got) => got.bytes().await.map_err(Error::from),
                Err(error) => Err(error.into()),
            },
        };
        match read {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::MissingFile => Ok(None),
            Err(error) => Err(error.with("file", path).with("table", &self.root)),
        }
    }

    /// Ranges of a file, in the order asked for.
    ///
    /// # Errors
    /// [`ErrorKind::MissingFile`]; [`ErrorKind::CorruptLog`] where a range ends behind the file; [`ErrorKind::Storage`].
    pub async fn read_ranges(&self, path: &str, ranges: Vec<Range<u64>>) -> Result<Vec<Bytes>> {
        let location = self.locate(path)?;
        let read = match location.local {
            Some(local) => cpu::run(&self.context.cpu, move || read_ranges_local(&local, &ranges)).await,
            None => read_ranges_store(&location, &ranges).await,
        };
        read.with("file", path).with("table", &self.root)
    }

    /// A file, opened for plain file calls; `None` where the store is not local.
    ///
    /// # Errors
    /// [`ErrorKind::MissingFile`]; [`ErrorKind::Storage`].
    pub(crate) async fn open_local(&self, path: &str) -> Result<Option<File>> {
        let Some(local) = self.locate(path)?.local else { return Ok(None) };
        let opened = cpu::run(&self.context.cpu, move || File::open(local).map_err(io_error)).await;
        opened.map(Some).with("file", path).with("table", &self.root)
    }

    /// Whether small files are read by plain file calls, from any thread.
    pub(crate) fn is_local(&self) -> bool {
        self.location.local.is_some()
    }

    /// The whole of a local file, now, on this thread.
    pub(crate) fn read_local_now(&self, path: &str) -> Result<Bytes> {
        let local =
            self.locate(path)?.local.ok_or_else(|| Error::new(ErrorKind::Internal, "the store is not local"))?;
        read_local(&local).with("file", path).with("table", &self.root)
    }
}

async fn list_store(store: &dyn ObjectStore, dir: &Path, from: Version) -> Result<Vec<LogFile>> {
    // The offset is exclusive, and names of `from` itself begin with its digits: start just before them.
    let listed = match from.previous() {
        Some(before) => {
            let offset = Path::parse(format!("{dir}/{:020}.z", before.0))
                .map_err(|e| Error::from(object_store::Error::from(e)))?;
            store.list_with_offset(Some(dir), &offset)
        }
        None => store.list(Some(dir)),
    };
    let prefix_bytes = dir.as_ref().len() + 1;
    let files = listed
        .try_filter_map(|meta| async move {
            let name = meta.location.as_ref().get(prefix_bytes..).and_then(LogFileName::parse);
            Ok(name.map(|name| log_file(name, meta.size, TimestampMs(meta.last_modified.timestamp_millis()))))
        })
        .try_collect()
        .await?;
    Ok(files)
}

fn log_file(name: LogFileName, size: u64, modified: TimestampMs) -> LogFile {
    let path = format!("{LOG_DIR}/{name}");
    LogFile { name, file: TableFile { path, size, modified } }
}

fn list_local(dir: &std::path::Path) -> Result<Vec<LogFile>> {
    let entries = std::fs::read_dir(dir).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => no_log().because(error),
        _ => io_error(error),
    })?;
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io_error)?;
        let Some(name) = entry.file_name().to_str().and_then(LogFileName::parse) else { continue };
        // Through a link, as every other reader of local files goes.
        match std::fs::metadata(entry.path()) {
            Ok(meta) if meta.is_file() => files.push(log_file(name, meta.len(), modified(&meta))),
            Ok(_) => {}
            // Cleaned up by somebody since the directory was read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error(error)),
        }
    }
    Ok(files)
}

/// When a local file was last modified.
pub fn modified(meta: &std::fs::Metadata) -> TimestampMs {
    use std::os::unix::fs::MetadataExt;
    TimestampMs(meta.mtime().saturating_mul(1000).saturating_add(meta.mtime_nsec() / 1_000_000))
}

fn read_local(path: &PathBuf) -> Result<Bytes> {
    let mut file = File::open(path).map_err(io_error)?;
    let size = usize::try_from(file.metadata().map_err(io_error)?.len()).unwrap_or(0);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|error| {
        Error::new(ErrorKind::ResourceLimit, format!("a file of {size} bytes does not fit into memory")).because(error)
    })?;
    file.read_to_end(&mut bytes).map_err(io_error)?;
    Ok(bytes.into())
}

/// Stores differ in what they say of a range that ends behind the file: an error of theirs, or fewer bytes.
async fn read_ranges_store(location: &Location, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
    let read = location.store.get_ranges(&location.path, ranges).await.map_err(Error::from);
    let is_whole = |read: &Vec<Bytes>| {
        read.iter().zip(ranges).all(|(bytes, range)| bytes.len() as u64 == range.end.saturating_sub(range.start))
    };
    match &read {
        Ok(read) if is_whole(read) => {}
        Err(error) if error.kind() != ErrorKind::Storage => {}
        _ => {
            let size = location.store.head(&location.path).await.map_err(Error::from)?.size;
            if let Some(range) = ranges.iter().find(|range| range.end > size) {
                return Err(truncated(range, size));
            }
        }
    }
    read
}

fn truncated(range: &Range<u64>, size: u64) -> Error {
    let message = format!(
        "bytes {}..{} are asked for, but the file has {size}: it is truncated or damaged",
        range.start, range.end
    );
    Error::new(ErrorKind::CorruptLog, message)
}

fn read_ranges_local(path: &PathBuf, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
    let file = File::open(path).map_err(io_error)?;
    let size = file.metadata().map_err(io_error)?.len();
    let read = |range: &Range<u64>| {
        if range.start > range.end || range.end > size {
            return Err(truncated(range, size));
        }
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        read_file_at(&file, range.start, length).map_err(io_error)
    };
    ranges.iter().map(read).collect()
}

/// So many bytes of a file from an offset on, without moving the file's own.
///
/// # Errors
/// [`std::io::ErrorKind::UnexpectedEof`] where the file ends before them; whatever the file system says.
///
/// ```
/// # let mut file = tempfile::tempfile()?;
/// # std::io::Write::write_all(&mut file, b"abcdef")?;
/// let bytes = deltaic_log::store::read_file_at(&file, 2, 3)?;
/// assert_eq!(bytes, "cde");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_file_at(file: &File, start: u64, length: usize) -> std::io::Result<Bytes> {
    // The buffer is filled by the read itself, not cleared first: that would be a second pass over every byte.
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(std::io::Error::other)?;
    match (At { file, offset: start }).take(length as u64).read_to_end(&mut bytes)? {
        read if read == length => Ok(bytes.into()),
        _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Reads on from an offset.
struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

fn outside(path: &str) -> Error {
    Error::new(ErrorKind::CorruptLog, "the log names a file with a path that is empty or leaves the table")
        .with("path", path)
}

/// There is no table here.
pub(crate) fn no_log() -> Error {
    Error::new(
        ErrorKind::NotATable,
        "there is no Delta table here: no commit and no checkpoint in `_delta_log`; check the path",
    )
}

fn io_error(error: std::io::Error) -> Error {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match error.kind() {
        NotFound | NotADirectory => Error::new(ErrorKind::MissingFile, "storage has no such file"),
        _ => Error::new(ErrorKind::Storage, "the file system failed").because(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use std::sync::Arc;

    /// Reads files by plain calls, past the store.
    #[derive(Debug)]
    struct Files;

    impl crate::Stores for Files {
        fn locate(&self, url: &Url) -> Result<Location> {
            let store = Arc::new(object_store::memory::InMemory::new());
            Ok(Location { store, path: crate::context::url_path(url)?, local: url.to_file_path().ok() })
        }
    }

    /// A log whose files are links was listed as empty; a link that leads nowhere is no file.
    #[test]
    fn a_log_of_links_is_a_log() {
        let place = tempfile::tempdir().unwrap();
        let log = place.path().join(LOG_DIR);
        std::fs::create_dir(&log).unwrap();
        std::fs::write(place.path().join("commit"), "{}").unwrap();
        let link = |to: &str, version: u64| {
            std::os::unix::fs::symlink(place.path().join(to), log.join(format!("{version:020}.json"))).unwrap();
        };
        link("commit", 0);
        link("nowhere", 1);
        let root = Url::from_directory_path(place.path()).unwrap();
        let store = TableStore::new(&root, Context::new(Arc::new(Files))).unwrap();
        let files = block_on(store.list_log(Version(0))).unwrap();
        let found: Vec<_> = files.iter().map(|file| (file.name.version(), file.file.size)).collect();
        assert_eq!(found, [(Version(0), 2)]);
    }
}
