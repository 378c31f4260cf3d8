//! `xxhash64`: the library's, on columns in which decimals are what Spark hashes.

use super::super::ColumnarArg;
use super::call::Call;
use super::library;
use super::murmur3::{LONG_DIGITS, shortest};
use arrow_array::cast::AsArray;
use arrow_array::types::Decimal128Type;
use arrow_array::{Array, ArrayRef, BinaryArray, ListArray, StructArray};
use arrow_schema::{DataType, Field};
use datafusion_spark::function::hash::xxhash64;
use deltaic_log::Result;
use std::sync::Arc;

/// The hash of each row.
pub(super) fn hash(call: &Call<'_>) -> Result<ArrayRef> {
    let args = call.args.iter().map(|arg| Ok(ColumnarArg::Array(hashed_as(arg)?))).collect::<Result<Vec<_>>>()?;
    library::invoke(&xxhash64(), &args, call.rows)?.to_array(call.rows)
}

/// The values with decimals that no bigint holds as their shortest bytes, at any depth.
fn hashed_as(values: &ArrayRef) -> Result<ArrayRef> {
    match values.data_type() {
        DataType::Decimal128(precision, _) if *precision > LONG_DIGITS => {
            let decimals = values.as_primitive::<Decimal128Type>();
            let bytes = decimals.iter().map(|value| value.map(|value| shortest(&value.to_be_bytes()).to_vec()));
            Ok(Arc::new(bytes.collect::<BinaryArray>()))
        }
        DataType::List(item) => {
            let list = values.as_list::<i32>();
            let items = hashed_as(list.values())?;
            let item = Field::new(item.name(), items.data_type().clone(), true);
            Ok(Arc::new(ListArray::try_new(item.into(), list.offsets().clone(), items, list.nulls().cloned())?))
        }
        DataType::Struct(fields) => {
            let columns = values.as_struct().columns().iter().map(hashed_as).collect::<Result<Vec<_>>>()?;
            let field =
                |(field, column): (&Arc<Field>, &ArrayRef)| Field::new(field.name(), column.data_type().clone(), true);
            let fields: Vec<_> = fields.iter().zip(&columns).map(field).collect();
            let (nulls, rows) = (values.nulls().cloned(), values.len());
            Ok(Arc::new(StructArray::try_new_with_length(fields.into(), columns, nulls, rows)?))
        }
        _ => Ok(values.clone()),
    }
}
