//! The state of a Delta table: what the log says a table *is*, at any version.
//!
//! This crate reads `_delta_log` and never writes to storage. Parsing, reconciliation and the choice of files are sync
//! functions from values to values; async begins where bytes come from storage.

pub mod action;
pub mod action_reconciliation;
pub mod checkpoint;
pub mod clock;
pub mod commit_file;
pub mod context;
pub mod cpu;
pub mod deletion_vector;
pub mod error;
pub mod feature;
pub mod file_name;
pub mod file_set;
pub mod history;
pub mod ids;
pub mod last_checkpoint;
mod once;
pub mod partition_value;
mod replay;
mod scalar_text;
pub mod schema;
pub mod segment;
mod side_by_side;
pub mod snapshot;
pub mod source;
pub mod statistics;
pub mod store;
pub mod table_configuration;
pub mod table_properties;
mod tombstones;
pub mod version;
pub mod version_checksum;

pub use checkpoint::{RowGroupFilter, sidecar_paths};
pub use clock::{Clock, ManualClock, SystemClock};
pub use context::{Context, Location, SingleStore, Stores};
pub use error::{Error, ErrorKind, Result, ResultExt};
pub use file_set::{FileChunk, FileSet, FileView};
pub use history::{History, HistoryEntry};
pub use ids::{IdSource, RandomIds, SequentialIds};
pub use snapshot::{Snapshot, SnapshotOptions};
pub use source::{CatalogTail, LogSource};
pub use store::TableStore;
pub use table_configuration::{Access, TableConfiguration};
pub use version::{TimestampMs, Version};
