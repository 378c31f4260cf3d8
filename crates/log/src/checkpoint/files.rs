//! The `add` actions of a checkpoint's row group, into the columns of chunks.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, MapArray, RecordBatch, StringArray, StructArray};
use arrow_schema::DataType;
use futures::stream::{self, Stream, StreamExt, TryStreamExt};

use super::FileRowGroup;
use super::parquet_file::{ParquetFile, RowGroupBatches, is_all_null};
use crate::action_reconciliation::{KeySet, file_key};
use crate::cpu;
use crate::deletion_vector::{DeletionVectorDescriptor, StorageType};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::file_set::{CHUNK_ROWS_MAX, FileChunk, FileColumns, FileRow, LiveRows, Origin, RowGroupOrigin};
use crate::store::TableStore;
use crate::version::TimestampMs;

/// The leaves that a row of [`FileColumns`] is made from and that hold a value in this row group. `None` where the row
/// group has no `add` at all.
pub(crate) fn file_leaves(file: &ParquetFile, row_group: usize) -> Option<Vec<usize>> {
    let columns = file.row_groups()[row_group].columns();
    let path = file.leaves(|path| path == ["add", "path"]);
    if path.iter().all(|&leaf| is_all_null(&columns[leaf])) {
        return None;
    }
    let wanted = |path: &[String]| {
        let name = |at: usize| path.get(at).map(String::as_str);
        let column = name(1).filter(|_| name(0) == Some("add"));
        match column {
            Some("path" | "size" | "modificationTime" | "baseRowId" | "defaultRowCommitVersion") => path.len() == 2,
            Some("partitionValues" | "deletionVector") => true,
            _ => false,
        }
    };
    let has_values = |leaf: &usize| !is_all_null(&columns[*leaf]);
    // The decoder takes a map's keys and values together or not at all, though all values may be null.
    let map = file.leaves(|path| path.len() > 2 && path[..2] == ["add", "partitionValues"]);
    let map = if map.iter().any(has_values) { map } else { Vec::new() };
    let leaves = file.leaves(wanted).into_iter();
    Some(leaves.filter(|leaf| path.contains(leaf) || map.contains(leaf) || has_values(leaf)).collect())
}

/// Decodes the files of a row group, chunk by chunk. Those whose key is in `newer` are not live.
///
/// # Errors
/// The stream's items fail with [`ErrorKind::CorruptLog`], [`ErrorKind::MissingFile`], [`ErrorKind::Storage`].
pub(super) fn decode(
    store: TableStore,
    job: FileRowGroup,
    newer: Arc<KeySet>,
) -> impl Stream<Item = Result<FileChunk>> + Send {
    let (cpu, path, root) = (store.context().cpu.clone(), job.file.path.clone(), store.root().clone());
    let chunks = stream::once(async move {
        let fetched = job.file.fetch(&store, job.row_group, job.leaves).await?;
        let decoder = FileDecoder::new(fetched.batches(None)?, job.file, job.row_group, newer);
        Ok::<_, Error>(stream::try_unfold(decoder, move |mut decoder| {
            let cpu = cpu.clone();
            async move {
                let next = cpu::run(&cpu, move || Ok((decoder.next_chunk()?, decoder))).await?;
                Ok(next.0.map(|chunk| (chunk, next.1)))
            }
        }))
    });
    chunks.try_flatten().map(move |chunk: Result<_>| chunk.with("file", &path).with("table", &root))
}

/// A row group on its way into chunks.
struct FileDecoder {
    batches: RowGroupBatches,
    file: ParquetFile,
    row_group: usize,
    newer: Arc<KeySet>,
    /// How many rows of the row group are decoded.
    decoded_rows: usize,
}

impl FileDecoder {
    fn new(batches: RowGroupBatches, file: ParquetFile, row_group: usize, newer: Arc<KeySet>) -> Self {
        Self { batches, file, row_group, newer, decoded_rows: 0 }
    }

    /// The next chunk; `None` at the end.
    fn next_chunk(&mut self) -> Result<Option<FileChunk>> {
        let (mut columns, mut rows) = (self.room(), Vec::new());
        while !columns.is_full() {
            let Some(batch) = self.batches.next().transpose()? else { break };
            push_batch(&batch, self.decoded_rows, &mut columns, &mut rows)?;
            self.decoded_rows += batch.num_rows();
        }
        if columns.len() == 0 {
            return Ok(None);
        }
        columns.freeze();
        let live = LiveRows::without(&columns, &self.newer);
        let origin = RowGroupOrigin { file: self.file.clone(), row_group: self.row_group, rows };
        Ok(Some(FileChunk::new(Arc::new(columns), live, Origin::RowGroup(Arc::new(origin)))))
    }

    /// Columns with room for the rows that are left, as far as one chunk takes them: about as many bytes of paths as the
    /// footer gives for them, unless they are encoded by a dictionary.
    fn room(&self) -> FileColumns {
        let row_group = &self.file.row_groups()[self.row_group];
        let total = usize::try_from(row_group.num_rows()).unwrap_or(0);
        let rows = total.saturating_sub(self.decoded_rows).min(CHUNK_ROWS_MAX);
        let paths = self.file.leaves(|path| path == ["add", "path"]).into_iter();
        let bytes: i64 = paths.map(|leaf| row_group.columns()[leaf].uncompressed_size()).sum();
        let bytes_per_row = usize::try_from(bytes).unwrap_or(0) / total.max(1) + 1;
        FileColumns::with_capacity(rows, rows.saturating_mul(bytes_per_row))
    }
}

/// Adds the files of a batch to `columns`, and where they stand in the row group to `rows`.
fn push_batch(
    batch: &RecordBatch,
    first_row: usize,
    columns: &mut FileColumns,
    rows: &mut Vec<Range<usize>>,
) -> Result<()> {
    let add = batch.column_by_name("add").and_then(|column| column.as_struct_opt());
    let add = add.ok_or_else(|| malformed("has no struct column `add`"))?;
    let adds = AddBatch::new(add)?;
    for row in (0..add.len()).filter(|row| add.is_valid(*row)) {
        adds.push_row(row, columns)?;
        match rows.last_mut() {
            Some(last) if last.end == first_row + row => last.end += 1,
            _ => rows.push(first_row + row..first_row + row + 1),
        }
    }
    Ok(())
}

impl LiveRows {
    /// All rows whose key is not in `newer`.
    pub(crate) fn without(columns: &FileColumns, newer: &KeySet) -> Self {
        if newer.len() == 0 {
            return Self::All;
        }
        let mut scratch = Vec::new();
        Self::of(columns.len(), |row| {
            !newer.contains(file_key(columns.paths.text(row), columns.deletion_vector(row), &mut scratch))
        })
    }
}

/// Which rows of a column `add` are files whose key is not in `newer`.
///
/// # Errors
/// [`ErrorKind::CorruptLog`] where a file lacks what every file has.
pub(super) fn live_rows(add: &StructArray, newer: &KeySet) -> Result<BooleanArray> {
    let adds = AddBatch::new(add)?;
    standing_rows(add, &adds.keys, newer, |row| adds.check_row(row).map(|()| true))
}

/// Which rows of a column `remove` have a key that is not in `newer`, and were made after `deleted_after`.
///
/// # Errors
/// [`ErrorKind::CorruptLog`] where a tombstone has no path.
pub(super) fn unexpired_rows(remove: &StructArray, newer: &KeySet, deleted_after: TimestampMs) -> Result<BooleanArray> {
    let (keys, times) = (KeyBatch::new(remove, "remove")?, number(remove, "deletionTimestamp")?);
    standing_rows(remove, &keys, newer, |row| match keys.path.is_valid(row) {
        true => Ok(value(times.as_ref(), row).unwrap_or(0) > deleted_after.0),
        false => Err(malformed("has a `remove` without `path`")),
    })
}

fn standing_rows(
    actions: &StructArray,
    keys: &KeyBatch,
    newer: &KeySet,
    stands: impl Fn(usize) -> Result<bool>,
) -> Result<BooleanArray> {
    let mut scratch = Vec::new();
    let of_row = |row: usize| {
        if !actions.is_valid(row) || !stands(row)? {
            return Ok(false);
        }
        if newer.len() == 0 {
            return Ok(true);
        }
        let vector = keys.vector(row)?;
        Ok(!newer.contains(file_key(keys.path.value(row), vector.as_ref(), &mut scratch)))
    };
    (0..actions.len()).map(of_row).collect::<Result<Vec<bool>>>().map(BooleanArray::from)
}

/// What a batch's logical files are known by.
struct KeyBatch {
    path: StringArray,
    deletion_vector: Option<VectorBatch>,
}

impl KeyBatch {
    fn new(actions: &StructArray, action: &str) -> Result<Self> {
        let vectors = actions.column_by_name("deletionVector").and_then(|column| column.as_struct_opt());
        Ok(Self {
            path: text(actions, "path")?.ok_or_else(|| malformed(&format!("has no column `{action}.path`")))?,
            deletion_vector: vectors.map(VectorBatch::new).transpose()?,
        })
    }

    fn vector(&self, row: usize) -> Result<Option<DeletionVectorDescriptor>> {
        Ok(self.deletion_vector.as_ref().map(|vectors| vectors.row(row)).transpose()?.flatten())
    }
}

/// The columns of a batch's `add`s, by name and in the one type that is worked with.
struct AddBatch {
    keys: KeyBatch,
    size: Int64Array,
    modification_time: Int64Array,
    partition_values: Option<TextMap>,
    base_row_id: Option<Int64Array>,
    default_row_commit_version: Option<Int64Array>,
}

impl AddBatch {
    fn new(add: &StructArray) -> Result<Self> {
        let required = |name| number(add, name)?.ok_or_else(|| malformed(&format!("has no column `add.{name}`")));
        Ok(Self {
            keys: KeyBatch::new(add, "add")?,
            size: required("size")?,
            modification_time: required("modificationTime")?,
            partition_values: add.column_by_name("partitionValues").map(TextMap::new).transpose()?,
            base_row_id: number(add, "baseRowId")?,
            default_row_commit_version: number(add, "defaultRowCommitVersion")?,
        })
    }

    fn check_row(&self, row: usize) -> Result<()> {
        if self.keys.path.is_null(row) || self.size.is_null(row) || self.modification_time.is_null(row) {
            return Err(malformed("has an `add` without `path`, `size` or `modificationTime`"));
        }
        Ok(())
    }

    fn push_row(&self, row: usize, columns: &mut FileColumns) -> Result<()> {
        self.check_row(row)?;
        let file = FileRow {
            path: self.keys.path.value(row),
            size: self.size.value(row),
            modification_time: self.modification_time.value(row),
            deletion_vector: self.keys.vector(row)?,
            base_row_id: value(self.base_row_id.as_ref(), row),
            default_row_commit_version: value(self.default_row_commit_version.as_ref(), row),
            stats: None,
        };
        columns.push(file, self.partition_values.iter().flat_map(|map| map.row(row)));
        Ok(())
    }
}

/// A map of texts to optional texts.
struct TextMap {
    offsets: Vec<usize>,
    keys: StringArray,
    values: StringArray,
}

impl TextMap {
    fn new(column: &ArrayRef) -> Result<Self> {
        let map: &MapArray = column.as_map_opt().ok_or_else(|| malformed("has partition values that are no map"))?;
        let cast = |column: &ArrayRef| arrow_cast::cast(column, &DataType::Utf8).map(|c| c.as_string::<i32>().clone());
        let offsets = map.offsets().iter().map(|offset| usize::try_from(*offset).unwrap_or(0)).collect();
        Ok(Self { offsets, keys: cast(map.keys())?, values: cast(map.values())? })
    }

    fn row(&self, row: usize) -> impl Iterator<Item = (&str, Option<&str>)> {
        (self.offsets[row]..self.offsets[row + 1])
            .map(|i| (self.keys.value(i), self.values.is_valid(i).then(|| self.values.value(i))))
    }
}

/// The columns of a batch's deletion vector descriptors.
struct VectorBatch {
    storage_type: StringArray,
    path_or_inline_dv: StringArray,
    offset: Option<Int64Array>,
    size_in_bytes: Int64Array,
    cardinality: Int64Array,
}

impl VectorBatch {
    fn new(vectors: &StructArray) -> Result<Self> {
        let missing = |name: &str| malformed(&format!("has no column `deletionVector.{name}`"));
        Ok(Self {
            storage_type: text(vectors, "storageType")?.ok_or_else(|| missing("storageType"))?,
            path_or_inline_dv: text(vectors, "pathOrInlineDv")?.ok_or_else(|| missing("pathOrInlineDv"))?,
            offset: number(vectors, "offset")?,
            size_in_bytes: number(vectors, "sizeInBytes")?.ok_or_else(|| missing("sizeInBytes"))?,
            cardinality: number(vectors, "cardinality")?.ok_or_else(|| missing("cardinality"))?,
        })
    }

    fn row(&self, row: usize) -> Result<Option<DeletionVectorDescriptor>> {
        if self.storage_type.is_null(row) {
            return Ok(None);
        }
        let code = self.storage_type.value(row);
        let storage_type = StorageType::from_code(code)
            .ok_or_else(|| malformed(&format!("has a deletion vector of the unknown storage type {code:?}")))?;
        let small = |number: i64| i32::try_from(number).map_err(|_| malformed("has a deletion vector beyond 2 GiB"));
        Ok(Some(DeletionVectorDescriptor {
            storage_type,
            path_or_inline_dv: self.path_or_inline_dv.value(row).to_owned(),
            offset: value(self.offset.as_ref(), row).map(small).transpose()?,
            size_in_bytes: small(self.size_in_bytes.value(row))?,
            cardinality: self.cardinality.value(row),
        }))
    }
}

fn value(column: Option<&Int64Array>, row: usize) -> Option<i64> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

fn number(parent: &StructArray, name: &str) -> Result<Option<Int64Array>> {
    Ok(column(parent, name, &DataType::Int64)?.map(|column| column.as_primitive::<Int64Type>().clone()))
}

fn text(parent: &StructArray, name: &str) -> Result<Option<StringArray>> {
    Ok(column(parent, name, &DataType::Utf8)?.map(|column| column.as_string::<i32>().clone()))
}

fn column(parent: &StructArray, name: &str, data_type: &DataType) -> Result<Option<ArrayRef>> {
    let Some(column) = parent.column_by_name(name) else { return Ok(None) };
    if column.data_type() == data_type {
        return Ok(Some(column.clone()));
    }
    let cast = arrow_cast::cast(column, data_type);
    cast.map(Some).map_err(|error| malformed(&format!("has a column `{name}` of the wrong type")).because(error))
}

fn malformed(how: &str) -> Error {
    Error::new(ErrorKind::CorruptLog, format!("a checkpoint {how} (spec: \"Checkpoint Schema\")"))
}
