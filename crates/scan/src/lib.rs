//! The content of a Delta table: expressions, pruning, reading.

pub mod expr;
pub mod prune;
