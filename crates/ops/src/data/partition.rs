//! Rows to partitions.
//!
//! Spec: [Partition Value Serialization](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#partition-value-serialization).

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_row::{OwnedRow, RowConverter, SortField};
use deltaic_log::action::PartitionValues;
use deltaic_log::partition_value::Scalar;
use deltaic_log::partition_value::hive_path;
use deltaic_log::schema::{DataType, PrimitiveType};
use deltaic_log::{Error, ErrorKind, Result, ResultExt};

use super::layout::PartitionColumn;

/// One partition of the table.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    pub(crate) values: PartitionValues,
    /// Where its files are by default, with a slash at the end; nothing for a table without partitions.
    pub(crate) directory: String,
}

/// Tells partitions apart, and numbers them in the order of their first rows.
pub(crate) struct Partitioner {
    columns: Vec<PartitionColumn>,
    converter: RowConverter,
    numbers: HashMap<OwnedRow, usize>,
    partitions: Vec<Partition>,
}

impl Partitioner {
    pub(crate) fn new(columns: Vec<PartitionColumn>) -> Result<Self> {
        let fields = columns.iter().map(|column| SortField::new(column.data_type.to_arrow())).collect();
        Ok(Self { columns, converter: RowConverter::new(fields)?, numbers: HashMap::new(), partitions: Vec::new() })
    }

    /// The partition of this number.
    pub(crate) fn partition(&self, number: usize) -> &Partition {
        &self.partitions[number]
    }

    /// The rows of each partition that has some here, in order. `columns` are the table's.
    pub(crate) fn split(&mut self, columns: &[ArrayRef]) -> Result<Vec<(usize, UInt32Array)>> {
        let keys: Vec<ArrayRef> = self.columns.iter().map(|column| columns[column.place].clone()).collect();
        let rows = self.converter.convert_columns(&keys)?;
        let mut places: HashMap<usize, usize> = HashMap::new();
        let mut found: Vec<(usize, Vec<u32>)> = Vec::new();
        let mut last: Option<(usize, usize)> = None;
        for row in 0..rows.num_rows() {
            let key = rows.row(row);
            // Rows of one partition often come together.
            let place = match last {
                Some((previous, place)) if rows.row(previous) == key => place,
                _ => {
                    let number = self.number(&keys, row, key)?;
                    *places.entry(number).or_insert_with(|| {
                        found.push((number, Vec::new()));
                        found.len() - 1
                    })
                }
            };
            last = Some((row, place));
            found[place].1.push(u32::try_from(row).map_err(|_| too_many_rows())?);
        }
        Ok(found.into_iter().map(|(number, rows)| (number, UInt32Array::from(rows))).collect())
    }

    fn number(&mut self, keys: &[ArrayRef], row: usize, key: arrow_row::Row<'_>) -> Result<usize> {
        let key = key.owned();
        if let Some(number) = self.numbers.get(&key) {
            return Ok(*number);
        }
        let (mut values, mut directory) = (PartitionValues::new(), String::new());
        for (column, array) in self.columns.iter().zip(keys) {
            let text = text_at(array, row, &column.data_type).with("column", &column.name)?;
            directory.push_str(&hive_path::directory(&column.name, text.as_deref()));
            directory.push('/');
            values.insert(column.key.clone(), text);
        }
        self.partitions.push(Partition { values, directory });
        self.numbers.insert(key, self.partitions.len() - 1);
        Ok(self.partitions.len() - 1)
    }
}

fn too_many_rows() -> Error {
    Error::new(ErrorKind::ResourceLimit, "a batch has more rows than can be numbered: hand in smaller ones")
}

/// The text of a value in a column of this type; `None` is null.
///
/// # Errors
/// [`ErrorKind::InvalidRow`] where the log cannot spell the value.
pub(crate) fn text_at(array: &ArrayRef, row: usize, data_type: &DataType) -> Result<Option<String>> {
    use PrimitiveType as P;
    if array.is_null(row) {
        return Ok(None);
    }
    let Some(primitive) = data_type.as_primitive() else {
        return Err(Error::new(ErrorKind::Internal, "partition columns have primitive types"));
    };
    let scalar = match primitive {
        P::String => Scalar::String(array.as_string::<i32>().value(row).to_owned()),
        P::Long => Scalar::Long(array.as_primitive::<Int64Type>().value(row)),
        P::Integer => Scalar::Integer(array.as_primitive::<Int32Type>().value(row)),
        P::Short => Scalar::Short(array.as_primitive::<Int16Type>().value(row)),
        P::Byte => Scalar::Byte(array.as_primitive::<Int8Type>().value(row)),
        P::Float => Scalar::Float(array.as_primitive::<Float32Type>().value(row)),
        P::Double => Scalar::Double(array.as_primitive::<Float64Type>().value(row)),
        P::Decimal(decimal) => Scalar::Decimal(array.as_primitive::<Decimal128Type>().value(row), decimal),
        P::Boolean => Scalar::Boolean(array.as_boolean().value(row)),
        P::Binary => Scalar::Binary(array.as_binary::<i32>().value(row).to_vec()),
        P::Date => Scalar::Date(array.as_primitive::<Date32Type>().value(row)),
        P::Timestamp => Scalar::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        P::TimestampNtz => Scalar::TimestampNtz(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        P::IntervalYearMonth => Scalar::IntervalYearMonth(array.as_primitive::<IntervalYearMonthType>().value(row)),
        P::IntervalDaySecond => Scalar::IntervalDaySecond(array.as_primitive::<DurationMicrosecondType>().value(row)),
        _ => return Ok(None),
    };
    let unspelled = |error: Error| {
        let message = "a partition value cannot be spelled in the log: correct the row";
        Error::new(ErrorKind::InvalidRow, message).because(error)
    };
    scalar.to_text().map(Some).map_err(unspelled)
}
