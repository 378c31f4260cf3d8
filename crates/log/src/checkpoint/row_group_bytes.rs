//! The bytes of a row group, as the parquet decoder wants to see a file.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::error::Result;
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
    Local { size: u64, file: Arc<File> },
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
            return Ok(Self::Local { size, file: Arc::new(file) });
        }
        let bytes = store.read_ranges(path, ranges.clone()).await?;
        Ok(Self::Fetched { size, parts: ranges.iter().map(|range| range.start).zip(bytes).collect() })
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
            Self::Local { file, .. } => Ok(read_file_at(file, start, length)?),
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
    file: Arc<File>,
    at: u64,
    read: Bytes,
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.read.is_empty() {
            let mut ahead = [0; HEADER_READ_BYTES];
            let read = self.file.read_at(&mut ahead, self.at)?;
            self.at += read as u64;
            self.read = Bytes::copy_from_slice(&ahead[..read]);
        }
        let length = buffer.len().min(self.read.len());
        self.read.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
