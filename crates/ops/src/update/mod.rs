//! Change rows.
//!
//! ```text
//!   files that may match are opened ─► which of their rows match?
//!      none              ─► the file stays as it is
//!      some ─► deletion vectors on: the file's vector grows, and the rows are written anew, changed, into new files
//!              else:                the file is written anew, with the rows that stay and those that change
//! ```

mod assignment;
mod updater;

use deltaic_commit::{Operation, Transaction};
use deltaic_log::feature::{DELETION_VECTORS, ROW_TRACKING};
use deltaic_log::schema::ColumnPath;
use deltaic_log::{Error, Result, Snapshot, Version};
use deltaic_scan::expr::{EvalContext, Expr, parse};
use serde::Serialize;
use serde_json::json;

use crate::data::options::FileOptions;
use crate::finish::{commit, discarding};
use crate::report::Report;
use crate::rows::change::RowChange;
use crate::rows::copy::{Copier, Part, RowKind};
use crate::rows::matched::{MatchedFile, candidates, matched};
use crate::rows::vectors::grow_vectors;
use crate::rows::{ROW_TRACKING_PRESERVED, changeable};
use crate::target::Target;

pub(crate) use updater::Updater;

/// Changes rows of a table: those for which a predicate is true, or all.
///
/// Every expression sees the row as it was. A value is stored unchanged or refused; a text that is written out is read as what
/// the column holds (`day = '2026-08-01'`). Generated columns follow the columns that they are computed from, and the table's
/// constraints hold for the changed rows. Rows keep their ids. Where nothing matches, nothing is committed.
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, SingleStore, TableStore, Version};
/// # use arrow_array::{Int64Array, RecordBatch};
/// use deltaic_commit::committer;
/// use deltaic_ops::{Input, Target, UpdateBuilder, WriteBuilder};
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let root = "memory:///table".parse().unwrap();
/// # let store = TableStore::new(&root, context)?;
/// # let committer = committer::for_table(&store);
/// # let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as _)]).unwrap();
/// # let input = Input::from_batches(batch.schema(), [batch]);
/// # WriteBuilder::new(Target::open(store.clone(), committer.clone()).await?, input).execute().await?;
/// let target = Target::open(store, committer).await?;
/// let update = UpdateBuilder::new(target).set_sql("id = id * 10")?.predicate_sql("id > 1")?;
/// let report = update.execute().await?;
/// assert_eq!((report.version, report.metric("numUpdatedRows")), (Some(Version(1)), 2));
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is updated before `execute`"]
pub struct UpdateBuilder {
    target: Target,
    set: Vec<(ColumnPath, Expr)>,
    predicate: Option<Expr>,
    user_metadata: Option<String>,
    files: FileOptions,
    eval: Option<EvalContext>,
}

/// How rows are updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum UpdateWay {
    /// The rows are marked as deleted where they are, and written anew into new files.
    DeletionVectors,
    /// Files that hold matching rows are written anew.
    CopyOnWrite,
}

/// What an update will do, as far as is known before a file is opened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpdatePlan {
    /// The version that it goes out from.
    pub read_version: Version,
    /// How.
    pub way: UpdateWay,
    /// How many files the table has.
    pub files: usize,
    /// How many of them are opened.
    pub candidates: usize,
}

impl UpdateBuilder {
    /// Changes all rows of the table, unless a predicate says which.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            set: Vec::new(),
            predicate: None,
            user_metadata: None,
            files: FileOptions::default(),
            eval: None,
        }
    }

    /// One more column, or field of a struct, and what becomes of it.
    pub fn set(mut self, column: impl Into<ColumnPath>, expr: Expr) -> Self {
        self.set.push((column.into(), expr));
        self
    }

    /// [`Self::set`] with SQL text: `column = expression`.
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::InvalidExpression`]; [`deltaic_log::ErrorKind::UnknownColumn`] for what is no column's name.
    pub fn set_sql(self, assignment: &str) -> Result<Self> {
        let (column, expr) = assignment::parse_assignment(assignment)?;
        Ok(self.set(column, expr))
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
    pub async fn plan(&self) -> Result<UpdatePlan> {
        let (snapshot, eval) = (changeable(&self.target)?, self.eval());
        Updater::new(snapshot.configuration(), &self.set, &eval)?;
        let way = match snapshot.configuration().is_active(&DELETION_VECTORS) {
            true => UpdateWay::DeletionVectors,
            false => UpdateWay::CopyOnWrite,
        };
        let candidates = candidates(snapshot, self.predicate.as_ref(), &eval).await?.len();
        Ok(UpdatePlan { read_version: snapshot.version(), way, files: snapshot.files().await?.len(), candidates })
    }

    /// Changes the rows.
    ///
    /// # Errors
    /// Before anything is written: [`deltaic_log::ErrorKind::NotATable`], [`deltaic_log::ErrorKind::UnsupportedProtocol`],
    /// [`deltaic_log::ErrorKind::UnknownColumn`], [`deltaic_log::ErrorKind::InvalidExpression`];
    /// [`deltaic_log::ErrorKind::InvalidArgument`] for a table that only grows, a column that is set twice or that the table
    /// numbers itself, an expression of a type that the column cannot hold. While files are read and written:
    /// [`deltaic_log::ErrorKind::InvalidRow`] for a changed row that the table does not take, those of reading,
    /// [`deltaic_log::ErrorKind::Storage`]; what was written is removed then. At the end, as the commit.
    pub async fn execute(self) -> Result<Report> {
        let (snapshot, eval) = (changeable(&self.target)?.clone(), self.eval());
        let mut transaction = Transaction::begin(&snapshot, self.target.committer.clone(), self.operation())?;
        if let Some(text) = &self.user_metadata {
            transaction = transaction.with_user_metadata(text);
        }
        if snapshot.configuration().is_active(&ROW_TRACKING) {
            transaction = transaction.with_tag(ROW_TRACKING_PRESERVED, "true");
        }
        let store = &self.target.store;
        match self.update(&snapshot, &mut transaction, &eval).await {
            Ok(change) if change.is_empty() => Ok(Report::unchanged("no row matches")),
            Ok(change) => {
                let (metrics, paths) = (change.metrics("numUpdatedRows"), change.paths.clone());
                change.stage(&mut transaction);
                commit(transaction, metrics, store, paths).await
            }
            Err((error, paths)) => Err(discarding(error, store, paths).await),
        }
    }

    async fn update(
        &self,
        snapshot: &Snapshot,
        transaction: &mut Transaction,
        eval: &EvalContext,
    ) -> Result<RowChange, (Error, Vec<String>)> {
        let unwritten = |error| (error, Vec::new());
        let updater = Updater::new(snapshot.configuration(), &self.set, eval).map_err(unwritten)?;
        let files = matched(snapshot, self.predicate.as_ref(), eval).await.map_err(unwritten)?;
        match &self.predicate {
            None => transaction.read_whole_table(),
            Some(predicate) => {
                let read = files.iter().map(|file| file.planned.file().path());
                transaction.read_where(predicate, eval, read).map_err(unwritten)?;
            }
        }
        let mut change = RowChange::of_matched(&files);
        let copier = Copier::new(snapshot, eval, &self.files).map_err(unwritten)?.with_updater(updater);
        match self.write(snapshot, &files, copier, &mut change).await {
            Ok(()) => Ok(change),
            Err(error) => Err((error, change.paths)),
        }
    }

    async fn write(
        &self,
        snapshot: &Snapshot,
        files: &[MatchedFile],
        mut copier: Copier<'_>,
        change: &mut RowChange,
    ) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let mut parts = Vec::new();
        let marks = snapshot.configuration().is_active(&DELETION_VECTORS);
        for file in files {
            if !marks && !file.is_whole() {
                parts.push(Part::kept(file));
            }
            parts.push(Part::matched(file, RowKind::Updated));
        }
        let written = copier.rows(parts, &mut change.paths).await?;
        let updated: u64 = files.iter().map(|file| file.positions.cardinality()).sum();
        change.copied_rows = written.rows.saturating_sub(updated);
        change.adds = written.adds;
        if copier.records_changes() {
            let kinds = [RowKind::BeforeUpdate, RowKind::Updated];
            let parts = files.iter().flat_map(|file| kinds.map(|kind| Part::matched(file, kind)));
            change.cdc_files = copier.changes(parts.collect(), &mut change.paths).await?;
        }
        match marks {
            true => grow_vectors(snapshot, files, &self.files, change).await,
            false => Ok(()),
        }
    }

    fn eval(&self) -> EvalContext {
        self.eval.clone().unwrap_or_else(|| EvalContext::new(&*self.target.store.context().clock))
    }

    fn operation(&self) -> Operation {
        let predicate: Vec<String> = self.predicate.iter().map(|predicate| format!("({predicate})")).collect();
        Operation::new("UPDATE").with_parameter("predicate", json!(predicate).to_string())
    }
}
