//! Data files to batches of the logical schema.
//!
//! ```text
//! FileRead --open--> footer, deletion vectors --prepare--> columns (resolve), rows (row_groups, row_selection)
//!          --decode, row group by row group--> decoded batch --filter, assemble--> logical batch
//! ```
//!
//! What is pure stays apart from what waits: [`Reader::read_file_blocking`] runs the same machine on a plain thread that
//! [`Reader::read_all`] runs on async storage and the embedder's CPU executor. Spec:
//! [Reader Requirements for Column Mapping](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#reader-requirements-for-column-mapping),
//! [… for Deletion Vectors](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#reader-requirement-for-deletion-vectors),
//! [… for Type Widening](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#reader-requirements-for-type-widening),
//! [… for Row Tracking](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#reader-requirements-for-row-tracking).

mod assemble;
mod blocking;
mod convert;
mod decode;
mod error;
mod file_schema;
mod footer;
mod open;
mod pruning;
mod reader;
mod resolve;
mod row_groups;
mod row_selection;
mod runner;
mod source;
mod stream;
mod variant;

pub use blocking::BlockingRead;
pub use reader::Reader;
pub use stream::{BatchStream, ReadOptions};
