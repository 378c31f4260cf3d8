//! Every file below the table's root, as a stream in bounded memory.

mod local;
mod store;

use deltaic_log::{Result, TimestampMs};
use futures::stream::BoxStream;

use super::hidden::Hidden;
use super::report::VacuumFile;
use super::root::Root;

/// What a listing finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    File(VacuumFile),
    /// A folder that holds nothing at all: only local file systems have such.
    EmptyFolder {
        path: String,
        modified: TimestampMs,
    },
}

/// Goes through everything that is not hidden. Links are neither found nor followed.
pub(super) fn walk(root: &Root, hidden: &Hidden, has_folders: bool) -> BoxStream<'static, Result<Vec<Found>>> {
    match &root.location().local {
        Some(local) => local::walk(root.store().context().cpu.clone(), local.clone(), hidden.clone()),
        None => store::walk(root.location(), hidden.clone(), has_folders),
    }
}
