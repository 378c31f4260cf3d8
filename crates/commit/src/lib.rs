//! How a Delta table changes: a transaction stages actions, and commits them as the table's next version.
//!
//! Nothing is ever lost, doubled, or reported wrongly: a commit is [`CommitOutcome::Committed`],
//! [`CommitOutcome::NotCommitted`], or, where storage cannot be asked any more, [`CommitOutcome::Unknown`] together with the
//! way to settle it.
//!
//! | to do this | begin here |
//! |---|---|
//! | change a table | [`Transaction::begin`] |
//! | make a table | [`Transaction::create`] |
//! | choose how a version is put | [`committer`] |
//! | settle a commit of unknown outcome | [`PendingCommit::settle`] |
//! | drop a table feature | [`feature_drop`] |
//! | write a checkpoint | [`maintenance::write_checkpoint`] |
//! | keep the log in order | [`maintenance`] |
//!
//! This crate knows nothing of rows: whoever stages a file has written it, as the table's features demand. Of `deltaic-scan`
//! it uses the pure half alone, expressions and pruning, to tell which files a predicate could have read.

pub mod committer;
mod conflict;
pub mod feature_drop;
mod invariants;
mod isolation;
mod local_file;
pub mod maintenance;
mod metadata_change;
mod operation;
mod outcome;
mod read_set;
mod retry;
mod row_id_columns;
mod row_tracking_backfill;
mod settle;
mod staged;
mod stamp;
mod tip;
mod transaction;
mod winner;

pub use committer::{Committer, PutOutcome};
pub use operation::Operation;
pub use outcome::{CommitOutcome, Committed};
pub use retry::RetryPolicy;
pub use settle::{PendingCommit, Settlement};
pub use transaction::Transaction;
