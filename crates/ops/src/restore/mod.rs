//! Make a table what it was.
//!
//! ```text
//!   files then, not now ─► still in storage? ─► added again       ┐
//!   files now, not then ─► removed                                ├─► one commit, a new version
//!   schema, properties, clustering as then; the protocol as both  ┘
//! ```

mod difference;
mod metadata;
mod missing;

use chrono::DateTime;
use deltaic_commit::{Operation, Transaction};
use deltaic_log::feature::APPEND_ONLY;
use deltaic_log::{Error, ErrorKind, History, Result, ResultExt, Snapshot, TimestampMs, Version};
use serde::Serialize;
use serde_json::Value;

use crate::finish::commit;
use crate::report::Report;
use crate::rows::change::Metrics;
use crate::target::Target;
use difference::Difference;

/// Where clustering columns are kept (spec: "Clustered Table").
const CLUSTERING_DOMAIN: &str = "delta.clustering";
/// How many files an error names.
const NAMED_MAX: usize = 10;

/// Makes a table what it was at an older version, in a new version: its rows, its schema, its properties.
///
/// The history stays. The table keeps the features that it has gained since, and what must never count backwards: the marks of
/// identity columns, ids of columns and rows. How far applications have written stays, too.
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, SingleStore, TableStore, Version};
/// # use arrow_array::{Int64Array, RecordBatch};
/// use deltaic_commit::committer;
/// use deltaic_ops::{DeleteBuilder, Input, RestoreBuilder, Target, WriteBuilder};
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let root = "memory:///table".parse().unwrap();
/// # let store = TableStore::new(&root, context)?;
/// # let committer = committer::for_table(&store);
/// # let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as _)]).unwrap();
/// # let input = Input::from_batches(batch.schema(), [batch]);
/// # WriteBuilder::new(Target::open(store.clone(), committer.clone()).await?, input).execute().await?;
/// DeleteBuilder::new(Target::open(store.clone(), committer.clone()).await?).execute().await?;
/// let target = Target::open(store, committer).await?;
/// let report = RestoreBuilder::new(target).version(Version(0)).execute().await?;
/// assert_eq!((report.version, report.metric("numRestoredFiles")), (Some(Version(2)), 1));
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is restored before `execute`"]
pub struct RestoreBuilder {
    target: Target,
    version: Option<Version>,
    timestamp: Option<TimestampMs>,
    ignore_missing_files: bool,
    user_metadata: Option<String>,
}

/// What a restoration will do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RestorePlan {
    /// The version that it goes out from: the newest.
    pub read_version: Version,
    /// The version that comes back.
    pub restored_version: Version,
    /// What is counted, by the names of the table's history.
    pub metrics: Metrics,
    /// The files of that version that are gone from storage, and stay out.
    pub missing_files: Vec<String>,
}

/// A plan, and the actions of it.
struct Prepared {
    plan: RestorePlan,
    current: Snapshot,
    then: Snapshot,
    difference: Difference,
}

impl RestoreBuilder {
    /// The builder is to be told which version comes back.
    pub fn new(target: Target) -> Self {
        Self { target, version: None, timestamp: None, ignore_missing_files: false, user_metadata: None }
    }

    /// The version that comes back.
    pub fn version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    /// The version that was the newest at that time comes back.
    pub fn timestamp(mut self, timestamp: TimestampMs) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Whether files that are gone from storage stay out, and their rows with them, instead of failing the restoration.
    pub fn ignore_missing_files(mut self, ignore: bool) -> Self {
        self.ignore_missing_files = ignore;
        self
    }

    /// What the user wants to be recorded with the commit.
    pub fn user_metadata(mut self, text: impl Into<String>) -> Self {
        self.user_metadata = Some(text.into());
        self
    }

    /// What would be done. The files that are to come back are looked for.
    ///
    /// # Errors
    /// As [`Self::execute`], but for the commit.
    pub async fn plan(&self) -> Result<RestorePlan> {
        Ok(self.prepare().await?.plan)
    }

    /// Makes the table what it was. Where it is that already, nothing is committed.
    ///
    /// # Errors
    /// [`ErrorKind::NotATable`]; [`ErrorKind::InvalidArgument`] where not exactly one of version and time is given, and for a
    /// table that only grows; [`ErrorKind::VersionNotFound`]; [`ErrorKind::MissingFile`], with the names of `files` that are gone
    /// from storage; those of reading the log; as the commit.
    pub async fn execute(self) -> Result<Report> {
        let Prepared { plan, current, then, difference } = self.prepare().await?;
        let (metadata, domains) =
            (metadata::restored(current.configuration(), then.configuration())?, clustering(&current, &then).await?);
        let is_as_then = difference.adds.is_empty() && difference.removes.is_empty() && domains.is_none();
        if is_as_then && metadata == *current.metadata() {
            return Ok(Report::unchanged(format!("the table is what it was at version {}", plan.restored_version)));
        }
        let mut transaction = Transaction::begin(&current, self.target.committer.clone(), self.operation())?;
        if let Some(text) = &self.user_metadata {
            transaction = transaction.with_user_metadata(text);
        }
        transaction.read_whole_table();
        transaction.add_features(then.protocol().supported_features())?;
        if metadata != *current.metadata() {
            transaction.set_metadata(metadata)?;
        }
        match domains {
            Some(Clustering::Set(configuration)) => transaction.set_domain(CLUSTERING_DOMAIN, configuration)?,
            Some(Clustering::Removed(configuration)) => transaction.remove_domain(CLUSTERING_DOMAIN, configuration)?,
            None => {}
        }
        difference.removes.into_iter().for_each(|remove| transaction.remove(remove));
        difference.adds.into_iter().for_each(|add| transaction.add(add));
        let report = commit(transaction, plan.metrics, &self.target.store, Vec::new()).await?;
        let left_out = |path: &String| format!("the file {path} is gone from storage, and was left out");
        Ok(Report { warnings: plan.missing_files.iter().map(left_out).collect(), ..report })
    }

    async fn prepare(&self) -> Result<Prepared> {
        let current = self.target.existing()?.refresh().await?;
        let version = self.restored_version(&current).await?;
        let then = current.at_version(version).await?;
        let mut difference = Difference::between(&current, &then).await?;
        if current.configuration().is_active(&APPEND_ONLY) && !difference.removes.is_empty() {
            let message = "rows of the table are never removed, as its property delta.appendOnly says: unset it first";
            return Err(Error::new(ErrorKind::InvalidArgument, message).with("table", self.target.store.root()));
        }
        let missing = missing::missing(&self.target.store, &difference.adds).await?;
        let missing_files: Vec<String> = missing.iter().map(|place| difference.adds[*place].path.clone()).collect();
        if !missing.is_empty() && !self.ignore_missing_files {
            return Err(gone(version, &missing_files).with("table", self.target.store.root()));
        }
        difference.leave_out(&missing);
        let metrics = difference.metrics();
        let plan = RestorePlan { read_version: current.version(), restored_version: version, metrics, missing_files };
        Ok(Prepared { plan, current, then, difference })
    }

    async fn restored_version(&self, current: &Snapshot) -> Result<Version> {
        match (self.version, self.timestamp) {
            (Some(version), None) => Ok(version),
            (None, Some(time)) => History::load(current).await?.version_at(time).await,
            _ => {
                let message = "what is to come back is said by a version or a time, one of them";
                Err(Error::new(ErrorKind::InvalidArgument, message))
            }
        }
        .with("table", self.target.store.root())
    }

    fn operation(&self) -> Operation {
        let version = self.version.map_or(Value::Null, |version| version.0.into());
        let time = self.timestamp.and_then(|time| DateTime::from_timestamp_millis(time.0));
        let time = time.map_or(Value::Null, |time| time.format("%Y-%m-%d %H:%M:%S%.3f").to_string().into());
        Operation::new("RESTORE").with_parameter("version", version).with_parameter("timestamp", time)
    }
}

/// What becomes of the clustering columns.
enum Clustering {
    Set(String),
    Removed(String),
}

async fn clustering(current: &Snapshot, then: &Snapshot) -> Result<Option<Clustering>> {
    let of = |domains: std::collections::BTreeMap<String, deltaic_log::action::DomainMetadata>| {
        domains.get(CLUSTERING_DOMAIN).map(|domain| domain.configuration.clone())
    };
    Ok(match (of(current.domains().await?), of(then.domains().await?)) {
        (now, then) if now == then => None,
        (_, Some(then)) => Some(Clustering::Set(then)),
        (now, None) => now.map(Clustering::Removed),
    })
}

fn gone(version: Version, files: &[String]) -> Error {
    let message = format!(
        "{} files of version {version} are gone from storage, deleted by a vacuum perhaps: choose a newer version, or leave \
         their rows out by ignoring missing files",
        files.len()
    );
    let named = files.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    Error::new(ErrorKind::MissingFile, message).with("files", named)
}
