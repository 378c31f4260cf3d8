//! Ways to put a version, behind one trait, and the suite that each of them passes.
//!
//! | committer | for | two writers are kept apart by |
//! |---|---|---|
//! | [`Local`] | the local file system, from any number of processes | a rename that replaces nothing |
//! | [`PutIfAbsent`] | any other store | the store's own conditional put, which is tried out first |
//! | [`CatalogCommitter`] | tables that a catalog manages | the catalog, which ratifies each version once |
//! | [`SingleWriter`] | stores without a conditional put, and one writer | nothing |
//! | `dynamodb` (feature `dynamodb`) | S3, shared with writers that use the lock table | a conditional put to the lock table |

mod catalog;
pub mod conformance;
#[cfg(feature = "dynamodb")]
pub mod dynamodb;
mod in_process_catalog;
mod local;
mod probe;
mod put_if_absent;
mod single_writer;

pub use catalog::{Catalog, CatalogCommitter, CatalogSource};
pub use in_process_catalog::InProcessCatalog;
pub use local::Local;
pub(crate) use local::publish as rename_if_absent;
pub use put_if_absent::PutIfAbsent;
pub use single_writer::SingleWriter;

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use deltaic_log::file_name::{LOG_DIR, LogFileName};
use deltaic_log::{Access, Error, Result, TableStore, Version};
use futures::future::{BoxFuture, FutureExt, ready};

/// Puts versions. Shared by any number of transactions; cheap to call.
///
/// # Contract
/// * A version is put once. Of any number of writers, in any number of processes, that put one version, exactly one body
///   stands, whole, and stands for ever: nothing overwrites it.
/// * No reader ever sees a part of a body.
/// * What is [`PutOutcome::Committed`] survives a crash of the machine, as far as the store can promise that.
/// * Each outcome is certain. What is not certain is [`PutOutcome::Ambiguous`], never a guess.
/// * Putting the identical body again is always allowed, and settles an ambiguous put.
/// * Versions are put in order: a put whose predecessor does not stand may be refused.
///
/// [`conformance`] tests all of this but the crash.
pub trait Committer: Debug + Send + Sync {
    /// Puts `body` as `version` of the table, unless that version exists.
    fn put<'a>(&'a self, store: &'a TableStore, version: Version, body: Bytes) -> BoxFuture<'a, PutOutcome>;

    /// The body that stands as `version`, if one does. What this gives was put before the call ended, and stays.
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::Storage`].
    fn read<'a>(&'a self, store: &'a TableStore, version: Version) -> BoxFuture<'a, Result<Option<Bytes>>>;

    /// How tables are reached by this committer: by their path, unless it is a catalog's. Whoever wraps another hands this on.
    fn access(&self) -> Access {
        Access::ByPath
    }

    /// Makes what stands, up to `version`, visible to whoever lists the log. Called after each commit; where it fails, the
    /// commit stands all the same. Nothing has to be done where a commit that stands is listed already; whoever wraps another
    /// hands this on.
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::Storage`], and what the committer says.
    fn publish<'a>(&'a self, _store: &'a TableStore, _version: Version) -> BoxFuture<'a, Result<()>> {
        ready(Ok(())).boxed()
    }
}

/// What became of a put.
#[derive(Debug)]
#[must_use = "a put that did not commit needs an answer"]
pub enum PutOutcome {
    /// The body stands as the version.
    Committed,
    /// A body stands as the version: another writer's, or this one from an earlier put whose answer was lost.
    Conflict,
    /// Nobody knows: the body may stand, or may come to stand later. Put the identical body again.
    Ambiguous(Error),
    /// The body does not stand, and will not come to: the put was refused, or never left.
    Refused(Error),
}

/// The committer that suits the table's storage: [`Local`] where files are reached directly, else [`PutIfAbsent`].
pub fn for_table(store: &TableStore) -> Arc<dyn Committer> {
    let is_local = store.locate(LOG_DIR).is_ok_and(|log| log.local.is_some());
    if is_local { Arc::new(Local::new()) } else { Arc::new(PutIfAbsent::new()) }
}

/// Creates the file at `path` of the table, unless there is one: durably on local files, by conditional put elsewhere.
pub(crate) async fn create_file(store: &TableStore, path: &str, body: Bytes) -> PutOutcome {
    match store.locate(path) {
        Ok(location) if location.local.is_some() => Local::new().create(store, path, body).await,
        Ok(location) => put_if_absent::create(&location, body).await,
        Err(error) => PutOutcome::Refused(error),
    }
}

/// Where a version's commit is, relative to the table's root.
pub(crate) fn commit_path(version: Version) -> String {
    format!("{LOG_DIR}/{}", LogFileName::Commit(version))
}
