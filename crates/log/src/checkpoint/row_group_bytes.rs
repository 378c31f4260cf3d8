//! The bytes of a row group, as the parquet decoder wants to see a file.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, OnceLock};

use bytes::{Buf, Bytes};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::error::{Error, ErrorKind, Result};
use crate::store::{TableStore, read_file_at};

/// How much is read to find a page's header, in bytes; most headers are much shorter.
const HEADER_READ_BYTES: usize = 512;

/// Column chunks of one file.
///
/// A local file is read page by page: a page fits into the processor's cache, where a whole column chunk would go
/// through memory twice, and would have to be allocated.
#[derive(Debug)]
pub(super) enum RowGroupBytes {
    /// Where each part starts, and its bytes.
    Fetched { size: u64, parts: Vec<(u64, Bytes)> },
    /// A local file of this size.
    Local { size: u64, file: Arc<LocalFile> },
}

/// A file that is read while it is decoded.
///
/// The decoder turns whatever a read fails with into text, so that a failing disk would look like a damaged file: the
/// failure itself is kept here.
#[derive(Debug)]
pub(super) struct LocalFile {
    file: File,
    failure: OnceLock<std::io::Error>,
}

impl RowGroupBytes {
    /// Those of a file that is at hand.
    pub(super) fn of_whole(bytes: Bytes) -> Self {
        Self::Fetched { size: bytes.len() as u64, parts: vec![(0, bytes)] }
    }

    /// The `ranges` of a file of `size` bytes.
    ///
    /// # Errors
    /// As [`TableStore::read_ranges`].
    pub(super) async fn fetch(store: &TableStore, path: &str, size: u64, ranges: Vec<Range<u64>>) -> Result<Self> {
        if let Some(file) = store.open_local(path).await? {
            return Ok(Self::of_local(file, size));
        }
        let bytes = store.read_ranges(path, ranges.clone()).await?;
        Ok(Self::Fetched { size, parts: ranges.iter().map(|range| range.start).zip(bytes).collect() })
    }

    pub(super) fn of_local(file: File, size: u64) -> Self {
        Self::Local { size, file: Arc::new(LocalFile { file, failure: OnceLock::new() }) }
    }

    /// The local file, which knows why reading it failed.
    pub(super) fn local(&self) -> Option<Arc<LocalFile>> {
        match self {
            Self::Fetched { .. } => None,
            Self::Local { file, .. } => Some(file.clone()),
        }
    }
}

impl LocalFile {
    /// Storage's failure, if a read failed: then no bytes are to blame.
    pub(super) fn failure(&self) -> Option<Error> {
        let failure = self.failure.get()?;
        let failure = std::io::Error::new(failure.kind(), failure.to_string());
        Some(Error::new(ErrorKind::Storage, "a checkpoint file could not be read").because(failure))
    }

    /// Keeps a failure, and hands on what says as much. A file that ends too early is damaged, and no failure.
    fn noted(&self, error: std::io::Error) -> std::io::Error {
        if error.kind() == std::io::ErrorKind::UnexpectedEof {
            return error;
        }
        let said = std::io::Error::new(error.kind(), error.to_string());
        let _first_counts = self.failure.set(error);
        said
    }
}

impl Length for RowGroupBytes {
    fn len(&self) -> u64 {
        match self {
            Self::Fetched { size, .. } | Self::Local { size, .. } => *size,
        }
    }
}

impl ChunkReader for RowGroupBytes {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(match self {
            Self::Fetched { parts, .. } => Box::new(bytes_from(parts, start)?.reader()),
            Self::Local { file, .. } => Box::new(ReadAhead { file: file.clone(), at: start, read: Bytes::new() }),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        match self {
            Self::Fetched { parts, .. } => {
                let bytes = bytes_from(parts, start)?;
                if length > bytes.len() {
                    let message = format!("{length} bytes from {start} lie outside of their column");
                    return Err(ParquetError::General(message));
                }
                Ok(bytes.slice(..length))
            }
            // The decoder has compared the length, which a header gives, to what is left of the column chunk.
            Self::Local { file, .. } => Ok(read_file_at(&file.file, start, length).map_err(|error| file.noted(error))?),
        }
    }
}

fn bytes_from(parts: &[(u64, Bytes)], start: u64) -> Result<Bytes, ParquetError> {
    let holds = |(from, bytes): &&(u64, Bytes)| (*from..*from + bytes.len() as u64).contains(&start);
    let part = parts.iter().find(holds);
    let (from, bytes) =
        part.ok_or_else(|| ParquetError::General(format!("byte {start} lies outside of its column")))?;
    Ok(bytes.slice(usize::try_from(start - from)?..))
}

/// Reads a little more than is asked for, since headers are asked for byte by byte.
struct ReadAhead {
    file: Arc<LocalFile>,
    at: u64,
    read: Bytes,
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.read.is_empty() {
            let mut ahead = [0; HEADER_READ_BYTES];
            let read = self.file.file.read_at(&mut ahead, self.at).map_err(|error| self.file.noted(error))?;
            self.at += read as u64;
            self.read = Bytes::copy_from_slice(&ahead[..read]);
        }
        let length = buffer.len().min(self.read.len());
        self.read.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
