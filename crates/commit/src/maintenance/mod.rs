//! The upkeep of the log beside commits: version checksums, log compactions, clean-up.
//!
//! | what | when | by |
//! |---|---|---|
//! | version checksum | after each commit | [`Upkeep`] |
//!
//! None of it can make a commit fail that has landed: what goes wrong is a [`UpkeepWarning`] of the commit's report.

mod log_files;
mod upkeep;
mod version_checksum;

pub(crate) use upkeep::after_commit;
pub use upkeep::{Upkeep, UpkeepReport, UpkeepStep, UpkeepWarning};
pub(crate) use version_checksum::Landed;
