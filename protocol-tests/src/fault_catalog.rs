//! A catalog that fails as real ones do, by the faults of a [`FaultStore`].

use std::sync::{Mutex, PoisonError};

use deltaic_commit::PutOutcome;
use deltaic_commit::committer::{Catalog, InProcessCatalog};
use deltaic_log::store::TableFile;
use deltaic_log::{CatalogTail, Error, ErrorKind, Result, TableStore, Version};
use futures::future::{BoxFuture, FutureExt};

use crate::FaultStore;
use crate::fault_store::Fault;

/// [`InProcessCatalog`], whose requests meet the faults that a store's would.
#[derive(Debug)]
pub struct FaultCatalog {
    inner: InProcessCatalog,
    faults: FaultStore,
    late: Mutex<Vec<LateRatification>>,
}

#[derive(Debug)]
struct LateRatification {
    requests: usize,
    store: TableStore,
    version: Version,
    staged: TableFile,
}

impl FaultCatalog {
    /// A catalog of no tables, which fails when `faults` says so.
    pub fn new(faults: FaultStore) -> Self {
        Self { inner: InProcessCatalog::new(), faults, late: Mutex::default() }
    }

    /// Every late ratification is carried out now.
    pub async fn land_all(&self) {
        self.land(usize::MAX).await;
    }

    async fn land(&self, requests: usize) {
        let due: Vec<LateRatification> = {
            let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
            for ratification in late.iter_mut() {
                ratification.requests = ratification.requests.saturating_sub(requests);
            }
            let (due, still_late) = std::mem::take(&mut *late).into_iter().partition(|late| late.requests == 0);
            *late = still_late;
            due
        };
        for LateRatification { store, version, staged, .. } in due {
            // Whoever asked has given up on an answer.
            let _ = self.inner.ratify(&store, version, staged).await;
        }
    }

    async fn ask(&self) -> Result<()> {
        self.land(1).await;
        match self.faults.next_get().await {
            Fault::None => Ok(()),
            _ => Err(lost()),
        }
    }
}

impl Catalog for FaultCatalog {
    fn ratify<'a>(&'a self, store: &'a TableStore, version: Version, staged: TableFile) -> BoxFuture<'a, PutOutcome> {
        async move {
            self.land(1).await;
            match self.faults.next_put().await {
                Fault::None => self.inner.ratify(store, version, staged).await,
                Fault::FailBefore | Fault::Torn => PutOutcome::Ambiguous(lost()),
                Fault::Refuse => PutOutcome::Refused(lost()),
                Fault::FailAfter | Fault::RefuseRetry | Fault::MeetItself => {
                    let _ = self.inner.ratify(store, version, staged).await;
                    PutOutcome::Ambiguous(lost())
                }
                Fault::Late(requests) => {
                    let late = LateRatification { requests, store: store.clone(), version, staged };
                    self.late.lock().unwrap_or_else(PoisonError::into_inner).push(late);
                    PutOutcome::Ambiguous(lost())
                }
            }
        }
        .boxed()
    }

    fn commits<'a>(&'a self, store: &'a TableStore, from: Version) -> BoxFuture<'a, Result<Option<CatalogTail>>> {
        async move {
            self.ask().await?;
            self.inner.commits(store, from).await
        }
        .boxed()
    }

    fn published<'a>(&'a self, store: &'a TableStore, version: Version) -> BoxFuture<'a, Result<()>> {
        async move {
            self.ask().await?;
            self.inner.published(store, version).await
        }
        .boxed()
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Storage, "the catalog did not answer in time")
}
