//! What became of a put that storage did not answer.
//!
//! A put whose answer is lost may have landed, or may land later, when a retry of it is still under way. Only a body that
//! stands tells: so the identical body is put again until the version is taken, by it or by another, and then the version is
//! read back. Until then nothing else is done.
//!
//! ```text
//!   put ─► committed ──────────────────────────────────────────────► committed
//!    ▲ └─► conflict ───► read back ─► our transaction's id ────────► committed
//!    │        │               └─────► another's ───────────────────► lost
//!    │        └─ unreadable ─┐
//!    ├─ wait ◄───────────────┴─ ambiguous ─► (asked too often) ────► unknown
//!    └────► refused ─► never ambiguous before ─────────────────────► refused
//! ```

use bytes::Bytes;
use deltaic_log::commit_file::read_commit_info;
use deltaic_log::{Error, ErrorKind, Result, ResultExt, TableStore, Version};

use crate::committer::{Committer, PutOutcome};
use crate::retry::RetryPolicy;

/// What became of a body, for certain, or that nobody can tell.
#[derive(Debug)]
pub(crate) enum Settled {
    /// The body stands as the version.
    Committed,
    /// This other body does.
    Lost(Bytes),
    /// The body does not stand, and never will.
    Refused(Error),
    /// Storage could not be asked.
    Unknown(Error),
}

/// Puts a body, and finds out what became of it.
pub(crate) async fn put_and_settle(
    committer: &dyn Committer,
    store: &TableStore,
    pending: &PendingCommit,
    body: &Bytes,
    retry: &RetryPolicy,
) -> Settled {
    let version = pending.version;
    let mut doubt = None;
    for failures in 1..=retry.settlements_max.max(1) {
        let answer = match committer.put(store, version, body.clone()).await {
            PutOutcome::Committed => return Settled::Committed,
            PutOutcome::Refused(error) if doubt.is_none() => return Settled::Refused(error),
            PutOutcome::Conflict => None,
            PutOutcome::Ambiguous(error) | PutOutcome::Refused(error) => Some(error),
        };
        match committer.read(store, version).await {
            Ok(Some(found)) => match pending.is_ours(&found, Some(body)) {
                Ok(true) => return Settled::Committed,
                Ok(false) => return Settled::Lost(found),
                Err(error) => doubt = Some(error),
            },
            Ok(None) => doubt = Some(answer.unwrap_or_else(|| vanished(version))),
            Err(error) => doubt = Some(answer.unwrap_or(error)),
        }
        retry.pause(failures + 1, store.context()).await;
    }
    Settled::Unknown(doubt.unwrap_or_else(|| vanished(version)).with("table", store.root()).with("version", version))
}

/// Publishes what stands. It stays, published or not.
pub(crate) async fn publish(committer: &dyn Committer, store: &TableStore, version: Version) {
    if let Err(error) = committer.publish(store, version).await {
        tracing::warn!(%error, %version, "the commit stands, but could not be published; the next one tries again");
    }
}

fn vanished(version: Version) -> Error {
    let message = "the store says that the version exists, and that it does not";
    Error::new(ErrorKind::Storage, message).with("version", version)
}

/// A commit of which nobody knows yet whether it stands. Until it is settled, none of its data files may be removed, and what
/// it did must not be done again.
///
/// It can be taken apart, kept anywhere, and put together again in another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingCommit {
    version: Version,
    txn_id: String,
    body: Option<Bytes>,
}

/// What became of a [`PendingCommit`].
#[derive(Debug)]
pub enum Settlement {
    /// It stands as its version: everything that was staged is in the table.
    Committed,
    /// It does not stand, and never will: run the operation again, or remove its data files.
    NotCommitted,
    /// Still nobody can tell, for this reason. Settle it again later.
    Unknown(Error),
}

impl PendingCommit {
    /// A commit from its parts. Without its body it can only be looked for: as long as its version is free, it stays unknown.
    ///
    /// ```
    /// use deltaic_commit::PendingCommit;
    /// use deltaic_log::Version;
    /// let pending = PendingCommit::new(Version(3), "d2c639aa-8816-431a-aaf6-d3fe2512ff61", None);
    /// assert_eq!(pending.version(), Version(3));
    /// ```
    pub fn new(version: Version, txn_id: impl Into<String>, body: Option<Bytes>) -> Self {
        Self { version, txn_id: txn_id.into(), body }
    }

    /// The version that it was put as.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The transaction's id, by which its commit is recognised: `txnId` of its `commitInfo`.
    pub fn txn_id(&self) -> &str {
        &self.txn_id
    }

    /// The commit's text.
    pub fn body(&self) -> Option<&Bytes> {
        self.body.as_ref()
    }

    /// Finds out what became of the commit. If its version is still free, the commit is put now: only a version that is taken
    /// keeps a put that is under way from landing.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// # use std::sync::Arc;
    /// # use deltaic_log::{Context, SingleStore, TableStore, Version};
    /// use deltaic_commit::{PendingCommit, RetryPolicy, Settlement, committer::PutIfAbsent};
    /// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
    /// # let store = TableStore::new(&"memory:///table".parse().unwrap(), context)?;
    /// let body = "{\"commitInfo\":{\"txnId\":\"t\"}}\n";
    /// let pending = PendingCommit::new(Version(0), "t", Some(body.into()));
    /// let settlement = pending.settle(&PutIfAbsent::new(), &store, &RetryPolicy::default()).await;
    /// assert!(matches!(settlement, Settlement::Committed));
    /// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
    /// ```
    pub async fn settle(&self, committer: &dyn Committer, store: &TableStore, retry: &RetryPolicy) -> Settlement {
        match self.stands(committer, store).await {
            Ok(Some(true)) => return Settlement::Committed,
            Ok(Some(false)) => return Settlement::NotCommitted,
            Err(error) => return Settlement::Unknown(error),
            Ok(None) => {}
        }
        let Some(body) = &self.body else { return Settlement::Unknown(self.still_free()) };
        match put_and_settle(committer, store, self, body, retry).await {
            Settled::Committed => {
                publish(committer, store, self.version).await;
                Settlement::Committed
            }
            Settled::Lost(_) => Settlement::NotCommitted,
            Settled::Refused(error) | Settled::Unknown(error) => Settlement::Unknown(error),
        }
    }

    /// Whether the version is this commit or another; `None` where it is free.
    async fn stands(&self, committer: &dyn Committer, store: &TableStore) -> Result<Option<bool>> {
        if let Some(found) = committer.read(store, self.version).await? {
            return self.is_ours(&found, self.body.as_ref()).map(Some).with("table", store.root());
        }
        let newer = store.list_log(self.version.next()).await;
        match newer {
            Ok(newer) if !newer.is_empty() => Err(self.cleaned_up().with("table", store.root())),
            Err(error) if error.kind() != ErrorKind::NotATable => Err(error),
            _ => Ok(None),
        }
    }

    /// Whether `found`, which stands as the version, is this commit.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptLog`] where it may be a torn part of it.
    fn is_ours(&self, found: &Bytes, body: Option<&Bytes>) -> Result<bool> {
        if let Some(body) = body {
            if found == body {
                return Ok(true);
            }
            if body.starts_with(found) {
                let message = "the version holds only the first part of what was put: the store tore it";
                return Err(Error::new(ErrorKind::CorruptLog, message).with("version", self.version));
            }
        }
        match read_commit_info(found) {
            Ok(info) => Ok(info.and_then(|info| info.txn_id).as_ref() == Some(&self.txn_id)),
            // What is neither the body nor a part of it is another's, whatever is wrong with it.
            Err(_) if body.is_some() => Ok(false),
            Err(error) => Err(error.with("version", self.version)),
        }
    }

    fn still_free(&self) -> Error {
        let message = "the version is free, and the commit's text is not at hand to put it: it may still land";
        Error::new(ErrorKind::CommitUnknown, message).with("version", self.version).with("txn_id", &self.txn_id)
    }

    fn cleaned_up(&self) -> Error {
        let message =
            "the version's commit was cleaned up from the log before it was settled: look for its files in the table";
        Error::new(ErrorKind::CommitUnknown, message).with("version", self.version).with("txn_id", &self.txn_id)
    }
}
