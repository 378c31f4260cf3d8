use std::sync::Arc;

use deltaic_log::{Access, CatalogTail, LogSource, Result, SnapshotOptions, TableStore, Version};
use futures::future::{BoxFuture, FutureExt, ready};

/// What is published may be verified, whoever manages the table.
#[derive(Debug)]
struct Published;

impl LogSource for Published {
    fn access(&self) -> Access {
        Access::ThroughCatalog
    }

    fn before_list<'a>(&'a self, _: &'a TableStore) -> BoxFuture<'a, Result<()>> {
        ready(Ok(())).boxed()
    }

    fn tail<'a>(&'a self, _: &'a TableStore, _: Version) -> BoxFuture<'a, Result<Option<CatalogTail>>> {
        ready(Ok(None)).boxed()
    }
}

/// How a table is opened to be verified.
pub(super) fn options() -> SnapshotOptions {
    SnapshotOptions::new().with_source(Arc::new(Published))
}
