use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use deltaic_log::store::TableFile;
use deltaic_log::{CatalogTail, Error, ErrorKind, Result, TableStore, Version};
use futures::future::{BoxFuture, FutureExt, ready};
use url::Url;

use super::PutOutcome;
use super::catalog::Catalog;

/// A [`Catalog`] in this process's memory: the reference that others are compared with, and what an embedder's tests use.
///
/// It keeps its word to the letter, but forgets everything with the process, so that no table outlives it.
#[derive(Debug, Default)]
pub struct InProcessCatalog {
    tables: Mutex<HashMap<Url, Managed>>,
}

#[derive(Debug, Default)]
struct Managed {
    /// None before the first version is ratified.
    latest: Option<Version>,
    unpublished: BTreeMap<Version, TableFile>,
}

impl InProcessCatalog {
    /// A catalog of no tables. The first commit to a table makes it known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes on a table whose versions up to `latest` are published already.
    pub fn register(&self, root: &Url, latest: Version) {
        self.tables().insert(root.clone(), Managed { latest: Some(latest), unpublished: BTreeMap::new() });
    }

    fn tables(&self) -> MutexGuard<'_, HashMap<Url, Managed>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Managed {
    fn ratify(&mut self, version: Version, staged: TableFile) -> PutOutcome {
        let next = self.latest.map_or(Version(0), Version::next);
        if version < next {
            return PutOutcome::Conflict;
        }
        if version > next {
            let message = "a version can only be ratified after the one before it: open the table anew";
            return PutOutcome::Refused(Error::new(ErrorKind::InvalidArgument, message).with("version", version));
        }
        self.latest = Some(version);
        self.unpublished.insert(version, staged);
        PutOutcome::Committed
    }

    fn tail(&self, from: Version) -> Option<CatalogTail> {
        let commits = self.unpublished.range(from..).map(|(version, file)| (*version, file.clone())).collect();
        Some(CatalogTail { latest: self.latest?, commits })
    }
}

impl Catalog for InProcessCatalog {
    fn ratify<'a>(&'a self, store: &'a TableStore, version: Version, staged: TableFile) -> BoxFuture<'a, PutOutcome> {
        async move { self.tables().entry(store.root().clone()).or_default().ratify(version, staged) }.boxed()
    }

    fn commits<'a>(&'a self, store: &'a TableStore, from: Version) -> BoxFuture<'a, Result<Option<CatalogTail>>> {
        ready(Ok(self.tables().get(store.root()).and_then(|table| table.tail(from)))).boxed()
    }

    fn published<'a>(&'a self, store: &'a TableStore, version: Version) -> BoxFuture<'a, Result<()>> {
        if let Some(table) = self.tables().get_mut(store.root()) {
            table.unpublished.retain(|unpublished, _| *unpublished > version);
        }
        ready(Ok(())).boxed()
    }
}
