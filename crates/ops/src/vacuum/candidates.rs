//! The files that a vacuum would delete: found anew each time that they are asked for.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::Arc;

use deltaic_log::table_properties::property;
use deltaic_log::{Result, Snapshot, TimestampMs};
use foldhash::fast::RandomState;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};

use super::hidden::{Hidden, is_of_log};
use super::inventory::Inventory;
use super::keep_set::KeepSet;
use super::lite::Removed;
use super::report::VacuumFile;
use super::root::Root;
use super::walk::{Found, walk};

/// Where files are looked for, and which of them stay.
#[derive(Clone, Debug)]
pub(super) struct Candidates {
    pub(super) root: Arc<Root>,
    pub(super) place: Place,
    pub(super) keep: Arc<KeepSet>,
    pub(super) cutoff: TimestampMs,
}

/// Where files are looked for.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Everywhere below the root.
    Storage {
        hidden: Hidden,
        has_folders: bool,
    },
    Inventory {
        hidden: Hidden,
        inventory: Inventory,
    },
    /// In the commits of a range.
    Log(Removed),
}

impl Candidates {
    /// Everything that may be deleted, in no particular order.
    pub(super) fn stream(&self) -> BoxStream<'static, Result<Vec<Found>>> {
        let this = self.clone();
        let expired = move |found: &Found| match found {
            Found::File(file) => this.is_expired(file),
            Found::EmptyFolder { modified, .. } => *modified < this.cutoff,
        };
        let only_expired = move |found: Vec<Found>| found.into_iter().filter(&expired).collect::<Vec<_>>();
        self.all().map_ok(only_expired).boxed()
    }

    fn all(&self) -> BoxStream<'static, Result<Vec<Found>>> {
        match &self.place {
            Place::Storage { hidden, has_folders } => walk(&self.root, hidden, *has_folders),
            Place::Inventory { hidden, inventory } => inventory.files(self.root.clone(), hidden.clone()),
            Place::Log(removed) => without_repeats(removed.files(self.root.clone())),
        }
    }

    fn is_expired(&self, file: &VacuumFile) -> bool {
        file.modified < self.cutoff && !is_of_log(&file.path) && !self.keep.contains(&file.path)
    }
}

/// A file may have been added and removed more than once. Of two names that share a hash one is left for a full vacuum.
fn without_repeats(found: BoxStream<'static, Result<Vec<Found>>>) -> BoxStream<'static, Result<Vec<Found>>> {
    let (mut seen, hasher) = (HashSet::new(), RandomState::default());
    let mut is_new = move |found: &Found| match found {
        Found::File(file) => seen.insert(hasher.hash_one(&file.path)),
        Found::EmptyFolder { .. } => true,
    };
    found.map_ok(move |found| found.into_iter().filter(&mut is_new).collect()).boxed()
}

/// Whether the table's files are spread over folders, which can be listed side by side.
pub(super) fn has_folders(snapshot: &Snapshot) -> bool {
    let table = snapshot.configuration();
    !table.partition_columns().is_empty() || table.properties().get(&property::RANDOMIZE_FILE_PREFIXES).unwrap_or(false)
}
