//! Files that are to come back, but are gone from storage: vacuum deletes what no version within the retention needs.

use deltaic_log::action::Add;
use deltaic_log::deletion_vector::DeletionVectorLocation;
use deltaic_log::{Error, ErrorKind, Location, Result, TableStore};
use deltaic_scan::location::file_url;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;

/// Requests under way at a time.
const REQUESTS: usize = 32;

/// The places of those adds of which the file, or the file of the deletion vector, is gone.
///
/// # Errors
/// Those of storage, and of paths that name no file.
pub(super) async fn missing(store: &TableStore, adds: &[Add]) -> Result<Vec<usize>> {
    let checked = adds.iter().enumerate().map(|(place, add)| async move {
        let is_there = is_there(locate(store, &add.path)?).await? && has_vector(store, add).await?;
        Ok::<_, Error>((!is_there).then_some(place))
    });
    let found: Vec<Option<usize>> = stream::iter(checked).buffered(REQUESTS).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

async fn has_vector(store: &TableStore, add: &Add) -> Result<bool> {
    let Some(vector) = &add.deletion_vector else { return Ok(true) };
    match vector.location()? {
        DeletionVectorLocation::Relative { path, .. } => is_there(store.locate(&path)?).await,
        DeletionVectorLocation::Absolute { uri, .. } => is_there(locate(store, &uri)?).await,
        // It is in the log itself.
        _ => Ok(true),
    }
}

fn locate(store: &TableStore, path: &str) -> Result<Location> {
    store.context().stores.locate(&file_url(store.root(), path)?)
}

async fn is_there(location: Location) -> Result<bool> {
    if let Some(path) = &location.local {
        return std::fs::exists(path).map_err(|error| {
            let message = "a file of the table could not be looked for: check the permissions of its folder";
            Error::new(ErrorKind::Storage, message).because(error).with("file", path.display())
        });
    }
    match location.store.head(&location.path).await {
        Ok(_) => Ok(true),
        Err(object_store::Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
