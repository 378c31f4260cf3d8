//! Which paths of the log, or of an inventory, are below the table's root, and what they are called there.

use std::path::{Path as LocalPath, PathBuf};

use deltaic_log::action_reconciliation::canonical_path;
use deltaic_log::{Location, Result, TableStore};
use deltaic_scan::location::file_url;

/// The table's root, in every spelling that is known of it.
#[derive(Clone, Debug)]
pub(super) struct Root {
    store: TableStore,
    location: Location,
    /// The root without links, where the table is local.
    resolved: Option<PathBuf>,
}

impl Root {
    pub(super) fn of(store: &TableStore) -> Result<Self> {
        let location = store.context().stores.locate(store.root())?;
        let resolved = location.local.as_ref().and_then(|root| root.canonicalize().ok());
        Ok(Self { store: store.clone(), location, resolved })
    }

    pub(super) fn location(&self) -> &Location {
        &self.location
    }

    pub(super) fn store(&self) -> &TableStore {
        &self.store
    }

    /// The path below the root, decoded, of a file that the log names; `None` where the file is elsewhere.
    pub(super) fn path_of(&self, logged: &str) -> Option<String> {
        let is_relative = !logged.starts_with('/') && !logged.contains(":/");
        if is_relative {
            return Some(canonical_path(logged).into_owned()).filter(|path| self.store.locate(path).is_ok());
        }
        let url = file_url(self.store.root(), logged).ok()?;
        let location = self.store.context().stores.locate(&url).ok()?;
        match (&location.local, &self.location.local) {
            (Some(file), Some(root)) => self.local_path_of(file, root),
            _ => below(location.path.as_ref(), self.location.path.as_ref()),
        }
    }

    /// As [`Self::path_of`], of a path as an inventory has it: nothing is encoded, unless it is a URI.
    pub(super) fn path_of_plain(&self, path: &str) -> Option<String> {
        match &self.location.local {
            Some(root) if path.starts_with('/') => self.local_path_of(LocalPath::new(path), root),
            _ if path.starts_with('/') => below(path.trim_start_matches('/'), self.location.path.as_ref()),
            _ if path.contains(":/") => self.path_of(path),
            _ => Some(path.to_owned()).filter(|path| self.store.locate(path).is_ok()),
        }
    }

    fn local_path_of(&self, file: &LocalPath, root: &LocalPath) -> Option<String> {
        let roots = || std::iter::once(root).chain(self.resolved.as_deref());
        let strip =
            |file: &LocalPath| roots().find_map(|root| file.strip_prefix(root).ok().map(LocalPath::to_path_buf));
        let resolved =
            || file.parent()?.canonicalize().ok().zip(file.file_name()).map(|(folder, name)| folder.join(name));
        let relative = strip(file).or_else(|| strip(&resolved()?))?;
        relative.to_str().map(str::to_owned)
    }
}

fn below(path: &str, root: &str) -> Option<String> {
    let rest = path.strip_prefix(root)?;
    let rest = if root.is_empty() { rest } else { rest.strip_prefix('/')? };
    (!rest.is_empty()).then(|| rest.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use deltaic_log::{Context, SingleStore};
    use std::sync::Arc;

    #[test]
    fn paths_below_the_root_are_known_in_every_spelling() {
        let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
        let store = TableStore::new(&"s3://bucket/a%20table".parse().unwrap(), context).unwrap();
        let root = Root::of(&store).unwrap();
        for (logged, expected) in [
            ("p=1/f.parquet", Some("p=1/f.parquet")),
            ("p=a%2520b/f.parquet", Some("p=a%20b/f.parquet")),
            ("s3://bucket/a%20table/f", Some("f")),
            ("s3://bucket/a%20table/p=x%20y/f", Some("p=x y/f")),
            ("s3://bucket/a%20tables/f", None),
            ("s3://bucket/other/f", None),
            ("../other/f", None),
            ("a//b", None),
            ("", None),
        ] {
            assert_eq!(root.path_of(logged).as_deref(), expected, "{logged}");
        }
        for (plain, expected) in [
            ("p=1/f%20g", Some("p=1/f%20g")),
            ("/a table/f", Some("f")),
            ("s3://bucket/a%20table/f", Some("f")),
            ("../f", None),
        ] {
            assert_eq!(root.path_of_plain(plain).as_deref(), expected, "{plain}");
        }
    }
}
