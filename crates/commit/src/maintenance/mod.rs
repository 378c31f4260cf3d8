//! The upkeep of the log beside commits: what makes it short to read again, and what has expired.
//!
//! | what | when | by |
//! |---|---|---|
//! | version checksum | after each commit | [`Upkeep`] |
//! | checkpoint | after each commit whose version is due, or when asked for | [`Upkeep`], [`write_checkpoint`] |
//! | log compaction | when asked for | [`compact_logs`] |
//! | clean-up of what has expired | after a checkpoint, or when asked for | [`Upkeep`], [`plan_metadata_cleanup`] |
//! | how far a vacuum went | when one is through | [`LastVacuumInfo`] |
//!
//! None of it can make a commit fail that has landed: what goes wrong is a [`UpkeepWarning`] of the commit's report.

mod checkpoint;
mod checkpoint_protection;
mod last_vacuum_info;
mod log_compaction;
mod log_files;
mod metadata_cleanup;
mod upkeep;
mod version_checksum;

pub use checkpoint::{CheckpointForm, CheckpointOptions, CheckpointWritten, write_checkpoint};
pub use last_vacuum_info::LastVacuumInfo;
pub use log_compaction::{LogCompaction, compact_logs, uncovered_commits};
pub use metadata_cleanup::{CleanupOptions, CleanupPlan, Granularity, KeepReason, plan_metadata_cleanup};
pub(crate) use upkeep::after_commit;
pub use upkeep::{Upkeep, UpkeepReport, UpkeepStep, UpkeepWarning};
pub(crate) use version_checksum::Landed;
