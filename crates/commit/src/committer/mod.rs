//! Ways to put a version, behind one trait, and the suite that each of them passes.
//!
//! | committer | for | two writers are kept apart by |
//! |---|---|---|
//! | [`Local`] | the local file system, from any number of processes | a rename that replaces nothing |
//! | [`PutIfAbsent`] | any other store | the store's own conditional put, which is tried out first |

pub mod conformance;
mod local;
mod probe;
mod put_if_absent;

pub use local::Local;
pub(crate) use local::publish as rename_if_absent;
pub use put_if_absent::PutIfAbsent;

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use deltaic_log::file_name::{LOG_DIR, LogFileName};
use deltaic_log::{Error, Result, TableStore, Version};
use futures::future::BoxFuture;

/// Puts versions. Shared by any number of transactions; cheap to call.
///
/// # Contract
/// * A version is put once. Of any number of writers, in any number of processes, that put one version, exactly one body
///   stands, whole, and stands for ever: nothing overwrites it.
/// * No reader ever sees a part of a body.
/// * What is [`PutOutcome::Committed`] survives a crash of the machine, as far as the store can promise that.
/// * Each outcome is certain. What is not certain is [`PutOutcome::Ambiguous`], never a guess.
/// * Putting the identical body again is always allowed, and settles an ambiguous put.
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

/// Where a version's commit is, relative to the table's root.
pub(crate) fn commit_path(version: Version) -> String {
    format!("{LOG_DIR}/{}", LogFileName::Commit(version))
}
