//! A table's state, replayed with plain maps.

use std::collections::BTreeMap;

use deltaic_log::action::{Action, Add, Metadata, Protocol, Remove};
use deltaic_log::action_reconciliation::canonical_path;
use deltaic_log::deletion_vector::DeletionVectorDescriptor;
use deltaic_log::{FileView, TimestampMs, Version};

/// What identifies a logical file: its canonical path, and its deletion vector's id.
pub(super) type FileKey = (String, Option<String>);

/// What a checkpoint and a checksum must agree with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileFacts {
    pub(super) size: i64,
    pub(super) deleted_rows: Option<i64>,
}

/// The state after some version.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) version: Option<Version>,
    pub(super) protocol: Option<Protocol>,
    pub(super) metadata: Option<Metadata>,
    pub(super) files: BTreeMap<FileKey, FileFacts>,
    /// How far each application has written.
    pub(super) transactions: BTreeMap<String, i64>,
    /// The live domains' configurations.
    pub(super) domains: BTreeMap<String, String>,
    /// The last commit's own time.
    pub(super) in_commit_time: Option<TimestampMs>,
}

impl State {
    /// The state after `actions`, whose order does not matter: what is removed goes first.
    pub(super) fn apply(&mut self, version: Version, actions: &[Action]) {
        for action in actions {
            match action {
                Action::Remove(remove) => drop(self.files.remove(&remove_key(remove))),
                Action::Protocol(protocol) => self.protocol = Some(protocol.clone()),
                Action::Metadata(metadata) => self.metadata = Some(metadata.clone()),
                Action::SetTransaction(txn) => drop(self.transactions.insert(txn.app_id.clone(), txn.version)),
                Action::DomainMetadata(domain) if domain.removed => drop(self.domains.remove(&domain.domain)),
                Action::DomainMetadata(domain) => {
                    drop(self.domains.insert(domain.domain.clone(), domain.configuration.clone()));
                }
                _ => {}
            }
        }
        for action in actions {
            if let Action::Add(add) = action {
                self.files.insert(add_key(add), facts(add.size, add.deletion_vector.as_ref()));
            }
        }
        self.version = Some(version);
    }

    /// All but the files, which may be many.
    pub(super) fn clone_without_files(&self) -> Self {
        let Self { version, protocol, metadata, in_commit_time, files: _, transactions: _, domains: _ } = self;
        Self {
            version: *version,
            protocol: protocol.clone(),
            metadata: metadata.clone(),
            in_commit_time: *in_commit_time,
            ..Self::default()
        }
    }

    /// Whether commits must hold their own time.
    pub(super) fn has_in_commit_timestamps(&self) -> bool {
        let configuration = self.metadata.as_ref().map(|metadata| &metadata.configuration);
        let value = configuration.and_then(|c| c.get("delta.enableInCommitTimestamps"));
        value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

pub(super) fn add_key(add: &Add) -> FileKey {
    key(&add.path, add.deletion_vector.as_ref())
}

pub(super) fn remove_key(remove: &Remove) -> FileKey {
    key(&remove.path, remove.deletion_vector.as_ref())
}

/// A file of the engine's own replay.
pub(super) fn of_view(file: &FileView<'_>) -> (FileKey, FileFacts) {
    (key(file.path(), file.deletion_vector()), facts(file.size(), file.deletion_vector()))
}

fn key(path: &str, vector: Option<&DeletionVectorDescriptor>) -> FileKey {
    (canonical_path(path).into_owned(), vector.map(DeletionVectorDescriptor::unique_id))
}

fn facts(size: i64, vector: Option<&DeletionVectorDescriptor>) -> FileFacts {
    FileFacts { size, deleted_rows: vector.map(|vector| vector.cardinality) }
}
