//! The state of a Delta table: what the log says a table *is*, at any version.
//!
//! This crate reads `_delta_log` and never writes to storage. Parsing, reconciliation and the choice of files are sync
//! functions from values to values; async begins where bytes come from storage.

pub mod action;
pub mod clock;
pub mod cpu;
pub mod deletion_vector;
pub mod error;
pub mod ids;
pub mod schema;
pub mod version;

pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Error, ErrorKind, Result, ResultExt};
pub use ids::{IdSource, RandomIds, SequentialIds};
pub use version::{TimestampMs, Version};
