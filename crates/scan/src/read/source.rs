//! Where a file's bytes come from: plain reads of a local file, or ranges of an object in a store.

use super::runner::Runner;
use bytes::Bytes;
use deltaic_log::store::read_file_at;
use deltaic_log::{Error, ErrorKind, Location, Result, ResultExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::fs::File;
use std::io::ErrorKind as IoErrorKind;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// One file, to be read in ranges. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A file of this machine. Reading it blocks, for as long as the disk takes.
    Local(Arc<File>),
    /// An object in a store.
    Store(Arc<dyn ObjectStore>, Path),
}

impl Source {
    pub(super) async fn open(location: Location, runner: &Runner) -> Result<Self> {
        match location.local {
            Some(path) => runner.run(move || open_local(&path).map(|file| Self::Local(Arc::new(file)))).await,
            None => Ok(Self::Store(location.store, location.path)),
        }
    }

    /// Whether reading is a plain call that belongs where CPU work runs, not on an async thread.
    pub(super) fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// The size of the file, as storage knows it.
    pub(super) async fn size(&self) -> Result<u64> {
        match self {
            Self::Local(file) => Ok(file.metadata().map_err(io_error)?.len()),
            Self::Store(store, path) => Ok(store.head(path).await?.size),
        }
    }

    /// The bytes of each range. Fails where a range is not within `size`, the size of the file: before memory is spent.
    pub(super) async fn read(&self, ranges: Vec<Range<u64>>, size: u64, runner: &Runner) -> Result<Vec<Bytes>> {
        check_ranges(&ranges, size)?;
        match self {
            Self::Local(file) => {
                let file = file.clone();
                runner.run(move || ranges.iter().map(|range| read_local(&file, range)).collect()).await
            }
            Self::Store(store, path) => {
                let read = store.get_ranges(path, &ranges).await?;
                check_lengths(&ranges, &read)?;
                Ok(read)
            }
        }
    }

    /// [`Self::read`] of a local file on this thread; `None` for an object in a store.
    pub(super) fn read_now(&self, ranges: &[Range<u64>], size: u64) -> Option<Result<Vec<Bytes>>> {
        let Self::Local(file) = self else { return None };
        let checked = check_ranges(ranges, size);
        Some(checked.and_then(|()| ranges.iter().map(|range| read_local(file, range)).collect()))
    }
}

fn open_local(path: &PathBuf) -> Result<File> {
    File::open(path).map_err(io_error).with("file", path.display())
}

fn read_local(file: &File, range: &Range<u64>) -> Result<Bytes> {
    let length = usize::try_from(range.end - range.start).map_err(|_| truncated())?;
    read_file_at(file, range.start, length).map_err(io_error)
}

fn check_ranges(ranges: &[Range<u64>], size: u64) -> Result<()> {
    if ranges.iter().all(|range| range.start <= range.end && range.end <= size) {
        return Ok(());
    }
    Err(truncated().with("size_bytes", size))
}

fn check_lengths(ranges: &[Range<u64>], read: &[Bytes]) -> Result<()> {
    let whole = |(range, bytes): (&Range<u64>, &Bytes)| bytes.len() as u64 == range.end - range.start;
    if ranges.len() == read.len() && ranges.iter().zip(read).all(whole) { Ok(()) } else { Err(truncated()) }
}

fn truncated() -> Error {
    Error::new(ErrorKind::CorruptData, "the file ends before its contents do: it is truncated or damaged")
}

fn io_error(error: std::io::Error) -> Error {
    match error.kind() {
        IoErrorKind::NotFound => Error::new(ErrorKind::MissingFile, "storage has no such file"),
        IoErrorKind::UnexpectedEof => truncated(),
        _ => Error::new(ErrorKind::Storage, "the file system failed").because(error),
    }
}
