//! The content of a Delta table: expressions, pruning, reading.

pub mod expr;
pub mod plan;
pub mod prune;
pub mod read;
