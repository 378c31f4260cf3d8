//! The files of one write: any number of partitions in bounded memory.
//!
//! Rows of a table without partitions go straight into the file that is open. Those of a partitioned one are gathered for each
//! partition, as they are, and encoded when there are enough of them; when memory runs short, the partitions that hold most
//! are encoded first, each as a row group of its own. No file is held open between row groups, so the number of partitions
//! costs no file handles, and next to no memory.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use arrow_select::take::take;
use deltaic_log::action::Add;
use deltaic_log::partition_value::hive_path::encode_path;
use deltaic_log::{Result, TableStore, cpu};

use super::file_writer::{FileWriter, FinishedFile};
use super::layout::Layout;
use super::partition::{Partition, Partitioner};
use super::sink::sync_directories;

/// How many rows a partition gathers before they are worth a job.
const ROWS_GATHERED_MAX: usize = 32 << 10;
/// How many bytes of rows are parted at a time.
const STAGED_BYTES_MAX: usize = 32 << 20;

/// Takes a table's rows, and gives the files that hold them.
pub(crate) struct TableWriter {
    store: TableStore,
    layout: Arc<Layout>,
    /// A file's columns, and behind them, for a partitioned table, its partition columns.
    schema: SchemaRef,
    partitioner: Option<Partitioner>,
    staged: Vec<RecordBatch>,
    staged_bytes: usize,
    lanes: Vec<Lane>,
    memory_bytes_max: usize,
    /// Every file that was begun, by its path below the root.
    paths: Vec<String>,
    adds: Vec<Add>,
    rows: u64,
}

/// The open file of one partition, and the rows that wait for it.
#[derive(Default)]
struct Lane {
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    waiting_bytes: usize,
    file: Option<FileWriter>,
}

impl Lane {
    fn memory_bytes(&self) -> usize {
        self.waiting_bytes + self.file.as_ref().map_or(0, FileWriter::memory_bytes)
    }
}

/// The files of a write, all of them whole.
#[derive(Debug, Default)]
pub(crate) struct WrittenFiles {
    pub(crate) adds: Vec<Add>,
    pub(crate) rows: u64,
}

impl WrittenFiles {
    pub(crate) fn bytes(&self) -> u64 {
        self.adds.iter().map(|add| u64::try_from(add.size).unwrap_or(0)).sum()
    }
}

impl TableWriter {
    pub(crate) fn new(store: &TableStore, layout: Arc<Layout>, table_schema: &SchemaRef) -> Result<Self> {
        let partitioner = match layout.partition_columns.is_empty() {
            true => None,
            false => Some(Partitioner::new(layout.partition_columns.clone())?),
        };
        let lanes = if partitioner.is_none() { vec![Lane::default()] } else { Vec::new() };
        Ok(Self {
            memory_bytes_max: store.context().memory_bytes_max / 2,
            store: store.clone(),
            schema: table_schema.clone(),
            layout,
            partitioner,
            staged: Vec::new(),
            staged_bytes: 0,
            lanes,
            paths: Vec::new(),
            adds: Vec::new(),
            rows: 0,
        })
    }

    /// Every file that was begun so far.
    pub(crate) fn paths(&self) -> &[String] {
        &self.paths
    }

    /// Takes rows, given as the table's columns.
    pub(crate) async fn write(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let rows = RecordBatch::try_new(self.schema.clone(), columns)?;
        if rows.num_rows() == 0 {
            return Ok(());
        }
        self.rows += rows.num_rows() as u64;
        if self.partitioner.is_none() {
            self.encode(0, vec![rows]).await?;
            return self.keep_within_memory().await;
        }
        self.staged_bytes += bytes_of(&rows);
        self.staged.push(rows);
        if self.staged_bytes >= STAGED_BYTES_MAX.min(self.memory_bytes_max / 2) {
            self.part().await?;
        }
        Ok(())
    }

    /// Parts what is staged.
    async fn part(&mut self) -> Result<()> {
        if self.staged.is_empty() {
            return Ok(());
        }
        let Some(mut partitioner) = self.partitioner.take() else { return Ok(()) };
        let staged = std::mem::take(&mut self.staged);
        self.staged_bytes = 0;
        let schema = self.schema.clone();
        let split = move || {
            let rows = concat_batches(&schema, &staged)?;
            drop(staged);
            let parts = partitioner.split(rows.columns())?;
            let taken = parts.into_iter().map(|(number, places)| {
                let columns = rows.columns().iter().map(|column| take(column, &places, None));
                let columns = columns.collect::<Result<Vec<_>, _>>()?;
                Ok((number, RecordBatch::try_new(schema.clone(), columns)?))
            });
            let taken = taken.collect::<Result<Vec<_>>>()?;
            Ok((partitioner, taken))
        };
        let (partitioner, parts) = cpu::run(&self.store.context().cpu, split).await?;
        self.partitioner = Some(partitioner);
        for (number, rows) in parts {
            if self.lanes.len() <= number {
                self.lanes.resize_with(number + 1, Lane::default);
            }
            let lane = &mut self.lanes[number];
            lane.waiting_rows += rows.num_rows();
            lane.waiting_bytes += bytes_of(&rows);
            lane.waiting.push(rows);
            if lane.waiting_rows >= ROWS_GATHERED_MAX {
                self.encode_waiting(number).await?;
            }
        }
        self.keep_within_memory().await
    }

    async fn encode_waiting(&mut self, number: usize) -> Result<()> {
        let lane = &mut self.lanes[number];
        let waiting = std::mem::take(&mut lane.waiting);
        (lane.waiting_rows, lane.waiting_bytes) = (0, 0);
        self.encode(number, waiting).await
    }

    /// Brings rows into the open file of a partition, which ends where it is full.
    async fn encode(&mut self, number: usize, batches: Vec<RecordBatch>) -> Result<()> {
        if batches.is_empty() {
            return Ok(());
        }
        let mut file = match self.lanes[number].file.take() {
            Some(file) => file,
            None => self.begin_file(number)?,
        };
        let (schema, layout) = (self.schema.clone(), self.layout.clone());
        let shaped = cpu::run(&self.store.context().cpu, move || {
            let rows = if batches.len() == 1 { batches[0].clone() } else { concat_batches(&schema, &batches)? };
            layout.physical.shape(rows.columns())
        });
        let written = match shaped.await {
            Ok(arrays) => file.write(arrays).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            file.abort().await;
            return Err(error);
        }
        if file.size_bytes() >= self.layout.options.target_file_size_bytes {
            return self.end_file(number, file).await;
        }
        self.lanes[number].file = Some(file);
        Ok(())
    }

    fn begin_file(&mut self, number: usize) -> Result<FileWriter> {
        let id = self.store.context().ids.uuid();
        let name = format!("part-{:05}-{id}.c000.{}", self.paths.len(), self.layout.extension);
        let directory = match (self.layout.random_prefix_length, &self.partitioner) {
            (Some(length), _) => format!("{}/", random_name(self.store.context().ids.uuid(), length)),
            (None, Some(partitioner)) => partitioner.partition(number).directory.clone(),
            (None, None) => String::new(),
        };
        let path = format!("{}{directory}{name}", self.layout.directory);
        self.paths.push(path.clone());
        FileWriter::new(&self.layout, &self.store, path)
    }

    async fn end_file(&mut self, number: usize, file: FileWriter) -> Result<()> {
        let finished = file.finish().await?;
        let add = self.add(number, finished);
        self.adds.push(add);
        Ok(())
    }

    fn add(&self, number: usize, file: FinishedFile) -> Add {
        let partition: Option<&Partition> = self.partitioner.as_ref().map(|partitioner| partitioner.partition(number));
        Add {
            path: encode_path(&file.path),
            partition_values: partition.map(|partition| partition.values.clone()).unwrap_or_default(),
            size: i64::try_from(file.size_bytes).unwrap_or(i64::MAX),
            modification_time: self.store.context().clock.now().0,
            data_change: true,
            stats: Some(file.statistics),
            ..Add::default()
        }
    }

    /// Encodes, and hands on, what takes most memory, until half of the bound is free.
    async fn keep_within_memory(&mut self) -> Result<()> {
        let mut used: usize = self.lanes.iter().map(Lane::memory_bytes).sum();
        if used <= self.memory_bytes_max {
            return Ok(());
        }
        let mut largest: Vec<(usize, usize)> =
            self.lanes.iter().enumerate().map(|(number, lane)| (lane.memory_bytes(), number)).collect();
        largest.sort_unstable_by(|a, b| b.cmp(a));
        for (bytes, number) in largest {
            if used <= self.memory_bytes_max / 2 {
                break;
            }
            self.encode_waiting(number).await?;
            if let Some(file) = &mut self.lanes[number].file {
                file.end_group().await?;
            }
            let left = self.lanes[number].memory_bytes();
            used = used.saturating_sub(bytes).saturating_add(left);
        }
        self.end_files_held_in_memory(used).await
    }

    /// An upload holds a part in memory. Where there are too many of those, files end early.
    async fn end_files_held_in_memory(&mut self, mut used: usize) -> Result<()> {
        while used > self.memory_bytes_max {
            let largest = (0..self.lanes.len()).max_by_key(|number| self.lanes[*number].memory_bytes());
            let Some((number, file)) = largest.and_then(|number| Some((number, self.lanes[number].file.take()?)))
            else {
                return Ok(());
            };
            used = used.saturating_sub(file.memory_bytes());
            self.end_file(number, file).await?;
        }
        Ok(())
    }

    /// Ends all files, and brings them to disk.
    pub(crate) async fn finish(&mut self) -> Result<WrittenFiles> {
        self.part().await?;
        for number in 0..self.lanes.len() {
            self.encode_waiting(number).await?;
            if let Some(file) = self.lanes[number].file.take() {
                self.end_file(number, file).await?;
            }
        }
        if self.layout.options.sync {
            sync_directories(&self.store, &self.paths).await?;
        }
        Ok(WrittenFiles { adds: std::mem::take(&mut self.adds), rows: self.rows })
    }

    /// Gives up. The paths that are to be removed.
    pub(crate) async fn abort(mut self) -> Vec<String> {
        for file in self.lanes.iter_mut().filter_map(|lane| lane.file.take()) {
            file.abort().await;
        }
        self.paths
    }
}

/// What rows take in memory, buffers that they share with others left aside.
fn bytes_of(rows: &RecordBatch) -> usize {
    let bytes = |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or(0);
    rows.columns().iter().map(bytes).sum()
}

/// A name of letters and digits, drawn from an id.
fn random_name(id: uuid::Uuid, length: usize) -> String {
    const LETTERS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut rest = id.as_u128();
    let letter = |_| {
        let letter = LETTERS[(rest % 62) as usize];
        rest /= 62;
        char::from(letter)
    };
    (0..length).map(letter).collect()
}
