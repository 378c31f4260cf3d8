//! Spec: [Actions](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#actions). One file, one struct per action,
//! once in the whole workspace.
//!
//! The structs mirror the wire: their serde names are the spec's, what a writer may leave out is an `Option`, and what
//! this library does not know is ignored on reading, save in [`CommitInfo`], which keeps it.

mod add;
mod add_cdc_file;
mod checkpoint_metadata;
mod commit_info;
mod domain_metadata;
mod metadata;
mod protocol;
mod remove;
mod set_transaction;
mod sidecar;

pub use add::Add;
pub use add_cdc_file::AddCdcFile;
pub use checkpoint_metadata::CheckpointMetadata;
pub use commit_info::CommitInfo;
pub use domain_metadata::DomainMetadata;
pub use metadata::{Format, Metadata};
pub use protocol::Protocol;
pub use remove::Remove;
pub use set_transaction::SetTransaction;
pub use sidecar::Sidecar;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Partition values as the log holds them: column (physical name under column mapping) to serialised value.
pub type PartitionValues = BTreeMap<String, Option<String>>;

/// Tags as the log holds them. A JSON null is kept as `None`.
pub type Tags = BTreeMap<String, Option<String>>;

/// One line of a commit, or one row of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Action {
    /// See [`Metadata`].
    #[serde(rename = "metaData")]
    Metadata(Metadata),
    /// See [`Add`].
    #[serde(rename = "add")]
    Add(Add),
    /// See [`Remove`].
    #[serde(rename = "remove")]
    Remove(Remove),
    /// See [`AddCdcFile`].
    #[serde(rename = "cdc")]
    AddCdcFile(AddCdcFile),
    /// See [`SetTransaction`].
    #[serde(rename = "txn")]
    SetTransaction(SetTransaction),
    /// See [`Protocol`].
    #[serde(rename = "protocol")]
    Protocol(Protocol),
    /// See [`CommitInfo`].
    #[serde(rename = "commitInfo")]
    CommitInfo(CommitInfo),
    /// See [`DomainMetadata`].
    #[serde(rename = "domainMetadata")]
    DomainMetadata(DomainMetadata),
    /// See [`Sidecar`].
    #[serde(rename = "sidecar")]
    Sidecar(Sidecar),
    /// See [`CheckpointMetadata`].
    #[serde(rename = "checkpointMetadata")]
    CheckpointMetadata(CheckpointMetadata),
}
