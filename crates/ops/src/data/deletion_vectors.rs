//! Deletion vectors of one commit, packed into one file.
//!
//! Spec: [Deletion Vectors](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vectors).

use bytes::Bytes;
use deltaic_log::deletion_vector::{DeletionVector, DeletionVectorDescriptor, DeletionVectorFileBuilder};
use deltaic_log::{Result, TableStore};

use super::sink::{Sink, sync_directories};

/// Writes the vectors, and gives their descriptors in order; the file's path is put into `paths` before it is begun.
pub(crate) async fn write(
    store: &TableStore,
    vectors: &[DeletionVector],
    sync: bool,
    paths: &mut Vec<String>,
) -> Result<Vec<DeletionVectorDescriptor>> {
    if vectors.is_empty() {
        return Ok(Vec::new());
    }
    let id = store.context().ids.uuid();
    let mut file = DeletionVectorFileBuilder::new();
    let places = vectors.iter().map(|vector| file.push(vector)).collect::<Result<Vec<_>>>()?;
    let path = DeletionVectorDescriptor::relative_file_name("", id);
    paths.push(path.clone());
    let mut sink = Sink::new(store, path.clone(), sync)?;
    sink.write(Bytes::from(file.finish())).await?;
    sink.finish().await?;
    if sync {
        sync_directories(store, &[path]).await?;
    }
    Ok(vectors
        .iter()
        .zip(places)
        .map(|(vector, place)| DeletionVectorDescriptor::relative(vector, "", id, place))
        .collect())
}
