//! The content of a Delta table: expressions, pruning, scans, reading data files, the change data feed.

pub mod change_data_feed;
mod checkpoint_pruning;
pub mod expr;
mod file_pruning;
pub mod location;
pub mod plan;
mod projection;
pub mod prune;
pub mod read;
mod scan;
mod selection;

pub use plan::{FileRead, MetadataColumn, ReadSpec, RowSet};
pub use read::{BatchStream, ReadOptions, Reader};
pub use scan::{PlannedFile, Scan, ScanBuilder};
