//! One column of a file: where it lies, and how its statistics become bounds of the logical type.

use crate::expr::{ColumnPath, OnCastFailure, Zone, cast_values};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, TimeUnit};
use deltaic_log::Result;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::basic::{ColumnOrder, Type as PhysicalType};
use parquet::file::metadata::ParquetMetaData;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the leaves of a table's columns lie in one file. A column that the file lacks is not in it.
pub type FileColumns = BTreeMap<ColumnPath, FileColumn>;

/// A primitive column of a file that holds a column, or a nested field, of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct FileColumn {
    /// Which of the file's leaf columns.
    pub leaf: usize,
    /// The type of the values in the file, as Arrow reads it.
    pub file_type: DataType,
    /// The type that the table's schema gives the column.
    pub logical_type: DataType,
}

/// Which end of a range a value is.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum End {
    Min,
    Max,
}

impl FileColumn {
    /// Whether the file defines what the column's bounds mean.
    pub(super) fn has_ordered_bounds(&self, metadata: &ParquetMetaData) -> bool {
        let file = metadata.file_metadata();
        let order = file.column_orders().and_then(|orders| orders.get(self.leaf));
        let leaves = file.schema_descr().columns();
        let physical = leaves.get(self.leaf).map(|leaf| leaf.physical_type());
        matches!(order, Some(ColumnOrder::TYPE_DEFINED_ORDER(_))) && physical != Some(PhysicalType::INT96)
    }

    pub(super) fn field(&self) -> Field {
        Field::new("column", self.file_type.clone(), true)
    }

    /// What reads the column's statistics; nothing for a leaf that the file does not have.
    pub(super) fn converter<'a>(
        &self,
        field: &'a Field,
        metadata: &'a ParquetMetaData,
    ) -> Option<StatisticsConverter<'a>> {
        let schema = metadata.file_metadata().schema_descr();
        let converter = StatisticsConverter::from_column_index(self.leaf, field, schema).ok()?;
        Some(converter.with_missing_null_counts_as_zero(false))
    }

    /// Bounds in the file's type as bounds in the logical type; nothing where the one says nothing about the other.
    pub(super) fn logical(&self, bounds: ArrayRef, end: End) -> Result<Option<ArrayRef>> {
        let bounds = match (&self.file_type, &self.logical_type) {
            (from, to) if from == to => return Ok(Some(bounds)),
            (DataType::Timestamp(..), DataType::Timestamp(..)) => {
                return Ok(
                    micros(&bounds, end).map(|micros| Arc::new(micros.with_data_type(self.logical_type.clone())) as _)
                );
            }
            _ => bounds,
        };
        let widens = widens(&self.file_type, &self.logical_type);
        widens.then(|| cast_values(&bounds, &self.logical_type, OnCastFailure::Null, &Zone::UTC)).transpose()
    }
}

/// Whether the logical type holds every value of the file's type, in the same order.
fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (T::Date32, T::Timestamp(TimeUnit::Microsecond, None)) => true,
        (T::Float64, T::Float32) => false,
        _ => from.is_numeric() && to.is_numeric(),
    }
}

/// Timestamps of any unit in microseconds, moved outwards where they are finer.
fn micros(bounds: &ArrayRef, end: End) -> Option<TimestampMicrosecondArray> {
    let scaled = |values: Vec<Option<i64>>, factor: i64| -> TimestampMicrosecondArray {
        values.into_iter().map(|v| v.and_then(|v| v.checked_mul(factor))).collect()
    };
    Some(match bounds.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            bounds.as_primitive::<TimestampMicrosecondType>().iter().collect()
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            scaled(bounds.as_primitive::<TimestampMillisecondType>().iter().collect(), 1_000)
        }
        DataType::Timestamp(TimeUnit::Second, _) => {
            scaled(bounds.as_primitive::<TimestampSecondType>().iter().collect(), 1_000_000)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let outwards = |nanos: i64| nanos.div_euclid(1_000) + i64::from(end == End::Max);
            bounds.as_primitive::<TimestampNanosecondType>().iter().map(|v| v.map(outwards)).collect()
        }
        _ => return None,
    })
}
