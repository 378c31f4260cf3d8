//! What an embedder gives to deltaic, once: storage, time, ids, CPU, memory.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use url::Url;

use crate::clock::{Clock, SystemClock};
use crate::cpu::{Cpu, RayonCpu};
use crate::error::Result;
use crate::ids::{IdSource, RandomIds};

/// Everything that deltaic takes from its surroundings. Cheap to clone; passed down, never global.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    /// Where bytes come from.
    pub stores: Arc<dyn Stores>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where unique ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Where CPU work runs.
    pub cpu: Arc<dyn Cpu>,
    /// How many bytes of decoded data may be under way at once in one scan or replay. A soft bound: what is already
    /// being decoded is finished.
    pub memory_bytes_max: usize,
}

impl Context {
    /// The machine's clock and random ids, the process's rayon pool, 256 MiB, and the given stores.
    pub fn new(stores: Arc<dyn Stores>) -> Self {
        Self {
            stores,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            cpu: Arc::new(RayonCpu),
            memory_bytes_max: 256 << 20,
        }
    }

    /// The same context with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same context with another source of ids.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.ids = ids;
        self
    }

    /// The same context with another CPU executor.
    #[must_use]
    pub fn with_cpu(mut self, cpu: Arc<dyn Cpu>) -> Self {
        self.cpu = cpu;
        self
    }

    /// The same context with another memory bound, in bytes.
    #[must_use]
    pub fn with_memory_bytes_max(mut self, bytes: usize) -> Self {
        self.memory_bytes_max = bytes;
        self
    }
}

/// Finds the store that serves a URL. A table may need several: its own, and those of files named by absolute paths.
pub trait Stores: fmt::Debug + Send + Sync {
    /// The location of `url`, a file or a directory.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] where no store serves the URL.
    fn locate(&self, url: &Url) -> Result<Location>;

    /// A name for the store that serves `url`, which no other store shares that this process can reach: its endpoint and
    /// account belong to it. What is found out about a store, such as whether it keeps its word, is found out once for each
    /// name; and without one, once for each client.
    fn identity(&self, url: &Url) -> Option<String> {
        let _ = url;
        None
    }
}

/// A place in a store.
#[derive(Clone, Debug)]
pub struct Location {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// The place in the store.
    pub path: Path,
    /// The same place in the file system, where it may be read there directly, past the store: a fast path for local
    /// tables. `None` for everything else, and for a local store that must see every request.
    pub local: Option<PathBuf>,
}

/// One store for every URL, whose paths are the store's paths: for an embedder with a single store, and for tests.
///
/// ```
/// use deltaic_log::{Context, SingleStore};
/// use std::sync::Arc;
/// let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// assert!(context.stores.locate(&"memory:///table".parse().unwrap()).is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct SingleStore(Arc<dyn ObjectStore>);

impl SingleStore {
    /// Serves every URL from `store`.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self(store)
    }
}

impl Stores for SingleStore {
    fn locate(&self, url: &Url) -> Result<Location> {
        Ok(Location { store: self.0.clone(), path: url_path(url)?, local: None })
    }
}

/// The path of `url` within its store, percent-decoded once.
///
/// # Errors
/// [`crate::ErrorKind::InvalidArgument`] where the decoded path is no UTF-8 or has `.` or `..` segments.
pub fn url_path(url: &Url) -> Result<Path> {
    Path::from_url_path(url.path()).map_err(|error| {
        crate::Error::new(crate::ErrorKind::InvalidArgument, "the URL's path cannot be used in a store")
            .because(error)
            .with("url", url)
    })
}
