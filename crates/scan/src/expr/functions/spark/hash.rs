//! Digests and hashes.

use super::super::ArgType;
use super::function::{Function, Returns, function, library, own};
use super::murmur3;
use super::parameter::Param;
use super::xxhash64;
use arrow_schema::DataType;
use datafusion_functions::crypto;
use datafusion_spark::function::hash as spark;
use deltaic_log::{Error, ErrorKind, Result};

/// The functions that hash.
pub(super) fn table() -> Vec<Function> {
    use Param::{Any, Binary, Int};
    vec![
        function("md5", &[], library(&[Binary], Returns::Text, crypto::md5())),
        function("sha1", &["sha"], library(&[Binary], Returns::Text, spark::sha1())),
        function("sha2", &[], library(&[Binary, Int], Returns::Text, spark::sha2())),
        function("crc32", &[], library(&[Binary], Returns::Long, spark::crc32())),
        function("hash", &["murmur3_hash"], own(&[Any, Any], Returns::By(hashable_int), murmur3::hash).repeated()),
        function("xxhash64", &[], own(&[Any, Any], Returns::By(hashable_long), xxhash64::hash).repeated()),
    ]
}

fn hashable_int(_: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    refuse_maps(arg_types).map(|()| DataType::Int32)
}

fn hashable_long(_: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    refuse_maps(arg_types).map(|()| DataType::Int64)
}

/// Equal maps may list their entries in different orders, so their hashes would differ.
fn refuse_maps(types: &[DataType]) -> Result<()> {
    if types.iter().any(holds_map) {
        return Err(Error::new(ErrorKind::InvalidExpression, "maps cannot be hashed: hash their keys and values"));
    }
    Ok(())
}

fn holds_map(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) => true,
        DataType::List(item) => holds_map(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds_map(field.data_type())),
        _ => false,
    }
}
