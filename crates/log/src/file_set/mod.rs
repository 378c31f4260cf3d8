//! The live files of a snapshot, as columns.

mod bounds;
mod byte_column;
mod chunk;
mod columns;
mod dictionary;
mod key_column;
mod set;

pub use chunk::{FileChunk, FileView};
pub(crate) use chunk::{LiveRows, Origin, RowGroupOrigin};
pub(crate) use columns::{FileColumns, FileRow};
pub(crate) use key_column::KeyColumn;
pub use set::FileSet;

/// A chunk that has so many rows is closed.
pub(crate) const CHUNK_ROWS_MAX: usize = 1 << 16;
/// A chunk is closed when one of its buffers reaches this many bytes.
pub(crate) const CHUNK_BYTES_MAX: usize = 1 << 30;
