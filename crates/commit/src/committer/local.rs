use std::io::{self, ErrorKind as Io, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use deltaic_log::{Error, ErrorKind, Result, TableStore, Version, cpu};
use futures::future::{BoxFuture, FutureExt};

use super::{Committer, PutOutcome, commit_path};
use crate::local_file::Durability;

/// Commits in the local file system, safe between any number of threads and processes, and durable.
///
/// ```text
///   write .<v>.json.<uuid>.tmp ─► fsync it ─► rename to <v>.json, replacing nothing ─► fsync the directory
///   └────── refused if it fails ──────────┘   └─ exists: conflict ─┘   └─ from here on: committed, or ambiguous ─┘
/// ```
///
/// A reader sees the whole file or none, since the name appears only once the content is on disk. Where a file system cannot
/// rename without replacing, a hard link takes its place. A crash leaves at most a `.tmp` file behind, which nobody reads.
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, Location, Result, Stores, TableStore, Version};
/// use deltaic_commit::committer::{Committer, Local, PutOutcome};
/// # #[derive(Debug)]
/// # struct Files;
/// # impl Stores for Files {
/// #     fn locate(&self, url: &url::Url) -> Result<Location> {
/// #         let store = Arc::new(object_store::memory::InMemory::new());
/// #         Ok(Location { store, path: deltaic_log::context::url_path(url)?, local: url.to_file_path().ok() })
/// #     }
/// # }
/// # let place = tempfile::tempdir().unwrap();
/// # let root = url::Url::from_directory_path(place.path()).unwrap();
/// let store = TableStore::new(&root, Context::new(Arc::new(Files)))?;
/// let body = bytes::Bytes::from_static(b"{}\n");
/// assert!(matches!(Local::new().put(&store, Version(0), body.clone()).await, PutOutcome::Committed));
/// assert!(matches!(Local::new().put(&store, Version(0), body).await, PutOutcome::Conflict));
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Local {
    durability: Durability,
}

impl Local {
    /// Commits that survive a crash of the machine.
    pub fn new() -> Self {
        Self { durability: Durability::Synced }
    }

    /// Commits that survive a crash of the process only: several times faster, for tables that can be made anew.
    pub fn unsynced() -> Self {
        Self { durability: Durability::Unsynced }
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

impl Committer for Local {
    fn put<'a>(&'a self, store: &'a TableStore, version: Version, body: Bytes) -> BoxFuture<'a, PutOutcome> {
        async move {
            let put = match Put::new(store, version, self.durability) {
                Ok(put) => put,
                Err(error) => return PutOutcome::Refused(error),
            };
            let run = cpu::run(&store.context().cpu, move || Ok(put.run(&body)));
            // An executor that drops a job may have begun it.
            run.await.unwrap_or_else(PutOutcome::Ambiguous)
        }
        .boxed()
    }

    fn read<'a>(&'a self, store: &'a TableStore, version: Version) -> BoxFuture<'a, Result<Option<Bytes>>> {
        async move { store.read(&commit_path(version)).await }.boxed()
    }
}

/// One put: where it goes, and by which way.
struct Put {
    temporary: PathBuf,
    target: PathBuf,
    durability: Durability,
}

impl Put {
    fn new(store: &TableStore, version: Version, durability: Durability) -> Result<Self> {
        let not_local = || {
            let message = "the table is not reached through the local file system: choose another committer";
            Error::new(ErrorKind::InvalidArgument, message).with("table", store.root())
        };
        let target = store.locate(&commit_path(version))?.local.ok_or_else(not_local)?;
        let name = format!(".{:020}.json.{}.tmp", version.0, store.context().ids.uuid());
        Ok(Self { temporary: target.with_file_name(name), target, durability })
    }

    fn run(&self, body: &[u8]) -> PutOutcome {
        if let Err(error) = self.write_temporary(body) {
            self.remove_temporary();
            return PutOutcome::Refused(self.error("the commit could not be written to the file system", error));
        }
        let published = publish(&self.temporary, &self.target);
        if published.is_err() {
            self.remove_temporary();
        }
        let outcome = match published {
            Ok(()) => PutOutcome::Committed,
            Err(error) if error.kind() == Io::AlreadyExists => PutOutcome::Conflict,
            Err(error) => return PutOutcome::Ambiguous(self.error("the commit could not be given its name", error)),
        };
        // On a conflict too: what is built upon another's commit must not outlive it.
        match self.durability.sync_directory_of(&self.target) {
            Ok(()) => outcome,
            Err(error) => PutOutcome::Ambiguous(self.error("the log's directory could not be written to disk", error)),
        }
    }

    fn write_temporary(&self, body: &[u8]) -> io::Result<()> {
        let mut file = self.durability.create(&self.temporary)?;
        file.write_all(body)?;
        self.durability.sync_file(&file)
    }

    /// Whatever is left behind has a name that nobody reads.
    fn remove_temporary(&self) {
        let _ = std::fs::remove_file(&self.temporary);
    }

    fn error(&self, message: &str, error: io::Error) -> Error {
        Error::new(ErrorKind::Storage, message).because(error).with("file", self.target.display())
    }
}

/// Gives the temporary file its name, unless that name is taken ([`Io::AlreadyExists`]).
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(crate) fn publish(temporary: &Path, target: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, temporary, CWD, target, RenameFlags::NOREPLACE) {
        // The file system cannot: network file systems, and kernels of old.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link(temporary, target),
        renamed => renamed.map_err(io::Error::from),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) use link as publish;

fn link(temporary: &Path, target: &Path) -> io::Result<()> {
    std::fs::hard_link(temporary, target)?;
    let _ = std::fs::remove_file(temporary);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_in(place: &Path, durability: Durability) -> PutOutcome {
        let log = place.join("_delta_log");
        Put { temporary: log.join(".0.tmp"), target: log.join("0.json"), durability }.run(b"{}\n")
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("_delta_log"), "no directory").unwrap();
        assert!(matches!(put_in(place.path(), Durability::Synced), PutOutcome::Refused(_)));
        assert!(matches!(put_in(&place.path().join("_delta_log"), Durability::Synced), PutOutcome::Refused(_)));
    }

    #[test]
    fn what_a_crash_left_behind_is_in_nobodys_way() {
        for durability in [Durability::Synced, Durability::Unsynced] {
            let place = tempfile::tempdir().unwrap();
            let table = place.path().join("made/with/its/parents");
            assert!(matches!(put_in(&table, durability), PutOutcome::Committed));
            std::fs::write(table.join("_delta_log/.1.json.tmp"), "torn").unwrap();
            assert!(matches!(put_in(&table, durability), PutOutcome::Conflict));
            assert_eq!(std::fs::read_dir(table.join("_delta_log")).unwrap().count(), 2);
        }
    }

    #[test]
    fn a_link_is_as_good_as_a_rename() {
        for give_name in [publish as fn(&Path, &Path) -> io::Result<()>, link] {
            let directory = tempfile::tempdir().unwrap();
            let (a, b, target) = (directory.path().join("a"), directory.path().join("b"), directory.path().join("t"));
            std::fs::write(&a, "a").unwrap();
            std::fs::write(&b, "b").unwrap();
            give_name(&a, &target).unwrap();
            assert_eq!(give_name(&b, &target).unwrap_err().kind(), Io::AlreadyExists);
            assert_eq!(std::fs::read_to_string(&target).unwrap(), "a");
            assert!(!a.exists() && b.exists());
        }
    }
}
