use std::sync::Arc;

use deltaic_commit::Committer;
use deltaic_log::{Error, ErrorKind, Result, Snapshot, SnapshotOptions, TableStore};

/// The table that an operation is about: as it stands, or a place where there is none yet; and how versions are put there.
#[derive(Clone, Debug)]
pub struct Target {
    pub(crate) store: TableStore,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) committer: Arc<dyn Committer>,
}

impl Target {
    /// The table that this snapshot shows.
    pub fn table(snapshot: Snapshot, committer: Arc<dyn Committer>) -> Self {
        Self { store: snapshot.store().clone(), snapshot: Some(snapshot), committer }
    }

    /// Whatever is at this place now: the newest version of a table, or nothing.
    ///
    /// # Errors
    /// As [`Snapshot::open`], but that there is no table is no error.
    pub async fn open(store: TableStore, committer: Arc<dyn Committer>) -> Result<Self> {
        Self::open_with(store, committer, SnapshotOptions::new()).await
    }

    /// As [`Self::open`], of a table that is opened in this way: through its catalog, say.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with(store: TableStore, committer: Arc<dyn Committer>, options: SnapshotOptions) -> Result<Self> {
        let snapshot = match Snapshot::open_in(&store, options).await {
            Ok(snapshot) => Some(snapshot),
            Err(error) if error.kind() == ErrorKind::NotATable => None,
            Err(error) => return Err(error),
        };
        Ok(Self { store, snapshot, committer })
    }

    /// The table as it stands; `None` where there is none.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// The table as it stands.
    ///
    /// # Errors
    /// [`ErrorKind::NotATable`].
    pub(crate) fn existing(&self) -> Result<&Snapshot> {
        self.snapshot.as_ref().ok_or_else(|| {
            let message = "there is no table to change: check the path";
            Error::new(ErrorKind::NotATable, message).with("table", self.store.root())
        })
    }

    /// Where the table is, or will be.
    pub fn store(&self) -> &TableStore {
        &self.store
    }
}
