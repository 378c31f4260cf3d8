use std::sync::Arc;

use bytes::Bytes;
use deltaic_log::file_name::LogFileName;
use deltaic_log::{Error, ErrorKind, Result, TableStore, Version};
use futures::future::{BoxFuture, FutureExt, join};

use super::finish::{FilePut, acknowledge, discard, exists, finish, put_file};
use super::others::{Checked, Others, check_not_written_otherwise};
use super::{LockEntry, LockTable, table_path};
use crate::committer::{Committer, PutOutcome, commit_path};

/// Commits through a lock table; [the module](super) tells how.
///
/// A commit costs one look and two puts in S3, one question and two puts in DynamoDB, and a deletion.
///
/// ```
/// # futures::executor::block_on(async {
/// # use deltaic_log::{Context, SingleStore, TableStore, Version};
/// use deltaic_commit::committer::dynamodb::{InMemoryLockTable, LockTableCommitter};
/// use deltaic_commit::committer::{Committer, PutOutcome};
/// use std::sync::Arc;
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let store = TableStore::new(&"memory:///table".parse().unwrap(), context)?;
/// let committer = LockTableCommitter::new(Arc::new(InMemoryLockTable::new()));
/// let body = bytes::Bytes::from_static(b"{}\n");
/// assert!(matches!(committer.put(&store, Version(0), body.clone()).await, PutOutcome::Committed));
/// assert!(matches!(committer.put(&store, Version(0), body).await, PutOutcome::Conflict));
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct LockTableCommitter {
    table: Arc<dyn LockTable>,
    others: Others,
    checked: Checked,
}

impl LockTableCommitter {
    /// Commits through `table`, and refuses to where others commit in another way.
    pub fn new(table: Arc<dyn LockTable>) -> Self {
        Self { table, others: Others::Refused, checked: Checked::default() }
    }

    /// The same committer, for tables that others may write in another way.
    #[must_use]
    pub fn with_others(mut self, others: Others) -> Self {
        self.others = others;
        self
    }
}

impl Committer for LockTableCommitter {
    fn put<'a>(&'a self, store: &'a TableStore, version: Version, body: Bytes) -> BoxFuture<'a, PutOutcome> {
        async move {
            let put = Put { table: &*self.table, store, version, body };
            // Nothing is made before the entry is put: until then, every failure is a refusal.
            match self.prepare(&put).await {
                Ok(Some(prepared)) => put.make(prepared).await,
                Ok(None) => PutOutcome::Conflict,
                Err(error) => PutOutcome::Refused(error.with("table", store.root()).with("version", version)),
            }
        }
        .boxed()
    }

    fn read<'a>(&'a self, store: &'a TableStore, version: Version) -> BoxFuture<'a, Result<Option<Bytes>>> {
        async move {
            if let Some(body) = store.read(&commit_path(version)).await? {
                return Ok(Some(body));
            }
            let name = LogFileName::Commit(version).to_string();
            match self.table.entry(&table_path(store.root()), &name).await? {
                Some(entry) if !entry.is_complete() => finish(&*self.table, store, &entry).await?,
                _ => {}
            }
            store.read(&commit_path(version)).await
        }
        .boxed()
    }
}

/// One put.
struct Put<'a> {
    table: &'a dyn LockTable,
    store: &'a TableStore,
    version: Version,
    body: Bytes,
}

/// What is ready for the commit.
struct Prepared {
    entry: LockEntry,
    /// The previous version's, whose text is needed no more once this commit stands.
    previous: Option<LockEntry>,
}

impl LockTableCommitter {
    /// Steps 1 to 3; `None` where the version is taken.
    async fn prepare(&self, put: &Put<'_>) -> Result<Option<Prepared>> {
        let (store, version) = (put.store, put.version);
        if exists(store, &commit_path(version)).await? {
            return Ok(None);
        }
        let path = table_path(store.root());
        let previous = match version.previous() {
            Some(previous) => self.table.entry(&path, &LogFileName::Commit(previous).to_string()).await?,
            None => None,
        };
        if self.others == Others::Refused && !self.checked.contains(store).await {
            check_not_written_otherwise(&*self.table, store, version, previous.as_ref()).await?;
            self.checked.insert(store).await;
        }
        if let Some(previous) = &previous {
            finish(&*self.table, store, previous).await?;
        }
        let entry = LockEntry::new(path, version, store.context().ids.uuid());
        let text = store.locate(&entry.temp_file())?;
        // Only an entry gives the text a meaning: one that lands late does no harm.
        object_store::ObjectStoreExt::put(&*text.store, &text.path, put.body.clone().into()).await?;
        Ok(Some(Prepared { entry, previous }))
    }
}

impl Put<'_> {
    /// Step 4, and what follows from its outcome.
    async fn make(&self, prepared: Prepared) -> PutOutcome {
        let entry = &prepared.entry;
        match self.table.create(entry).await {
            PutOutcome::Committed => self.publish(&prepared).await,
            PutOutcome::Conflict => {
                discard(self.store, &entry.temp_file()).await;
                self.lost(entry).await
            }
            PutOutcome::Refused(error) => {
                discard(self.store, &entry.temp_file()).await;
                PutOutcome::Refused(error)
            }
            // The lock table knows whose entry it is, if it can be asked now; else it may be put later still.
            PutOutcome::Ambiguous(error) => match self.table.entry(&entry.table_path, &entry.file_name).await {
                Ok(Some(found)) if found.temp_path == entry.temp_path => self.publish(&prepared).await,
                Ok(Some(_)) => self.lost(entry).await,
                Ok(None) | Err(_) => PutOutcome::Ambiguous(error),
            },
        }
    }

    /// Steps 5 to 7: the commit is made, and its file is put where readers look for it.
    async fn publish(&self, prepared: &Prepared) -> PutOutcome {
        let entry = &prepared.entry;
        let put = match self.store.locate(&entry.file()) {
            Ok(file) => put_file(&file, self.body.clone()).await,
            Err(error) => Err(error),
        };
        let stands = match put {
            Ok(FilePut::Now) => true,
            Ok(FilePut::Before) => match self.store.read(&entry.file()).await {
                Ok(Some(found)) => found == self.body,
                Ok(None) => return self.unpublished(Error::new(ErrorKind::Storage, "it is there, and it is not")),
                Err(error) => return self.unpublished(error),
            },
            Err(error) => return self.unpublished(error),
        };
        join(acknowledge(self.table, self.store, entry), self.discard_previous(prepared)).await;
        if stands {
            return PutOutcome::Committed;
        }
        tracing::error!(
            table = %self.store.root(), file = %entry.file_name,
            "a writer that does not use the lock table took a version that the lock table had given to this one"
        );
        PutOutcome::Conflict
    }

    /// The previous version stands, and so does this one: its text alone stays, as a sign to writers that know no lock table.
    async fn discard_previous(&self, prepared: &Prepared) {
        if let Some(text) = prepared.previous.as_ref().and_then(LockEntry::disposable_temp_file) {
            discard(self.store, &text).await;
        }
    }

    /// The commit is made, but cannot be seen yet. The next put, by this writer or by any other, finishes it.
    fn unpublished(&self, error: Error) -> PutOutcome {
        let message =
            "the lock table took the commit, but its file could not be put: it stands once somebody finishes it";
        PutOutcome::Ambiguous(Error::new(ErrorKind::Storage, message).because(error).with("version", self.version))
    }

    /// The version has another entry: this writer's from an earlier put, or another's.
    async fn lost(&self, ours: &LockEntry) -> PutOutcome {
        match self.table.entry(&ours.table_path, &ours.file_name).await {
            Ok(Some(found)) if found.is_complete() => match exists(self.store, &found.file()).await {
                Ok(false) => PutOutcome::Refused(self.outlived(&found)),
                // It stands, or whoever reads it will see.
                Ok(true) | Err(_) => PutOutcome::Conflict,
            },
            Ok(Some(found)) => {
                if let Err(error) = finish(self.table, self.store, &found).await {
                    tracing::debug!(%error, "the winner's commit could not be finished yet");
                }
                PutOutcome::Conflict
            }
            Ok(None) | Err(_) => PutOutcome::Conflict,
        }
    }

    fn outlived(&self, found: &LockEntry) -> Error {
        let message = "the lock table says that this version was committed, but its file is gone: the table was deleted, or \
                       its log cleaned up. To make the table anew, remove its entries from the lock table first, or choose \
                       another place";
        Error::new(ErrorKind::UnsafeStorage, message)
            .with("table_path", &found.table_path)
            .with("file_name", &found.file_name)
            .with("version", self.version)
    }
}
