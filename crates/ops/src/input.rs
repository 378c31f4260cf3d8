use std::fmt;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::SchemaRef;
use deltaic_log::cpu::{self, Cpu};
use deltaic_log::{Error, ErrorKind, Result};
use deltaic_scan::BatchStream;
use futures::stream::{self, BoxStream, Stream, StreamExt};

/// Rows to be written: batches of one schema, which come once, and may fail to come.
///
/// ```
/// use arrow_array::{Int64Array, RecordBatch};
/// use deltaic_ops::Input;
/// use std::sync::Arc;
/// let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1, 2])) as _)]).unwrap();
/// let input = Input::from_batches(batch.schema(), [batch]);
/// assert_eq!(input.schema().field(0).name(), "id");
/// ```
pub struct Input {
    schema: SchemaRef,
    batches: Batches,
}

enum Batches {
    Stream(BoxStream<'static, Result<RecordBatch>>),
    /// Each of whose steps may block.
    Reader(Box<dyn RecordBatchReader + Send>),
}

impl Input {
    /// The batches of a stream. An error in it ends the operation, and is what the operation fails with.
    pub fn new(schema: SchemaRef, batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static) -> Self {
        Self { schema, batches: Batches::Stream(batches.boxed()) }
    }

    /// Batches that are at hand.
    pub fn from_batches<I>(schema: SchemaRef, batches: I) -> Self
    where
        I: IntoIterator<Item = RecordBatch>,
        I::IntoIter: Send + 'static,
    {
        Self::new(schema, stream::iter(batches.into_iter().map(Ok)))
    }

    /// The batches of an iterator, which may block: it runs where CPU work does.
    pub fn from_reader(reader: impl RecordBatchReader + Send + 'static) -> Self {
        Self { schema: reader.schema(), batches: Batches::Reader(Box::new(reader)) }
    }

    /// The schema of every batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn into_stream(self, cpu: &Arc<dyn Cpu>) -> BoxStream<'static, Result<RecordBatch>> {
        let reader = match self.batches {
            Batches::Stream(stream) => return stream,
            Batches::Reader(reader) => reader,
        };
        let cpu = cpu.clone();
        let step = move |mut reader: Box<dyn RecordBatchReader + Send>| {
            let cpu = cpu.clone();
            async move {
                let stepped = cpu::run(&cpu, move || Ok((reader.next(), reader))).await;
                let (next, reader) = stepped?;
                Ok(next.transpose().map_err(unreadable)?.map(|batch| (batch, reader)))
            }
        };
        stream::try_unfold(reader, step).boxed()
    }
}

fn unreadable(error: arrow_schema::ArrowError) -> Error {
    Error::new(ErrorKind::InvalidArgument, "the input could not be read to its end: nothing was written").because(error)
}

impl From<BatchStream> for Input {
    fn from(stream: BatchStream) -> Self {
        Self::new(stream.schema(), stream)
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("schema", &self.schema).finish_non_exhaustive()
    }
}
