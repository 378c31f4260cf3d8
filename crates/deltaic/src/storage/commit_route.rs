//! How a table is committed to, and what is asked before its log is listed: as its storage and the options have it.

use std::sync::Arc;

use deltaic_commit::Committer;
use deltaic_commit::committer::for_table;
use deltaic_log::{LogSource, Result, TableStore};

use super::options::{Environment, StorageOptions};

/// How one table is committed to: by whom, and with what in front of its log.
///
/// | the table is on | options | committed by | before a listing |
/// |---|---|---|---|
/// | local files | | [`Local`](deltaic_commit::committer::Local) | |
/// | S3 | `aws_s3_locking_provider=dynamodb` | the lock table | half-done commits are finished |
/// | S3 | `aws_s3_allow_unsafe_rename=true` | [`SingleWriter`](deltaic_commit::committer::SingleWriter), with a warning | |
/// | S3 | neither | a conditional put, unless others use a lock table | |
/// | anywhere else | | [`PutIfAbsent`](deltaic_commit::committer::PutIfAbsent) | |
///
/// Where both options are given, the lock table is used. `aws_s3_allow_mixed_commits=true` commits without a look for others
/// who commit in another way. Keep the route and share it: what it looks for, it looks for once for each table.
///
/// ```
/// use deltaic::storage::{ConfiguredStores, table_url};
/// use deltaic::log::TableStore;
/// use deltaic::Context;
/// use std::sync::Arc;
/// let stores = Arc::new(ConfiguredStores::new(deltaic::StorageOptions::new()));
/// let store = TableStore::new(&table_url("/data/sales")?, Context::new(stores.clone()))?;
/// let route = stores.commit_route(&store)?;
/// assert!(format!("{:?}", route.committer()).starts_with("Local"));
/// assert!(route.log_source().is_none());
/// # Ok::<(), deltaic::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CommitRoute {
    committer: Arc<dyn Committer>,
    source: Option<Arc<dyn LogSource>>,
}

impl CommitRoute {
    /// The route that suits the table's storage where no options are at hand.
    pub fn of_storage(store: &TableStore) -> Self {
        Self { committer: for_table(store), source: None }
    }

    /// The route that the options choose for the table.
    pub(super) fn choose(store: &TableStore, options: &StorageOptions, environment: &Environment<'_>) -> Result<Self> {
        #[cfg(feature = "aws")]
        if let Some(route) = s3::choose(store, options, environment)? {
            return Ok(route);
        }
        let _ = (options, environment);
        Ok(Self::of_storage(store))
    }

    /// Puts the table's versions.
    pub fn committer(&self) -> Arc<dyn Committer> {
        self.committer.clone()
    }

    /// What is asked before each listing of the table's log, if anything is: a snapshot's options take it.
    pub fn log_source(&self) -> Option<Arc<dyn LogSource>> {
        self.source.clone()
    }
}

#[cfg(feature = "aws")]
mod s3 {
    use deltaic_commit::committer::SingleWriter;
    use deltaic_commit::committer::dynamodb::{LockAware, LockTable, LockTableCommitter, LockTableSource, Others};
    use deltaic_log::{Error, ErrorKind};

    use super::super::address::Address;
    use super::super::clients::service_of;
    use super::super::known_keys::Service;
    use super::super::lock_table;
    use super::super::options::Resolved;
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Way {
        LockTable,
        SingleWriter,
        ConditionalPut,
    }

    /// `None` for a table that is not on S3.
    pub(super) fn choose(
        store: &TableStore,
        options: &StorageOptions,
        environment: &Environment<'_>,
    ) -> Result<Option<CommitRoute>> {
        let root = store.root();
        let backend = match root.scheme() {
            "s3" | "s3a" | "s3n" | "https" => Address::from_url(root)?.backend,
            _ => return Ok(None),
        };
        if service_of(&backend) != Service::Aws {
            return Ok(None);
        }
        let resolved = options.resolve(Service::Aws, environment)?;
        let others = match resolved.flag("aws_s3_allow_mixed_commits")? {
            Some(true) => Others::Ignored,
            _ => Others::Refused,
        };
        let lock_table =
            || -> Result<Arc<dyn LockTable>> { Ok(Arc::new(lock_table::open(&backend, &resolved, store.context())?)) };
        Ok(Some(match way(&resolved)? {
            Way::LockTable if root.scheme() == "https" => return Err(not_shared()),
            Way::LockTable => {
                let table = lock_table()?;
                CommitRoute {
                    committer: Arc::new(LockTableCommitter::new(table.clone()).with_others(others)),
                    source: Some(Arc::new(LockTableSource::new(table))),
                }
            }
            Way::SingleWriter => {
                CommitRoute { committer: Arc::new(SingleWriter::unsafe_between_writers()), source: None }
            }
            Way::ConditionalPut if others == Others::Ignored => CommitRoute::of_storage(store),
            Way::ConditionalPut => {
                let named = resolved.get("delta_dynamo_table_name").map(|_| lock_table()).transpose()?;
                CommitRoute { committer: Arc::new(LockAware::new(for_table(store), named)), source: None }
            }
        }))
    }

    fn way(resolved: &Resolved) -> Result<Way> {
        let unsafe_rename = resolved.flag("aws_s3_allow_unsafe_rename")? == Some(true);
        let provider = resolved.get("aws_s3_locking_provider").unwrap_or_default().to_ascii_lowercase();
        match provider.as_str() {
            "dynamodb" => {
                if unsafe_rename {
                    tracing::warn!("`aws_s3_allow_unsafe_rename` is left aside: the lock table protects commits");
                }
                Ok(Way::LockTable)
            }
            "" | "none" if unsafe_rename => Ok(Way::SingleWriter),
            "" | "none" => Ok(Way::ConditionalPut),
            other => {
                let message = "there is one locking provider, `dynamodb`; `none` stands for no provider";
                let error = Error::new(ErrorKind::InvalidArgument, message);
                Err(error.with("option", "aws_s3_locking_provider").with("value", other))
            }
        }
    }

    fn not_shared() -> Error {
        let message = "a lock table names tables as other writers do: give the table's address as `s3a://bucket/path`, or with \
                       whatever scheme the others use";
        Error::new(ErrorKind::InvalidArgument, message)
    }

    #[cfg(test)]
    mod tests {
        use super::super::super::stores::ConfiguredStores;
        use super::*;
        use deltaic_log::Context;

        fn route(url: &str, given: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<CommitRoute> {
            let keys = [("aws_access_key_id", "AKID"), ("aws_secret_access_key", "s3cr3t"), ("region", "eu-west-1")];
            let options = keys.iter().chain(given).copied().collect::<StorageOptions>();
            let context = Context::new(Arc::new(ConfiguredStores::new(options.clone())));
            let store = TableStore::new(&url.parse().unwrap(), context).unwrap();
            let find =
                |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            CommitRoute::choose(&store, &options, &find)
        }

        #[track_caller]
        fn check(url: &str, given: &[(&str, &str)], environment: &[(&str, &str)], expect: &str, has_source: bool) {
            let route = route(url, given, environment).unwrap();
            let shown = format!("{:?}", route.committer());
            assert!(shown.starts_with(expect), "{url} {given:?}: {shown}");
            assert_eq!(route.log_source().is_some(), has_source, "{url} {given:?}");
            assert!(!format!("{route:?}").contains("s3cr3t"), "{route:?}");
        }

        const LOCKED: (&str, &str) = ("AWS_S3_LOCKING_PROVIDER", "dynamodb");
        const UNSAFE: (&str, &str) = ("AWS_S3_ALLOW_UNSAFE_RENAME", "true");
        const MIXED: (&str, &str) = ("aws_s3_allow_mixed_commits", "true");

        #[test]
        fn options_choose_the_way() {
            check("s3://b/t", &[], &[], "LockAware { inner: PutIfAbsent", false);
            check("s3a://b/t", &[LOCKED], &[], "LockTableCommitter { table: DynamoDbTable { name: \"delta_log\"", true);
            check("s3a://b/t", &[], &[LOCKED], "LockTableCommitter", true);
            check("s3://b/t", &[UNSAFE], &[], "SingleWriter", false);
            check("s3://b/t", &[UNSAFE, LOCKED], &[], "LockTableCommitter", true);
            check("s3://b/t", &[MIXED], &[], "PutIfAbsent", false);
            check("s3://b/t", &[("aws_s3_locking_provider", "none")], &[LOCKED], "LockAware", false);
            check("s3://b/t", &[("delta_dynamo_table_name", "mine")], &[], "LockAware", false);
            check("memory://m/t", &[LOCKED, UNSAFE], &[], "PutIfAbsent", false);
            check("file:///no/t", &[LOCKED], &[UNSAFE], "Local", false);
        }

        #[test]
        fn the_lock_table_is_known_where_it_is_named() {
            let route = route("s3://b/t", &[("delta_dynamo_table_name", "mine")], &[]).unwrap();
            assert!(format!("{route:?}").contains("name: \"mine\""), "{route:?}");
        }

        #[test]
        fn wrong_options_are_refused() {
            for (url, given) in [
                ("s3://b/t", [("aws_s3_locking_provider", "zookeeper")]),
                ("s3://b/t", [("aws_s3_allow_unsafe_rename", "perhaps")]),
                ("s3://b/t", [("aws_s3_allow_mixed_commits", "perhaps")]),
                ("https://b.s3.eu-west-1.amazonaws.com/t", [LOCKED]),
            ] {
                assert_eq!(route(url, &given, &[]).unwrap_err().kind(), ErrorKind::InvalidArgument, "{url} {given:?}");
            }
        }
    }
}
