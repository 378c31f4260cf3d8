//! The transaction: what was read, what is to be done, and the loop that commits it.
//!
//! ```text
//!            ┌──────────────────────────────────── rebase, wait ◄───────────────────────────────┐
//!            ▼                                                                                  │ no conflict
//!   stamp ─► check invariants ─► put and settle ─► lost ─► load the winners ─► judge each in turn ┤
//!                                 │        │                                                    │ conflict
//!                                 ▼        ▼                                                    ▼
//!                             committed  unknown                                           not committed
//!                                 │
//!                                 ▼
//!                   upkeep of the log, which changes nothing about it
//! ```

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use deltaic_log::action::{Add, AddCdcFile, DomainMetadata, Metadata, Protocol, Remove, SetTransaction};
use deltaic_log::action_reconciliation::canonical_path;
use deltaic_log::commit_file::write_actions;
use deltaic_log::feature::{CATALOG_MANAGED, CHECKPOINT_PROTECTION, FeatureSpec, IN_COMMIT_TIMESTAMP, needed_by};
use deltaic_log::table_properties::TableProperties;
use deltaic_log::table_properties::property::{self, FEATURE_PREFIX};
use deltaic_log::{
    Access, Context, Error, ErrorKind, Result, ResultExt, Snapshot, TableConfiguration, TableStore, TimestampMs,
    Version, cpu,
};
use deltaic_scan::expr::{EvalContext, Expr};

use crate::committer::Committer;
use crate::conflict::{self, Ours};
use crate::invariants;
use crate::isolation;
use crate::maintenance::{Landed, Upkeep, after_commit};
use crate::operation::{Effect, Operation};
use crate::outcome::{CommitOutcome, Committed};
use crate::read_set::ReadSet;
use crate::retry::RetryPolicy;
use crate::row_id_columns;
use crate::row_tracking_backfill;
use crate::settle::{PendingCommit, Settled, publish, put_and_settle};
use crate::staged::Staged;
use crate::stamp::{ROW_TRACKING_DOMAIN, Stamped, Standing, stamp};
use crate::tip::{Tip, cleaned_up};
use crate::winner::{self, Winner};

/// Winners kept for the upkeep after the commit; where more came first, their own checksums must do.
const PASSED_MAX: usize = 64;

/// A change of a table, made of actions that are committed together, as one version, or not at all.
///
/// Whoever uses it tells it two things: what was read ([`Self::read_whole_table`], [`Self::read_where`],
/// [`Self::read_files`]), so that a concurrent commit which would have changed that is noticed; and what is to be done. Data
/// files are written before; if the commit is not committed, they are the caller's to remove.
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// use deltaic_commit::{Operation, Transaction, committer::PutIfAbsent};
/// use deltaic_log::action::{Add, Metadata};
/// use deltaic_log::{Context, SingleStore, Snapshot, SnapshotOptions, TableStore, Version};
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let root = "memory:///table".parse().unwrap();
/// let store = TableStore::new(&root, context)?;
/// let committer = Arc::new(PutIfAbsent::new());
///
/// let metadata = Metadata { id: "5fba94ed-9794-4965-ba6e-6ee3c0d22af9".to_owned(), ..Metadata::default() };
/// let create = Transaction::create(&store, committer.clone(), metadata, Operation::new("CREATE TABLE")).await?;
/// create.commit().await.into_result()?;
///
/// let table = Snapshot::open_in(&store, SnapshotOptions::new()).await?;
/// let mut append = Transaction::begin(&table, committer, Operation::new("WRITE").with_parameter("mode", "Append"))?;
/// append.add(Add { path: "a.parquet".to_owned(), size: 10, data_change: true, ..Add::default() });
/// let committed = append.commit().await.into_result()?;
/// assert_eq!(committed.map(|commit| commit.version), Some(Version(1)));
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Transaction {
    store: TableStore,
    committer: Arc<dyn Committer>,
    base: Base,
    read: ReadSet,
    staged: Staged,
    retry: RetryPolicy,
    upkeep: Upkeep,
}

/// What is to be done, after the commits that came first.
struct Rebased<'a> {
    staged: Cow<'a, Staged>,
    /// The first of those commits, for the upkeep.
    passed: Vec<Winner>,
}

impl Rebased<'_> {
    /// Keeps a winner, unless there are too many to be worth it.
    fn remember(&mut self, winner: Winner) {
        if self.passed.len() < PASSED_MAX {
            self.passed.push(winner);
        }
    }
}

/// What the transaction goes out from.
#[derive(Debug)]
enum Base {
    Nothing(TableConfiguration),
    Version(Snapshot),
}

impl Transaction {
    /// A change of the table that `snapshot` shows.
    ///
    /// # Errors
    /// [`ErrorKind::UnsupportedProtocol`] where this library must not write to the table, before anything is written.
    pub fn begin(snapshot: &Snapshot, committer: Arc<dyn Committer>, operation: Operation) -> Result<Self> {
        let (store, table) = (snapshot.store().clone(), snapshot.configuration());
        check_writable(table, &*committer).with("table", store.root())?;
        Ok(Self::new(store, committer, Base::Version(snapshot.clone()), operation, Some(snapshot.version())))
    }

    /// A new table, of the weakest protocol that its metadata needs. Features that are not told by metadata are asked for by
    /// the property `delta.feature.<name>`, which is not kept, or added by [`Self::add_features`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where there is a table already; [`ErrorKind::UnsupportedProtocol`] where this library
    /// cannot write such a table; [`ErrorKind::InvalidProperty`]; [`ErrorKind::Storage`]; as [`TableConfiguration::try_new`].
    pub async fn create(
        store: &TableStore,
        committer: Arc<dyn Committer>,
        metadata: Metadata,
        operation: Operation,
    ) -> Result<Self> {
        check_absent(store).await.with("table", store.root())?;
        let protocol = Protocol::weakest_with(needed_by(&metadata)?);
        let metadata = row_id_columns::named(without_wishes(metadata), &*store.context().ids)?;
        let table = TableConfiguration::try_new(protocol, metadata)?;
        check_writable(&table, &*committer).with("table", store.root())?;
        check_properties(&TableProperties::default(), table.properties())?;
        let mut this = Self::new(store.clone(), committer, Base::Nothing(table.clone()), operation, None);
        this.staged.protocol = Some(table.protocol().clone());
        this.staged.metadata = Some(table.metadata().clone());
        Ok(this)
    }

    fn new(
        store: TableStore,
        committer: Arc<dyn Committer>,
        base: Base,
        operation: Operation,
        read_version: Option<Version>,
    ) -> Self {
        let txn_id = store.context().ids.uuid().to_string();
        let staged = Staged::new(operation, read_version, txn_id);
        Self {
            store,
            committer,
            base,
            read: ReadSet::default(),
            staged,
            retry: RetryPolicy::default(),
            upkeep: Upkeep::default(),
        }
    }

    /// The table's configuration once this is committed, as far as is known before.
    ///
    /// # Errors
    /// As [`TableConfiguration::try_new`].
    pub fn configuration(&self) -> Result<TableConfiguration> {
        self.staged.configuration_after(self.base())
    }

    fn base(&self) -> &TableConfiguration {
        match &self.base {
            Base::Nothing(table) => table,
            Base::Version(snapshot) => snapshot.configuration(),
        }
    }

    /// The transaction's id, by which its commit is recognised: `txnId` of its `commitInfo`.
    pub fn txn_id(&self) -> &str {
        &self.staged.txn_id
    }

    /// The same transaction, which tries as this policy says.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// The same transaction, which does this for the log after its commit.
    #[must_use]
    pub fn with_upkeep(mut self, upkeep: Upkeep) -> Self {
        self.upkeep = upkeep;
        self
    }

    /// The same transaction with what the user wants to be recorded.
    #[must_use]
    pub fn with_user_metadata(mut self, text: impl Into<String>) -> Self {
        self.staged.user_metadata = Some(text.into());
        self
    }

    /// The same transaction, committed in the name of this software.
    #[must_use]
    pub fn with_engine_info(mut self, name: impl Into<String>) -> Self {
        self.staged.engine_info = name.into();
        self
    }

    /// The same transaction with one more metric of its operation. The log holds metrics as text.
    #[must_use]
    pub fn with_metric(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.staged.metrics.insert(name.into(), value.to_string().into());
        self
    }

    /// The same transaction with one more tag.
    #[must_use]
    pub fn with_tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.staged.tags.insert(name.into(), Some(value.into()));
        self
    }
}

/// What was read.
impl Transaction {
    /// The transaction depends on every file of the table: an overwrite, a deletion of all rows, a query over all of them.
    pub fn read_whole_table(&mut self) {
        self.read.add_whole_table();
    }

    /// The transaction depends on all rows for which `predicate` is true, and found them in `files` (paths as the log spells
    /// them). Not only those files count: so does every new file that such a row may be in.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownColumn`], [`ErrorKind::InvalidExpression`].
    pub fn read_where<'a>(
        &mut self,
        predicate: &Expr,
        eval: &EvalContext,
        files: impl IntoIterator<Item = &'a str>,
    ) -> Result<()> {
        let table = match &self.base {
            Base::Nothing(table) => table,
            Base::Version(snapshot) => snapshot.configuration(),
        };
        self.read.add_predicate(predicate, table, eval)?;
        self.read.add_files(files);
        Ok(())
    }

    /// The transaction depends on these files, by their paths as the log spells them, and on no others.
    pub fn read_files<'a>(&mut self, files: impl IntoIterator<Item = &'a str>) {
        self.read.add_files(files);
    }

    /// The transaction depends on how far an application has written.
    pub fn read_app_id(&mut self, app_id: &str) {
        self.read.add_app_id(app_id);
    }
}

/// What is to be done.
impl Transaction {
    /// Adds a file. Row ids and the version of its rows are given when it is committed, unless it has them.
    ///
    /// A file that is in the table already may be added again, to tell more of it, only where `data_change` is false: it
    /// brings no rows. The version's checksum counts on it.
    pub fn add(&mut self, add: Add) {
        self.staged.adds.push(add);
    }

    /// Removes a file, which was thereby read. Where the time of its removal is absent, it is that of the commit.
    pub fn remove(&mut self, remove: Remove) {
        self.read.add_files([remove.path.as_str()]);
        self.staged.removes.push(remove);
    }

    /// Adds a file of row changes.
    pub fn add_cdc_file(&mut self, cdc: AddCdcFile) {
        self.staged.cdc_files.push(cdc);
    }

    /// Changes the table's metadata, and its protocol by the features that the new metadata needs.
    ///
    /// # Errors
    /// [`ErrorKind::UnsupportedProtocol`] where this library could not write the table any more;
    /// [`ErrorKind::InvalidProperty`] for a known property that is changed to what it does not allow; as
    /// [`TableConfiguration::try_new`].
    pub fn set_metadata(&mut self, metadata: Metadata) -> Result<()> {
        check_properties(self.base().properties(), &TableProperties::new(&metadata.configuration))?;
        let needed = needed_by(&metadata)?;
        let metadata = row_id_columns::named(without_wishes(metadata), &*self.context().ids)?;
        self.staged.metadata = Some(metadata);
        self.add_features(needed)
    }

    /// Adds features, and those that they require, to the table's protocol, which names everything then that older versions
    /// only implied.
    ///
    /// # Errors
    /// [`ErrorKind::UnsupportedProtocol`] where this library could not write the table any more.
    pub fn add_features<'a>(&mut self, features: impl IntoIterator<Item = &'a FeatureSpec>) -> Result<()> {
        let before = self.staged.protocol.as_ref().unwrap_or(self.base().protocol());
        let after = before.with_features(features);
        if after != *before {
            self.staged.protocol = Some(after);
        }
        check_writable(&self.configuration()?, &*self.committer).with("table", self.store.root())
    }

    /// Drops a feature that the table does not use any more. `metadata` is without its properties, `domains` are those of
    /// which its own go.
    pub(crate) fn drop_feature(
        &mut self,
        feature: &'static FeatureSpec,
        metadata: Option<Metadata>,
        domains: BTreeMap<String, DomainMetadata>,
        protects_checkpoints: bool,
    ) -> Result<()> {
        let protected = protects_checkpoints.then_some(&CHECKPOINT_PROTECTION);
        self.staged.protocol = Some(self.base().protocol().with_features(protected).without_feature(feature));
        self.staged.metadata = metadata;
        self.staged.dropped = Some(feature);
        self.staged.protects_checkpoints = protects_checkpoints;
        if let Some(domain) = domains.into_values().find(|domain| domain.domain == ROW_TRACKING_DOMAIN) {
            self.staged.domains.insert(ROW_TRACKING_DOMAIN.to_owned(), DomainMetadata { removed: true, ..domain });
        }
        check_writable(&self.configuration()?, &*self.committer).with("table", self.store.root())
    }

    /// Writes a metadata domain of the user's.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for the domains that commits keep by themselves.
    pub fn set_domain(&mut self, domain: impl Into<String>, configuration: impl Into<String>) -> Result<()> {
        self.stage_domain(DomainMetadata { domain: domain.into(), configuration: configuration.into(), removed: false })
    }

    /// Removes a metadata domain. `configuration` is what it held, which the tombstone keeps.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for the domains that commits keep by themselves.
    pub fn remove_domain(&mut self, domain: impl Into<String>, configuration: impl Into<String>) -> Result<()> {
        self.stage_domain(DomainMetadata { domain: domain.into(), configuration: configuration.into(), removed: true })
    }

    fn stage_domain(&mut self, domain: DomainMetadata) -> Result<()> {
        if domain.domain == ROW_TRACKING_DOMAIN {
            let message = "the metadata domain of row tracking is kept by the commit itself: leave it alone";
            return Err(Error::new(ErrorKind::InvalidArgument, message).with("domain", domain.domain));
        }
        self.staged.domains.insert(domain.domain.clone(), domain);
        Ok(())
    }

    /// Makes the commit idempotent: it is committed as version `app_version` of an application, and not at all where the
    /// table says that the application has come that far already.
    pub fn set_transaction(&mut self, app_id: impl Into<String>, app_version: i64) {
        let app_id = app_id.into();
        self.read.add_app_id(&app_id);
        let last_updated = Some(self.store.context().clock.now().0);
        let transaction = SetTransaction { app_id: app_id.clone(), version: app_version, last_updated };
        self.staged.transactions.insert(app_id, transaction);
    }
}

/// Why the loop ends without a version.
enum Stop {
    AlreadyCommitted(SetTransaction),
    NotCommitted(Error),
    Unknown(PendingCommit, Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::NotCommitted(error)
    }
}

impl Transaction {
    /// Commits everything that was staged, as the table's next version.
    ///
    /// Where others commit first, each of their commits is judged, and if none disturbs this one, it goes on after them. A
    /// future that is dropped leaves the outcome open, as a crash does: open the table and look for [`Self::txn_id`].
    pub async fn commit(self) -> CommitOutcome {
        match self.run().await {
            Ok(committed) => CommitOutcome::Committed(committed),
            Err(Stop::AlreadyCommitted(SetTransaction { app_id, version, .. })) => {
                CommitOutcome::AlreadyCommitted { app_id, app_version: version }
            }
            Err(Stop::NotCommitted(error)) => CommitOutcome::NotCommitted(error.with("table", self.store.root())),
            Err(Stop::Unknown(pending, error)) => {
                CommitOutcome::Unknown { pending, error: error.with("table", self.store.root()) }
            }
        }
    }

    #[tracing::instrument(name = "commit", skip_all, fields(table = %self.store.root(), txn_id = %self.staged.txn_id))]
    async fn run(&self) -> Result<Committed, Stop> {
        let mut tip = self.begin_tip().await?;
        let mut rebased = Rebased { staged: Cow::Borrowed(&self.staged), passed: Vec::new() };
        if let Some(winner) = self.winner_of_old(&tip).await? {
            tip = self.pass(tip, winner, &mut rebased).await?;
        }
        for attempts in 1..=self.retry.attempts_max.max(1) {
            let standing = self.standing(&rebased.staged, &tip)?;
            let commit = stamp(&rebased.staged, standing, &tip, self.now())?;
            invariants::check(&commit, &tip, self.committer.access())?;
            let Some(winner) = self.put(&commit).await? else {
                publish(&*self.committer, &self.store, commit.version).await;
                return Ok(self.landed(commit, &tip, &rebased.passed, attempts).await);
            };
            tip = self.pass(tip, winner, &mut rebased).await?;
            self.retry.pause(attempts, self.context()).await;
        }
        Err(self.exhausted(&tip).into())
    }

    /// Goes on behind the commits that came after `tip`, the first of which is at hand, if none of them disturbs this one.
    async fn pass(&self, mut tip: Tip, first: Bytes, rebased: &mut Rebased<'_>) -> Result<Tip, Stop> {
        let standing = self.standing(&rebased.staged, &tip)?;
        for winner in winner::load(&*self.committer, &self.store, tip.next(), first).await? {
            self.check_not_committed_by(&winner)?;
            let configuration = conflict::check(&self.ours(standing), &winner, &tip.configuration)?;
            tip = tip.after(&winner, configuration)?;
            row_tracking_backfill::rebase(&mut rebased.staged, &winner);
            rebased.remember(winner);
        }
        Ok(self.timed(tip).await?)
    }

    /// What came next, where the transaction's snapshot is so old that the log may be cleaned up at any moment: the place of
    /// the next commit would then be free, and a commit put there seen by nobody. Behind the newest commit, which is never
    /// cleaned up, there is no such danger.
    async fn winner_of_old(&self, tip: &Tip) -> Result<Option<Bytes>, Stop> {
        let (Some(snapshot), Some(time)) = (self.snapshot(), tip.timestamp) else { return Ok(None) };
        let retention = tip.configuration.properties().get(&property::LOG_RETENTION_DURATION).unwrap_or_default();
        let age_ms = u128::try_from(self.now().0.saturating_sub(time.0)).unwrap_or(0);
        if age_ms < retention.as_millis() / 2 {
            return Ok(None);
        }
        let winner = self.committer.read(&self.store, tip.next()).await?;
        match winner.is_none() && snapshot.refresh().await?.version() > snapshot.version() {
            true => Err(cleaned_up(snapshot).into()),
            false => Ok(winner),
        }
    }

    /// The commit stands. Whatever is done for the log now, it stands.
    async fn landed(&self, commit: Stamped, tip: &Tip, passed: &[Winner], attempts: u32) -> Committed {
        let Stamped { version, timestamp, actions, .. } = commit;
        let commit = Winner::of(version, actions);
        let landed =
            Landed { store: &self.store, base: self.snapshot(), passed, commit: &commit, before: &tip.configuration };
        Committed { version, timestamp, attempts, upkeep: after_commit(&landed, self.upkeep).await }
    }

    fn snapshot(&self) -> Option<&Snapshot> {
        match &self.base {
            Base::Nothing(_) => None,
            Base::Version(snapshot) => Some(snapshot),
        }
    }

    /// Where to begin, unless there is nothing to do.
    async fn begin_tip(&self) -> Result<Tip, Stop> {
        match &self.base {
            Base::Nothing(table) => Ok(Tip::of_nothing(table.clone())),
            Base::Version(snapshot) => {
                self.check_not_committed_before(snapshot).await?;
                Ok(Tip::of(snapshot, &*self.committer).await?)
            }
        }
    }

    /// Puts the commit; the body that stands instead, where another came first.
    async fn put(&self, commit: &Stamped) -> Result<Option<Bytes>, Stop> {
        let actions = commit.actions.clone();
        let body = cpu::run(&self.context().cpu, move || Ok(Bytes::from(write_actions(&actions)?))).await?;
        let pending = PendingCommit::new(commit.version, self.staged.txn_id.clone(), Some(body.clone()));
        match put_and_settle(&*self.committer, &self.store, &pending, &body, &self.retry).await {
            Settled::Committed => Ok(None),
            Settled::Lost(_) if commit.version == Version(0) => Err(made_by_another().into()),
            Settled::Lost(winner) => Ok(Some(winner)),
            Settled::Refused(error) => Err(Stop::NotCommitted(error)),
            Settled::Unknown(error) => Err(Stop::Unknown(pending, error)),
        }
    }

    fn standing(&self, staged: &Staged, tip: &Tip) -> Result<Standing> {
        let isolation = isolation::of_commit(&tip.configuration, staged)?;
        Ok(Standing { isolation, is_blind_append: isolation::is_blind_append(staged, &self.read) })
    }

    fn ours(&self, standing: Standing) -> Ours<'_> {
        let removes: BTreeSet<String> =
            self.staged.removes.iter().map(|remove| canonical_path(&remove.path).into_owned()).collect();
        Ours {
            read: &self.read,
            isolation: standing.isolation,
            is_blind_append: standing.is_blind_append,
            is_backfill: self.staged.operation.effect() == Effect::Backfills,
            changes_protocol: self.staged.protocol.is_some(),
            changes_metadata: self.staged.metadata.is_some(),
            dropped: self.staged.dropped,
            access: self.committer.access(),
            domains: self.staged.domains.keys().map(String::as_str).collect(),
            removes,
        }
    }

    /// The tip with its time, if the next commit must be later than that.
    async fn timed(&self, tip: Tip) -> Result<Tip> {
        let next = self.staged.configuration_after(&tip.configuration)?;
        if next.is_active(&IN_COMMIT_TIMESTAMP) { tip.timed(&self.store).await } else { Ok(tip) }
    }

    /// Stops where the snapshot has every one of the applications' versions already.
    async fn check_not_committed_before(&self, snapshot: &Snapshot) -> Result<(), Stop> {
        if self.staged.transactions.is_empty() {
            return Ok(());
        }
        let known = snapshot.transactions().await?;
        self.check_not_committed(|app_id| known.get(app_id))
    }

    /// Stops where this winner is the same work, done by another.
    fn check_not_committed_by(&self, winner: &Winner) -> Result<(), Stop> {
        self.check_not_committed(|app_id| winner.transactions.iter().find(|known| known.app_id == app_id))
    }

    fn check_not_committed<'a>(&self, known: impl Fn(&str) -> Option<&'a SetTransaction>) -> Result<(), Stop> {
        let staged = self.staged.transactions.values();
        let done: Vec<&SetTransaction> =
            staged.filter_map(|ours| known(&ours.app_id).filter(|known| known.version >= ours.version)).collect();
        match done.first() {
            None => Ok(()),
            Some(transaction) if done.len() == self.staged.transactions.len() => {
                Err(Stop::AlreadyCommitted((*transaction).clone()))
            }
            Some(transaction) => {
                let message = "of the transaction identifiers that are set together, the table has some already, but not \
                               all: set them in commits of their own";
                let error = Error::new(ErrorKind::ConcurrentTransaction, message);
                Err(error.with("app_id", &transaction.app_id).with("app_version", transaction.version).into())
            }
        }
    }

    fn exhausted(&self, tip: &Tip) -> Error {
        let message = format!(
            "other writers won every one of {} attempts: nothing was committed; run the operation again, or allow more",
            self.retry.attempts_max.max(1)
        );
        Error::new(ErrorKind::CommitRetriesExhausted, message).with("version", tip.next())
    }

    fn context(&self) -> &Context {
        self.store.context()
    }

    fn now(&self) -> TimestampMs {
        self.context().clock.now()
    }
}

/// A table whose commits a catalog ratifies takes no others, and a catalog ratifies none for other tables.
fn check_writable(table: &TableConfiguration, committer: &dyn Committer) -> Result<()> {
    let access = committer.access();
    table.protocol().check_writable(table, access)?;
    if access == Access::ThroughCatalog && !table.protocol().supports(&CATALOG_MANAGED) {
        let message = "no catalog manages the table, so that others commit to it by its path: commit with the committer that \
                       suits its storage";
        return Err(Error::new(ErrorKind::InvalidArgument, message).with("feature", CATALOG_MANAGED.name));
    }
    Ok(())
}

/// Wishes for features are no part of a table's metadata.
fn without_wishes(mut metadata: Metadata) -> Metadata {
    let is_wish =
        |key: &str| key.get(..FEATURE_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(FEATURE_PREFIX));
    metadata.configuration.retain(|key, _| !is_wish(key));
    metadata
}

/// What others have set wrongly is theirs; what this transaction sets must be right.
fn check_properties(before: &TableProperties, after: &TableProperties) -> Result<()> {
    let is_new = |problem: &Error| {
        let key = problem.context("key").unwrap_or_default();
        before.text(key) != after.text(key)
    };
    after.problems().into_iter().find(is_new).map_or(Ok(()), Err)
}

async fn check_absent(store: &TableStore) -> Result<()> {
    match store.list_log(Version(0)).await {
        Ok(files) if files.is_empty() => Ok(()),
        Ok(_) => Err(Error::new(ErrorKind::InvalidArgument, "there is a Delta table here already: open it instead")),
        Err(error) if error.kind() == ErrorKind::NotATable => Ok(()),
        Err(error) => Err(error),
    }
}

fn made_by_another() -> Error {
    let message = "another writer made the table at the same time: nothing was committed; open it instead";
    Error::new(ErrorKind::ProtocolChanged, message).with("winner", 0)
}
