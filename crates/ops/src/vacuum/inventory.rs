use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use deltaic_log::cpu::Cpu;
use deltaic_log::{Error, ErrorKind, Result, TimestampMs};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::hidden::Hidden;
use super::report::VacuumFile;
use super::root::Root;
use super::walk::Found;
use crate::input::Input;

/// Files handed on at a time.
const FILES_AT_ONCE: usize = 1_000;

/// What is below a table's root, as somebody else has listed it: storage inventories are cheaper than listing.
///
/// It is gone through twice where a plan cannot hold all that it finds.
#[derive(Clone)]
pub struct Inventory(Arc<Open>);

type Open = dyn Fn(&Arc<dyn Cpu>) -> BoxStream<'static, Result<InventoryFile>> + Send + Sync;

/// An entry of an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryFile {
    /// Where it is: absolute, or relative to the table's root; not encoded, unless it is a URI.
    pub path: String,
    /// The size in bytes.
    pub length: u64,
    /// Whether it is a folder: folders are passed over.
    pub is_dir: bool,
    /// When it was last modified.
    pub modification_time: TimestampMs,
}

impl Inventory {
    /// An inventory that `open` reads from its beginning.
    pub fn new(open: impl Fn() -> BoxStream<'static, Result<InventoryFile>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |_| open()))
    }

    /// An inventory in a file that `open` opens, as rows: see [`InventoryFile::from_batch`].
    pub fn from_rows(open: impl Fn() -> Result<Input> + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |cpu| match open() {
            Ok(rows) => {
                let files = rows.into_stream(cpu).map(|batch| InventoryFile::from_batch(&batch?));
                files.map_ok(|files| stream::iter(files).map(Ok)).try_flatten().boxed()
            }
            Err(error) => stream::iter([Err(error)]).boxed(),
        }))
    }

    /// An inventory at hand.
    ///
    /// ```
    /// use deltaic_log::TimestampMs;
    /// use deltaic_ops::vacuum::{Inventory, InventoryFile};
    /// let file = InventoryFile { path: "old.parquet".into(), length: 7, is_dir: false, modification_time: TimestampMs(0) };
    /// let inventory = Inventory::of(vec![file]);
    /// ```
    pub fn of(files: Vec<InventoryFile>) -> Self {
        let files = Arc::new(files);
        Self::new(move || {
            let files = files.clone();
            stream::iter((0..files.len()).map(move |file| Ok(files[file].clone()))).boxed()
        })
    }

    /// What it holds that is below the root and not hidden.
    pub(super) fn files(&self, root: Arc<Root>, hidden: Hidden) -> BoxStream<'static, Result<Vec<Found>>> {
        let root_cpu = root.store().context().cpu.clone();
        let found = move |file: InventoryFile| {
            let path = (!file.is_dir).then(|| root.path_of_plain(&file.path)).flatten()?;
            let file = VacuumFile { path, size: file.length, modified: file.modification_time };
            (!hidden.hides(&file.path)).then_some(Found::File(file))
        };
        let files = (self.0)(&root_cpu);
        let found = files.try_filter_map(move |file| futures::future::ready(Ok(found(file))));
        found.try_chunks(FILES_AT_ONCE).map_err(|error| error.1).boxed()
    }
}

impl fmt::Debug for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inventory")
    }
}

impl InventoryFile {
    /// The entries of a batch, which has the columns `path`, `length`, `isDir` and `modificationTime` (in milliseconds, or a
    /// timestamp). A row without a path is passed over; one without a time counts as new.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where a column is missing or of another type.
    pub fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>> {
        let paths = column(batch, "path", &DataType::Utf8)?;
        let lengths = column(batch, "length", &DataType::Int64)?;
        let folders = column(batch, "isDir", &DataType::Boolean)?;
        let times = column(batch, "modificationTime", &DataType::Timestamp(TimeUnit::Millisecond, None))?;
        let (paths, lengths) = (paths.as_string::<i32>(), lengths.as_primitive::<Int64Type>());
        let (folders, times): (&BooleanArray, _) =
            (folders.as_boolean(), times.as_primitive::<TimestampMillisecondType>());
        let entry = |row: usize| {
            Some(Self {
                path: paths.is_valid(row).then(|| paths.value(row).to_owned())?,
                length: u64::try_from(lengths.value(row)).unwrap_or(0),
                is_dir: folders.is_valid(row) && folders.value(row),
                modification_time: TimestampMs(if times.is_valid(row) { times.value(row) } else { i64::MAX }),
            })
        };
        Ok((0..batch.num_rows()).filter_map(entry).collect())
    }
}

fn column(batch: &RecordBatch, name: &str, data_type: &DataType) -> Result<ArrayRef> {
    let wrong = |why: String| {
        let message = format!("an inventory has the columns path, length, isDir and modificationTime: {why}");
        Error::new(ErrorKind::InvalidArgument, message).with("column", name)
    };
    let column = batch.column_by_name(name).ok_or_else(|| wrong(format!("{name} is missing")))?;
    // A timestamp of any zone is the same moment.
    arrow_cast::cast(column, data_type)
        .map_err(|error| wrong(format!("{name} is {}", column.data_type())).because(error))
}
