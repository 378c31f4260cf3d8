use std::sync::Arc;

use deltaic_log::{Access, CatalogTail, LogSource, Result, TableStore, Version};
use futures::future::{BoxFuture, FutureExt, ready};

use super::finish::finish;
use super::{LockTable, table_path};

/// The reader's side: before the log is listed, the table's newest entry is looked at, and its commit finished if it is half
/// done, so that the listing shows it. One question to the lock table for each listing.
///
/// A reader that meets a half-done commit writes, then, and needs the right to: one that has not fails, since a listing without
/// the commit would show less than others have seen.
///
/// ```
/// # futures::executor::block_on(async {
/// # use deltaic_log::{Context, SingleStore, TableStore, Version};
/// use deltaic_commit::committer::dynamodb::{InMemoryLockTable, LockEntry, LockTable, LockTableSource, table_path};
/// use deltaic_log::LogSource;
/// use object_store::ObjectStoreExt;
/// use std::sync::Arc;
/// # let memory = Arc::new(object_store::memory::InMemory::new());
/// # let context = Context::new(Arc::new(SingleStore::new(memory.clone())));
/// # let store = TableStore::new(&"memory:///table".parse().unwrap(), context)?;
/// let table = Arc::new(InMemoryLockTable::new());
/// // A writer that died after it had made its commit.
/// memory.put(&"table/_delta_log/.tmp/00000000000000000000.json.x".into(), "{}".into()).await?;
/// let _ = table.create(&LockEntry::new(table_path(store.root()), Version(0), "x")).await;
///
/// LockTableSource::new(table.clone()).before_list(&store).await?;
/// assert_eq!(store.list_log(Version(0)).await?.len(), 1);
/// assert!(table.entries()[0].is_complete());
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct LockTableSource {
    table: Arc<dyn LockTable>,
}

impl LockTableSource {
    /// Repairs what `table` says is half done.
    pub fn new(table: Arc<dyn LockTable>) -> Self {
        Self { table }
    }
}

impl LogSource for LockTableSource {
    fn access(&self) -> Access {
        Access::ByPath
    }

    fn before_list<'a>(&'a self, store: &'a TableStore) -> BoxFuture<'a, Result<()>> {
        async move {
            match self.table.latest(&table_path(store.root())).await? {
                Some(entry) => finish(&*self.table, store, &entry).await,
                None => Ok(()),
            }
        }
        .boxed()
    }

    fn tail<'a>(&'a self, _: &'a TableStore, _: Version) -> BoxFuture<'a, Result<Option<CatalogTail>>> {
        ready(Ok(None)).boxed()
    }
}
