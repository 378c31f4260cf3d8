//! Spec: [Change Data Files](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#change-data-files) and
//! [Add CDC File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-cdc-file): which rows each version
//! inserted, updated and deleted.
//!
//! ```text
//! range --History--> versions --read, many at a time--> commits --plan, pure--> FileReads --Reader--> rows
//! ```
//!
//! A version that has change data files is described by them alone. Else its rows follow from its `add` and `remove`
//! actions: those of an added file were inserted, those of a removed file deleted; where one file got another deletion
//! vector, the rows by which the two differ. Actions that say `dataChange: false` changed nothing.

mod commits;
mod compatible;
mod plan;
mod pruning;
mod range;

pub use plan::ChangeKind;
pub use range::{ChangeBound, ChangeRange};

use crate::expr::{EvalContext, Expr, parse};
use crate::plan::FileRead;
use crate::read::{BatchStream, ReadOptions, Reader};
use crate::selection::Selection;
use arrow_schema::SchemaRef;
use deltaic_log::{Result, ResultExt, Snapshot};
use plan::{Planner, schema_of};
use pruning::Pruning;

/// The column that tells what happened to a row: `insert`, `update_preimage`, `update_postimage` or `delete`.
pub const CHANGE_TYPE: &str = "_change_type";
/// The column that tells in which version it happened.
pub const COMMIT_VERSION: &str = "_commit_version";
/// The column that tells when that version was committed.
pub const COMMIT_TIMESTAMP: &str = "_commit_timestamp";

/// What to read of the changes of a table.
///
/// ```
/// # use deltaic_log::{Context, SingleStore, Snapshot, SnapshotOptions, Version};
/// # use futures::{TryStreamExt, executor::block_on};
/// # use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
/// # use std::sync::Arc;
/// # let store = Arc::new(InMemory::new());
/// # let schema = r#"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}"#;
/// # let log = format!("{}\n{}", r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":4}}"#,
/// #     format!(r#"{{"metaData":{{"id":"0","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{schema}","partitionColumns":[],"configuration":{{"delta.enableChangeDataFeed":"true"}}}}}}"#));
/// # block_on(store.put(&Path::from("t/_delta_log/00000000000000000000.json"), log.into())).unwrap();
/// # let context = Context::new(Arc::new(SingleStore::new(store)));
/// # block_on(async {
/// use deltaic_scan::change_data_feed::{ChangeRange, ChangesBuilder};
/// let latest = Snapshot::open(&"memory:///t".parse().unwrap(), context, SnapshotOptions::new()).await?;
/// let changes = ChangesBuilder::new(latest, ChangeRange::from_version(Version(0)))
///     .columns(["id", "_commit_version"])
///     .filter_sql("_change_type = 'delete' AND id > 3")?
///     .plan()
///     .await?;
/// assert_eq!(changes.schema().fields().len(), 2);
/// let batches: Vec<_> = changes.stream(Default::default()).try_collect().await?;
/// assert!(batches.is_empty());
/// # Ok::<(), deltaic_log::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `plan` is called"]
pub struct ChangesBuilder {
    latest: Snapshot,
    range: ChangeRange,
    columns: Option<Vec<String>>,
    predicates: Vec<Expr>,
    eval: Option<EvalContext>,
}

impl ChangesBuilder {
    /// All changes of `range` in the table of which `latest` is the newest snapshot, with all columns.
    pub fn new(latest: Snapshot, range: ChangeRange) -> Self {
        Self { latest, range, columns: None, predicates: Vec::new(), eval: None }
    }

    /// Only these columns, in this order, as [`crate::ScanBuilder::columns`] takes them. [`CHANGE_TYPE`],
    /// [`COMMIT_VERSION`] and [`COMMIT_TIMESTAMP`] are columns like the others: they come where they are named.
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Only changes for which `predicate`, on all columns, is true. Several predicates must all be true.
    pub fn filter(mut self, predicate: Expr) -> Self {
        self.predicates.push(predicate);
        self
    }

    /// [`Self::filter`] with SQL text.
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::InvalidExpression`].
    pub fn filter_sql(self, predicate: &str) -> Result<Self> {
        Ok(self.filter(parse(predicate)?))
    }

    /// What predicates are evaluated with: functions, time zone, the time that is now.
    pub fn eval_context(mut self, context: EvalContext) -> Self {
        self.eval = Some(context);
        self
    }

    /// Reads the commits of the range, and plans.
    ///
    /// # Errors
    /// As [`Changes::plan`]; [`deltaic_log::ErrorKind::UnknownColumn`], [`deltaic_log::ErrorKind::InvalidExpression`].
    #[tracing::instrument(name = "plan changes", skip_all, fields(table = %self.latest.store().root()))]
    pub async fn plan(self) -> Result<Changes> {
        let root = self.latest.store().root().clone();
        self.plan_unnamed().await.with("table", root)
    }

    async fn plan_unnamed(self) -> Result<Changes> {
        let Self { latest, range, columns, predicates, eval } = self;
        let (store, table) = (latest.store(), latest.configuration());
        let eval = eval.unwrap_or_else(|| EvalContext::new(&*store.context().clock));
        let schema = schema_of(table).to_arrow();
        let selection = Selection::new(columns, predicates, &schema, &eval)?;
        let mut planner = Planner::new(store.root(), table, &selection)?;
        let pruning = selection.predicate.as_ref().map(|predicate| Pruning::new(predicate, table, &schema, &eval));
        let pruning = pruning.transpose()?;
        let mut reads = Vec::new();
        if let Some((start, end)) = range.resolve(&latest).await? {
            let first = commits::configuration_at(&latest, start).await?;
            planner.check(&first, start)?;
            let mut commits = commits::read(&latest, start, end).await?;
            while let Some(commit) = commits::next(&mut commits).await? {
                for read in planner.commit(&commit).with("version", commit.version)? {
                    if pruning.as_ref().map_or(Ok(true), |pruning| pruning.might_match(&read))? {
                        reads.push(read);
                    }
                }
            }
        }
        let reader = Reader::new(store.context().clone()).with_eval(eval);
        Ok(Changes { reads, schema: planner.schema(), reader })
    }
}

/// The changes of a range of versions, planned: oldest version first.
#[derive(Clone, Debug)]
pub struct Changes {
    reads: Vec<FileRead>,
    schema: SchemaRef,
    reader: Reader,
}

impl Changes {
    /// Plans the changes of `range` in the table of which `latest` is the newest snapshot. Rows have the table's columns as
    /// of `latest`, then [`CHANGE_TYPE`], [`COMMIT_VERSION`] and [`COMMIT_TIMESTAMP`]; [`ChangesBuilder`] asks for less.
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::VersionNotFound`] where the range begins after the newest version, or before the oldest
    /// commit that the log holds; [`deltaic_log::ErrorKind::InvalidArgument`] where it ends before it begins;
    /// [`deltaic_log::ErrorKind::ChangeDataUnavailable`] where the change data feed was off in one of the versions, or
    /// where the table's schema changed so that older rows do not fit it.
    pub async fn plan(latest: &Snapshot, range: ChangeRange) -> Result<Self> {
        ChangesBuilder::new(latest.clone(), range).plan().await
    }

    /// The schema of every batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The files to be read, and which rows of them: plain data that any engine can read with a [`Reader`].
    pub fn reads(&self) -> &[FileRead] {
        &self.reads
    }

    /// The changes, read here.
    pub fn stream(&self, options: ReadOptions) -> BatchStream {
        let reads = futures::stream::iter(self.reads.clone().into_iter().map(Ok));
        self.reader.read_stream(self.schema.clone(), reads, options)
    }
}
