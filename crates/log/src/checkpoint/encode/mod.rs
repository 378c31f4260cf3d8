//! The writing half of checkpoints: from actions and the columns of older checkpoints to the bytes of new ones. Pure; putting
//! files is up to the caller.
//!
//! ```text
//!   commits ─► actions ─┐                                 ┌─► row group ─┐
//!                       ├─► rows, in the checkpoint's own ┼─► row group ─┼─► CheckpointFileEncoder ─► bytes
//!   checkpoint ─► rows ─┘   columns, as Arrow batches     └─► row group ─┘
//! ```

mod actions;
mod adds;
mod conform;
mod parquet_file;
mod schema;
mod stats_json;
mod stats_parsed;

pub use actions::encode_actions;
pub(crate) use actions::{conform_removes, encode_removes};
pub(crate) use adds::AddEncoder;
pub(crate) use conform::has_all;
pub use parquet_file::{CheckpointFileEncoder, EncodedRowGroup, RowGroupJob};
pub use schema::{CheckpointSchema, StatisticsForms};
