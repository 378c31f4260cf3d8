use deltaic_log::{Error, Location, Result, TimestampMs};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::ObjectMeta;
use object_store::path::Path;

use super::super::hidden::Hidden;
use super::super::report::VacuumFile;
use super::Found;

/// Folders listed at the same time.
const LANES: usize = 8;
/// Files handed on at a time.
const FILES_AT_ONCE: usize = 1_000;

/// A store has no folders: a listing gives everything below a prefix, page by page. Where files are spread over folders, these
/// are listed side by side; otherwise one listing goes through all.
pub(super) fn walk(root: &Location, hidden: Hidden, has_folders: bool) -> BoxStream<'static, Result<Vec<Found>>> {
    let (store, prefix) = (root.store.clone(), root.path.clone());
    let listed: BoxStream<'static, object_store::Result<ObjectMeta>> = match has_folders {
        false => store.list(Some(&prefix)),
        true => {
            let (root, hidden) = (prefix.clone(), hidden.clone());
            let top = async move {
                let top = store.list_with_delimiter(Some(&root)).await?;
                let shown = move |folder: &Path| !folder.filename().is_none_or(|name| hidden.is_hidden(name));
                let folders = top.common_prefixes.into_iter().filter(shown);
                let below = stream::iter(folders).map(move |folder| store.list(Some(&folder))).flatten_unordered(LANES);
                Ok::<_, object_store::Error>(stream::iter(top.objects.into_iter().map(Ok)).chain(below))
            };
            stream::once(top).try_flatten().boxed()
        }
    };
    let found = listed.map_err(Error::from).try_filter_map(move |meta| {
        let path =
            meta.location.as_ref().strip_prefix(prefix.as_ref()).map(|path| path.trim_start_matches('/').to_owned());
        let modified = TimestampMs(meta.last_modified.timestamp_millis());
        let file = path
            .filter(|path| !path.is_empty() && !hidden.hides(path))
            .map(|path| Found::File(VacuumFile { path, size: meta.size, modified }));
        futures::future::ready(Ok(file))
    });
    found.try_chunks(FILES_AT_ONCE).map_err(|error| error.1).boxed()
}
