use std::error::Error as StdError;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use deltaic_log::context::Location;
use deltaic_log::{Error, ErrorKind, Result, TableStore, Version};
use futures::future::{BoxFuture, FutureExt};
use object_store::{Error as StoreError, PutMode, PutOptions, PutPayload};

use super::{Committer, PutOutcome, commit_path, probe};

/// Commits by the store's conditional put: `If-None-Match: *` and its likes.
///
/// Some stores ignore the condition and overwrite: two writers then both believe that they have won, and rows are lost
/// without a word. So each store is tried out before its first commit, by putting one small file twice, and refused with
/// [`ErrorKind::UnsafeStorage`] if it takes both. That costs three requests, once for each store and process
/// ([`deltaic_log::context::Stores::identity`]).
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, SingleStore, TableStore, Version};
/// use deltaic_commit::committer::{Committer, PutIfAbsent, PutOutcome};
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let store = TableStore::new(&"memory:///table".parse().unwrap(), context)?;
/// let (first, second) = (PutIfAbsent::new(), PutIfAbsent::new());
/// assert!(matches!(first.put(&store, Version(0), "{}\n".into()).await, PutOutcome::Committed));
/// assert!(matches!(second.put(&store, Version(0), "{}\n".into()).await, PutOutcome::Conflict));
/// assert_eq!((first.probe_requests(), second.probe_requests()), (3, 0));
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct PutIfAbsent {
    probe: Probe,
    probe_requests: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    BeforeTheFirstCommit,
    Never,
}

impl PutIfAbsent {
    /// Tries out each store first, unless this process has done so.
    pub fn new() -> Self {
        Self { probe: Probe::BeforeTheFirstCommit, probe_requests: AtomicU64::new(0) }
    }

    /// Trusts the store. For stores that are known to be right, and where a stray file in the log must not be.
    pub fn without_probe() -> Self {
        Self { probe: Probe::Never, probe_requests: AtomicU64::new(0) }
    }

    /// How many requests went into trying out stores, beside those of commits.
    pub fn probe_requests(&self) -> u64 {
        self.probe_requests.load(Ordering::Relaxed)
    }

    async fn check(&self, store: &TableStore) -> Result<()> {
        let asked = || {
            self.probe_requests.fetch_add(1, Ordering::Relaxed);
        };
        match self.probe {
            Probe::BeforeTheFirstCommit => probe::check(store, &asked).await,
            Probe::Never => Ok(()),
        }
    }
}

impl Default for PutIfAbsent {
    fn default() -> Self {
        Self::new()
    }
}

impl Committer for PutIfAbsent {
    fn put<'a>(&'a self, store: &'a TableStore, version: Version, body: Bytes) -> BoxFuture<'a, PutOutcome> {
        async move {
            if let Err(error) = self.check(store).await {
                return PutOutcome::Refused(error);
            }
            match store.locate(&commit_path(version)) {
                Ok(location) => create(&location, body).await,
                Err(error) => PutOutcome::Refused(error),
            }
        }
        .boxed()
    }

    fn read<'a>(&'a self, store: &'a TableStore, version: Version) -> BoxFuture<'a, Result<Option<Bytes>>> {
        async move { store.read(&commit_path(version)).await }.boxed()
    }
}

/// Puts a file unless it exists.
pub(super) async fn create(location: &Location, body: Bytes) -> PutOutcome {
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    match location.store.put_opts(&location.path, PutPayload::from(body), options).await {
        Ok(_) => PutOutcome::Committed,
        Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => PutOutcome::Conflict,
        Err(error) => not_put(error),
    }
}

/// An answer that refuses the request tells that nothing was put, if it was the only request. Anything else, a timeout above
/// all, tells nothing.
fn not_put(error: StoreError) -> PutOutcome {
    match error {
        StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => {
            let message = "the store cannot put a file only if it is absent, so that two writers would overwrite each \
                           other: commit through a lock table or a catalog";
            PutOutcome::Refused(Error::new(ErrorKind::UnsafeStorage, message).because(error))
        }
        StoreError::InvalidPath { .. } | StoreError::UnknownConfigurationKey { .. } => refused(error),
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } | StoreError::NotFound { .. }
            if was_sent_once(&error) =>
        {
            refused(error)
        }
        error => {
            let message = "the store did not answer whether it took the commit";
            PutOutcome::Ambiguous(Error::new(ErrorKind::Storage, message).because(error))
        }
    }
}

fn refused(error: StoreError) -> PutOutcome {
    let message = "the store refused to take the commit: check bucket, credentials and permissions";
    PutOutcome::Refused(Error::new(ErrorKind::Storage, message).because(error))
}

/// Whether the store's client says that it sent the request once. Clients repeat a request by themselves after answers such as
/// 500, and may have landed it with the first try though the last was refused. They tell of it in their error's text alone: a
/// text that is not understood tells nothing.
fn was_sent_once(error: &StoreError) -> bool {
    let causes = std::iter::successors(Some(error as &(dyn StdError + 'static)), |error| (*error).source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    let of_request = |text: &&String| text.contains("Error performing ");
    texts.iter().any(|text| of_request(&text)) && !texts.iter().filter(of_request).any(|text| text.contains(" retries"))
}
