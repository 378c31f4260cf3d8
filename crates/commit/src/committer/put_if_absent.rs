use std::collections::BTreeSet;

use bytes::Bytes;
use deltaic_log::context::Location;
use deltaic_log::file_name::LOG_DIR;
use deltaic_log::{Access, Error, ErrorKind, Result, TableStore, Version};
use futures::future::{BoxFuture, FutureExt, ready};
use futures::lock::Mutex;
use object_store::{Error as StoreError, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::{Committer, PutOutcome, commit_path};

/// Commits by the store's conditional put: `If-None-Match: *` and its likes.
///
/// Some stores ignore the condition and overwrite: two writers then both believe that they have won, and rows are lost
/// without a word. So each store is tried out before its first commit, by putting one small file twice, and refused with
/// [`ErrorKind::UnsafeStorage`] if it takes both. That costs three requests, once for each store and committer.
#[derive(Debug)]
pub struct PutIfAbsent {
    /// The stores that kept two puts apart: scheme and authority. `None` where nothing is tried out.
    tried: Option<Mutex<BTreeSet<String>>>,
}

impl PutIfAbsent {
    /// Tries out each store first.
    pub fn new() -> Self {
        Self { tried: Some(Mutex::default()) }
    }

    /// Trusts the store. For stores that are known to be right, and where a stray file in the log must not be.
    pub fn without_probe() -> Self {
        Self { tried: None }
    }

    async fn probe(&self, store: &TableStore) -> Result<()> {
        let Some(tried) = &self.tried else { return Ok(()) };
        let mut tried = tried.lock().await;
        let name = store.root().as_str();
        let origin = name.strip_suffix(store.root().path()).unwrap_or(name);
        if !tried.contains(origin) {
            probe(store).await?;
            tried.insert(origin.to_owned());
        }
        Ok(())
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
            if let Err(error) = self.probe(store).await {
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

    fn access(&self) -> Access {
        Access::ByPath
    }

    /// A commit that stands is listed already.
    fn publish<'a>(&'a self, _: &'a TableStore, _: Version) -> BoxFuture<'a, Result<()>> {
        ready(Ok(())).boxed()
    }
}

pub(super) async fn create(location: &Location, body: Bytes) -> PutOutcome {
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    match location.store.put_opts(&location.path, PutPayload::from(body), options).await {
        Ok(_) => PutOutcome::Committed,
        Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => PutOutcome::Conflict,
        Err(error) => not_put(error),
    }
}

/// An answer that refuses the request tells that nothing was put. Anything else, a timeout above all, tells nothing.
fn not_put(error: StoreError) -> PutOutcome {
    match error {
        StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => {
            let message = "the store cannot put a file only if it is absent, so that two writers would overwrite each \
                           other: commit through a lock table or a catalog";
            PutOutcome::Refused(Error::new(ErrorKind::UnsafeStorage, message).because(error))
        }
        StoreError::PermissionDenied { .. }
        | StoreError::Unauthenticated { .. }
        | StoreError::InvalidPath { .. }
        | StoreError::UnknownConfigurationKey { .. } => {
            let message = "the store refused to take the commit: check credentials and permissions";
            PutOutcome::Refused(Error::new(ErrorKind::Storage, message).because(error))
        }
        error => {
            let message = "the store did not answer whether it took the commit";
            PutOutcome::Ambiguous(Error::new(ErrorKind::Storage, message).because(error))
        }
    }
}

/// Puts one file twice: the second put must fail. The file's name is none that the log knows, and it is deleted again.
async fn probe(store: &TableStore) -> Result<()> {
    let location = store.locate(&format!("{LOG_DIR}/.put-if-absent.{}.tmp", store.context().ids.uuid()))?;
    let body = Bytes::from_static(
        b"Whether this store keeps two writers apart is tried out with this file. It may be deleted.",
    );
    let first = create(&location, body.clone()).await;
    let second = match &first {
        PutOutcome::Committed => Some(create(&location, body).await),
        _ => None,
    };
    if let Err(error) = location.store.delete(&location.path).await {
        tracing::warn!(%error, file = %location.path, "a file that tried out the store could not be deleted; it does no harm");
    }
    match (first, second) {
        (PutOutcome::Committed, Some(PutOutcome::Conflict)) => Ok(()),
        (PutOutcome::Committed, Some(PutOutcome::Committed)) => {
            let message = "the store ignores the condition \"only if absent\" and overwrites, so that two writers would \
                           lose each other's rows: commit through a lock table or a catalog";
            Err(Error::new(ErrorKind::UnsafeStorage, message).with("table", store.root()))
        }
        (PutOutcome::Ambiguous(error) | PutOutcome::Refused(error), _)
        | (_, Some(PutOutcome::Ambiguous(error) | PutOutcome::Refused(error))) => {
            Err(error.with("table", store.root()))
        }
        (PutOutcome::Conflict, _) | (_, None) => {
            let message = "the store claims that a file exists whose name was never used: it does not keep its word";
            Err(Error::new(ErrorKind::UnsafeStorage, message).with("table", store.root()))
        }
    }
}
