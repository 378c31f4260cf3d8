//! Spec: [Catalog-managed tables](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#catalog-managed-tables): a
//! catalog says which commits count, and storage only holds them.
//!
//! ```text
//!   write _staged_commits/<v>.<uuid>.json ─► the catalog ratifies it as <v> ─► copy it to <v>.json ─► tell the catalog
//!   └──────── refused if it fails ────────┘  └ committed, conflict, ambiguous ┘ └────── publish, whoever comes first ──────┘
//! ```

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use deltaic_log::file_name::{LOG_DIR, STAGED_COMMIT_DIR};
use deltaic_log::store::TableFile;
use deltaic_log::{Access, CatalogTail, Error, ErrorKind, LogSource, Result, ResultExt, TableStore, Version};
use futures::future::{BoxFuture, FutureExt, ready};

use super::{Committer, PutOutcome, commit_path, create_file};

/// A catalog, as far as the commits of the tables that it manages go. Implemented by whoever speaks the catalog's language.
///
/// # Contract
/// * Each version is ratified once, and only after the one before it.
/// * What was ratified is handed out by [`Self::commits`] until it is known to be published.
/// * A table is one root: [`TableStore::root`].
pub trait Catalog: Debug + Send + Sync {
    /// Makes a staged commit the `version` of the table, unless that version is ratified already. The outcome is as certain
    /// as that of [`Committer::put`]; to ratify the same file again is no error, but a conflict or a success.
    fn ratify<'a>(&'a self, store: &'a TableStore, version: Version, staged: TableFile) -> BoxFuture<'a, PutOutcome>;

    /// The newest ratified version, and the ratified commits from `from` on that may not be published yet. `None` where no
    /// version of the table was ratified so far.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] where the catalog does not answer.
    fn commits<'a>(&'a self, store: &'a TableStore, from: Version) -> BoxFuture<'a, Result<Option<CatalogTail>>>;

    /// Learns that all versions up to this one are published, so that it need not keep them.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] where the catalog does not answer.
    fn published<'a>(&'a self, store: &'a TableStore, version: Version) -> BoxFuture<'a, Result<()>>;
}

/// Commits to tables that a [`Catalog`] manages, and to no others.
///
/// Each commit is staged under a name of its own, ratified, and then published, together with whatever others have left
/// unpublished. A staged commit that was not ratified is left behind: clean-up of the log removes it.
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// use deltaic_commit::committer::{CatalogCommitter, CatalogSource, InProcessCatalog};
/// use deltaic_commit::{Operation, Transaction};
/// use deltaic_log::action::Metadata;
/// use deltaic_log::{Context, SingleStore, Snapshot, SnapshotOptions, TableStore, Version};
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let root = "memory:///table".parse().unwrap();
/// let store = TableStore::new(&root, context)?;
/// let catalog = Arc::new(InProcessCatalog::new());
/// let committer = Arc::new(CatalogCommitter::new(catalog.clone()));
///
/// let wishes = [("delta.feature.catalogManaged".to_owned(), "supported".to_owned())];
/// let properties = [("delta.enableInCommitTimestamps".to_owned(), "true".to_owned())];
/// let configuration = wishes.into_iter().chain(properties).collect();
/// let metadata = Metadata { id: "5fba94ed".to_owned(), configuration, ..Metadata::default() };
/// let create = Transaction::create(&store, committer, metadata, Operation::new("CREATE TABLE")).await?;
/// create.commit().await.into_result()?;
///
/// let by_path = Snapshot::open_in(&store, SnapshotOptions::new()).await;
/// assert!(by_path.is_err(), "only the catalog knows which commits count");
/// let through = SnapshotOptions::new().with_source(Arc::new(CatalogSource::new(catalog)));
/// assert_eq!(Snapshot::open_in(&store, through).await?.version(), Version(0));
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct CatalogCommitter {
    catalog: Arc<dyn Catalog>,
}

impl CatalogCommitter {
    /// Commits through `catalog`.
    pub fn new(catalog: Arc<dyn Catalog>) -> Self {
        Self { catalog }
    }

    /// Publishes one ratified commit. Its content never changes, so that it does not matter who publishes it, or how often.
    async fn publish_one(&self, store: &TableStore, version: Version, staged: &TableFile) -> Result<()> {
        let body = store.read(&staged.path).await?;
        let path = commit_path(version);
        let Some(body) = body else {
            // Whoever published it may have told the catalog since, and cleaned up.
            return store.read(&path).await?.map(|_| ()).ok_or_else(|| lost(version, &staged.path));
        };
        match create_file(store, &path, body.clone()).await {
            PutOutcome::Committed => Ok(()),
            PutOutcome::Conflict if store.read(&path).await?.as_ref() == Some(&body) => Ok(()),
            PutOutcome::Conflict => {
                let message = "another commit than the one that the catalog ratified stands in the log: somebody committed \
                               past the catalog; restore the log";
                Err(Error::new(ErrorKind::CorruptLog, message).with("file", path))
            }
            PutOutcome::Ambiguous(error) | PutOutcome::Refused(error) => Err(error),
        }
    }
}

impl Committer for CatalogCommitter {
    fn put<'a>(&'a self, store: &'a TableStore, version: Version, body: Bytes) -> BoxFuture<'a, PutOutcome> {
        async move {
            let name = format!("{:020}.{}.json", version.0, store.context().ids.uuid());
            let path = format!("{LOG_DIR}/{STAGED_COMMIT_DIR}/{name}");
            let (size, modified) = (body.len() as u64, store.context().clock.now());
            match create_file(store, &path, body).await {
                PutOutcome::Committed => {}
                PutOutcome::Conflict => return PutOutcome::Refused(not_unique(&path)),
                // What the catalog was not told of is no commit, wherever it lies.
                PutOutcome::Ambiguous(error) | PutOutcome::Refused(error) => return PutOutcome::Refused(error),
            }
            self.catalog.ratify(store, version, TableFile { path, size, modified }).await
        }
        .boxed()
    }

    fn read<'a>(&'a self, store: &'a TableStore, version: Version) -> BoxFuture<'a, Result<Option<Bytes>>> {
        async move {
            let Some(tail) = self.catalog.commits(store, version).await? else { return Ok(None) };
            if version > tail.latest {
                return Ok(None);
            }
            let staged = tail.commits.iter().find(|(ratified, _)| *ratified == version);
            if let Some((_, staged)) = staged
                && let Some(body) = store.read(&staged.path).await?
            {
                return Ok(Some(body));
            }
            let path = commit_path(version);
            store.read(&path).await?.map(Some).ok_or_else(|| lost(version, &path))
        }
        .boxed()
    }

    fn access(&self) -> Access {
        Access::ThroughCatalog
    }

    fn publish<'a>(&'a self, store: &'a TableStore, version: Version) -> BoxFuture<'a, Result<()>> {
        async move {
            let Some(tail) = self.catalog.commits(store, Version(0)).await? else { return Ok(()) };
            let mut unpublished = tail.commits;
            unpublished.sort_unstable_by_key(|(version, _)| *version);
            unpublished.retain(|(ratified, _)| *ratified <= version);
            for (version, staged) in &unpublished {
                self.publish_one(store, *version, staged)
                    .await
                    .with("table", store.root())
                    .with("version", *version)?;
            }
            match unpublished.last() {
                Some((newest, _)) => self.catalog.published(store, *newest).await,
                None => Ok(()),
            }
        }
        .boxed()
    }
}

/// Lets readers see what a [`Catalog`] has ratified, and nothing else.
#[derive(Clone, Debug)]
pub struct CatalogSource {
    catalog: Arc<dyn Catalog>,
}

impl CatalogSource {
    /// Reads through `catalog`.
    pub fn new(catalog: Arc<dyn Catalog>) -> Self {
        Self { catalog }
    }
}

impl LogSource for CatalogSource {
    fn access(&self) -> Access {
        Access::ThroughCatalog
    }

    fn before_list<'a>(&'a self, _: &'a TableStore) -> BoxFuture<'a, Result<()>> {
        ready(Ok(())).boxed()
    }

    fn tail<'a>(&'a self, store: &'a TableStore, from: Version) -> BoxFuture<'a, Result<Option<CatalogTail>>> {
        async move {
            let tail = self.catalog.commits(store, from).await?;
            tail.map(Some).ok_or_else(|| {
                let message =
                    "the catalog knows no version of this table: check the location, and which catalog manages it";
                Error::new(ErrorKind::NotATable, message).with("table", store.root())
            })
        }
        .boxed()
    }
}

fn lost(version: Version, path: &str) -> Error {
    let message = "the catalog has ratified the version, but its commit is gone from storage: restore the log";
    Error::new(ErrorKind::CorruptLog, message).with("version", version).with("file", path)
}

fn not_unique(path: &str) -> Error {
    let message = "a staged commit of this name exists already: the source of ids repeats itself";
    Error::new(ErrorKind::Internal, message).with("file", path)
}
