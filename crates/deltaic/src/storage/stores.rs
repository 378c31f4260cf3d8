//! The stores that URLs name, each opened once.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use deltaic_log::context::{Location, Stores};
use deltaic_log::{Error, ErrorKind, Result, TableStore};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use url::Url;

use super::address::{Address, Backend};
use super::clients;
use super::commit_route::CommitRoute;
use super::options::StorageOptions;

/// Opens stores by URL, with the options of a user and the environment's, and keeps each one that it opened.
///
/// Every scheme is served whose feature is on: `file`, `memory`, `s3`, `s3a`, `gs`, `az`, `abfs`, `abfss`, `wasb`, `adl`,
/// and `http`, `https` for reading alone. Cheap to clone into threads behind an `Arc`; `Debug` shows no secrets.
///
/// ```
/// use deltaic::storage::{ConfiguredStores, table_url};
/// use deltaic::log::context::Stores;
/// let stores = ConfiguredStores::new(deltaic::StorageOptions::new());
/// let location = stores.locate(&table_url("/data/sales 2026")?)?;
/// assert_eq!(location.path.as_ref(), "data/sales 2026");
/// # Ok::<(), deltaic::Error>(())
/// ```
#[derive(Debug)]
pub struct ConfiguredStores {
    options: StorageOptions,
    opened: Mutex<HashMap<Backend, Arc<dyn ObjectStore>>>,
}

impl ConfiguredStores {
    /// Stores that are opened with `options`. Warns of options that no service knows.
    pub fn new(options: StorageOptions) -> Self {
        for (key, nearest) in options.unknown_keys() {
            tracing::warn!(key, nearest, "unknown storage option: did you mean the nearest one?");
        }
        Self { options, opened: Mutex::default() }
    }

    /// Stores for the table at `url`. Where that is on S3 and no region is given, the shared AWS configuration is asked for
    /// the profile's (feature `aws-profiles`).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where options contradict each other.
    pub async fn for_table(url: &Url, options: StorageOptions) -> Result<Self> {
        #[cfg(feature = "aws-profiles")]
        if matches!(url.scheme(), "s3" | "s3a" | "s3n") {
            let resolved = options.resolve(super::known_keys::Service::Aws, &environment)?;
            return Ok(match super::aws_profiles::region(&resolved).await {
                Some(region) => Self::new(options.with("aws_region", region)),
                None => Self::new(options),
            });
        }
        let _ = url;
        Ok(Self::new(options))
    }

    /// How a table of these stores is committed to, and what is asked before its log is listed, as the options say.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where an option of the lock table is wrong.
    pub fn commit_route(&self, store: &TableStore) -> Result<CommitRoute> {
        CommitRoute::choose(store, &self.options, &environment)
    }

    fn store(&self, address: &Address) -> Result<Arc<dyn ObjectStore>> {
        if let Backend::Memory(name) = &address.backend {
            return Ok(memory(name));
        }
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = opened.get(&address.backend) {
            return Ok(store.clone());
        }
        let store = self.open(address)?;
        opened.insert(address.backend.clone(), store.clone());
        Ok(store)
    }

    fn open(&self, address: &Address) -> Result<Arc<dyn ObjectStore>> {
        tracing::debug!(?address, "opening a store");
        clients::open(&address.backend, &self.options, &environment)
    }
}

impl Stores for ConfiguredStores {
    fn locate(&self, url: &Url) -> Result<Location> {
        if url.scheme() == "file" {
            return local(url);
        }
        let address = Address::from_url(url)?;
        Ok(Location { store: self.store(&address)?, path: address.path, local: None })
    }

    /// The backend and what its client is told: another endpoint of the same bucket's name is another store.
    fn identity(&self, url: &Url) -> Option<String> {
        if url.scheme() == "file" {
            return Some("file".to_owned());
        }
        let backend = Address::from_url(url).ok()?.backend;
        let told = clients::fingerprint(&backend, &self.options, &environment)?;
        Some(format!("{backend:?} {told:016x}"))
    }
}

/// A local place as it is named: nothing is asked of the file system.
fn local(url: &Url) -> Result<Location> {
    let invalid = || Error::new(ErrorKind::InvalidArgument, "the URL names no local path").with("url", url);
    let local = url.to_file_path().map_err(|()| invalid())?;
    let path = Path::from_absolute_path(&local).map_err(|error| invalid().because(error))?;
    Ok(Location { store: Arc::new(LocalFileSystem::new()), path, local: Some(local) })
}

/// The URL of the table at `location`: a URI, or a path of the local file system.
///
/// In a URI percent-encoding is undone; a local path is taken as it is, made absolute, and its `~/` is the home directory.
/// The URL ends with a slash.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] where the scheme is unknown or the location cannot be parsed.
///
/// ```
/// use deltaic::storage::table_url;
/// assert_eq!(table_url("/no/100% sales")?.as_str(), "file:///no/100%25%20sales/");
/// assert_eq!(table_url("s3://bucket/sales")?.as_str(), "s3://bucket/sales/");
/// assert!(table_url("ftp://host/sales").is_err());
/// # Ok::<(), deltaic::Error>(())
/// ```
pub fn table_url(location: &str) -> Result<Url> {
    Address::parse(location).map(|address| address.url)
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The store of that name in this process's memory: it lives as long as the process.
fn memory(name: &str) -> Arc<dyn ObjectStore> {
    static MEMORY: LazyLock<Mutex<HashMap<String, Arc<InMemory>>>> = LazyLock::new(Mutex::default);
    let mut stores = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    stores.entry(name.to_owned()).or_default().clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_endpoint_is_another_store() {
        let identity = |url: &str, endpoint: &str| {
            let options = StorageOptions::new().with("aws_endpoint_url", endpoint).with("allow_http", "true");
            ConfiguredStores::new(options).identity(&table_url(url).unwrap()).unwrap()
        };
        let one = identity("s3://bucket/a", "http://one:1");
        assert_eq!(one, identity("s3://bucket/b", "http://one:1"));
        assert_eq!(one, identity("s3a://bucket/b", "http://one:1"));
        assert_ne!(one, identity("s3://bucket/a", "http://two:1"));
        assert_ne!(one, identity("s3://other/a", "http://one:1"));
        assert!(!one.contains("one:1"), "options may hold secrets: {one}");
    }
}
