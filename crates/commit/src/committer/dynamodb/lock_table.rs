use std::fmt::Debug;

use deltaic_log::Result;
use futures::future::BoxFuture;

use super::LockEntry;
use crate::committer::PutOutcome;

/// What a commit needs of the lock table. [`DynamoDbTable`](super::DynamoDbTable) asks DynamoDB;
/// [`InMemoryLockTable`](super::InMemoryLockTable) stands for it in tests.
///
/// # Contract
/// Every answer is consistent: an entry that was put before the question was asked is seen.
pub trait LockTable: Debug + Send + Sync {
    /// The entry of a file, if there is one.
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::Storage`] where the lock table cannot be asked;
    /// [`deltaic_log::ErrorKind::CorruptLog`] where it holds something else.
    fn entry<'a>(&'a self, table_path: &'a str, file_name: &'a str) -> BoxFuture<'a, Result<Option<LockEntry>>>;

    /// The entry of the table's greatest file name.
    ///
    /// # Errors
    /// As [`Self::entry`].
    fn latest<'a>(&'a self, table_path: &'a str) -> BoxFuture<'a, Result<Option<LockEntry>>>;

    /// Puts the entry, unless the file has one. The outcome says of the entry what it says of a version elsewhere.
    fn create<'a>(&'a self, entry: &'a LockEntry) -> BoxFuture<'a, PutOutcome>;

    /// Marks the entry complete, if it still is as given: another's entry is left as it is, and so is one that is complete.
    ///
    /// # Errors
    /// As [`Self::entry`].
    fn complete<'a>(&'a self, entry: &'a LockEntry, expire_time_s: i64) -> BoxFuture<'a, Result<()>>;
}
