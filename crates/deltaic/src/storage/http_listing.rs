//! Listing over plain HTTP, by WebDAV's PROPFIND: a folder at a time, for many servers refuse to list whole trees (Apache's
//! `DavDepthInfinity` is off unless somebody turns it on).

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, Result};

use super::network;

/// How many folders deep a listing goes: what is below `_delta_log` has one or two.
const DEPTH_MAX: usize = 16;

/// The files below `prefix`, in no particular order.
pub(super) fn list<S: ObjectStore>(store: Arc<S>, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
    let folders = vec![(prefix.cloned(), 0)];
    stream::try_unfold(folders, move |mut folders| {
        let store = store.clone();
        async move {
            let Some((folder, depth)) = folders.pop() else { return Ok(None) };
            let listed = store.list_with_delimiter(folder.as_ref()).await.map_err(explained)?;
            // A server that names a folder as its own child would be asked for ever.
            let below = listed.common_prefixes.into_iter().filter(|child| is_below(child, folder.as_ref()));
            folders.extend(below.filter(|_| depth < DEPTH_MAX).map(|child| (Some(child), depth + 1)));
            Ok::<_, Error>(Some((stream::iter(listed.objects.into_iter().map(Ok)), folders)))
        }
    })
    .try_flatten()
    .boxed()
}

fn is_below(child: &Path, folder: Option<&Path>) -> bool {
    folder.is_none_or(|folder| child != folder && child.prefix_matches(folder))
}

/// What the server answered, if anything, was no listing: most web servers give none.
fn explained(error: Error) -> Error {
    match error {
        Error::Generic { store, source } if !network::is_failure(&*source) => Error::Generic {
            store,
            source: format!(
                "the server gives no listing by WebDAV (PROPFIND), which a table over HTTP needs: {source}"
            )
            .into(),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    #[tokio::test]
    async fn folders_are_listed_one_by_one() {
        let store = Arc::new(InMemory::new());
        for name in ["t/a", "t/x/b", "t/x/y/c", "u/d"] {
            store.put(&Path::from(name), "".into()).await.unwrap();
        }
        for (prefix, expect) in
            [(None, &["t/a", "t/x/b", "t/x/y/c", "u/d"][..]), (Some("t/x"), &["t/x/b", "t/x/y/c"]), (Some("v"), &[])]
        {
            let files = list(store.clone(), prefix.map(Path::from).as_ref());
            let mut names: Vec<_> = files.map_ok(|file| file.location.to_string()).try_collect().await.unwrap();
            names.sort();
            assert_eq!(names, expect, "{prefix:?}");
        }
    }

    #[test]
    fn a_folder_is_not_below_itself() {
        for (child, folder, expect) in
            [("t", "t", false), ("t/x", "t", true), ("u/x", "t", false), ("tx", "t", false), ("t", "t/x", false)]
        {
            assert_eq!(is_below(&Path::from(child), Some(&Path::from(folder))), expect, "{child} {folder}");
        }
    }
}
