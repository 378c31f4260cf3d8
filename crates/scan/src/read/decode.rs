//! Decoding one row group: a pure machine that asks for bytes and gives out batches.

use super::error::{corrupt_parquet, corrupt_values, guarded};
use super::open::{Filter, OpenFile};
use super::row_groups::RowGroup;
use arrow_array::RecordBatch;
use arrow_select::filter::filter_record_batch;
use bytes::Bytes;
use deltaic_log::{Result, ResultExt};
use parquet::DecodeResult;
use parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use std::ops::Range;
use std::sync::Arc;

/// Decodes the rows of one row group.
pub(super) struct Decoder {
    pub(super) file: Arc<OpenFile>,
    decoder: ParquetPushDecoder,
}

/// What a stretch of decoding came to.
pub(super) struct Stretch {
    /// Batches of the logical schema, none empty.
    pub(super) batches: Vec<RecordBatch>,
    pub(super) next: Next,
}

/// How decoding goes on.
pub(super) enum Next {
    /// There is more to decode.
    Decode,
    /// These bytes are needed first.
    Read(Vec<Range<u64>>),
    /// The row group is at its end.
    Finished,
}

impl Decoder {
    pub(super) fn new(file: Arc<OpenFile>, row_group: RowGroup) -> Result<Self> {
        let build = || {
            let builder = ParquetPushDecoderBuilder::new_with_metadata(file.reader_metadata.clone())
                .with_projection(file.projection.clone())
                .with_row_groups(vec![row_group.index])
                .with_batch_size(file.batch_rows);
            let builder = match row_group.selection {
                Some(selection) => builder.with_row_selection(selection),
                None => builder,
            };
            builder.build().map_err(corrupt_parquet)
        };
        let decoder = guarded(build).with("file", &file.location)?;
        Ok(Self { file, decoder })
    }

    /// Decodes until `bytes_max` bytes of batches stand, or more bytes of the file are needed. A local file is read on
    /// the way.
    pub(super) fn decode(&mut self, bytes_max: usize) -> Result<Stretch> {
        let file = self.file.clone();
        guarded(|| self.stretch(bytes_max)).with("file", &file.location)
    }

    /// Takes the bytes that were asked for.
    pub(super) fn push(&mut self, ranges: Vec<Range<u64>>, bytes: Vec<Bytes>) -> Result<()> {
        self.decoder.push_ranges(ranges, bytes).map_err(corrupt_parquet).with("file", &self.file.location)
    }

    fn stretch(&mut self, bytes_max: usize) -> Result<Stretch> {
        let (mut batches, mut bytes) = (Vec::new(), 0);
        while bytes < bytes_max {
            match self.decoder.try_decode().map_err(corrupt_parquet)? {
                DecodeResult::Data(decoded) => {
                    // Rows that the filter drops are work, too: a stretch ends even where nothing comes of it.
                    bytes += decoded.get_array_memory_size().max(1);
                    batches.extend(self.file.batch(&decoded)?);
                }
                DecodeResult::NeedsData(ranges) => match self.read_now(&ranges) {
                    Some(read) => self.push(ranges, read?)?,
                    None => return Ok(Stretch { batches, next: Next::Read(ranges) }),
                },
                DecodeResult::Finished => return Ok(Stretch { batches, next: Next::Finished }),
            }
        }
        Ok(Stretch { batches, next: Next::Decode })
    }

    /// The ranges, if they can be had on this thread: they came with the footer, or the file is local.
    fn read_now(&self, ranges: &[Range<u64>]) -> Option<Result<Vec<Bytes>>> {
        let footer = &self.file.footer;
        match ranges.iter().map(|range| footer.cached(range)).collect() {
            Some(cached) => Some(Ok(cached)),
            None => self.file.source.read_now(ranges, footer.size),
        }
    }
}

impl OpenFile {
    /// The logical batch of a decoded one, without the rows that the predicate drops; `None` where none is left.
    fn batch(&self, decoded: &RecordBatch) -> Result<Option<RecordBatch>> {
        let kept = match &self.filter {
            Some(filter) => filter.keep(decoded)?,
            None => Some(decoded.clone()),
        };
        kept.filter(|kept| kept.num_rows() > 0).map(|kept| self.output.assemble(&kept)).transpose()
    }
}

impl Filter {
    /// The rows for which the predicate is true, still as decoded; `None` where there is none.
    fn keep(&self, decoded: &RecordBatch) -> Result<Option<RecordBatch>> {
        let truth = self.predicate.evaluate_predicate(&self.columns.assemble(decoded)?, &self.context)?;
        match truth.true_count() {
            0 => Ok(None),
            all if all == truth.len() => Ok(Some(decoded.clone())),
            _ => filter_record_batch(decoded, &truth).map(Some).map_err(corrupt_values),
        }
    }
}
