//! The commits that came first: what they did, and how they are loaded.

use bytes::Bytes;
use deltaic_log::action::{Action, Add, CommitInfo, DomainMetadata, Metadata, Protocol, Remove, SetTransaction};
use deltaic_log::commit_file::read_actions;
use deltaic_log::{Result, ResultExt, TableConfiguration, TableStore, TimestampMs, Version, cpu};
use futures::future::try_join_all;

use crate::committer::Committer;

/// Commits read at a time, at most.
const WINDOW_MAX: u64 = 32;

/// A commit that stands: mostly a concurrent one, as a version that this transaction wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Winner {
    pub(crate) version: Version,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) adds: Vec<Add>,
    pub(crate) removes: Vec<Remove>,
    pub(crate) transactions: Vec<SetTransaction>,
    pub(crate) domains: Vec<DomainMetadata>,
    pub(crate) commit_info: Option<CommitInfo>,
}

impl Winner {
    pub(crate) fn parse(version: Version, body: &[u8]) -> Result<Self> {
        Ok(Self::of(version, read_actions(body).with("version", version)?))
    }

    pub(crate) fn of(version: Version, actions: Vec<Action>) -> Self {
        let mut winner = Self { version, ..Self::default() };
        for action in actions {
            match action {
                Action::Protocol(protocol) => winner.protocol = Some(protocol),
                Action::Metadata(metadata) => winner.metadata = Some(metadata),
                Action::Add(add) => winner.adds.push(add),
                Action::Remove(remove) => winner.removes.push(remove),
                Action::SetTransaction(transaction) => winner.transactions.push(transaction),
                Action::DomainMetadata(domain) => winner.domains.push(domain),
                Action::CommitInfo(info) => winner.commit_info = winner.commit_info.or(Some(info)),
                _ => {}
            }
        }
        winner
    }

    /// The table's configuration after this commit, given the one before it.
    ///
    /// # Errors
    /// As [`TableConfiguration::try_new`].
    pub(crate) fn configuration_after(&self, before: &TableConfiguration) -> Result<TableConfiguration> {
        if self.protocol.is_none() && self.metadata.is_none() {
            return Ok(before.clone());
        }
        let protocol = self.protocol.as_ref().unwrap_or(before.protocol()).clone();
        let metadata = self.metadata.as_ref().unwrap_or(before.metadata()).clone();
        TableConfiguration::try_new(protocol, metadata)
    }

    /// Whether the commit says of itself that it added files without reading any.
    pub(crate) fn is_blind_append(&self) -> bool {
        self.commit_info.as_ref().and_then(|info| info.is_blind_append).unwrap_or(false)
    }

    pub(crate) fn in_commit_timestamp(&self) -> Option<TimestampMs> {
        self.commit_info.as_ref()?.in_commit_timestamp.map(TimestampMs)
    }

    /// The operation, for messages.
    pub(crate) fn operation(&self) -> &str {
        self.commit_info.as_ref().and_then(|info| info.operation.as_deref()).unwrap_or("of another writer")
    }
}

/// The commits from `first` on, whose body is at hand, to the newest. Nothing is listed: versions are contiguous, so they are
/// read forward, each time twice as many, until one is absent.
pub(crate) async fn load(
    committer: &dyn Committer,
    store: &TableStore,
    first: Version,
    body: Bytes,
) -> Result<Vec<Winner>> {
    let mut bodies = vec![body];
    let mut window = 1;
    'newest: loop {
        let next = first.0 + bodies.len() as u64;
        let reads = (next..next + window).map(|version| committer.read(store, Version(version)));
        for body in try_join_all(reads).await? {
            let Some(body) = body else { break 'newest };
            bodies.push(body);
        }
        window = (window * 2).min(WINDOW_MAX);
    }
    let parse = move || (first.0..).zip(&bodies).map(|(version, body)| Winner::parse(Version(version), body)).collect();
    cpu::run(&store.context().cpu, parse).await.with("table", store.root())
}
