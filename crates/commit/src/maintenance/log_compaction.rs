//! Spec: [Log Compaction Files](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#log-compaction-files): one file that
//! readers take instead of many commits. It holds what the commits do together, reconciled: tombstones stay in it, since what
//! they remove may lie before the range; what the commits say of themselves does not.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use deltaic_log::action::{Action, DomainMetadata, Metadata, Protocol, SetTransaction};
use deltaic_log::action_reconciliation::canonical_path;
use deltaic_log::commit_file::{read_actions, write_actions};
use deltaic_log::deletion_vector::DeletionVectorDescriptor;
use deltaic_log::file_name::{LOG_DIR, LogFileName};
use deltaic_log::{Error, ErrorKind, Result, ResultExt, Snapshot, TableStore, Version, cpu};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::log_files::{self, Existing};
use crate::committer::commit_path;

/// Commits read at a time.
const REQUESTS: usize = 32;

/// A log compaction file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogCompaction {
    /// The first commit that it covers.
    pub start: Version,
    /// The last.
    pub end: Version,
    /// Where it is, relative to the table's root.
    pub path: String,
    /// How many actions it has. None where it was there already.
    pub actions: Option<usize>,
}

/// Writes the log compaction file of these commits, unless it is there already. They stay as they are: readers that do not
/// know such files, and changes of a single version, need them.
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, SingleStore, Snapshot, SnapshotOptions, TableStore, action::{Add, Metadata}};
/// # use deltaic_commit::{Operation, Transaction, committer::PutIfAbsent};
/// use deltaic_commit::maintenance::compact_logs;
/// use deltaic_log::Version;
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let store = TableStore::new(&"memory:///table".parse().unwrap(), context)?;
/// # let metadata = Metadata { id: "5fba94ed-9794-4965-ba6e-6ee3c0d22af9".to_owned(), ..Metadata::default() };
/// # let committer = Arc::new(PutIfAbsent::new());
/// # let create = Transaction::create(&store, committer.clone(), metadata, Operation::new("CREATE TABLE")).await?;
/// # create.commit().await.into_result()?;
/// # let table = Snapshot::open_in(&store, SnapshotOptions::new()).await?;
/// # let mut append = Transaction::begin(&table, committer, Operation::new("WRITE"))?;
/// # append.add(Add { path: "a".to_owned(), data_change: true, ..Add::default() });
/// # append.commit().await.into_result()?;
/// let table = Snapshot::open_in(&store, SnapshotOptions::new()).await?;
/// let compaction = compact_logs(&table, Version(0)..=Version(1)).await?;
/// assert!(compaction.path.ends_with("00000000000000000000.00000000000000000001.compacted.json"));
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] for fewer than two commits, or some that are newer than the snapshot;
/// [`ErrorKind::VersionNotFound`] where the log does not hold one of them, or only its catalog does;
/// [`ErrorKind::UnsupportedProtocol`] where this library must not write to the table, or could not have read it at one of the
/// versions; [`ErrorKind::ResourceLimit`] for more commits than fit the context's memory; [`ErrorKind::CorruptLog`];
/// [`ErrorKind::Storage`].
#[tracing::instrument(name = "compact logs", skip_all, fields(table = %snapshot.store().root()))]
pub async fn compact_logs(snapshot: &Snapshot, commits: RangeInclusive<Version>) -> Result<LogCompaction> {
    let (store, table) = (snapshot.store(), snapshot.configuration());
    table.protocol().check_writable(table).with("table", store.root())?;
    let (start, end) = commits.into_inner();
    if start >= end || end > snapshot.version() {
        let message = format!(
            "a log compaction covers two commits at least, none newer than version {}; {start} to {end} are asked for",
            snapshot.version()
        );
        return Err(Error::new(ErrorKind::InvalidArgument, message).with("table", store.root()));
    }
    let path = format!("{LOG_DIR}/{}", LogFileName::Compaction { start, end });
    if log_files::exists(store, &path).await? {
        return Ok(LogCompaction { start, end, path, actions: None });
    }
    let bodies = read_commits(store, start, end).await.with("table", store.root())?;
    let (count, text) = cpu::run(&store.context().cpu, move || compact(start, &bodies)).await?;
    let is_new = log_files::put(store, &path, text, Existing::Stays).await?;
    Ok(LogCompaction { start, end, path, actions: is_new.then_some(count) })
}

/// The commits that no checkpoint covers, if there are two of them: those that are read whenever the table is opened.
pub fn uncovered_commits(snapshot: &Snapshot) -> Option<RangeInclusive<Version>> {
    let start = snapshot.segment().checkpoint.as_ref().map_or(Version(0), |checkpoint| checkpoint.version.next());
    (start < snapshot.version()).then(|| start..=snapshot.version())
}

async fn read_commits(store: &TableStore, start: Version, end: Version) -> Result<Vec<bytes::Bytes>> {
    let read = |version| async move {
        let gone = || {
            let message = "the log does not hold the commit: it was cleaned up, or its catalog has not published it";
            Error::new(ErrorKind::VersionNotFound, message).with("version", version)
        };
        store.read(&commit_path(version)).await?.ok_or_else(gone)
    };
    let mut reads = stream::iter((start.0..=end.0).map(Version)).map(read).buffered(REQUESTS);
    let (mut bodies, mut bytes) = (Vec::new(), 0_usize);
    while let Some(body) = reads.try_next().await? {
        bytes = bytes.saturating_add(body.len());
        if bytes > store.context().memory_bytes_max {
            let message = format!(
                "the commits from version {start} on take more than the {} bytes that may be used: compact fewer at a time",
                store.context().memory_bytes_max
            );
            return Err(Error::new(ErrorKind::ResourceLimit, message));
        }
        bodies.push(body);
    }
    Ok(bodies)
}

fn compact(start: Version, bodies: &[bytes::Bytes]) -> Result<(usize, Vec<u8>)> {
    let mut reconciled = Reconciled::default();
    for (version, body) in (start.0..).zip(bodies) {
        reconciled.apply(read_actions(body).with("version", version)?);
        if let Some(protocol) = &reconciled.protocol {
            protocol.check_readable().with("version", version)?;
        }
    }
    let actions = reconciled.into_actions();
    Ok((actions.len(), write_actions(&actions)?))
}

/// What some commits do together, oldest first: the newest action on each thing stands.
#[derive(Debug, Default)]
struct Reconciled {
    protocol: Option<Protocol>,
    metadata: Option<Metadata>,
    transactions: BTreeMap<String, SetTransaction>,
    domains: BTreeMap<String, DomainMetadata>,
    /// By canonical path and deletion vector: an `add`, or the `remove` that stands instead.
    files: BTreeMap<(String, Option<String>), Action>,
}

impl Reconciled {
    /// Within a commit the order of actions is of no matter: what it adds stands.
    fn apply(&mut self, mut actions: Vec<Action>) {
        actions.sort_by_key(|action| matches!(action, Action::Add(_)));
        for action in actions {
            match action {
                Action::Protocol(protocol) => self.protocol = Some(protocol),
                Action::Metadata(metadata) => self.metadata = Some(metadata),
                Action::SetTransaction(txn) => drop(self.transactions.insert(txn.app_id.clone(), txn)),
                Action::DomainMetadata(domain) => drop(self.domains.insert(domain.domain.clone(), domain)),
                Action::Add(mut add) => {
                    // Rows changed in the commits, which stand; here they are only told.
                    add.data_change = false;
                    self.files.insert(key(&add.path, add.deletion_vector.as_ref()), Action::Add(add));
                }
                Action::Remove(mut remove) => {
                    remove.data_change = false;
                    self.files.insert(key(&remove.path, remove.deletion_vector.as_ref()), Action::Remove(remove));
                }
                _ => {}
            }
        }
    }

    fn into_actions(self) -> Vec<Action> {
        let Self { protocol, metadata, transactions, domains, files } = self;
        let mut actions: Vec<Action> = protocol.map(Action::Protocol).into_iter().collect();
        actions.extend(metadata.map(Action::Metadata));
        actions.extend(transactions.into_values().map(Action::SetTransaction));
        actions.extend(domains.into_values().map(Action::DomainMetadata));
        actions.extend(files.into_values());
        actions
    }
}

fn key(path: &str, vector: Option<&DeletionVectorDescriptor>) -> (String, Option<String>) {
    (canonical_path(path).into_owned(), vector.map(DeletionVectorDescriptor::unique_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commits' lines are short: `+a` adds a file, `-a` removes it, `a=3` sets an identifier, `@d` a domain, `@-d` removes it.
    fn line(text: &str) -> String {
        if let Some((app, version)) = text.split_once('=') {
            return format!(r#"{{"txn":{{"appId":"{app}","version":{version}}}}}"#);
        }
        let (kind, name) = text.split_at(1);
        match (kind, name.strip_prefix('-')) {
            ("+", _) => format!(
                r#"{{"add":{{"path":"{name}","partitionValues":{{}},"size":1,"modificationTime":1,"dataChange":true}}}}"#
            ),
            ("-", _) => format!(r#"{{"remove":{{"path":"{name}","dataChange":true}}}}"#),
            (_, None) => format!(r#"{{"domainMetadata":{{"domain":"{name}","configuration":"","removed":false}}}}"#),
            (_, Some(name)) => {
                format!(r#"{{"domainMetadata":{{"domain":"{name}","configuration":"","removed":true}}}}"#)
            }
        }
    }

    fn short(action: &Action) -> String {
        match action {
            Action::Add(add) => format!("+{}", add.path),
            Action::Remove(remove) => format!("-{}", remove.path),
            Action::SetTransaction(txn) => format!("{}={}", txn.app_id, txn.version),
            Action::DomainMetadata(domain) => format!("@{}{}", if domain.removed { "-" } else { "" }, domain.domain),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_newest_action_stands() {
        for (commits, expected) in [
            // The specification's own example.
            ("+f2 -f1 | +f3 +f4 a=4389 | -f3 a=4390", "a=4390 -f1 +f2 -f3 +f4"),
            ("-a | +a", "+a"),
            ("a=5 | a=3", "a=3"),
            ("@d | @-d", "@-d"),
            ("+a%20b | -a%20b", "-a%20b"),
            ("+a%20b | +c", "+a%20b +c"),
            ("|", ""),
        ] {
            let body = |commit: &str| {
                let info = "{\"commitInfo\":{\"operation\":\"WRITE\"}}\n".to_owned();
                info + &commit.split_whitespace().map(|text| line(text) + "\n").collect::<String>()
            };
            let bodies: Vec<bytes::Bytes> = commits.split('|').map(|commit| body(commit).into()).collect();
            let (count, text) = compact(Version(4), &bodies).unwrap();
            let actions = read_actions(&text).unwrap();
            assert_eq!(actions.iter().map(short).collect::<Vec<_>>().join(" "), expected, "{commits}");
            assert_eq!(count, actions.len());
        }
    }

    #[test]
    fn a_broken_commit_is_named() {
        let error = compact(Version(4), &["".into(), "{".into()]).unwrap_err();
        assert_eq!((error.kind(), error.context("version")), (ErrorKind::CorruptLog, Some("5")));
    }
}
