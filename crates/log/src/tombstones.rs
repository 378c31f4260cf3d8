//! Spec: "Set of tombstones": the `remove` actions that stand, which keep their files from being deleted until their
//! retention ends, and readers of older versions from surprise.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::action::{Action, Remove};
use crate::action_reconciliation::{KeySet, file_key};
use crate::commit_file::read_actions;
use crate::cpu;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::segment::DeltaFile;
use crate::snapshot::Snapshot;
use crate::store::TableStore;
use crate::version::TimestampMs;

impl Snapshot {
    /// The tombstones that were made after `deleted_after`, newest first, as a stream in bounded memory. One without a
    /// time counts as made at 0: it is expired. A file that was added again has none.
    ///
    /// # Errors
    /// The items fail as [`Snapshot::files`] does.
    pub fn stream_tombstones(&self, deleted_after: TimestampMs) -> BoxStream<'static, Result<Remove>> {
        let this = self.clone();
        let stands = move |remove: &Remove| remove.deletion_timestamp.unwrap_or(0) > deleted_after.0;
        let tombstones = async move {
            let (mut keys, mut newest) = (KeySet::default(), Vec::new());
            for delta in this.segment().deltas.iter().rev() {
                newest.extend(removes_of(this.store(), delta, &mut keys).await?);
            }
            let older = this.checkpoint_removes(Arc::new(keys)).await?;
            Ok::<_, Error>(stream::iter(newest.into_iter().map(Ok)).chain(older))
        };
        let tombstones = stream::once(tombstones).try_flatten();
        tombstones.try_filter(move |remove| futures::future::ready(stands(remove))).boxed()
    }
}

/// The removes of a commit whose files no newer commit mentions.
async fn removes_of(store: &TableStore, delta: &DeltaFile, keys: &mut KeySet) -> Result<Vec<Remove>> {
    let path = &delta.file.path;
    let gone = || Error::new(ErrorKind::MissingFile, "a commit is gone since it was listed").with("file", path);
    let bytes = store.read(path).await?.ok_or_else(gone)?;
    let actions = cpu::run(&store.context().cpu, move || read_actions(&bytes)).await.with("file", path)?;
    let mut scratch = Vec::new();
    let mut removes = Vec::new();
    for action in &actions {
        if let Action::Add(add) = action {
            keys.insert(file_key(&add.path, add.deletion_vector.as_ref(), &mut scratch));
        }
    }
    for action in actions {
        if let Action::Remove(remove) = action
            && keys.insert(file_key(&remove.path, remove.deletion_vector.as_ref(), &mut scratch))
        {
            removes.push(remove);
        }
    }
    Ok(removes)
}
