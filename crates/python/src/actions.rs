//! The files of a table as rows: what the log tells of each.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, ListBuilder};
use arrow_array::{
    Array, ArrayRef, Int64Array, RecordBatch, RecordBatchIterator, StringArray, StructArray, UInt64Array,
};
use arrow_schema::{ArrowError, Field, Fields, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::take::take;
use deltaic::log::deletion_vector::DeletionVector;
use deltaic::log::partition_value::hive_path::decode_path;
use deltaic::log::partition_value::parse_column;
use deltaic::log::schema::{ColumnPath, DataType};
use deltaic::log::statistics::{BoundsBatch, indexed_schema};
use deltaic::log::{FileChunk, FileView};
use deltaic::{DeltaTable, Error, ErrorKind, Result};
use pyo3::prelude::*;

use crate::arrow::{ArrowTable, RecordBatchReader};
use crate::runtime::wait;
use crate::scan::planned;
use crate::table::{RawDeltaTable, place_of};

#[pymethods]
impl RawDeltaTable {
    /// The sizes of the files in bytes, by their paths below the table's root.
    fn get_add_file_sizes(&self, py: Python<'_>) -> PyResult<HashMap<String, i64>> {
        let table = self.table();
        wait(py, async move {
            table.files().await?.iter().map(|file| Ok((decode_path(file.path())?, file.size()))).collect()
        })
    }

    /// Path, size, time, statistics and partition values of each file, in the order of `file_uris`.
    fn get_add_actions(&self, py: Python<'_>, flatten: bool) -> PyResult<ArrowTable> {
        let table = self.table();
        let rows = wait(py, async move { Actions::of(&table, flatten)?.read(&table).await })?;
        Ok(ArrowTable::new(rows.schema(), vec![rows]))
    }

    /// Which rows of the files with deletion vectors are live: `filepath` and `selection_vector`.
    fn deletion_vectors(&self, py: Python<'_>) -> PyResult<RecordBatchReader> {
        let table = self.table();
        let batches = wait(py, async move { live_rows(&table).await })?;
        let reader = RecordBatchIterator::new(batches.into_iter().map(Ok), live_rows_schema());
        Ok(RecordBatchReader::of_reader(Box::new(reader)))
    }
}

/// How files become rows.
struct Actions {
    flatten: bool,
    /// Logical name, physical path and type of each column with statistics.
    columns: Vec<(String, ColumnPath, DataType)>,
    /// Logical and physical name and type of each partition column.
    partitions: Vec<(String, String, DataType)>,
}

impl Actions {
    fn of(table: &DeltaTable, flatten: bool) -> Result<Self> {
        let configuration = table.configuration();
        let mode = configuration.column_mapping_mode();
        let indexed = indexed_schema(configuration)?;
        let mut columns = Vec::new();
        let mut partitions = Vec::new();
        for field in &configuration.schema().fields {
            let physical = field.physical_name(mode).to_owned();
            if configuration.is_partition_column(&field.name) {
                partitions.push((field.name.clone(), physical, field.data_type.clone()));
            } else if field.data_type.as_primitive().is_some() && indexed.field(&physical).is_some() {
                columns.push((field.name.clone(), ColumnPath::new([physical]), field.data_type.clone()));
            }
        }
        Ok(Self { flatten, columns, partitions })
    }

    async fn read(&self, table: &DeltaTable) -> Result<RecordBatch> {
        let paths: Vec<_> = self.columns.iter().map(|(_, path, _)| path.clone()).collect();
        let mut batches = vec![self.rows(&[], &[], None)?];
        for chunk in table.files().await?.chunks() {
            let store = table.snapshot().store();
            let bounds = chunk.bounds(store, table.configuration().physical_schema(), &paths).await?;
            batches.push(self.chunk(chunk, &bounds)?);
        }
        concat_batches(&batches[0].schema(), &batches).map_err(unbuilt)
    }

    fn chunk(&self, chunk: &FileChunk, bounds: &BoundsBatch) -> Result<RecordBatch> {
        let files: Vec<_> = chunk.files().collect();
        let places: Vec<_> = files.iter().map(|file| file.row() as u64).collect();
        self.rows(&files, &places, Some(bounds))
    }

    /// The rows of these files, at these places in the statistics of their chunk.
    fn rows(&self, files: &[FileView<'_>], places: &[u64], bounds: Option<&BoundsBatch>) -> Result<RecordBatch> {
        let places = UInt64Array::from(places.to_vec());
        let at = |array: &dyn Array| take(array, &places, None).map_err(unbuilt);
        let records = bounds.map_or_else(|| Ok(no_counts()), |bounds| at(&bounds.num_records))?;
        let paths = files.iter().map(|file| decode_path(file.path())).collect::<Result<Vec<_>>>()?;
        let mut row: Vec<(String, ArrayRef)> = vec![
            ("path".to_owned(), Arc::new(StringArray::from(paths))),
            ("size_bytes".to_owned(), Arc::new(files.iter().map(|file| Some(file.size())).collect::<Int64Array>())),
            (
                "modification_time".to_owned(),
                Arc::new(files.iter().map(|file| Some(file.modification_time())).collect::<Int64Array>()),
            ),
            ("num_records".to_owned(), records),
        ];
        let (mut nulls, mut least, mut most) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (name, _, data_type)) in self.columns.iter().enumerate() {
            let column = bounds.and_then(|bounds| bounds.columns.get(number));
            let none = || arrow_array::new_empty_array(&data_type.to_arrow());
            nulls.push((name.clone(), column.map_or_else(|| Ok(no_counts()), |column| at(&column.null_count))?));
            least.push((name.clone(), column.map_or_else(|| Ok(none()), |column| at(&column.min))?));
            most.push((name.clone(), column.map_or_else(|| Ok(none()), |column| at(&column.max))?));
        }
        let partition = self.partitions.iter().map(|(name, physical, data_type)| {
            let values = files.iter().map(|file| file.partition_value(physical));
            Ok((name.clone(), parse_column(values, data_type)?))
        });
        let groups =
            [("null_count", nulls), ("min", least), ("max", most), ("partition", partition.collect::<Result<_>>()?)];
        for (group, columns) in groups {
            self.push(&mut row, group, columns, files.len())?;
        }
        let fields: Fields =
            row.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
        let arrays = row.into_iter().map(|(_, array)| array).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(unbuilt)
    }

    /// The columns of a group: as one struct, or each under the group's name.
    fn push(
        &self,
        row: &mut Vec<(String, ArrayRef)>,
        group: &str,
        columns: Vec<(String, ArrayRef)>,
        rows: usize,
    ) -> Result<()> {
        if self.flatten {
            row.extend(columns.into_iter().map(|(name, array)| (format!("{group}.{name}"), array)));
        } else if !columns.is_empty() {
            let fields =
                columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
            let arrays = columns.into_iter().map(|(_, array)| array).collect();
            let made = StructArray::try_new_with_length(fields, arrays, None, rows).map_err(unbuilt)?;
            row.push((group.to_owned(), Arc::new(made)));
        }
        Ok(())
    }
}

fn no_counts() -> ArrayRef {
    Arc::new(Int64Array::from(Vec::<i64>::new()))
}

fn live_rows_schema() -> SchemaRef {
    let item = Field::new_list_field(arrow_schema::DataType::Boolean, true);
    let list = arrow_schema::DataType::List(Arc::new(item));
    Arc::new(Schema::new(vec![
        Field::new("filepath", arrow_schema::DataType::Utf8, false),
        Field::new("selection_vector", list, false),
    ]))
}

async fn live_rows(table: &DeltaTable) -> Result<Vec<RecordBatch>> {
    let store = table.snapshot().store();
    let reader = table.scan().build()?.reader();
    let mut batches = Vec::new();
    for planned in planned(table, Vec::new()).await? {
        let file = planned.file();
        let Some(descriptor) = file.deletion_vector() else { continue };
        let vector = reader.deletion_vector(store.root(), descriptor).await?;
        let bounds = planned.chunk.bounds(store, table.configuration().physical_schema(), &[]).await?;
        let records = bounds.num_records.is_valid(planned.row).then(|| bounds.num_records.value(planned.row));
        batches.push(mask(&place_of(&planned.read.location)?, &vector, records)?);
    }
    Ok(batches)
}

/// True for each row that is live. Without a count of rows it ends at the last that is not.
fn mask(place: &str, vector: &DeletionVector, records: Option<i64>) -> Result<RecordBatch> {
    let last = vector.max().map_or(0, |row| row.saturating_add(1));
    let rows = last.max(records.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(0));
    let Ok(rows) = i32::try_from(rows) else {
        let message = "the file has more rows than a list can tell of: scan the table instead";
        return Err(Error::new(ErrorKind::ResourceLimit, message).with("file", place).with("rows", rows));
    };
    let mut list = ListBuilder::new(BooleanBuilder::new());
    let mut at = 0;
    for gone in vector.ranges() {
        list.values().append_n(usize::try_from(gone.start - at).unwrap_or(0), true);
        list.values().append_n(usize::try_from(gone.end - gone.start).unwrap_or(0), false);
        at = gone.end;
    }
    list.values().append_n(usize::try_from(u64::from(rows.unsigned_abs()) - at).unwrap_or(0), true);
    list.append(true);
    let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(vec![place])), Arc::new(list.finish())];
    RecordBatch::try_new(live_rows_schema(), columns).map_err(unbuilt)
}

fn unbuilt(error: ArrowError) -> Error {
    Error::new(ErrorKind::Internal, "the table's files could not be put into rows").because(error)
}
