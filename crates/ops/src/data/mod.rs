//! Data files: rows of a table, checked, parted, written, counted.
//!
//! ```text
//!   input batch ─► alignment (by name, lossless) ─► computed columns ─► row checks ─► partitions ─► file writers ─► adds
//!                                                                                       │            columns encoded and
//!                                                                                       │            measured side by side
//!                                                                                       └ bounded memory, any number of them
//! ```

pub(crate) mod alignment;
mod cast;
pub(crate) mod computed;
pub(crate) mod deletion_vectors;
mod encode;
mod file_writer;
mod identity;
pub(crate) mod layout;
pub(crate) mod options;
mod partition;
pub(crate) mod physical_schema;
mod row_checks;
pub(crate) mod row_pipeline;
pub(crate) mod sink;
pub(crate) mod statistics;
pub(crate) mod table_writer;
