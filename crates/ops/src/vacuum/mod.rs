//! Vacuum: deletes the files below a table's root that no version within the retention needs.
//!
//! ```text
//!   listing | log | inventory ──► not kept, old enough ──► plan (a dry run ends here) ──► START ─► delete ─► END
//!                                      ▲
//!   live files, tombstones within the retention, versions to keep: with their deletion vectors
//! ```
//!
//! What is never deleted: anything that the newest version or a tombstone within the retention names, files that were modified
//! within the retention (somebody may be about to commit them), `_delta_log`, whatever else has a name that begins with `_` or
//! `.` (change data and partition columns aside), and anything outside of the root or behind a link. Shallow clones elsewhere
//! that refer to this table's files are not known here, and break.
//!
//! A vacuum that was cut off can simply be run again.

mod candidates;
mod cutoff;
mod delete;
mod execute;
mod hidden;
mod inventory;
mod keep;
mod keep_set;
mod lite;
mod plan;
mod report;
mod root;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use deltaic_commit::{Committer, Operation, Transaction};
use deltaic_log::feature::CATALOG_MANAGED;
use deltaic_log::{Access, Error, ErrorKind, Result, ResultExt, Snapshot, Version};

pub use inventory::{Inventory, InventoryFile};
pub use plan::VacuumPlan;
pub use report::{VacuumFile, VacuumReport};

/// Where a vacuum looks for files to delete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum VacuumMode {
    /// At every file below the root: finds what failed writers left behind, too.
    #[default]
    Full,
    /// At the files that commits since the last vacuum removed: many times faster, but what no commit ever named stays.
    Lite,
}

/// A vacuum to be planned. Nothing is deleted before [`VacuumPlan::execute`].
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_commit::{Operation, Transaction, committer::PutIfAbsent};
/// # use deltaic_log::{Context, SingleStore, Snapshot, SnapshotOptions, TableStore, action::Metadata};
/// use deltaic_ops::VacuumBuilder;
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let store = TableStore::new(&"memory:///table".parse().unwrap(), context)?;
/// # let committer = Arc::new(PutIfAbsent::new());
/// # let metadata = Metadata { id: "5fba94ed-9794-4965-ba6e-6ee3c0d22af9".to_owned(), ..Metadata::default() };
/// # let create = Transaction::create(&store, committer.clone(), metadata, Operation::new("CREATE TABLE")).await?;
/// # create.commit().await.into_result()?;
/// let table = Snapshot::open_in(&store, SnapshotOptions::new()).await?;
/// let plan = VacuumBuilder::new(table, committer).plan().await?;
/// println!("{} files, {} bytes", plan.num_files(), plan.size_bytes());
/// let report = plan.execute().await?;
/// assert_eq!(report.num_deleted_files, 0);
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `plan` is called"]
pub struct VacuumBuilder {
    snapshot: Snapshot,
    committer: Arc<dyn Committer>,
    options: Options,
    inventory: Option<Inventory>,
}

#[derive(Clone, Debug)]
struct Options {
    mode: VacuumMode,
    retention: Option<Duration>,
    enforces_retention: bool,
    keep_versions: Vec<Version>,
    is_permitted_by_catalog: bool,
    is_recorded: bool,
    files_in_memory_max: usize,
}

impl VacuumBuilder {
    /// A full vacuum of the table that `snapshot`, which should be the newest, shows. Files are kept as long as the table's
    /// `delta.deletedFileRetentionDuration` says.
    pub fn new(snapshot: Snapshot, committer: Arc<dyn Committer>) -> Self {
        let options = Options {
            mode: VacuumMode::default(),
            retention: None,
            enforces_retention: true,
            keep_versions: Vec::new(),
            is_permitted_by_catalog: false,
            is_recorded: true,
            files_in_memory_max: 250_000,
        };
        Self { snapshot, committer, options, inventory: None }
    }

    /// Where to look for files.
    pub fn with_mode(mut self, mode: VacuumMode) -> Self {
        self.options.mode = mode;
        self
    }

    /// Keeps files this long, instead of as long as the table says. A shorter time is refused, unless
    /// [`Self::without_enforced_retention`] is called too.
    pub fn with_retention(mut self, retention: Duration) -> Self {
        self.options.retention = Some(retention);
        self
    }

    /// Allows for a shorter retention than the table's: readers of older versions, and writers that have begun before that
    /// time, then fail.
    pub fn without_enforced_retention(mut self) -> Self {
        self.options.enforces_retention = false;
        self
    }

    /// Keeps the files of these versions, however old, as far as they are still there.
    pub fn keep_versions(mut self, versions: impl IntoIterator<Item = Version>) -> Self {
        self.options.keep_versions.extend(versions);
        self
    }

    /// Looks at the files of an inventory, instead of listing them.
    pub fn with_inventory(mut self, inventory: Inventory) -> Self {
        self.inventory = Some(inventory);
        self
    }

    /// For a table that a catalog manages: the catalog allows this vacuum.
    pub fn permitted_by_catalog(mut self) -> Self {
        self.options.is_permitted_by_catalog = true;
        self
    }

    /// Leaves no trace in the table's history: without this, a commit before and one after tell of the vacuum.
    pub fn unrecorded(mut self) -> Self {
        self.options.is_recorded = false;
        self
    }

    /// How many files a plan may hold in memory. Of more it knows their number and size, and seeks them again when it is
    /// executed. 250,000 unless set.
    pub fn with_files_in_memory_max(mut self, files: usize) -> Self {
        self.options.files_in_memory_max = files;
        self
    }

    /// Finds out what would be deleted.
    ///
    /// # Errors
    /// [`ErrorKind::UnsupportedProtocol`] where this library must not write to the table;
    /// [`ErrorKind::InvalidArgument`] where the retention is too short, options contradict each other, or a catalog has not
    /// allowed it; [`ErrorKind::VersionNotFound`] where a version to keep cannot be read, or the commits that a lite vacuum has
    /// to go through are cleaned up; as [`Snapshot::files`].
    #[tracing::instrument(name = "plan vacuum", skip_all, fields(table = %self.snapshot.store().root()))]
    pub async fn plan(self) -> Result<VacuumPlan> {
        self.check().with("table", self.snapshot.store().root())?;
        VacuumPlan::make(self).await
    }

    fn check(&self) -> Result<()> {
        // Spec, "VACUUM Protocol Check": whoever must not write must not delete either.
        Transaction::begin(&self.snapshot, self.committer.clone(), Operation::new("VACUUM START"))?;
        let is_managed = self.snapshot.protocol().supports(&CATALOG_MANAGED);
        if is_managed && self.committer.access() == Access::ThroughCatalog && !self.options.is_permitted_by_catalog {
            let message = "a catalog manages the table, and maintenance is its business: ask the catalog to run it, or say that \
                           it allows this";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        if self.inventory.is_some() && self.options.mode == VacuumMode::Lite {
            let message = "a lite vacuum looks at the log alone: give either an inventory or the lite mode";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(())
    }
}
