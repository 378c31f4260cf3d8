//! Spec: [Encoding types](https://github.com/apache/parquet-format/blob/master/VariantEncoding.md#encoding-types): the numbers of
//! the primitive types.

pub(super) const NULL: u8 = 0;
pub(super) const TRUE: u8 = 1;
pub(super) const FALSE: u8 = 2;
pub(super) const INT8: u8 = 3;
pub(super) const INT16: u8 = 4;
pub(super) const INT32: u8 = 5;
pub(super) const INT64: u8 = 6;
pub(super) const DOUBLE: u8 = 7;
pub(super) const DECIMAL4: u8 = 8;
pub(super) const DECIMAL8: u8 = 9;
pub(super) const DECIMAL16: u8 = 10;
pub(super) const DATE: u8 = 11;
pub(super) const TIMESTAMP: u8 = 12;
pub(super) const TIMESTAMP_NTZ: u8 = 13;
pub(super) const FLOAT: u8 = 14;
pub(super) const BINARY: u8 = 15;
pub(super) const STRING: u8 = 16;
pub(super) const TIME_NTZ: u8 = 17;
pub(super) const TIMESTAMP_NANOS: u8 = 18;
pub(super) const TIMESTAMP_NTZ_NANOS: u8 = 19;
pub(super) const UUID: u8 = 20;
