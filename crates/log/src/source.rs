//! Where something beside storage has a say in what the log is: a lock table that must repair a half-done commit before
//! the log is listed, or a catalog that knows commits which are not published yet.
//!
//! Spec: [Getting Ratified Commits from the Catalog](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#getting-ratified-commits-from-the-catalog).

use std::fmt::Debug;

use futures::future::BoxFuture;

use crate::error::Result;
use crate::store::{TableFile, TableStore};
use crate::table_configuration::Access;
use crate::version::Version;

/// Steps in around a listing of the log. This crate never writes; an implementation may.
pub trait LogSource: Debug + Send + Sync {
    /// Whether this is the catalog that manages the table, without which some tables must not be opened.
    fn access(&self) -> Access;

    /// Called before each listing of the log.
    fn before_list<'a>(&'a self, store: &'a TableStore) -> BoxFuture<'a, Result<()>>;

    /// What the catalog knows from version `from` on; `None` where the listing is the truth. Called before each listing,
    /// so that what is published in between is in the one or the other.
    fn tail<'a>(&'a self, store: &'a TableStore, from: Version) -> BoxFuture<'a, Result<Option<CatalogTail>>>;
}

/// What a catalog says of a table's newest commits.
#[derive(Clone, Debug)]
pub struct CatalogTail {
    /// The newest ratified version. Whatever is listed above it is no part of the table.
    pub latest: Version,
    /// Ratified commits that may not be published yet, and where they are, usually below `_delta_log/_staged_commits`.
    pub commits: Vec<(Version, TableFile)>,
}
