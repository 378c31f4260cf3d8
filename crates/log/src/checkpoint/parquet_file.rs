//! A checkpoint's parquet file: its footer, and the parts of its row groups that are needed, fetched and decoded apart.

use std::iter;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, FieldRef, Fields, Schema, TimeUnit};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::basic::Type as PhysicalType;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::schema::types::ColumnDescPtr;

use super::row_group_bytes::RowGroupBytes;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::schema::UTC;
use crate::store::TableStore;

/// How much of a file's end is fetched in the hope that it holds the footer.
const FOOTER_GUESS_BYTES: u64 = 64 << 10;
/// The magic number at both ends, and the footer's size. Stores refuse to read a range of an empty file.
const SMALLEST_BYTES: u64 = 12;
/// Rows decoded at a time: what they hold fits into the processor's cache.
const BATCH_ROWS: usize = 1024;

/// A parquet file whose footer is read. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ParquetFile {
    pub(crate) path: String,
    pub(crate) size: u64,
    metadata: ArrowReaderMetadata,
    /// All of the file, where it is so small that it came with its footer.
    whole: Option<Bytes>,
}

/// Leaf columns of one row group, at hand and not yet decoded.
pub(crate) struct FetchedRowGroup {
    file: ParquetFile,
    row_group: usize,
    leaves: Vec<usize>,
    bytes: RowGroupBytes,
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
                    let metadata = guarded(|| reader_metadata(Arc::from(metadata))).with("file", path)?;
                    let whole = (tail.len() as u64 == size).then_some(tail);
                    return Ok(Self { path: path.to_owned(), size, metadata, whole });
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

    /// Fetches leaf columns of a row group; of a local file, they are read page by page when they are decoded.
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
        let bytes = match &self.whole {
            Some(whole) => RowGroupBytes::of_whole(whole.clone()),
            None => RowGroupBytes::fetch(store, &self.path, self.size, ranges).await?,
        };
        Ok(FetchedRowGroup { file: self.clone(), row_group, leaves, bytes })
    }
}

impl FetchedRowGroup {
    /// Decodes the row group, or some rows of it, a thousand or so at a time. Pages without any of these rows are passed
    /// over as they are.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptLog`].
    pub(crate) fn batches(self, rows: Option<Range<usize>>) -> Result<RowGroupBatches> {
        let path = self.file.path.clone();
        let mask = ProjectionMask::leaves(self.file.metadata.parquet_schema(), self.leaves);
        let total = usize::try_from(self.file.row_groups()[self.row_group].num_rows()).unwrap_or(0);
        let selection = rows.map(|rows| RowSelection::from_consecutive_ranges(iter::once(rows), total));
        let reader = guarded(|| {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.bytes, self.file.metadata)
                .with_projection(mask)
                .with_row_groups(vec![self.row_group])
                .with_batch_size(BATCH_ROWS);
            match selection {
                Some(selection) => builder.with_row_selection(selection).build(),
                None => builder.build(),
            }
        });
        Ok(RowGroupBatches { reader: reader.with("file", &path)?, path })
    }
}

/// Rows of a row group, batch by batch, as they are decoded.
pub(crate) struct RowGroupBatches {
    reader: ParquetRecordBatchReader,
    path: String,
}

impl Iterator for RowGroupBatches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = guarded(|| self.reader.next().transpose().map_err(ParquetError::from));
        next.with("file", &self.path).transpose()
    }
}

/// Whether statistics say that a column chunk holds no value at all.
pub(crate) fn is_all_null(column: &ColumnChunkMetaData) -> bool {
    let nulls = column.statistics().and_then(|statistics| statistics.null_count_opt());
    nulls.is_some_and(|nulls| i64::try_from(nulls) == Ok(column.num_values()))
}

/// The statistics' texts, by far the largest column, are decoded as views: they are read once, where they were
/// decompressed. INT96 is an instant, whatever its range: nanoseconds would end in 2262.
fn reader_metadata(metadata: Arc<ParquetMetaData>) -> Result<ArrowReaderMetadata, ParquetError> {
    let options = || ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let plain = ArrowReaderMetadata::try_new(metadata.clone(), options())?;
    let is_int96 = |leaf: &ColumnDescPtr| leaf.physical_type() == PhysicalType::INT96;
    let has_int96 = plain.parquet_schema().columns().iter().any(is_int96);
    let fields: Fields = plain.schema().fields().iter().map(|field| read_as(field, has_int96)).collect();
    match fields == *plain.schema().fields() {
        true => Ok(plain),
        false => ArrowReaderMetadata::try_new(metadata, options().with_schema(Arc::new(Schema::new(fields)))),
    }
}

fn read_as(field: &FieldRef, has_int96: bool) -> FieldRef {
    let DataType::Struct(members) = field.data_type() else { return field.clone() };
    if field.name() != "add" {
        return field.clone();
    }
    let member = |member: &FieldRef| match (member.name().as_str(), member.data_type()) {
        ("stats", DataType::Utf8) => Arc::new(member.as_ref().clone().with_data_type(DataType::Utf8View)),
        ("stats_parsed" | "partitionValues_parsed", _) if has_int96 => with_instants(member),
        _ => member.clone(),
    };
    let members = members.iter().map(member).collect();
    Arc::new(field.as_ref().clone().with_data_type(DataType::Struct(members)))
}

/// Nanoseconds without a zone are what INT96 is taken for.
fn with_instants(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Struct(members) => DataType::Struct(members.iter().map(with_instants).collect()),
        DataType::Timestamp(TimeUnit::Nanosecond, None) => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        _ => return field.clone(),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type))
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
