//! Columns as another writer has them, in the types that this one writes.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StructArray, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Fields};

use crate::error::{Error, ErrorKind, Result};

/// The same values in this type: fields of structs are found by name, and null where there are none; a value that does not
/// fit is null.
///
/// # Errors
/// [`ErrorKind::CorruptLog`] where one type has nothing to do with the other.
pub(super) fn conform(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    match (array.as_struct_opt(), to) {
        (Some(array), DataType::Struct(fields)) => Ok(std::sync::Arc::new(conform_struct(array, fields)?)),
        _ => {
            // A map's key that is null would be refused by a panic.
            if array.as_map_opt().is_some_and(|map| map.keys().null_count() > 0) {
                return Err(misfit(array.data_type(), to));
            }
            let options = CastOptions { safe: true, ..CastOptions::default() };
            cast_with_options(array, to, &options).map_err(|error| misfit(array.data_type(), to).because(error))
        }
    }
}

/// As [`conform`], of a struct.
pub(super) fn conform_struct(array: &StructArray, fields: &Fields) -> Result<StructArray> {
    let columns = fields.iter().map(|field| match array.column_by_name(field.name()) {
        Some(column) => conform(column, field.data_type()),
        None => Ok(new_null_array(field.data_type(), array.len())),
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(StructArray::try_new_with_length(fields.clone(), columns, array.nulls().cloned(), array.len())?)
}

/// Whether every field of `wanted`, at every depth, is there.
pub(crate) fn has_all(found: &Fields, wanted: &Fields) -> bool {
    wanted.iter().all(|wanted| {
        let found = found.iter().find(|found| found.name() == wanted.name());
        found.is_some_and(|found| match (found.data_type(), wanted.data_type()) {
            (DataType::Struct(found), DataType::Struct(wanted)) => has_all(found, wanted),
            _ => true,
        })
    })
}

fn misfit(found: &DataType, wanted: &DataType) -> Error {
    let message = format!("a checkpoint has a column of type {found} where it should be {wanted}");
    Error::new(ErrorKind::CorruptLog, message)
}
