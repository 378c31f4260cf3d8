//! Tables in the file system, read in both ways that there are: by plain file calls, and through the object store.

use std::path::Path;
use std::sync::Arc;

use deltaic_log::context::{Location, Stores, url_path};
use deltaic_log::{Context, Error, ErrorKind, Result};
use object_store::local::LocalFileSystem;
use url::Url;

/// How local files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// By plain file calls, past the object store.
    Files,
    /// Through the object store, as remote tables are.
    ObjectStore,
}

/// The local file system, read by one route.
#[derive(Debug)]
pub struct LocalStores(pub Route);

impl Stores for LocalStores {
    fn locate(&self, url: &Url) -> Result<Location> {
        let file = url
            .to_file_path()
            .map_err(|()| Error::new(ErrorKind::InvalidArgument, "the URL is no local path").with("url", url))?;
        let local = (self.0 == Route::Files).then_some(file);
        Ok(Location { store: Arc::new(LocalFileSystem::new()), path: url_path(url)?, local })
    }
}

/// A context that reads local files by one route.
pub fn local_context(route: Route) -> Context {
    Context::new(Arc::new(LocalStores(route)))
}

/// The URL of a local directory.
///
/// # Panics
/// Where `path` does not exist.
pub fn directory_url(path: &Path) -> Url {
    let path = path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Url::from_directory_path(path).expect("a canonical path is absolute")
}
