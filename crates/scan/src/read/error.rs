//! How errors of the Parquet and Arrow libraries become ours.

use arrow_schema::ArrowError;
use deltaic_log::{Error, ErrorKind, Result};
use parquet::errors::ParquetError;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The file breaks its own format.
pub(super) fn corrupt_parquet(error: ParquetError) -> Error {
    Error::new(ErrorKind::CorruptData, "the data file is no valid Parquet: restore it, or remove it from the table")
        .because(error)
}

/// The file's values break the table's schema.
pub(super) fn corrupt_values(error: ArrowError) -> Error {
    Error::new(ErrorKind::CorruptData, "the data file holds values that the table's schema does not allow")
        .because(error)
}

/// Runs `decode` over untrusted bytes. The decoders of the Parquet library check less than they assume: a panic of
/// theirs is the file's fault, and becomes an error.
pub(super) fn guarded<T>(decode: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Error::new(ErrorKind::CorruptData, "the data file is damaged: decoding it failed in the Parquet library")
            .with("panic", text.unwrap_or("no message")))
    })
}
