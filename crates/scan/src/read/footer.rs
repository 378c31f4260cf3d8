//! The end of a Parquet file: its footer, and before that the page index.

use super::error::{corrupt_parquet, guarded};
use super::runner::Runner;
use super::source::Source;
use bytes::Bytes;
use deltaic_log::{Error, ErrorKind, Result};
use parquet::DecodeResult;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder};
use std::iter;
use std::ops::Range;
use std::sync::Arc;

/// How much of a file's end is read at first. A footer and page index of usual size fit; so do whole small files, whose
/// data then needs no request of its own.
const TAIL_BYTES: u64 = 64 << 10;
/// The length of the footer and the magic bytes, at the very end.
const TRAILER_BYTES: usize = 8;

/// Whether the page index is read, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageIndex {
    Read,
    Skip,
}

/// What is known of a file once its footer is read.
#[derive(Clone, Debug)]
pub(super) struct Footer {
    pub(super) metadata: Arc<ParquetMetaData>,
    /// The size that storage has.
    pub(super) size: u64,
    /// The end of the file, and where it begins: bytes that need not be read again.
    pub(super) tail: (u64, Bytes),
}

impl Footer {
    /// Reads the footer of a file that should have `size` bytes. Where it has not, storage is asked once.
    pub(super) async fn read(source: &Source, size: u64, page_index: PageIndex, runner: &Runner) -> Result<Self> {
        if source.is_local() {
            return Self::read_sized(source, source.size().await?, page_index, runner).await;
        }
        match Self::read_sized(source, size, page_index, runner).await {
            Err(error) if error.kind() != ErrorKind::MissingFile => match source.size().await? {
                actual if actual == size => Err(error),
                actual => Self::read_sized(source, actual, page_index, runner).await,
            },
            read => read,
        }
    }

    async fn read_sized(source: &Source, size: u64, page_index: PageIndex, runner: &Runner) -> Result<Self> {
        if size < TRAILER_BYTES as u64 {
            return Err(no_parquet(size));
        }
        let start = size.saturating_sub(TAIL_BYTES);
        let tail = source.read(iter::once(start..size).collect(), size, runner).await?.swap_remove(0);
        check_trailer(&tail, size)?;
        let mut decoder = decoder(size, page_index)?;
        decoder.push_range(start..size, tail.clone()).map_err(corrupt_parquet)?;
        let metadata = loop {
            match guarded(|| decoder.try_decode().map_err(corrupt_parquet))? {
                DecodeResult::Data(metadata) => break metadata,
                DecodeResult::NeedsData(ranges) => {
                    let read = source.read(ranges.clone(), size, runner).await?;
                    decoder.push_ranges(ranges, read).map_err(corrupt_parquet)?;
                }
                DecodeResult::Finished => {
                    return Err(Error::new(ErrorKind::Internal, "a footer ended before it began"));
                }
            }
        };
        Ok(Self { metadata: Arc::new(metadata), size, tail: (start, tail) })
    }

    /// The bytes of a range that were read with the footer.
    pub(super) fn cached(&self, range: &Range<u64>) -> Option<Bytes> {
        let (start, bytes) = &self.tail;
        let from = usize::try_from(range.start.checked_sub(*start)?).ok()?;
        let to = usize::try_from(range.end.checked_sub(*start)?).ok()?;
        (from <= to && to <= bytes.len()).then(|| bytes.slice(from..to))
    }
}

fn decoder(size: u64, page_index: PageIndex) -> Result<ParquetMetaDataPushDecoder> {
    let policy = match page_index {
        PageIndex::Read => PageIndexPolicy::Optional,
        PageIndex::Skip => PageIndexPolicy::Skip,
    };
    Ok(ParquetMetaDataPushDecoder::try_new(size).map_err(corrupt_parquet)?.with_page_index_policy(policy))
}

/// The footer must lie within the file: the decoder takes that for granted.
fn check_trailer(tail: &[u8], size: u64) -> Result<()> {
    let magic = tail.last_chunk::<4>();
    let length = tail.len().checked_sub(TRAILER_BYTES).and_then(|at| tail[at..].first_chunk::<4>());
    match (length, magic) {
        (Some(length), Some(b"PAR1")) if u64::from(u32::from_le_bytes(*length)) + TRAILER_BYTES as u64 <= size => {
            Ok(())
        }
        (Some(_), Some(b"PARE")) => Err(Error::new(
            ErrorKind::CorruptData,
            "the data file's footer is encrypted: tables with encrypted files cannot be read",
        )),
        _ => Err(no_parquet(size)),
    }
}

fn no_parquet(size: u64) -> Error {
    Error::new(ErrorKind::CorruptData, "the data file does not end as a Parquet file does").with("size_bytes", size)
}
