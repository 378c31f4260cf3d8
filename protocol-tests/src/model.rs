//! The reference model: a table's state as maps, and what each action does to it, in the words of the specification.
//!
//! Spec: [Action Reconciliation](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#action-reconciliation). It is
//! slow, keeps everything and reads no files: simple enough to be believed. A file's identity is the number in its name
//! (`f-17-…`), not its path, so that the model need not know how paths are spelt.

use std::collections::BTreeMap;

use deltaic_log::action::{
    Action, Add, CheckpointMetadata, DomainMetadata, Metadata, Protocol, Remove, SetTransaction,
};
use deltaic_log::deletion_vector::DeletionVectorDescriptor;
use serde_json::{Value, json};

/// The key of a logical file: its number, and its deletion vector's id.
pub type FileKey = (u64, Option<String>);

/// A table's state, or the sum of some commits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// The newest protocol.
    pub protocol: Option<Protocol>,
    /// The newest metadata.
    pub metadata: Option<Metadata>,
    /// The live files.
    pub files: BTreeMap<FileKey, Add>,
    /// The tombstones.
    pub removed: BTreeMap<FileKey, Remove>,
    /// The newest action of each application.
    pub transactions: BTreeMap<String, SetTransaction>,
    /// The newest action of each domain, removals included.
    pub domains: BTreeMap<String, DomainMetadata>,
}

impl Model {
    /// The state after `commits`.
    pub fn of<'a>(commits: impl IntoIterator<Item = &'a Vec<Action>>) -> Self {
        let mut model = Self::default();
        for commit in commits {
            model.apply(commit);
        }
        model
    }

    /// Applies a commit. Its actions have no order among themselves: no two of them are about one key.
    pub fn apply(&mut self, commit: &[Action]) {
        for action in commit {
            match action.clone() {
                Action::Protocol(protocol) => self.protocol = Some(protocol),
                Action::Metadata(metadata) => self.metadata = Some(metadata),
                Action::SetTransaction(txn) => drop(self.transactions.insert(txn.app_id.clone(), txn)),
                Action::DomainMetadata(domain) => drop(self.domains.insert(domain.domain.clone(), domain)),
                Action::Add(add) => {
                    let key = key(&add.path, add.deletion_vector.as_ref());
                    self.removed.remove(&key);
                    self.files.insert(key, add);
                }
                Action::Remove(remove) => {
                    let key = key(&remove.path, remove.deletion_vector.as_ref());
                    self.files.remove(&key);
                    self.removed.insert(key, remove);
                }
                _ => {}
            }
        }
    }

    /// What a compaction of these commits holds: everything, removals of domains included.
    pub fn compaction(&self) -> Vec<Action> {
        let mut actions = self.small_actions();
        actions.extend(self.domains.values().filter(|domain| domain.removed).cloned().map(Action::DomainMetadata));
        actions.extend(self.file_actions());
        actions
    }

    /// The actions of a checkpoint that are no files': protocol, metadata, transactions, live domains.
    pub fn small_actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        actions.extend(self.protocol.clone().map(Action::Protocol));
        actions.extend(self.metadata.clone().map(Action::Metadata));
        actions.extend(self.transactions.values().cloned().map(Action::SetTransaction));
        actions.extend(self.domains.values().filter(|domain| !domain.removed).cloned().map(Action::DomainMetadata));
        actions
    }

    /// The actions of a checkpoint that are files': live ones, and tombstones, which are no changes there.
    pub fn file_actions(&self) -> Vec<Action> {
        let adds = self.files.values().map(|add| Action::Add(Add { data_change: false, ..add.clone() }));
        let removes =
            self.removed.values().map(|remove| Action::Remove(Remove { data_change: false, ..remove.clone() }));
        adds.chain(removes).collect()
    }

    /// Marks a checkpoint of the V2 spec.
    pub fn checkpoint_metadata(version: u64) -> Action {
        Action::CheckpointMetadata(CheckpointMetadata {
            version: i64::try_from(version).unwrap_or(i64::MAX),
            tags: None,
        })
    }

    /// The state's version checksum.
    pub fn checksum(&self) -> Value {
        let live = |domain: &&DomainMetadata| !domain.removed;
        json!({
            "tableSizeBytes": self.files.values().map(|add| add.size).sum::<i64>(),
            "numFiles": self.files.len(),
            "numMetadata": 1,
            "numProtocol": 1,
            "setTransactions": self.transactions.values().collect::<Vec<_>>(),
            "domainMetadata": self.domains.values().filter(live).collect::<Vec<_>>(),
            "metadata": self.metadata,
            "protocol": self.protocol,
        })
    }

    /// The live files, as text to compare.
    pub fn describe_files(&self) -> BTreeMap<FileKey, String> {
        self.files.iter().map(|(key, add)| (key.clone(), describe(add))).collect()
    }

    /// The live domains.
    pub fn live_domains(&self) -> BTreeMap<String, DomainMetadata> {
        self.domains
            .iter()
            .filter(|(_, domain)| !domain.removed)
            .map(|(name, domain)| (name.clone(), domain.clone()))
            .collect()
    }
}

/// The key of a file of that path.
pub fn key(path: &str, vector: Option<&DeletionVectorDescriptor>) -> FileKey {
    let id = |dv: &DeletionVectorDescriptor| match dv.offset {
        Some(offset) => format!("{}{}@{offset}", dv.storage_type.code(), dv.path_or_inline_dv),
        None => format!("{}{}", dv.storage_type.code(), dv.path_or_inline_dv),
    };
    (number(path), vector.map(id))
}

/// Everything that a snapshot tells of a file, as text.
pub fn describe(add: &Add) -> String {
    let Add {
        path,
        partition_values,
        size,
        modification_time,
        base_row_id,
        default_row_commit_version,
        deletion_vector,
        ..
    } = add;
    let vector = deletion_vector.as_ref().map(|dv| (dv.size_in_bytes, dv.cardinality));
    format!(
        "{path} {partition_values:?} {size} {modification_time} {base_row_id:?} {default_row_commit_version:?} {vector:?}"
    )
}

fn number(path: &str) -> u64 {
    let digits = path.split_once("f-").and_then(|(_, rest)| rest.split_once('-')).map(|(digits, _)| digits);
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{path} is no path of a model's file"))
}
