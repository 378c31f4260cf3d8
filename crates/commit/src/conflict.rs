//! Whether a transaction can still be committed after a concurrent commit: the conflict matrix, as a function of what both
//! have done.
//!
//! Winners are judged one by one, oldest first, each by these checks in this order:
//!
//! | check | Serializable | WriteSerializable | SnapshotIsolation |
//! |---|---|---|---|
//! | both change the protocol, or the winner drops a feature | conflict | conflict | conflict |
//! | we drop a feature that the winner uses, or may turn on | conflict | conflict | conflict |
//! | both change metadata, or the winner in a way that disturbs | conflict | conflict | conflict |
//! | both write one metadata domain | conflict | conflict | conflict |
//! | the winner sets a transaction identifier that was read | conflict | conflict | conflict |
//! | a blind append adds files that match what was read | conflict | only if we change metadata | – |
//! | another commit adds files that match what was read | conflict | conflict | – |
//! | the winner removes a file that was read | conflict | conflict | conflict |
//! | both remove one file | conflict | conflict | conflict |
//!
//! An added file matches if partition values and statistics do not prove that no row of it could have been read. A
//! transaction that is a blind append itself has read nothing, and new files cannot disturb it. Where either side only gives row
//! ids to files, added files are no conflict; but one that gives them conflicts with one that takes them.

use std::collections::BTreeSet;

use deltaic_log::action_reconciliation::canonical_path;
use deltaic_log::feature::{FeatureSpec, Traces};
use deltaic_log::table_properties::IsolationLevel;
use deltaic_log::{Error, ErrorKind, Result, TableConfiguration};

use crate::metadata_change::is_harmless;
use crate::read_set::ReadSet;
use crate::row_tracking_backfill::{self, UNBACKFILL};
use crate::stamp::ROW_TRACKING_DOMAIN;
use crate::winner::Winner;

/// What matters of the transaction that has to be committed after the winner.
#[derive(Debug)]
pub(crate) struct Ours<'a> {
    pub(crate) read: &'a ReadSet,
    pub(crate) isolation: IsolationLevel,
    pub(crate) is_blind_append: bool,
    pub(crate) is_backfill: bool,
    pub(crate) changes_protocol: bool,
    pub(crate) changes_metadata: bool,
    /// The feature that goes from the protocol.
    pub(crate) dropped: Option<&'static FeatureSpec>,
    /// The metadata domains written.
    pub(crate) domains: BTreeSet<&'a str>,
    /// The canonical paths of the files removed.
    pub(crate) removes: BTreeSet<String>,
}

/// The table's configuration after the winner, given the one before it.
///
/// # Errors
/// The kinds of [`ErrorKind::is_concurrent_modification`]; [`ErrorKind::UnsupportedProtocol`] where the winner has made the
/// table one that this library cannot write.
pub(crate) fn check(ours: &Ours<'_>, winner: &Winner, table: &TableConfiguration) -> Result<TableConfiguration> {
    let checked = configuration_after(ours, winner, table).and_then(|after| {
        check_dropped_feature(ours, winner)?;
        check_backfills(ours, winner)?;
        check_domains(ours, winner)?;
        check_transactions(ours, winner)?;
        check_added_files(ours, winner)?;
        check_read_files(ours, winner)?;
        check_removed_files(ours, winner)?;
        Ok(after)
    });
    checked.map_err(|error| error.with("winner", winner.version).with("winner_operation", winner.operation()))
}

fn configuration_after(ours: &Ours<'_>, winner: &Winner, table: &TableConfiguration) -> Result<TableConfiguration> {
    check_protocol(ours, winner, table)?;
    if winner.metadata.is_some() && ours.changes_metadata {
        return Err(conflict(ErrorKind::MetadataChanged, "both change the table's metadata"));
    }
    if winner.protocol.is_none() && winner.metadata.is_none() {
        return Ok(table.clone());
    }
    let after = winner.configuration_after(table)?;
    after.protocol().check_writable(&after)?;
    match is_harmless(table, &after) {
        true => Ok(after),
        false => Err(conflict(ErrorKind::MetadataChanged, "it changes the table's metadata")),
    }
}

fn check_protocol(ours: &Ours<'_>, winner: &Winner, table: &TableConfiguration) -> Result<()> {
    let Some(protocol) = &winner.protocol else { return Ok(()) };
    if ours.changes_protocol {
        return Err(conflict(ErrorKind::ProtocolChanged, "both change the table's protocol"));
    }
    match table.protocol().dropped_by(protocol) {
        dropped if dropped.is_empty() => Ok(()),
        dropped => {
            let reason = "it drops features from the table's protocol";
            Err(conflict(ErrorKind::ProtocolChanged, reason).with("feature", dropped.join(", ")))
        }
    }
}

/// What is dropped was found to be unused: it still has to be.
fn check_dropped_feature(ours: &Ours<'_>, winner: &Winner) -> Result<()> {
    let Some(feature) = ours.dropped else { return Ok(()) };
    let leaves_traces = match feature.removal.traces {
        Traces::None | Traces::V2Checkpoints => false,
        Traces::DeletionVectors => winner.adds.iter().any(|add| add.deletion_vector.is_some()),
        Traces::RowIds => winner.adds.iter().any(|add| add.base_row_id.is_some()),
        Traces::Domains => !winner.domains.is_empty(),
    };
    match leaves_traces || winner.metadata.is_some() {
        true => {
            let error = conflict(ErrorKind::ProtocolChanged, "it may make use of the feature that is to be dropped");
            Err(error.with("feature", feature.name))
        }
        false => Ok(()),
    }
}

fn check_backfills(ours: &Ours<'_>, winner: &Winner) -> Result<()> {
    match ours.is_backfill && winner.operation() == UNBACKFILL {
        true => {
            Err(conflict(ErrorKind::ConcurrentTransaction, "it takes away the row ids that this transaction gives"))
        }
        false => Ok(()),
    }
}

fn check_domains(ours: &Ours<'_>, winner: &Winner) -> Result<()> {
    let both = |domain: &&str| *domain != ROW_TRACKING_DOMAIN && ours.domains.contains(domain);
    match winner.domains.iter().map(|domain| domain.domain.as_str()).find(both) {
        None => Ok(()),
        Some(domain) => {
            let error = conflict(ErrorKind::ConcurrentTransaction, "both write one metadata domain");
            Err(error.with("domain", domain))
        }
    }
}

fn check_transactions(ours: &Ours<'_>, winner: &Winner) -> Result<()> {
    match winner.transactions.iter().find(|transaction| ours.read.reads_app(&transaction.app_id)) {
        None => Ok(()),
        Some(transaction) => {
            let error =
                conflict(ErrorKind::ConcurrentTransaction, "it sets the transaction identifier of this application");
            Err(error.with("app_id", &transaction.app_id).with("app_version", transaction.version))
        }
    }
}

fn check_added_files(ours: &Ours<'_>, winner: &Winner) -> Result<()> {
    let tolerates = match ours.isolation {
        IsolationLevel::Serializable => false,
        IsolationLevel::WriteSerializable => winner.is_blind_append() && !ours.changes_metadata,
        IsolationLevel::SnapshotIsolation => true,
    };
    // A backfill adds files that are there, and reads none of their rows.
    if tolerates || ours.is_blind_append || ours.is_backfill || row_tracking_backfill::is_of(winner) {
        return Ok(());
    }
    match ours.read.first_match(&winner.adds) {
        None => Ok(()),
        Some(add) => {
            let error = conflict(ErrorKind::ConcurrentAppend, "it adds a file that this transaction would have read");
            let partition = add
                .partition_values
                .iter()
                .map(|(column, value)| format!("{column}={}", value.as_deref().unwrap_or("null")));
            let partition = partition.collect::<Vec<_>>().join("/");
            let error = error.with("file", &add.path);
            Err(if partition.is_empty() { error } else { error.with("partition", partition) })
        }
    }
}

fn check_read_files(ours: &Ours<'_>, winner: &Winner) -> Result<()> {
    let was_read = |path: &str| ours.read.reads_whole_table() || ours.read.has_file(path);
    match winner.removes.iter().find(|remove| was_read(&remove.path)) {
        None => Ok(()),
        Some(remove) => {
            let error = conflict(ErrorKind::ConcurrentDeleteRead, "it removes a file that this transaction read");
            Err(error.with("file", &remove.path))
        }
    }
}

fn check_removed_files(ours: &Ours<'_>, winner: &Winner) -> Result<()> {
    match winner.removes.iter().find(|remove| ours.removes.contains(canonical_path(&remove.path).as_ref())) {
        None => Ok(()),
        Some(remove) => {
            let error = conflict(ErrorKind::ConcurrentDeleteDelete, "both remove one file");
            Err(error.with("file", &remove.path))
        }
    }
}

/// Nothing was committed, for this reason.
fn conflict(kind: ErrorKind, reason: &str) -> Error {
    let message = format!(
        "a concurrent commit came first, and {reason}: nothing was committed; run the operation again on the new version"
    );
    Error::new(kind, message)
}

#[cfg(test)]
mod tests;
