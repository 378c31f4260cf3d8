//! Many files at once: opening them, decoding their row groups in parallel, within bounds of memory.
//!
//! ```text
//! reads --open, a few at a time--> row groups --start, while memory lasts--> tasks --decode on the CPU executor--> batches
//! ```
//!
//! The stream spawns nothing of its own. Whoever polls it drives it: each poll starts what may start and collects what is
//! done. A task decodes one stretch at a time and waits when its batches are not taken: so a slow consumer slows
//! everything down, to a stop if need be.

use super::decode::{Decoder, Next};
use super::open::{OpenFile, open};
use super::reader::Reader;
use super::row_groups::RowGroup;
use super::runner::Runner;
use crate::plan::FileRead;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use deltaic_log::{Result, ResultExt};
use futures::future::BoxFuture;
use futures::stream::{BoxStream, Fuse};
use futures::{FutureExt, Stream, StreamExt};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};

/// How far a stretch of decoding goes before its batches are handed over, in bytes.
const STRETCH_BYTES: usize = 4 << 20;
/// The fewest tasks at once: with fewer, requests to remote storage would be waited for one by one.
const CONCURRENCY_MIN: usize = 4;

/// How many files are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// How many row groups are decoded at the same time; by default twice the CPU executor's parallelism, at least 4.
    pub concurrency: Option<usize>,
    /// Whether batches come in the order of the files and their rows.
    pub ordered: bool,
    /// The most rows to give out.
    pub limit: Option<u64>,
    /// How many bytes may be under way: compressed row groups and decoded batches together, by default
    /// [`deltaic_log::Context::memory_bytes_max`]. One row group is always read, however large.
    pub memory_bytes: Option<usize>,
}

impl ReadOptions {
    /// The same, in the order of the files and their rows.
    #[must_use]
    pub fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }

    /// The same, with at most this many row groups decoded at the same time.
    #[must_use]
    pub fn with_concurrency(mut self, row_groups: usize) -> Self {
        self.concurrency = Some(row_groups);
        self
    }

    /// The same, with at most this many rows given out.
    #[must_use]
    pub fn with_limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// The same, with another memory bound, in bytes.
    #[must_use]
    pub fn with_memory_bytes(mut self, bytes: usize) -> Self {
        self.memory_bytes = Some(bytes);
        self
    }
}

/// Batches of one schema. See [`Reader::read_all`].
pub struct BatchStream {
    schema: SchemaRef,
    scheduler: Option<Scheduler>,
    rows_left: u64,
}

impl BatchStream {
    pub(super) fn new(
        reader: Reader,
        schema: SchemaRef,
        reads: impl Stream<Item = Result<FileRead>> + Send + 'static,
        options: ReadOptions,
    ) -> Self {
        let rows_left = options.limit.unwrap_or(u64::MAX);
        Self { schema, scheduler: Some(Scheduler::new(reader, reads, &options)), rows_left }
    }

    /// The schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn limited(&mut self, batch: RecordBatch) -> RecordBatch {
        let rows = u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
        if rows > self.rows_left {
            let kept = usize::try_from(self.rows_left).expect("fewer than the batch has");
            self.rows_left = 0;
            return batch.slice(0, kept);
        }
        self.rows_left -= rows;
        batch
    }
}

impl Stream for BatchStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        if self.rows_left == 0 {
            self.scheduler = None;
        }
        let Some(scheduler) = &mut self.scheduler else { return Poll::Ready(None) };
        match scheduler.poll(poller) {
            Poll::Ready(Ok(Some(batch))) => Poll::Ready(Some(Ok(self.limited(batch)))),
            Poll::Ready(end) => {
                self.scheduler = None;
                Poll::Ready(end.transpose())
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

type Opened = (Arc<OpenFile>, Vec<RowGroup>);

/// Decides what runs.
struct Scheduler {
    runner: Runner,
    opening: Fuse<BoxStream<'static, Result<Opened>>>,
    waiting: VecDeque<(Arc<OpenFile>, RowGroup)>,
    tasks: VecDeque<Task>,
    ordered: bool,
    concurrency: usize,
    memory_bytes: u64,
    /// How many bytes of batches one task may keep.
    kept_bytes_max: usize,
}

impl Scheduler {
    fn new(
        reader: Reader,
        reads: impl Stream<Item = Result<FileRead>> + Send + 'static,
        options: &ReadOptions,
    ) -> Self {
        let runner = Runner::Cpu(reader.context.cpu.clone());
        let concurrency = options.concurrency.unwrap_or((2 * runner.parallelism()).max(CONCURRENCY_MIN)).max(1);
        let memory_bytes = options.memory_bytes.unwrap_or(reader.context.memory_bytes_max);
        let opener = (reader, runner.clone());
        let opening = reads.map(move |read| {
            let (reader, runner) = opener.clone();
            async move { open(&reader, &runner, read?).await }
        });
        Self {
            runner,
            opening: opening.buffered(concurrency).boxed().fuse(),
            waiting: VecDeque::new(),
            tasks: VecDeque::new(),
            ordered: options.ordered,
            concurrency,
            memory_bytes: memory_bytes as u64,
            kept_bytes_max: (memory_bytes / concurrency / 2).max(1),
        }
    }

    /// The next batch; `None` at the end.
    fn poll(&mut self, poller: &mut Poller<'_>) -> Poll<Result<Option<RecordBatch>>> {
        loop {
            let opened = self.poll_opening(poller)?;
            self.start_tasks();
            for task in &mut self.tasks {
                task.poll(poller, &self.runner, self.kept_bytes_max)?;
            }
            if let Some(batch) = self.take() {
                return Poll::Ready(Ok(Some(batch)));
            }
            let finished = self.remove_finished();
            if self.tasks.is_empty() && self.waiting.is_empty() && opened == Opening::Finished {
                return Poll::Ready(Ok(None));
            }
            if !finished {
                return Poll::Pending;
            }
        }
    }

    /// Opens files until enough row groups wait.
    fn poll_opening(&mut self, poller: &mut Poller<'_>) -> Result<Opening> {
        while self.waiting.len() < self.concurrency {
            match self.opening.poll_next_unpin(poller) {
                Poll::Ready(Some(opened)) => {
                    let (file, row_groups) = opened?;
                    self.waiting.extend(row_groups.into_iter().map(|row_group| (file.clone(), row_group)));
                }
                Poll::Ready(None) => return Ok(Opening::Finished),
                Poll::Pending => break,
            }
        }
        Ok(Opening::GoesOn)
    }

    fn start_tasks(&mut self) {
        while self.tasks.len() < self.concurrency {
            let under_way: u64 = self.tasks.iter().map(Task::bytes).sum();
            let fits = |bytes| self.tasks.is_empty() || under_way.saturating_add(bytes) <= self.memory_bytes;
            let Some((file, row_group)) = self.waiting.pop_front_if(|(_, row_group)| fits(row_group.bytes)) else {
                return;
            };
            self.tasks.push_back(Task::new(file, row_group));
        }
    }

    /// A batch that is ready: of the first task, if order matters.
    fn take(&mut self) -> Option<RecordBatch> {
        let candidates = if self.ordered { 1 } else { self.tasks.len() };
        self.tasks.iter_mut().take(candidates).find_map(Task::take)
    }

    /// Whether any task was finished.
    fn remove_finished(&mut self) -> bool {
        let before = self.tasks.len();
        self.tasks.retain(|task| !task.is_finished());
        self.tasks.len() < before
    }
}

#[derive(PartialEq, Eq)]
enum Opening {
    GoesOn,
    Finished,
}

type Advance = BoxFuture<'static, Result<(Vec<RecordBatch>, Option<Decoder>)>>;

/// The decoding of one row group.
struct Task {
    state: State,
    ready: VecDeque<RecordBatch>,
    ready_bytes: usize,
    /// The size of the row group in the file.
    file_bytes: u64,
}

enum State {
    /// To be started.
    New(Arc<OpenFile>, RowGroup),
    /// A stretch is under way.
    Busy(Advance),
    /// A stretch is done, and the next is not begun.
    Idle(Decoder),
    /// The row group is at its end.
    Finished,
}

impl Task {
    fn new(file: Arc<OpenFile>, row_group: RowGroup) -> Self {
        let file_bytes = row_group.bytes;
        Self { state: State::New(file, row_group), ready: VecDeque::new(), ready_bytes: 0, file_bytes }
    }

    /// Collects what is done, and begins the next stretch while there is room for its batches.
    fn poll(&mut self, poller: &mut Poller<'_>, runner: &Runner, kept_bytes_max: usize) -> Result<()> {
        let stretch_bytes = STRETCH_BYTES.min(kept_bytes_max);
        loop {
            match std::mem::replace(&mut self.state, State::Finished) {
                State::New(file, row_group) => {
                    let runner = runner.clone();
                    let begun = async move {
                        let decoder = runner.run(move || Decoder::new(file, row_group)).await?;
                        advance(decoder, runner, stretch_bytes).await
                    };
                    self.state = State::Busy(begun.boxed());
                }
                State::Idle(decoder) if self.ready_bytes < kept_bytes_max => {
                    self.state = State::Busy(advance(decoder, runner.clone(), stretch_bytes).boxed());
                }
                State::Busy(mut stretch) => match stretch.poll_unpin(poller) {
                    Poll::Ready(done) => self.collect(done?),
                    Poll::Pending => {
                        self.state = State::Busy(stretch);
                        return Ok(());
                    }
                },
                resting @ (State::Idle(_) | State::Finished) => {
                    self.state = resting;
                    return Ok(());
                }
            }
        }
    }

    fn collect(&mut self, (batches, decoder): (Vec<RecordBatch>, Option<Decoder>)) {
        self.ready_bytes += batches.iter().map(RecordBatch::get_array_memory_size).sum::<usize>();
        self.ready.extend(batches);
        self.state = decoder.map_or(State::Finished, State::Idle);
    }

    fn take(&mut self) -> Option<RecordBatch> {
        let batch = self.ready.pop_front()?;
        self.ready_bytes = self.ready_bytes.saturating_sub(batch.get_array_memory_size());
        Some(batch)
    }

    fn is_finished(&self) -> bool {
        self.ready.is_empty() && matches!(self.state, State::Finished)
    }

    /// What the task holds: its part of the file, and its batches.
    fn bytes(&self) -> u64 {
        self.file_bytes + self.ready_bytes as u64
    }
}

/// Decodes the next stretch that yields batches, fetching bytes before it where they are needed; without a decoder
/// behind it, the row group is at its end.
async fn advance(
    mut decoder: Decoder,
    runner: Runner,
    bytes_max: usize,
) -> Result<(Vec<RecordBatch>, Option<Decoder>)> {
    loop {
        let (mut decoding, stretch) =
            runner.run(move || decoder.decode(bytes_max).map(|stretch| (decoder, stretch))).await?;
        match stretch.next {
            Next::Finished => return Ok((stretch.batches, None)),
            Next::Decode if !stretch.batches.is_empty() => return Ok((stretch.batches, Some(decoding))),
            Next::Decode => {}
            Next::Read(ranges) => {
                let file = decoding.file.clone();
                let bytes =
                    file.source.read(ranges.clone(), file.footer.size, &runner).await.with("file", &file.location)?;
                decoding.push(ranges, bytes)?;
                if !stretch.batches.is_empty() {
                    return Ok((stretch.batches, Some(decoding)));
                }
            }
        }
        decoder = decoding;
    }
}
