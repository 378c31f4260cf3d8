use std::sync::Once;

use bytes::Bytes;
use deltaic_log::context::Location;
use deltaic_log::{Error, ErrorKind, Result, TableStore, Version};
use futures::future::{BoxFuture, FutureExt};
use object_store::{Error as StoreError, ObjectStoreExt, PutPayload};

use super::{Committer, PutOutcome, commit_path};

/// Commits by looking whether a version exists, and putting it if it does not: **for tables that nobody else writes**.
///
/// Between the look and the put there is nothing: of two writers that meet there, one overwrites the other's commit, and both
/// believe that they have won. This breaks the contract of [`Committer`] for all but a single writer, and is meant for stores
/// that have no conditional put and no lock table. A warning says so at the first commit.
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, SingleStore, TableStore, Version};
/// use deltaic_commit::committer::{Committer, PutOutcome, SingleWriter};
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let store = TableStore::new(&"memory:///table".parse().unwrap(), context)?;
/// let committer = SingleWriter::unsafe_between_writers();
/// let body = bytes::Bytes::from_static(b"{}\n");
/// assert!(matches!(committer.put(&store, Version(0), body.clone()).await, PutOutcome::Committed));
/// assert!(matches!(committer.put(&store, Version(0), body).await, PutOutcome::Conflict));
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct SingleWriter {
    warned: Once,
}

impl SingleWriter {
    /// A committer whose user knows that there is one writer.
    pub fn unsafe_between_writers() -> Self {
        Self { warned: Once::new() }
    }
}

impl Committer for SingleWriter {
    fn put<'a>(&'a self, store: &'a TableStore, version: Version, body: Bytes) -> BoxFuture<'a, PutOutcome> {
        async move {
            self.warned.call_once(|| {
                let table = store.root();
                tracing::warn!(%table, "commits are not protected from other writers: two at a time lose each other's rows");
            });
            match store.locate(&commit_path(version)) {
                Ok(location) => put(&location, body).await,
                Err(error) => PutOutcome::Refused(error),
            }
        }
        .boxed()
    }

    fn read<'a>(&'a self, store: &'a TableStore, version: Version) -> BoxFuture<'a, Result<Option<Bytes>>> {
        async move { store.read(&commit_path(version)).await }.boxed()
    }
}

async fn put(location: &Location, body: Bytes) -> PutOutcome {
    match location.store.head(&location.path).await {
        Ok(_) => return PutOutcome::Conflict,
        Err(StoreError::NotFound { .. }) => {}
        Err(error) => return PutOutcome::Refused(error.into()),
    }
    match location.store.put(&location.path, PutPayload::from(body)).await {
        Ok(_) => PutOutcome::Committed,
        Err(error) => {
            let message = "the store did not answer whether it took the commit";
            PutOutcome::Ambiguous(Error::new(ErrorKind::Storage, message).because(error))
        }
    }
}
