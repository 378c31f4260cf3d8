//! `_delta_log/_last_vacuum_info`: how far the commits have been gone through whose removed files a vacuum has deleted. The next
//! one that looks at commits alone, instead of listing every file, goes on from there. A convention of the reference
//! implementation, which writes and reads the same file; the specification has no word about it.

use deltaic_log::file_name::LOG_DIR;
use deltaic_log::{Error, ErrorKind, Result, TableStore, Version};
use serde::{Deserialize, Serialize};

use super::log_files::{self, Existing};

/// What a vacuum leaves for the next one.
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, SingleStore, TableStore};
/// use deltaic_commit::maintenance::LastVacuumInfo;
/// use deltaic_log::Version;
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let store = TableStore::new(&"memory:///table".parse().unwrap(), context)?;
/// LastVacuumInfo::new(Some(Version(7))).write(&store).await?;
/// let read = LastVacuumInfo::read(&store).await?.unwrap();
/// assert_eq!(read.latest_commit_version_outside_of_retention_window, Some(Version(7)));
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LastVacuumInfo {
    /// The newest commit whose removed files were all old enough to go. None where the vacuum did not look at commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_commit_version_outside_of_retention_window: Option<Version>,
}

impl LastVacuumInfo {
    /// A vacuum that went as far as this commit.
    pub fn new(latest: Option<Version>) -> Self {
        Self { latest_commit_version_outside_of_retention_window: latest }
    }

    /// What the last vacuum left; `None` where there was none, or where the file is damaged.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    pub async fn read(store: &TableStore) -> Result<Option<Self>> {
        let text = store.read(&path()).await?;
        Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    /// Leaves this for the next vacuum, in place of what the last one left.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    pub async fn write(&self, store: &TableStore) -> Result<()> {
        let mut text = serde_json::to_vec(self)
            .map_err(|error| Error::new(ErrorKind::Internal, "a version cannot be written as JSON").because(error))?;
        text.push(b'\n');
        log_files::put(store, &path(), text, Existing::IsReplaced).await.map(drop)
    }
}

fn path() -> String {
    format!("{LOG_DIR}/_last_vacuum_info")
}

#[cfg(test)]
mod tests {
    use super::*;
    use deltaic_log::cpu::InlineCpu;
    use deltaic_log::{Context, SingleStore};
    use futures::executor::block_on;
    use object_store::ObjectStoreExt;
    use std::sync::Arc;

    /// The reference implementation's own text, and what it may leave.
    #[test]
    fn texts() {
        let memory = Arc::new(object_store::memory::InMemory::new());
        let context = Context::new(Arc::new(SingleStore::new(memory.clone()))).with_cpu(Arc::new(InlineCpu));
        let store = TableStore::new(&"memory:///t".parse().unwrap(), context).unwrap();
        let location = store.locate(&path()).unwrap();
        assert_eq!(block_on(LastVacuumInfo::read(&store)).unwrap(), None);
        for (text, expected) in [
            ("{\"latestCommitVersionOutsideOfRetentionWindow\":10}\n", Some(LastVacuumInfo::new(Some(Version(10))))),
            ("{}\n", Some(LastVacuumInfo::new(None))),
            ("{\"latestCommit", None),
            ("", None),
        ] {
            block_on(location.store.put(&location.path, text.into())).unwrap();
            let found = block_on(LastVacuumInfo::read(&store)).unwrap();
            assert_eq!(found, expected, "{text}");
            if let Some(info) = found {
                block_on(info.write(&store)).unwrap();
                assert_eq!(block_on(store.read(&path())).unwrap().unwrap(), text);
            }
        }
    }
}
