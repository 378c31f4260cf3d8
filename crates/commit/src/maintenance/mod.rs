//! Upkeep of the log: what makes it short to read again, after a commit and apart from it.

mod checkpoint;

pub use checkpoint::{CheckpointForm, CheckpointOptions, CheckpointWritten, write_checkpoint};
