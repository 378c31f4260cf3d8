//! What the tests of the protocol are made with: a writer of logs, a reference model, random histories, canonical rows,
//! entry points for bad input.
//!
//! Nothing here is used by the crates that are tested, and what is expected never comes from them: the log writer puts
//! JSON and parquet together by itself, and the model is a map.
#![allow(clippy::panic, clippy::unwrap_used, reason = "what fails here is a test")]
#![expect(clippy::panic, reason = "a harness that cannot do its part fails the test")]

pub mod canonical_rows;

pub mod checkpoint_writer;
pub mod commit_table;
pub mod counting_allocator;
pub mod counting_store;
pub mod entry_points;
pub mod fault_catalog;
pub mod fault_lock_table;
pub mod fault_store;
pub mod fixture;
pub mod foreign_writer;
pub mod golden;
pub mod local;
pub mod model;
pub mod mutation;
pub mod object_server;
pub mod random_history;
pub mod reading;
pub mod rng;
pub mod row_table;
pub mod scheduler;
pub mod test_log;
pub mod writers;

pub use commit_table::CommitTable;
pub use counting_store::{CountingStore, Counts};
pub use fault_lock_table::FaultLockTable;
pub use fault_store::{Fault, FaultStore};
pub use foreign_writer::ForeignWriter;
pub use model::Model;
pub use object_server::{ObjectServer, Scripted};
pub use rng::Rng;
pub use test_log::TestLog;
