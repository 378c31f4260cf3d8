//! Rows that are in the table and change: which they are, and what becomes of them and their files.

pub(crate) mod change;
pub(crate) mod copy;
pub(crate) mod matched;
pub(crate) mod vectors;

use deltaic_log::feature::APPEND_ONLY;
use deltaic_log::{Error, ErrorKind, Result, Snapshot};

use crate::target::Target;

/// What tells that a commit kept the ids of the rows which it moved.
pub(crate) const ROW_TRACKING_PRESERVED: &str = "delta.rowTracking.preserved";

/// The table, if there is one whose rows may change.
///
/// # Errors
/// [`ErrorKind::NotATable`]; [`ErrorKind::InvalidArgument`] for a table that only grows.
pub(crate) fn changeable(target: &Target) -> Result<&Snapshot> {
    let snapshot = target.existing()?;
    if snapshot.configuration().is_active(&APPEND_ONLY) {
        let message = "rows of the table are never removed, as its property delta.appendOnly says";
        return Err(Error::new(ErrorKind::InvalidArgument, message).with("table", target.store.root()));
    }
    Ok(snapshot)
}
