//! A writer of another engine, which commits through a lock table by the same steps, with its own habits: it takes a commit for
//! made once its entry is put, whatever becomes of the file; it looks and then overwrites; it marks entries without a condition;
//! and it leaves its texts behind.
//!
//! It is written apart from the committer, and stands for `BaseExternalLogStore`.

use bytes::Bytes;
use deltaic_commit::PutOutcome;
use deltaic_commit::committer::dynamodb::{EntryState, LockEntry, LockTable, table_path};
use deltaic_log::{Result, TableStore, Version};
use object_store::{Error as StoreError, ObjectStoreExt};

use crate::FaultLockTable;
use crate::scheduler::yield_now;

/// What it thinks of its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinks {
    /// It is made, as this version.
    Made(Version),
    /// Another one took the version.
    Taken,
    /// It failed: it is not made, or nobody knows.
    Failed,
}

/// The writer's storage and lock table.
#[derive(Clone, Debug)]
pub struct ForeignWriter {
    /// The table.
    pub store: TableStore,
    /// Its lock table.
    pub lock: FaultLockTable,
}

impl ForeignWriter {
    /// Puts `body` after the newest version that it sees.
    pub async fn append(&self, body: Bytes) -> Thinks {
        match self.try_append(body).await {
            Ok(thinks) => thinks,
            Err(_) => Thinks::Failed,
        }
    }

    async fn try_append(&self, body: Bytes) -> Result<Thinks> {
        let path = table_path(self.store.root());
        if let Some(latest) = self.lock.latest(&path).await? {
            self.fix(&latest).await?;
        }
        let listed = self.store.list_log(Version(0)).await?;
        let newest = listed.iter().map(|file| file.name.version()).max().expect("the table has a version");
        let entry = LockEntry::new(&path, newest.next(), self.store.context().ids.uuid());
        if self.is_there(&entry.file_name).await? {
            return Ok(Thinks::Taken);
        }
        match self.lock.entry(&path, &format!("{:020}.json", newest.0)).await? {
            Some(previous) if !previous.is_complete() => self.fix(&previous).await?,
            _ => assert!(self.is_there(&format!("{:020}.json", newest.0)).await?, "it was listed"),
        }
        self.put(&entry.temp_path, body).await?;
        match self.lock.create(&entry).await {
            PutOutcome::Committed => {}
            PutOutcome::Conflict => return Ok(Thinks::Taken),
            PutOutcome::Ambiguous(error) | PutOutcome::Refused(error) => return Err(error),
        }
        // What goes wrong from here on, others put right.
        let _ = self.fix(&entry).await;
        Ok(Thinks::Made(newest.next()))
    }

    async fn fix(&self, entry: &LockEntry) -> Result<()> {
        if entry.is_complete() {
            return Ok(());
        }
        let mut failures = 0;
        while let Err(error) = self.copy(entry).await {
            failures += 1;
            if failures > 3 {
                return Err(error);
            }
        }
        yield_now().await;
        let state = EntryState::Complete { expire_time_s: Some(self.store.context().clock.now().0 / 1_000 + 86_400) };
        self.lock.truth.overwrite(LockEntry { state, ..entry.clone() });
        Ok(())
    }

    async fn copy(&self, entry: &LockEntry) -> Result<()> {
        if self.is_there(&entry.file_name).await? {
            return Ok(());
        }
        let text = self.store.locate(&format!("_delta_log/{}", entry.temp_path))?;
        let body = text.store.get(&text.path).await?.bytes().await?;
        self.put(&entry.file_name, body).await
    }

    async fn put(&self, name: &str, body: Bytes) -> Result<()> {
        let file = self.store.locate(&format!("_delta_log/{name}"))?;
        file.store.put(&file.path, body.into()).await?;
        Ok(())
    }

    async fn is_there(&self, name: &str) -> Result<bool> {
        let file = self.store.locate(&format!("_delta_log/{name}"))?;
        match file.store.head(&file.path).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
