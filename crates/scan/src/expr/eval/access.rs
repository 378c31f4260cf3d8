//! Fields of structs, elements of arrays, values of maps.

use super::super::bind::{Origin, like_operands};
use super::super::functions::ColumnarArg;
use super::super::scalar::Scalar;
use super::compare::normalised_array;
use super::failure;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_buffer::NullBuffer;
use arrow_ord::ord::make_comparator;
use arrow_schema::SortOptions;
use arrow_select::take::take;
use deltaic_log::{Error, ErrorKind, Result};
use std::cmp::Ordering;

/// A struct's field: null where the struct is.
pub(super) fn field(base: &ColumnarArg, index: usize) -> Result<ColumnarArg> {
    let base_values = base.values();
    let Some(structs) = base_values.as_struct_opt() else {
        return Err(Error::new(ErrorKind::Internal, "only structs have fields"));
    };
    let values = structs.column(index);
    let values = match structs.nulls() {
        None => values.clone(),
        Some(outer) => masked(values, outer)?,
    };
    Ok(like_operands(std::slice::from_ref(base), values))
}

fn masked(values: &ArrayRef, outer: &NullBuffer) -> Result<ArrayRef> {
    if values.data_type().is_null() {
        return Ok(values.clone());
    }
    let nulls = NullBuffer::union(values.nulls(), Some(outer));
    let data = values.to_data().into_builder().nulls(nulls);
    Ok(arrow_array::make_array(data.build()?))
}

/// `array[index]`, from 0; outside of the array is an error.
pub(super) fn element(base: &ColumnarArg, index: &ColumnarArg, rows: usize, origin: &Origin) -> Result<ColumnarArg> {
    let (lists, indices) = (base.to_array(rows)?, index.to_array(rows)?);
    let (lists, indices) = (lists.as_list::<i32>(), indices.as_primitive::<Int64Type>());
    let offsets = lists.value_offsets();
    let place = |row: usize| {
        if lists.is_null(row) || indices.is_null(row) {
            return Ok(None);
        }
        let length = i64::from(offsets[row + 1] - offsets[row]);
        let index = indices.value(row);
        if (0..length).contains(&index) {
            return Ok(u32::try_from(i64::from(offsets[row]) + index).ok());
        }
        let message = format!("the array has {length} elements: there is none at this index, which counts from 0");
        Err(failure(message, origin, &[Some(Scalar::Long(index))]))
    };
    let places = (0..rows).map(place).collect::<Result<UInt32Array>>()?;
    Ok(ColumnarArg::Array(take(lists.values(), &places, None)?))
}

/// `map[key]`: null where the map has no such key. Of equal keys the last one counts.
pub(crate) fn map_value(base: &ColumnarArg, key: &ColumnarArg, rows: usize) -> Result<ColumnarArg> {
    let (maps, wanted) = (base.to_array(rows)?, key.to_array(rows)?);
    let maps = maps.as_map();
    let (keys, wanted) = (normalised_array(maps.keys()), normalised_array(&wanted));
    let order = make_comparator(&keys, &wanted, SortOptions::default())?;
    let offsets = maps.value_offsets();
    let place = |row: usize| {
        if maps.is_null(row) || wanted.is_null(row) {
            return None;
        }
        let entries = usize::try_from(offsets[row]).ok()?..usize::try_from(offsets[row + 1]).ok()?;
        entries.rev().find(|entry| order(*entry, row) == Ordering::Equal).and_then(|entry| u32::try_from(entry).ok())
    };
    let places: UInt32Array = (0..rows).map(place).collect();
    Ok(ColumnarArg::Array(take(maps.values(), &places, None)?))
}
