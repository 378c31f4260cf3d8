//! Whether others commit to a table in a way that this one does not exclude.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use deltaic_log::file_name::LOG_DIR;
use deltaic_log::{Access, Error, ErrorKind, Result, ResultExt, TableStore, Version};
use futures::TryStreamExt;
use futures::future::{BoxFuture, FutureExt};
use futures::lock::Mutex;
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectStoreExt};

use super::entry::TEMP_DIR;
use super::finish::ENTRY_LIFETIME_S;
use super::table_path::other_spellings;
use super::{LockEntry, LockTable, table_path};
use crate::committer::{Committer, PutOutcome, commit_path};

/// What is done where others commit to the table in another way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// Nothing is committed: the two ways do not exclude each other.
    #[default]
    Refused,
    /// The user knows that the others have stopped: nobody looks for them.
    Ignored,
}

/// Tables that were looked at.
#[derive(Debug, Default)]
pub(super) struct Checked(Mutex<BTreeSet<String>>);

impl Checked {
    pub(super) async fn contains(&self, store: &TableStore) -> bool {
        self.0.lock().await.contains(store.root().as_str())
    }

    pub(super) async fn insert(&self, store: &TableStore) {
        self.0.lock().await.insert(store.root().to_string());
    }
}

/// Before the first commit through the lock table, whose version is `version`: `previous` is the entry of the version before.
///
/// # Errors
/// [`ErrorKind::UnsafeStorage`] where somebody else commits past the lock table, or under another spelling.
pub(super) async fn check_not_written_otherwise(
    table: &dyn LockTable,
    store: &TableStore,
    version: Version,
    previous: Option<&LockEntry>,
) -> Result<()> {
    for spelling in other_spellings(store.root()) {
        if let Some(entry) = table.latest(&spelling).await?
            && entry.version().is_some_and(|newest| newest.next() >= version)
            && previous.is_none_or(|previous| previous.version() < entry.version())
        {
            let message = "the lock table has this table's newest commits under another spelling of its address, and the \
                           two do not exclude each other: open the table by that address";
            return Err(mixed(message, &entry));
        }
    }
    if let (Some(before), None) = (version.previous(), previous)
        && is_younger_than_its_entry(store, before).await?
    {
        let message = "the table's newest commit was made within the last day, and the lock table has no entry of it: \
                       somebody commits past the lock table, which does not keep the two apart. Let every writer use \
                       the lock table; if the others have, or the table was copied here, say so with the option \
                       `aws_s3_allow_mixed_commits=true`";
        return Err(Error::new(ErrorKind::UnsafeStorage, message).with("newest", before));
    }
    Ok(())
}

async fn is_younger_than_its_entry(store: &TableStore, version: Version) -> Result<bool> {
    let location = store.locate(&commit_path(version))?;
    match location.store.head(&location.path).await {
        Ok(meta) => {
            let age_ms = store.context().clock.now().0.saturating_sub(meta.last_modified.timestamp_millis());
            Ok(age_ms < ENTRY_LIFETIME_S * 1_000)
        }
        Err(StoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn mixed(message: &str, entry: &LockEntry) -> Error {
    Error::new(ErrorKind::UnsafeStorage, message)
        .with("table_path", &entry.table_path)
        .with("file_name", &entry.file_name)
}

/// A committer that knows of no lock table, with the caution of one that does: before its first commit to a table it looks
/// whether others commit there through a lock table, and refuses then.
///
/// It sees the text of the newest commit, which such writers leave under `_delta_log/.tmp`, and, where the lock table is known,
/// its entries. That costs one listing of a handful of names, and three questions to the lock table.
///
/// ```
/// # futures::executor::block_on(async {
/// # use deltaic_log::{Context, ErrorKind, SingleStore, TableStore, Version};
/// use deltaic_commit::committer::dynamodb::{InMemoryLockTable, LockAware, LockTableCommitter};
/// use deltaic_commit::committer::{Committer, PutIfAbsent, PutOutcome};
/// use std::sync::Arc;
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let store = TableStore::new(&"memory:///table".parse().unwrap(), context)?;
/// let locked = LockTableCommitter::new(Arc::new(InMemoryLockTable::new()));
/// assert!(matches!(locked.put(&store, Version(0), "{}\n".into()).await, PutOutcome::Committed));
///
/// let plain = LockAware::new(Arc::new(PutIfAbsent::new()), None);
/// let PutOutcome::Refused(error) = plain.put(&store, Version(1), "{}\n".into()).await else { unreachable!() };
/// assert_eq!(error.kind(), ErrorKind::UnsafeStorage);
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct LockAware {
    inner: Arc<dyn Committer>,
    table: Option<Arc<dyn LockTable>>,
    checked: Checked,
}

impl LockAware {
    /// Commits by `inner`, unless others commit through a lock table: through `table`, if one is known.
    pub fn new(inner: Arc<dyn Committer>, table: Option<Arc<dyn LockTable>>) -> Self {
        Self { inner, table, checked: Checked::default() }
    }

    async fn check(&self, store: &TableStore, version: Version) -> Result<()> {
        if self.checked.contains(store).await {
            return Ok(());
        }
        let oldest = version.previous().unwrap_or(version);
        if let Some(text) = text_of_a_commit_since(store, oldest).await? {
            let message = "the table's newest commit was made through a lock table, which a plain commit does not respect: \
                           commit through it too, with the option `aws_s3_locking_provider=dynamodb`; if nobody uses it \
                           any more, remove this file, or say so with the option `aws_s3_allow_mixed_commits=true`";
            return Err(Error::new(ErrorKind::UnsafeStorage, message).with("file", text));
        }
        if let Some(table) = &self.table {
            check_no_entry_since(&**table, store, oldest).await?;
        }
        self.checked.insert(store).await;
        Ok(())
    }
}

impl Committer for LockAware {
    fn put<'a>(&'a self, store: &'a TableStore, version: Version, body: Bytes) -> BoxFuture<'a, PutOutcome> {
        async move {
            match self.check(store, version).await.with("table", store.root()) {
                Ok(()) => self.inner.put(store, version, body).await,
                Err(error) => PutOutcome::Refused(error),
            }
        }
        .boxed()
    }

    fn read<'a>(&'a self, store: &'a TableStore, version: Version) -> BoxFuture<'a, Result<Option<Bytes>>> {
        self.inner.read(store, version)
    }

    fn access(&self) -> Access {
        self.inner.access()
    }

    fn publish<'a>(&'a self, store: &'a TableStore, version: Version) -> BoxFuture<'a, Result<()>> {
        self.inner.publish(store, version)
    }
}

/// The text that a writer with a lock table left of `oldest`, or of a newer commit.
async fn text_of_a_commit_since(store: &TableStore, oldest: Version) -> Result<Option<String>> {
    let directory = store.locate(&format!("{LOG_DIR}/{TEMP_DIR}"))?;
    // Just before the texts of that version, whose names go on after it.
    let offset = Path::parse(format!("{}/{:020}", directory.path, oldest.0)).map_err(object_store::Error::from)?;
    let mut listed = directory.store.list_with_offset(Some(&directory.path), &offset);
    while let Some(file) = listed.try_next().await? {
        let name = file.location.filename().unwrap_or_default();
        if name.get(20..).is_some_and(|rest| rest.starts_with(".json.")) {
            return Ok(Some(file.location.to_string()));
        }
    }
    Ok(None)
}

async fn check_no_entry_since(table: &dyn LockTable, store: &TableStore, oldest: Version) -> Result<()> {
    let spellings = std::iter::once(table_path(store.root())).chain(other_spellings(store.root()));
    for spelling in spellings {
        let entry = table.latest(&spelling).await.map_err(|error| {
            let message = "the options name a lock table, but it could not be asked whether others commit through it: \
                           permit that, or leave its name out";
            Error::new(error.kind(), message).because(error)
        })?;
        if let Some(entry) = entry
            && (!entry.is_complete() || entry.version().is_some_and(|version| version >= oldest))
        {
            let message = "others commit to the table through the lock table that the options name, which a plain commit \
                           does not respect: commit through it too, with the option `aws_s3_locking_provider=dynamodb`; if \
                           nobody uses it any more, say so with the option `aws_s3_allow_mixed_commits=true`";
            return Err(mixed(message, &entry));
        }
    }
    Ok(())
}
