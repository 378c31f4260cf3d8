//! Drops a table feature: what the table's protocol once demanded, it demands no more.
//!
//! ```text
//!   in use? ──► refused, with the remedy         only writers know it ──► one commit: properties and feature go together
//!      │ no                                                 │ readers too
//!      ▼                                                    ▼
//!   required by another feature? ──► refused       turn it off, in a commit of its own
//!                                          ┌────────────────┴───────────────────┐
//!                             protect checkpoints                        truncate history
//!                 three checkpoints that hide what was before    clean up what has expired ─► still in history? ─► wait
//!                                          └────────────────┬───────────────────┘
//!                                                   the feature goes
//! ```
//!
//! A reader that does not know the feature starts from a checkpoint and goes through the commits after it: none of those may
//! show the feature. Either such commits are deleted, or they lie behind checkpoints that stay (RFC: [Checkpoint
//! Protection](https://github.com/delta-io/delta/blob/master/protocol_rfcs/checkpoint-protection.md)).

use std::sync::Arc;

use deltaic_log::action::{Action, Metadata};
use deltaic_log::commit_file::read_actions;
use deltaic_log::feature::{CHECKPOINT_PROTECTION, FeatureKind, FeatureSpec, Traces};
use deltaic_log::file_name::CheckpointKind;
use deltaic_log::segment::Listing;
use deltaic_log::table_properties::property;
use deltaic_log::{
    Error, ErrorKind, History, Result, ResultExt, Snapshot, TableConfiguration, TimestampMs, Version, cpu,
    sidecar_paths,
};
use futures::TryStreamExt;
use futures::stream::{self, StreamExt};

use crate::committer::Committer;
use crate::maintenance::{
    CheckpointOptions, CleanupOptions, Granularity, UpkeepStep, plan_metadata_cleanup, write_checkpoint,
};
use crate::operation::Operation;
use crate::outcome::Committed;
use crate::transaction::Transaction;

/// Checkpoints in a row that hide older commits: readers that fail at one try an older one, but not that many.
const BARRIERS: usize = 3;
/// Commits read at a time.
const REQUESTS: usize = 16;
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// What becomes of the versions that show the feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropHistory {
    /// They stay, behind checkpoints that are protected from then on: the table gets the feature `checkpointProtection`.
    Protect,
    /// They are deleted, once they are older than `delta.dropFeatureTruncateHistory.retentionDuration`: until then the feature
    /// is turned off, and is dropped when it is asked for again.
    Truncate,
}

/// What became of a feature.
#[derive(Clone, Debug)]
#[must_use = "a feature that waits is not dropped yet"]
#[non_exhaustive]
pub enum FeatureDrop {
    /// The protocol lacks it.
    Dropped(Committed),
    /// It is turned off, but history shows it still. Ask again then.
    Waiting {
        /// The newest version that shows it.
        newest_use: Version,
        /// When that version may be deleted.
        until: TimestampMs,
    },
}

/// Drops a feature from the table, which must be at its newest version. What would take rewriting data files is refused, and the
/// error names the remedy.
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, SingleStore, Snapshot, SnapshotOptions, TableStore, action::Metadata};
/// use deltaic_commit::feature_drop::{DropHistory, FeatureDrop, drop_feature};
/// # use deltaic_commit::{Operation, Transaction, committer::PutIfAbsent};
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let store = TableStore::new(&"memory:///table".parse().unwrap(), context)?;
/// # let committer = Arc::new(PutIfAbsent::new());
/// # let configuration = [("delta.enableInCommitTimestamps".to_owned(), "true".to_owned())].into();
/// # let metadata = Metadata { id: "x".to_owned(), configuration, ..Metadata::default() };
/// # let create = Transaction::create(&store, committer.clone(), metadata, Operation::new("CREATE TABLE")).await?;
/// # create.commit().await.into_result()?;
/// let table = Snapshot::open_in(&store, SnapshotOptions::new()).await?;
/// let dropped = drop_feature(&table, committer, "inCommitTimestamp", DropHistory::Protect).await?;
/// assert!(matches!(dropped, FeatureDrop::Dropped(_)));
/// assert_eq!(table.refresh().await?.protocol().min_writer_version, 2);
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] where the table does not have the feature, another one requires it, the table still needs
/// it, or history is to be truncated for a feature that only writers know; [`ErrorKind::UnsupportedProtocol`] where this
/// library must not write to the table; as [`crate::CommitOutcome::into_result`], [`write_checkpoint`] and
/// [`plan_metadata_cleanup`].
#[tracing::instrument(name = "drop feature", skip(snapshot, committer), fields(table = %snapshot.store().root()))]
pub async fn drop_feature(
    snapshot: &Snapshot,
    committer: Arc<dyn Committer>,
    feature: &str,
    history: DropHistory,
) -> Result<FeatureDrop> {
    let feature = droppable(snapshot, feature, history).with("table", snapshot.store().root())?;
    let mut drop = Drop { feature, history, committer, snapshot: snapshot.clone() };
    drop.check_unused().await.with("feature", feature.name).with("table", snapshot.store().root())?;
    if feature.kind == FeatureKind::ReaderWriter {
        drop.turn_off().await?;
    }
    match history {
        DropHistory::Truncate => drop.truncate().await,
        DropHistory::Protect if feature.kind == FeatureKind::ReaderWriter => drop.protect().await,
        DropHistory::Protect => drop.commit(false).await.map(FeatureDrop::Dropped),
    }
}

/// The feature, if the table has it and nothing requires it.
fn droppable(snapshot: &Snapshot, name: &str, history: DropHistory) -> Result<&'static FeatureSpec> {
    let refused = |message: String| Error::new(ErrorKind::InvalidArgument, message).with("feature", name);
    let protocol = snapshot.protocol();
    let feature = FeatureSpec::named(name).filter(|feature| protocol.supports(feature));
    let feature = feature.ok_or_else(|| refused("the table's protocol does not have this feature".to_owned()))?;
    let dependents: Vec<&str> = protocol
        .supported_features()
        .into_iter()
        .filter(|other| other.requires.contains(&feature.name))
        .map(|other| other.name)
        .collect();
    if !dependents.is_empty() {
        return Err(refused(format!("other features require it: drop {} first", dependents.join(", "))));
    }
    let is_protection = feature.name == CHECKPOINT_PROTECTION.name;
    match (history, feature.kind) {
        (DropHistory::Truncate, FeatureKind::Writer) if !is_protection => {
            Err(refused("only writers need to know it, so that history may show it: leave history as it is".to_owned()))
        }
        (DropHistory::Protect, _) if is_protection => {
            Err(refused("it goes with the history that it protects: truncate history".to_owned()))
        }
        _ => Ok(feature),
    }
}

struct Drop {
    feature: &'static FeatureSpec,
    history: DropHistory,
    committer: Arc<dyn Committer>,
    /// The newest version known.
    snapshot: Snapshot,
}

impl Drop {
    /// The table's metadata without the properties that go with the feature.
    fn metadata(&self) -> Metadata {
        let mut metadata = self.snapshot.metadata().clone();
        let goes =
            |key: &str| self.feature.removal.properties.iter().any(|property| property.eq_ignore_ascii_case(key));
        metadata.configuration.retain(|key, _| !goes(key));
        metadata
    }

    fn is_turned_off(&self) -> bool {
        self.metadata() == *self.snapshot.metadata()
    }

    /// Fails where the newest version needs the feature.
    async fn check_unused(&self) -> Result<()> {
        let table = TableConfiguration::try_new(self.snapshot.protocol().clone(), self.metadata())?;
        if self.feature.is_needed(&table) || self.has_traces(&self.snapshot).await? {
            let message = format!("the table still needs the feature: {}; then drop it", self.feature.removal.remedy);
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(())
    }

    async fn has_traces(&self, snapshot: &Snapshot) -> Result<bool> {
        if self.feature.removal.traces == Traces::Domains {
            return Ok(!snapshot.domains().await?.is_empty());
        }
        if !matches!(self.feature.removal.traces, Traces::DeletionVectors | Traces::RowIds) {
            return Ok(false);
        }
        let mut chunks = snapshot.stream_files();
        while let Some(chunk) = chunks.try_next().await? {
            let shows = chunk.files().any(|file| match self.feature.removal.traces {
                Traces::RowIds => file.base_row_id().is_some(),
                _ => file.deletion_vector().is_some(),
            });
            if shows {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn begin(&self, operation: Operation) -> Result<Transaction> {
        Transaction::begin(&self.snapshot, self.committer.clone(), operation)
    }

    async fn land(&mut self, transaction: Transaction) -> Result<Committed> {
        let committed = transaction.commit().await.into_result()?;
        let none =
            || Error::new(ErrorKind::Internal, "a commit without transaction identifiers cannot be there already");
        let committed = committed.ok_or_else(none)?;
        self.snapshot = self.snapshot.advance_to(committed.version).await?;
        Ok(committed)
    }

    /// Nobody is to begin to use the feature from here on.
    async fn turn_off(&mut self) -> Result<()> {
        if self.is_turned_off() {
            return Ok(());
        }
        let properties: Vec<&str> = self.feature.removal.properties.to_vec();
        let operation = Operation::new("UNSET TBLPROPERTIES")
            .with_parameter("properties", serde_json::json!(properties).to_string())
            .with_parameter("ifExists", true);
        let mut transaction = self.begin(operation)?;
        transaction.set_metadata(self.metadata())?;
        self.land(transaction).await?;
        Ok(())
    }

    /// The feature goes, and whatever showed it stays behind checkpoints.
    async fn protect(&mut self) -> Result<FeatureDrop> {
        for _ in 0..BARRIERS {
            let empty = self.begin(Operation::new("EMPTY COMMIT"))?;
            self.land(empty).await?;
            write_checkpoint(&self.snapshot, CheckpointOptions::new()).await?;
        }
        let mut committed = self.commit(true).await?;
        // So that nobody has to go through the commit that drops the feature.
        let written = write_checkpoint(&self.snapshot, CheckpointOptions::new()).await;
        if let Err(error) = written {
            committed.upkeep.warn(UpkeepStep::Checkpoint, error);
        }
        Ok(FeatureDrop::Dropped(committed))
    }

    /// The feature goes, if no version that can still be read shows it.
    async fn truncate(&mut self) -> Result<FeatureDrop> {
        write_checkpoint(&self.snapshot, CheckpointOptions::new()).await?;
        let properties = self.snapshot.configuration().properties();
        let retention = properties.get(&property::DROP_FEATURE_TRUNCATE_HISTORY_RETENTION_DURATION)?;
        let options = CleanupOptions::new().with_retention(retention).with_granularity(Granularity::Hour);
        let plan = plan_metadata_cleanup(&self.snapshot, options).await?;
        plan.execute(self.snapshot.store()).await?;
        let Some(newest_use) = self.newest_use().await? else {
            return self.commit(false).await.map(FeatureDrop::Dropped);
        };
        let next = newest_use.next().min(self.snapshot.version());
        let since = History::load(&self.snapshot).await?.timestamp_of(next).await?;
        let retention_ms = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let until = TimestampMs(since.0.saturating_add(retention_ms).saturating_add(HOUR_MS));
        Ok(FeatureDrop::Waiting { newest_use, until })
    }

    /// The newest version that shows the feature, of those that can still be read.
    async fn newest_use(&self) -> Result<Option<Version>> {
        let store = self.snapshot.store();
        let listing = Listing::new(store.list_log(Version(0)).await?);
        let Some(earliest) = listing.earliest() else { return Ok(None) };
        if self.feature.name == CHECKPOINT_PROTECTION.name {
            let properties = self.snapshot.configuration().properties();
            let before = Version(properties.get(&property::REQUIRE_CHECKPOINT_PROTECTION_BEFORE_VERSION)?);
            return Ok(before.previous().filter(|_| earliest < before));
        }
        if let Some(version) = self.newest_v2_checkpoint(&listing).await? {
            return Ok(Some(version));
        }
        let commits: Vec<(Version, String)> = listing
            .commits()
            .filter(|(version, _)| *version > earliest)
            .map(|(version, file)| (version, file.path.clone()))
            .collect();
        let mut shown = stream::iter(commits.into_iter().rev()).map(|commit| self.shown_by(commit)).buffered(REQUESTS);
        while let Some(shown) = shown.try_next().await? {
            if shown.is_some() {
                return Ok(shown);
            }
        }
        let oldest = self.snapshot.at_version(earliest).await?;
        let is_shown = self.is_used(oldest.configuration()) || self.has_traces(&oldest).await?;
        Ok(is_shown.then_some(earliest))
    }

    async fn newest_v2_checkpoint(&self, listing: &Listing) -> Result<Option<Version>> {
        if self.feature.removal.traces != Traces::V2Checkpoints {
            return Ok(None);
        }
        let mut newest = None;
        for checkpoint in listing.checkpoints() {
            let is_v2 = matches!(checkpoint.kind, CheckpointKind::Uuid { .. })
                || !sidecar_paths(self.snapshot.store(), &checkpoint).await?.is_empty();
            newest = if is_v2 { Some(checkpoint.version) } else { newest };
        }
        Ok(newest)
    }

    fn is_used(&self, table: &TableConfiguration) -> bool {
        (self.feature.is_active)(table) && self.feature.removal.is_needed.is_none() || self.feature.is_needed(table)
    }

    /// The version of a commit, if the commit shows the feature.
    async fn shown_by(&self, (version, path): (Version, String)) -> Result<Option<Version>> {
        let store = self.snapshot.store();
        let Some(body) = store.read(&path).await? else { return Ok(None) };
        let actions = cpu::run(&store.context().cpu, move || read_actions(&body)).await.with("file", path)?;
        let shows = |action: &Action| match action {
            Action::Metadata(metadata) => {
                let table = TableConfiguration::try_new(self.snapshot.protocol().clone(), metadata.clone());
                table.map_or(true, |table| self.is_used(&table))
            }
            Action::Add(add) => match self.feature.removal.traces {
                Traces::DeletionVectors => add.deletion_vector.is_some(),
                Traces::RowIds => add.base_row_id.is_some(),
                _ => false,
            },
            _ => false,
        };
        Ok(actions.iter().any(shows).then_some(version))
    }

    /// The commit that drops the feature.
    async fn commit(&mut self, protects_checkpoints: bool) -> Result<Committed> {
        let operation = Operation::new("DROP FEATURE")
            .with_parameter("featureName", self.feature.name)
            .with_parameter("truncateHistory", self.history == DropHistory::Truncate);
        let mut transaction = self.begin(operation)?;
        let metadata = Some(self.metadata()).filter(|_| protects_checkpoints || !self.is_turned_off());
        let domains = match self.feature.removal.traces {
            Traces::RowIds => self.snapshot.domains().await?,
            _ => Default::default(),
        };
        transaction.drop_feature(self.feature, metadata, domains, protects_checkpoints)?;
        self.land(transaction).await
    }
}
