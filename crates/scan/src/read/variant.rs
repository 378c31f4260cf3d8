//! Spec: [Variant Data in Parquet](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#variant-data-in-parquet) and
//! [Variant Shredding](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#variant-shredding): values come out as
//! `metadata` and `value`, whether the file keeps them so or spread over typed columns.

use super::error::corrupt_values;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StructArray};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Fields};
use deltaic_log::{Error, ErrorKind, Result};
use parquet_variant_compute::{VariantArray, unshred_variant};
use std::sync::Arc;

/// The variants of `array`, as a struct of `fields`: `metadata` and `value`.
pub(super) fn build_variant(array: &ArrayRef, fields: &Fields) -> Result<ArrayRef> {
    let stored = array.as_struct();
    let whole = match stored.column_by_name("typed_value") {
        Some(_) => VariantArray::try_new(array)
            .and_then(|shredded| unshred_variant(&shredded))
            .map_err(corrupt_variant)?
            .into_inner(),
        None => stored.clone(),
    };
    let columns = fields.iter().map(|field| binary_column(&whole, field.name())).collect::<Result<Vec<_>>>()?;
    let built = StructArray::try_new(fields.clone(), columns, whole.nulls().cloned());
    Ok(Arc::new(built.map_err(corrupt_values)?))
}

fn binary_column(variants: &StructArray, name: &str) -> Result<ArrayRef> {
    let Some(column) = variants.column_by_name(name) else {
        return Err(
            Error::new(ErrorKind::CorruptData, "a variant column lacks a part in the data file").with("part", name)
        );
    };
    match column.data_type() {
        DataType::Binary => Ok(column.clone()),
        DataType::BinaryView | DataType::LargeBinary => cast(column, &DataType::Binary).map_err(corrupt_values),
        other => Err(Error::new(ErrorKind::CorruptData, "a part of a variant column is not binary in the data file")
            .with("part", name)
            .with("type_in_file", other)),
    }
}

fn corrupt_variant(error: ArrowError) -> Error {
    Error::new(ErrorKind::CorruptData, "the data file holds a variant that breaks the shredding rules").because(error)
}
