use std::fmt;
use std::sync::Arc;

use deltaic_commit::Committer;
use deltaic_log::{Result, Snapshot, TimestampMs, Version};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::candidates::{Candidates, Place, has_folders};
use super::cutoff::Cutoff;
use super::execute;
use super::hidden::Hidden;
use super::keep;
use super::lite::{Removed, last_outside_of_retention};
use super::report::{VacuumFile, VacuumReport};
use super::root::Root;
use super::walk::Found;
use super::{VacuumBuilder, VacuumMode};

/// What a vacuum would delete. Whoever stops here has made a dry run.
pub struct VacuumPlan {
    pub(super) snapshot: Snapshot,
    pub(super) committer: Arc<dyn Committer>,
    pub(super) cutoff: Cutoff,
    pub(super) is_recorded: bool,
    /// How far the next lite vacuum need not look back any more.
    pub(super) last_outside: Option<Version>,
    candidates: Candidates,
    totals: Totals,
    warnings: Vec<String>,
}

/// What was found.
#[derive(Debug, Default)]
struct Totals {
    num_files: u64,
    size_bytes: u64,
    num_folders: u64,
    /// All of it, unless that is too much to be held.
    found: Vec<Found>,
    is_complete: bool,
}

impl VacuumPlan {
    pub(super) async fn make(builder: VacuumBuilder) -> Result<Self> {
        let VacuumBuilder { snapshot, committer, options, inventory } = builder;
        let cutoff = Cutoff::of(&snapshot, &options)?;
        let root = Root::of(snapshot.store())?;
        let last_outside = last_outside_of_retention(&snapshot, cutoff.time).await?;
        let hidden = Hidden::of(&snapshot);
        let place = match (options.mode, inventory) {
            (VacuumMode::Lite, _) => Place::Log(Removed::since_last_vacuum(&snapshot, last_outside).await?),
            (VacuumMode::Full, Some(inventory)) => Place::Inventory { hidden, inventory },
            (VacuumMode::Full, None) => Place::Storage { hidden, has_folders: has_folders(&snapshot) },
        };
        let kept = keep::collect(&snapshot, &root, &cutoff, &options).await?;
        let candidates = Candidates { root: Arc::new(root), place, keep: Arc::new(kept.set), cutoff: cutoff.time };
        let totals = Totals::of(candidates.stream(), options.files_in_memory_max).await?;
        let (is_recorded, warnings) = (options.is_recorded, kept.warnings);
        Ok(Self { snapshot, committer, cutoff, is_recorded, last_outside, candidates, totals, warnings })
    }

    /// How many files would be deleted.
    pub fn num_files(&self) -> u64 {
        self.totals.num_files
    }

    /// Their size, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.totals.size_bytes
    }

    /// How many empty folders would be deleted: of local tables alone.
    pub fn num_directories(&self) -> u64 {
        self.totals.num_folders
    }

    /// Files that were removed, or last modified, before this moment are not kept.
    pub fn cutoff(&self) -> TimestampMs {
        self.cutoff.time
    }

    /// What is worth knowing before the plan is executed.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The files that would be deleted, in no particular order; sought anew where there are too many to be held.
    ///
    /// # Errors
    /// The items fail with [`deltaic_log::ErrorKind::Storage`], or as the inventory does.
    pub fn files(&self) -> BoxStream<'static, Result<VacuumFile>> {
        let files = |found: Vec<Found>| {
            let file = |found| if let Found::File(file) = found { Some(file) } else { None };
            stream::iter(found.into_iter().filter_map(file).map(Ok))
        };
        self.found().map_ok(files).try_flatten().boxed()
    }

    /// Everything that would be deleted, some at a time.
    pub(super) fn found(&self) -> BoxStream<'static, Result<Vec<Found>>> {
        match self.totals.is_complete {
            true => {
                let chunks: Vec<Vec<Found>> = self.totals.found.chunks(1_000).map(<[Found]>::to_vec).collect();
                stream::iter(chunks).map(Ok).boxed()
            }
            false => self.candidates.stream(),
        }
    }

    pub(super) fn root(&self) -> &Arc<Root> {
        &self.candidates.root
    }

    /// Deletes the files, between two commits that tell of it. Files that cannot be deleted do not keep others from being so.
    ///
    /// # Errors
    /// Those of the commit that tells of the beginning: then nothing was deleted. [`deltaic_log::ErrorKind::Storage`] where
    /// some files could not be deleted: the vacuum can be run again.
    pub async fn execute(self) -> Result<VacuumReport> {
        execute::execute(self).await
    }
}

impl Totals {
    async fn of(mut found: BoxStream<'static, Result<Vec<Found>>>, held_max: usize) -> Result<Self> {
        let mut totals = Self { is_complete: true, ..Self::default() };
        while let Some(found) = found.try_next().await? {
            for one in &found {
                match one {
                    Found::File(file) => {
                        totals.num_files += 1;
                        totals.size_bytes = totals.size_bytes.saturating_add(file.size);
                    }
                    Found::EmptyFolder { .. } => totals.num_folders += 1,
                }
            }
            totals.is_complete &= totals.found.len() + found.len() <= held_max;
            if totals.is_complete { totals.found.extend(found) } else { totals.found = Vec::new() }
        }
        Ok(totals)
    }
}

impl fmt::Debug for VacuumPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VacuumPlan")
            .field("table", self.snapshot.store().root())
            .field("cutoff", &self.cutoff.time)
            .field("num_files", &self.totals.num_files)
            .field("size_bytes", &self.totals.size_bytes)
            .finish_non_exhaustive()
    }
}
