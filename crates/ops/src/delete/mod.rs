//! Delete rows.
//!
//! ```text
//!   no predicate, or one on partition columns alone ─► the log tells: whole files are removed, none is opened
//!   any other ─► files that may match are opened ─► which of their rows match?
//!                  all live ones ─► the file is removed
//!                  some          ─► deletion vectors on: the file's vector grows
//!                                   else: the rows that stay are written anew, and row changes where the table asks
//! ```

mod apply;

use deltaic_commit::{Operation, Transaction};
use deltaic_log::action::Remove;
use deltaic_log::feature::{DELETION_VECTORS, ROW_TRACKING};
use deltaic_log::{Error, Result, Snapshot, Version};
use deltaic_scan::expr::{EvalContext, Expr, parse};
use serde::Serialize;
use serde_json::json;

use crate::data::options::FileOptions;
use crate::finish::{commit, discarding};
use crate::partition_predicate::PartitionPredicate;
use crate::remove::removal;
use crate::report::Report;
use crate::rows::change::RowChange;
use crate::rows::{ROW_TRACKING_PRESERVED, changeable, matched};
use crate::target::Target;

pub(crate) use apply::delete_where;

/// Deletes rows of a table: those for which a predicate is true, or all.
///
/// Only files that may hold such rows are opened, and only those that do are changed. Where nothing matches, nothing is
/// committed.
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, SingleStore, TableStore, Version};
/// # use arrow_array::{Int64Array, RecordBatch};
/// use deltaic_commit::committer;
/// use deltaic_ops::{DeleteBuilder, Input, Target, WriteBuilder};
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let root = "memory:///table".parse().unwrap();
/// # let store = TableStore::new(&root, context)?;
/// # let committer = committer::for_table(&store);
/// # let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as _)]).unwrap();
/// # let input = Input::from_batches(batch.schema(), [batch]);
/// # WriteBuilder::new(Target::open(store.clone(), committer.clone()).await?, input).execute().await?;
/// let target = Target::open(store, committer).await?;
/// let report = DeleteBuilder::new(target).predicate_sql("id > 1")?.execute().await?;
/// assert_eq!((report.version, report.metric("numDeletedRows")), (Some(Version(1)), 2));
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is deleted before `execute`"]
pub struct DeleteBuilder {
    target: Target,
    predicate: Option<Expr>,
    user_metadata: Option<String>,
    files: FileOptions,
    eval: Option<EvalContext>,
}

/// How rows are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DeleteWay {
    /// Whole files are removed from the log; none is opened.
    LogAlone,
    /// Files are opened; the vectors of those that hold matching rows grow.
    DeletionVectors,
    /// Files are opened; those that hold matching rows are written anew without them.
    CopyOnWrite,
}

/// What a deletion will do, as far as is known before a file is opened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeletePlan {
    /// The version that it goes out from.
    pub read_version: Version,
    /// How.
    pub way: DeleteWay,
    /// How many files the table has.
    pub files: usize,
    /// How many of them are removed or opened.
    pub candidates: usize,
}

impl DeleteBuilder {
    /// Deletes all rows of the table, unless a predicate says which.
    pub fn new(target: Target) -> Self {
        Self { target, predicate: None, user_metadata: None, files: FileOptions::default(), eval: None }
    }

    /// Only rows for which `predicate` is true.
    pub fn predicate(mut self, predicate: Expr) -> Self {
        self.predicate = Some(predicate);
        self
    }

    /// [`Self::predicate`] with SQL text.
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::InvalidExpression`].
    pub fn predicate_sql(self, predicate: &str) -> Result<Self> {
        Ok(self.predicate(parse(predicate)?))
    }

    /// What the user wants to be recorded with the commit.
    pub fn user_metadata(mut self, text: impl Into<String>) -> Self {
        self.user_metadata = Some(text.into());
        self
    }

    /// How files are written.
    pub fn files(mut self, options: FileOptions) -> Self {
        self.files = options;
        self
    }

    /// What expressions are evaluated with: functions, time zone, the time that is now.
    pub fn eval_context(mut self, context: EvalContext) -> Self {
        self.eval = Some(context);
        self
    }

    /// What would be done. No data file is opened.
    ///
    /// # Errors
    /// As [`Self::execute`], as far as no row is needed to tell.
    pub async fn plan(&self) -> Result<DeletePlan> {
        let snapshot = self.snapshot()?;
        let (files, eval) = (snapshot.files().await?.len(), self.eval());
        let whole = match &self.predicate {
            None => Some(files),
            Some(predicate) => whole_files(snapshot, predicate, &eval).await?.map(|removes| removes.len()),
        };
        let way = match whole {
            Some(_) => DeleteWay::LogAlone,
            None if snapshot.configuration().is_active(&DELETION_VECTORS) => DeleteWay::DeletionVectors,
            None => DeleteWay::CopyOnWrite,
        };
        let candidates = match (whole, &self.predicate) {
            (Some(whole), _) => whole,
            (None, Some(predicate)) => matched::candidates(snapshot, Some(predicate), &eval).await?.len(),
            (None, None) => files,
        };
        Ok(DeletePlan { read_version: snapshot.version(), way, files, candidates })
    }

    /// Deletes the rows.
    ///
    /// # Errors
    /// Before anything is written: [`deltaic_log::ErrorKind::NotATable`], [`deltaic_log::ErrorKind::UnsupportedProtocol`],
    /// [`deltaic_log::ErrorKind::InvalidArgument`] for a table that only grows, [`deltaic_log::ErrorKind::UnknownColumn`],
    /// [`deltaic_log::ErrorKind::InvalidExpression`]. While files are read and written: those of reading, [`deltaic_log::ErrorKind::Storage`]; what was
    /// written is removed then. At the end, as the commit.
    pub async fn execute(self) -> Result<Report> {
        let (snapshot, eval) = (self.snapshot()?.clone(), self.eval());
        let mut transaction = Transaction::begin(&snapshot, self.target.committer.clone(), self.operation())?;
        if let Some(text) = &self.user_metadata {
            transaction = transaction.with_user_metadata(text);
        }
        if snapshot.configuration().is_active(&ROW_TRACKING) {
            // Rows that stay keep their ids, wherever they are written.
            transaction = transaction.with_tag(ROW_TRACKING_PRESERVED, "true");
        }
        let deletion = self.delete(&snapshot, &mut transaction, &eval).await;
        let store = &self.target.store;
        match deletion {
            Ok(deletion) if deletion.is_empty() => Ok(Report::unchanged("no row matches")),
            Ok(deletion) => {
                let (metrics, paths) = (deletion.metrics("numDeletedRows"), deletion.paths.clone());
                deletion.stage(&mut transaction);
                commit(transaction, metrics, store, paths).await
            }
            Err((error, paths)) => Err(discarding(error, store, paths).await),
        }
    }

    async fn delete(
        &self,
        snapshot: &Snapshot,
        transaction: &mut Transaction,
        eval: &EvalContext,
    ) -> Result<RowChange, (Error, Vec<String>)> {
        let unwritten = |error| (error, Vec::new());
        let Some(predicate) = &self.predicate else {
            transaction.read_whole_table();
            let files = snapshot.files().await.map_err(unwritten)?;
            return RowChange::of_files(snapshot, files.iter().map(removal).collect()).await.map_err(unwritten);
        };
        let deletion = delete_where(snapshot, predicate, eval, &self.files).await?;
        let read = deletion.removes.iter().map(|remove| remove.path.as_str());
        transaction.read_where(predicate, eval, read).map_err(|error| (error, deletion.paths.clone()))?;
        Ok(deletion)
    }

    fn snapshot(&self) -> Result<&Snapshot> {
        changeable(&self.target)
    }

    fn eval(&self) -> EvalContext {
        self.eval.clone().unwrap_or_else(|| EvalContext::new(&*self.target.store.context().clock))
    }

    fn operation(&self) -> Operation {
        let predicate: Vec<String> = self.predicate.iter().map(|predicate| format!("({predicate})")).collect();
        Operation::new("DELETE").with_parameter("predicate", json!(predicate).to_string())
    }
}

/// The files that the log alone shows to match as a whole; `None` where the log alone cannot tell.
pub(crate) async fn whole_files(
    snapshot: &Snapshot,
    predicate: &Expr,
    eval: &EvalContext,
) -> Result<Option<Vec<Remove>>> {
    let Some(by_partition) = PartitionPredicate::new(predicate, snapshot.configuration(), eval)? else {
        return Ok(None);
    };
    let mut removes = Vec::new();
    for chunk in snapshot.files().await?.chunks() {
        let matches = by_partition.matches(chunk)?;
        removes.extend(chunk.files().filter(|file| matches[file.row()]).map(removal));
    }
    Ok(Some(removes))
}
