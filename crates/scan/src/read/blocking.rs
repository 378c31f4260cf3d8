//! One file on one plain thread, without a runtime.

use super::decode::{Decoder, Next};
use super::open::{OpenFile, open};
use super::reader::Reader;
use super::row_groups::RowGroup;
use super::runner::Runner;
use crate::plan::FileRead;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use deltaic_log::{Result, ResultExt};
use futures::executor::block_on;
use std::sync::Arc;

/// The batches of one file: see [`Reader::read_file_blocking`].
pub struct BlockingRead {
    file: Arc<OpenFile>,
    row_groups: std::vec::IntoIter<RowGroup>,
    decoder: Option<Decoder>,
    /// Batches that are decoded already, the next one last.
    ready: Vec<RecordBatch>,
    failed: bool,
}

impl BlockingRead {
    pub(super) fn open(reader: &Reader, read: FileRead) -> Result<Self> {
        let (file, row_groups) = block_on(open(reader, &Runner::Here, read))?;
        Ok(Self { file, row_groups: row_groups.into_iter(), decoder: None, ready: Vec::new(), failed: false })
    }

    /// The schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.file.output.schema.clone()
    }

    fn advance(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.ready.pop() {
                return Ok(Some(batch));
            }
            let Some(decoder) = &mut self.decoder else {
                let Some(row_group) = self.row_groups.next() else { return Ok(None) };
                self.decoder = Some(Decoder::new(self.file.clone(), row_group)?);
                continue;
            };
            let stretch = decoder.decode(1)?;
            self.ready.extend(stretch.batches.into_iter().rev());
            match stretch.next {
                Next::Decode => {}
                Next::Finished => self.decoder = None,
                Next::Read(ranges) => {
                    let read = self.file.source.read(ranges.clone(), self.file.footer.size, &Runner::Here);
                    let bytes = block_on(read).with("file", &self.file.location)?;
                    decoder.push(ranges, bytes)?;
                }
            }
        }
    }
}

impl Iterator for BlockingRead {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.advance();
        self.failed = next.is_err();
        next.transpose()
    }
}
