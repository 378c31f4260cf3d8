use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use deltaic_log::Result;
use futures::future::{BoxFuture, FutureExt, ready};

use super::{EntryState, LockEntry, LockTable};
use crate::committer::PutOutcome;

/// A lock table in this process's memory: it stands for the real one in tests.
///
/// ```
/// # futures::executor::block_on(async {
/// use deltaic_commit::PutOutcome;
/// use deltaic_commit::committer::dynamodb::{InMemoryLockTable, LockEntry, LockTable};
/// use deltaic_log::Version;
/// let table = InMemoryLockTable::new();
/// assert!(matches!(table.create(&LockEntry::new("s3://b/t", Version(0), "mine")).await, PutOutcome::Committed));
/// assert!(matches!(table.create(&LockEntry::new("s3://b/t", Version(0), "yours")).await, PutOutcome::Conflict));
/// # });
/// ```
#[derive(Debug, Default)]
pub struct InMemoryLockTable(Mutex<Entries>);

type Entries = BTreeMap<(String, String), LockEntry>;

impl InMemoryLockTable {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every entry, by table and file name.
    pub fn entries(&self) -> Vec<LockEntry> {
        self.lock().values().cloned().collect()
    }

    /// Puts the entry, whatever is there.
    pub fn overwrite(&self, entry: LockEntry) {
        self.lock().insert(key(&entry), entry);
    }

    /// Removes the entry of a file, as a time to live does.
    pub fn expire(&self, table_path: &str, file_name: &str) {
        self.lock().remove(&(table_path.to_owned(), file_name.to_owned()));
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(entry: &LockEntry) -> (String, String) {
    (entry.table_path.clone(), entry.file_name.clone())
}

impl LockTable for InMemoryLockTable {
    fn entry<'a>(&'a self, table_path: &'a str, file_name: &'a str) -> BoxFuture<'a, Result<Option<LockEntry>>> {
        let entry = self.lock().get(&(table_path.to_owned(), file_name.to_owned())).cloned();
        ready(Ok(entry)).boxed()
    }

    fn latest<'a>(&'a self, table_path: &'a str) -> BoxFuture<'a, Result<Option<LockEntry>>> {
        let entries = self.lock();
        let latest = entries.values().rfind(|entry| entry.table_path == table_path).cloned();
        ready(Ok(latest)).boxed()
    }

    fn create<'a>(&'a self, entry: &'a LockEntry) -> BoxFuture<'a, PutOutcome> {
        let mut entries = self.lock();
        let outcome = match entries.contains_key(&key(entry)) {
            true => PutOutcome::Conflict,
            false => {
                entries.insert(key(entry), entry.clone());
                PutOutcome::Committed
            }
        };
        ready(outcome).boxed()
    }

    fn complete<'a>(&'a self, entry: &'a LockEntry, expire_time_s: i64) -> BoxFuture<'a, Result<()>> {
        if let Some(found) = self.lock().get_mut(&key(entry))
            && found.temp_path == entry.temp_path
            && found.state == EntryState::Incomplete
        {
            found.state = EntryState::Complete { expire_time_s: Some(expire_time_s) };
        }
        ready(Ok(())).boxed()
    }
}
