//! RFC: [Checkpoint Protection](https://github.com/delta-io/delta/blob/master/protocol_rfcs/checkpoint-protection.md): below
//! `delta.requireCheckpointProtectionBeforeVersion` lie versions whose protocol a client of today need not know, behind
//! checkpoints that hide them. They go all at once, or only by the hand of somebody who knows every protocol among them.

use deltaic_log::action::{Action, Protocol};
use deltaic_log::commit_file::read_actions;
use deltaic_log::segment::Listing;
use deltaic_log::table_properties::property;
use deltaic_log::{ErrorKind, Result, ResultExt, Snapshot, TableStore, Version, cpu};
use futures::stream::{self, StreamExt, TryStreamExt};

/// Commits read at a time.
const REQUESTS: usize = 16;

/// The first version that is not protected; none where the table protects nothing.
///
/// # Errors
/// [`ErrorKind::InvalidProperty`].
pub(crate) fn protected_before(snapshot: &Snapshot) -> Result<Option<Version>> {
    let table = snapshot.configuration();
    let supported = table.protocol().supports(&deltaic_log::feature::CHECKPOINT_PROTECTION);
    let before = table.properties().get(&property::REQUIRE_CHECKPOINT_PROTECTION_BEFORE_VERSION)?;
    Ok(Some(Version(before)).filter(|version| supported && *version > Version(0)))
}

/// Whether everything before `oldest` may be deleted: all that is protected goes, or this library could have read and written
/// every version that does.
pub(crate) async fn allows(snapshot: &Snapshot, listing: &Listing, oldest: Version) -> Result<bool> {
    match protected_before(snapshot)? {
        Some(protected) if oldest < protected => knows_protocols(snapshot, listing, oldest).await,
        _ => Ok(true),
    }
}

/// Whether this library knows the protocol of every version that the log holds up to `last`.
pub(crate) async fn knows_protocols(snapshot: &Snapshot, listing: &Listing, last: Version) -> Result<bool> {
    if let Some(earliest) = listing.earliest().filter(|earliest| *earliest <= last) {
        match snapshot.at_version(earliest).await {
            Ok(opened) if !is_known(opened.protocol()) => return Ok(false),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::UnsupportedProtocol => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    let commits = listing.commits().filter(|(version, _)| *version <= last).map(|(_, file)| file.path.clone());
    let protocols = stream::iter(commits.collect::<Vec<_>>()).map(|path| protocol_of(snapshot.store(), path));
    let mut protocols = protocols.buffered(REQUESTS);
    while let Some(protocol) = protocols.try_next().await? {
        if protocol.is_some_and(|protocol| !is_known(&protocol)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether this library could read and write a table of this protocol that makes no use of features that it cannot write.
fn is_known(protocol: &Protocol) -> bool {
    protocol.check_readable().is_ok() && protocol.min_writer_version <= 7 && protocol.unknown_features().is_empty()
}

/// The protocol that a commit sets. One that is gone already sets none.
async fn protocol_of(store: &TableStore, path: String) -> Result<Option<Protocol>> {
    let Some(body) = store.read(&path).await? else { return Ok(None) };
    let find = move || {
        let actions = read_actions(&body)?.into_iter();
        Ok({ actions }.find_map(|action| if let Action::Protocol(protocol) = action { Some(protocol) } else { None }))
    };
    cpu::run(&store.context().cpu, find).await.with("file", path)
}
