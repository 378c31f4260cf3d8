//! A Delta Lake engine to embed.

pub mod check;
pub mod manual;
pub mod storage;
mod table;
mod time;

pub use deltaic_log as log;
pub use deltaic_log::{Context, Error, ErrorKind, Result, TimestampMs, Version};
pub use storage::StorageOptions;
pub use table::{DeltaTable, DeltaTableBuilder};
pub use time::parse_timestamp;
