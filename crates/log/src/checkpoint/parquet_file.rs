//! A checkpoint's parquet file: its footer, and the parts of its row groups that are needed, fetched and decoded apart.

use std::io::Read;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};

use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::store::TableStore;

/// How much of a file's end is fetched in the hope that it holds the footer.
const FOOTER_GUESS_BYTES: u64 = 64 << 10;
/// The magic number at both ends, and the footer's size. Stores refuse to read a range of an empty file.
const SMALLEST_BYTES: u64 = 12;
/// Rows decoded at a time: larger batches are slower with long strings.
const BATCH_ROWS: usize = 8192;

/// A parquet file whose footer is read. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ParquetFile {
    pub(crate) path: String,
    pub(crate) size: u64,
    metadata: ArrowReaderMetadata,
}

/// Leaf columns of one row group, fetched and not yet decoded.
pub(crate) struct FetchedRowGroup {
    file: ParquetFile,
    row_group: usize,
    leaves: Vec<usize>,
    bytes: FetchedRanges,
}

impl ParquetFile {
    /// Reads a file's footer: one request, two if the footer is large.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptLog`] where it is no parquet file; [`ErrorKind::MissingFile`]; [`ErrorKind::Storage`].
    pub(crate) async fn open(store: &TableStore, path: &str, size: u64) -> Result<Self> {
        if size < SMALLEST_BYTES {
            return Err(damaged(&format!("it has {size} bytes")).with("file", path));
        }
        let mut guess = FOOTER_GUESS_BYTES;
        loop {
            let tail = fetch_one(store, path, size.saturating_sub(guess)..size).await?;
            match guarded(|| parse_tail(&tail, size)).with("file", path)? {
                Tail::Whole(metadata) => {
                    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
                    let metadata =
                        guarded(|| ArrowReaderMetadata::try_new((*metadata).into(), options)).with("file", path)?;
                    return Ok(Self { path: path.to_owned(), size, metadata });
                }
                Tail::Needs(bytes) if bytes > guess && bytes <= size => guess = bytes,
                Tail::Needs(_) => return Err(damaged("its footer does not fit into it").with("file", path)),
            }
        }
    }

    pub(crate) fn row_groups(&self) -> &[RowGroupMetaData] {
        self.metadata.metadata().row_groups()
    }

    /// What the file's footer says.
    pub(crate) fn footer(&self) -> &ArrowReaderMetadata {
        &self.metadata
    }

    /// The leaf columns whose path satisfies `wanted`.
    pub(crate) fn leaves(&self, wanted: impl Fn(&[String]) -> bool) -> Vec<usize> {
        let columns = self.metadata.parquet_schema().columns();
        (0..columns.len()).filter(|&leaf| wanted(columns[leaf].path().parts())).collect()
    }

    /// Fetches leaf columns of a row group.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) async fn fetch(
        &self,
        store: &TableStore,
        row_group: usize,
        leaves: Vec<usize>,
    ) -> Result<FetchedRowGroup> {
        let columns = self.row_groups()[row_group].columns();
        let range = |leaf: &usize| chunk_range(&columns[*leaf], self.size);
        let ranges: Vec<_> = leaves.iter().map(range).collect::<Result<_>>().with("file", &self.path)?;
        let bytes = store.read_ranges(&self.path, ranges.clone()).await?;
        let bytes =
            FetchedRanges { size: self.size, parts: ranges.iter().map(|range| range.start).zip(bytes).collect() };
        Ok(FetchedRowGroup { file: self.clone(), row_group, leaves, bytes })
    }
}

impl FetchedRowGroup {
    /// Decodes the row group, handing over a few thousand rows at a time.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptLog`], and whatever `take` returns.
    pub(crate) fn decode(self, mut take: impl FnMut(RecordBatch) -> Result<()>) -> Result<()> {
        let path = self.file.path.clone();
        let mask = ProjectionMask::leaves(self.file.metadata.parquet_schema(), self.leaves);
        let mut reader = guarded(|| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.bytes, self.file.metadata)
                .with_projection(mask)
                .with_row_groups(vec![self.row_group])
                .with_batch_size(BATCH_ROWS)
                .build()
        })
        .with("file", &path)?;
        while let Some(batch) = guarded(|| reader.next().transpose().map_err(ParquetError::from)).with("file", &path)? {
            take(batch).with("file", &path)?;
        }
        Ok(())
    }
}

/// Whether statistics say that a column chunk holds no value at all.
pub(crate) fn is_all_null(column: &ColumnChunkMetaData) -> bool {
    let nulls = column.statistics().and_then(|statistics| statistics.null_count_opt());
    nulls.is_some_and(|nulls| i64::try_from(nulls) == Ok(column.num_values()))
}

enum Tail {
    Whole(Box<ParquetMetaData>),
    Needs(u64),
}

fn parse_tail(tail: &Bytes, size: u64) -> Result<Tail, ParquetError> {
    let mut reader = ParquetMetaDataReader::new();
    match reader.try_parse_sized(tail, size) {
        Ok(()) => Ok(Tail::Whole(Box::new(reader.finish()?))),
        Err(ParquetError::NeedMoreData(bytes)) => Ok(Tail::Needs(bytes as u64)),
        Err(error) => Err(error),
    }
}

async fn fetch_one(store: &TableStore, path: &str, range: Range<u64>) -> Result<Bytes> {
    let fetched = store.read_ranges(path, vec![range]).await?.into_iter().next();
    fetched.ok_or_else(|| Error::new(ErrorKind::Storage, "storage returned no bytes for a range").with("file", path))
}

/// Where a column chunk lies: checked, for the footer is untrusted.
fn chunk_range(column: &ColumnChunkMetaData, file_size: u64) -> Result<Range<u64>> {
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    let end = start.checked_add(column.compressed_size()).and_then(|end| u64::try_from(end).ok());
    match u64::try_from(start).ok().zip(end) {
        Some((start, end)) if start <= end && end <= file_size => Ok(start..end),
        _ => Err(damaged("its footer places a column outside of it")),
    }
}

fn damaged(how: &str) -> Error {
    Error::new(ErrorKind::CorruptLog, format!("a checkpoint file is no valid parquet file: {how}"))
}

/// Runs a part of the parquet decoder. The decoder is meant to return errors for whatever bytes it gets, but panics for
/// some; a table must not be able to bring its reader down.
fn guarded<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(damaged("the decoder refuses it").because(error)),
        Err(_) => Err(damaged("the decoder gave up on it")),
    }
}

/// Parts of a file, as the parquet decoder wants to see a file.
#[derive(Debug)]
struct FetchedRanges {
    size: u64,
    /// Where each part starts, and its bytes.
    parts: Vec<(u64, Bytes)>,
}

impl FetchedRanges {
    fn bytes_from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let holds = |(from, bytes): &&(u64, Bytes)| (*from..*from + bytes.len() as u64).contains(&start);
        let (from, bytes) = self
            .parts
            .iter()
            .find(holds)
            .ok_or_else(|| ParquetError::General(format!("byte {start} lies outside of its column")))?;
        Ok(bytes.slice(usize::try_from(start - from)?..))
    }
}

impl Length for FetchedRanges {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for FetchedRanges {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        use bytes::Buf;
        Ok(Box::new(self.bytes_from(start)?.reader()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.bytes_from(start)?;
        if length > bytes.len() {
            return Err(ParquetError::General(format!("{length} bytes from {start} lie outside of their column")));
        }
        Ok(bytes.slice(..length))
    }
}
