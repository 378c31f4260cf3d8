//! What a transaction wants to do, before any version is tried.

use std::collections::BTreeMap;

use deltaic_log::action::{Add, AddCdcFile, DomainMetadata, Metadata, Protocol, Remove, SetTransaction, Tags};
use deltaic_log::feature::FeatureSpec;
use deltaic_log::{Result, TableConfiguration, Version};
use serde_json::{Map, Value};

use crate::operation::Operation;

/// The actions, and what the history is told of them. One place for each action that a commit may hold once.
#[derive(Clone, Debug)]
pub(crate) struct Staged {
    pub(crate) operation: Operation,
    pub(crate) metrics: Map<String, Value>,
    pub(crate) user_metadata: Option<String>,
    pub(crate) tags: Tags,
    pub(crate) engine_info: String,
    /// The version that was read; none for a table that is made.
    pub(crate) read_version: Option<Version>,
    pub(crate) txn_id: String,
    /// The feature that goes from the protocol.
    pub(crate) dropped: Option<&'static FeatureSpec>,
    /// Whether the checkpoints of all versions before this one are protected from then on.
    pub(crate) protects_checkpoints: bool,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) transactions: BTreeMap<String, SetTransaction>,
    pub(crate) domains: BTreeMap<String, DomainMetadata>,
    pub(crate) adds: Vec<Add>,
    pub(crate) removes: Vec<Remove>,
    pub(crate) cdc_files: Vec<AddCdcFile>,
}

impl Staged {
    pub(crate) fn new(operation: Operation, read_version: Option<Version>, txn_id: String) -> Self {
        Self {
            operation,
            metrics: Map::new(),
            user_metadata: None,
            tags: Tags::new(),
            engine_info: concat!("deltaic/", env!("CARGO_PKG_VERSION")).to_owned(),
            read_version,
            txn_id,
            dropped: None,
            protects_checkpoints: false,
            protocol: None,
            metadata: None,
            transactions: BTreeMap::new(),
            domains: BTreeMap::new(),
            adds: Vec::new(),
            removes: Vec::new(),
            cdc_files: Vec::new(),
        }
    }

    /// The table's configuration once this is committed after `before`.
    pub(crate) fn configuration_after(&self, before: &TableConfiguration) -> Result<TableConfiguration> {
        if self.protocol.is_none() && self.metadata.is_none() {
            return Ok(before.clone());
        }
        let protocol = self.protocol.as_ref().unwrap_or(before.protocol()).clone();
        let metadata = self.metadata.as_ref().unwrap_or(before.metadata()).clone();
        TableConfiguration::try_new(protocol, metadata)
    }

    /// Whether every action is one about files, and moves rows at most.
    pub(crate) fn changes_no_rows(&self) -> bool {
        let is_about_files = self.protocol.is_none()
            && self.metadata.is_none()
            && self.transactions.is_empty()
            && self.domains.is_empty();
        is_about_files
            && !self.adds.iter().any(|add| add.data_change)
            && !self.removes.iter().any(|remove| remove.data_change)
            && !self.cdc_files.iter().any(|cdc| cdc.data_change)
    }

    /// Whether files are added at most.
    pub(crate) fn only_adds(&self) -> bool {
        self.removes.is_empty() && self.cdc_files.is_empty()
    }
}
