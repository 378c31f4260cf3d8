//! A Delta Lake engine to embed: open any table, read it, verify it.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use deltaic::DeltaTable;
//! use futures::TryStreamExt;
//! # let location = "../../fixtures/change_data_feed/partitioned/table";
//! let table = DeltaTable::open(location).await?;
//! let mut batches = table.scan().limit(10).build()?.stream();
//! while let Some(batch) = batches.try_next().await? {
//!     println!("{} rows", batch.num_rows());
//! }
//! # Ok::<(), deltaic::Error>(()) }).unwrap();
//! ```
//!
//! | to do this | begin here |
//! |---|---|
//! | open a table, at a version or time | [`DeltaTable`] |
//! | read rows with a predicate | [`DeltaTable::scan`] |
//! | commit files that an engine has written | [`DeltaTable::transaction`] |
//! | make a table | [`DeltaTable::create`] |
//! | write rows | [`DeltaTable::write`], [`DeltaTableBuilder::target`] |
//! | delete rows | [`DeltaTable::delete`] |
//! | delete files that nothing needs any more | [`DeltaTable::vacuum`] |
//! | keep the log | [`DeltaTable::create_checkpoint`], [`DeltaTable::compact_logs`], [`DeltaTable::plan_metadata_cleanup`] |
//! | spread a scan over threads or machines | [`scan::FileRead`], [`manual::embedding`] |
//! | bring storage, clock and threads of one's own | [`Context`] |
//! | reach S3, Google Cloud Storage, Azure | [`storage`] |
//! | write a checkpoint | [`DeltaTable::create_checkpoint`] |
//! | verify a table | [`check`](mod@check) |
//! | know why | [`manual`] |
//!
//! # Features
//!
//! `functions` (Spark's scalar functions in predicates), `aws`, `azure`, `gcp` and `http` are on by default; `aws-profiles` adds
//! the search for AWS credentials in profiles, single sign-on and assumed roles.

mod alter;
pub mod check;
mod checkpoint;
mod log_maintenance;
pub mod manual;
mod row_changes;
pub mod storage;
mod table;
mod time;

pub use deltaic_commit as commit;
pub use deltaic_log as log;
pub use deltaic_log::{Context, Error, ErrorKind, Result, TimestampMs, Version};
pub use deltaic_ops as ops;
pub use deltaic_scan as scan;
pub use storage::StorageOptions;
pub use table::{DeltaTable, DeltaTableBuilder};
pub use time::parse_timestamp;
