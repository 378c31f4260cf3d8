//! Write rows: into a table that is there, or into one that is made for them, by one commit.

mod merge_schema;
mod mode;
mod overwritten;
mod prepare;
mod run;

use std::collections::BTreeMap;

use deltaic_log::{Result, Version};
use deltaic_scan::expr::{EvalContext, Expr, parse};
use serde::Serialize;

use crate::data::options::FileOptions;
use crate::input::Input;
use crate::report::Report;
use crate::target::Target;

pub use mode::{SchemaMode, WriteMode};

/// Writes rows.
///
/// Columns are found by name, in any case. A value is stored as it is or not at all: where it would have to change, or breaks
/// a constraint, the operation fails, names row and column, and the table is as it was.
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, SingleStore, TableStore, Version};
/// # use arrow_array::{Int64Array, RecordBatch};
/// use deltaic_commit::committer;
/// use deltaic_ops::write::WriteMode;
/// use deltaic_ops::{Input, Target, WriteBuilder};
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let root = "memory:///table".parse().unwrap();
/// let store = TableStore::new(&root, context)?;
/// let committer = committer::for_table(&store);
/// let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as _)]).unwrap();
/// for version in 0..2 {
///     let target = Target::open(store.clone(), committer.clone()).await?;
///     let input = Input::from_batches(batch.schema(), [batch.clone()]);
///     let report = WriteBuilder::new(target, input).mode(WriteMode::Append).execute().await?;
///     assert_eq!((report.version, report.metric("numOutputRows")), (Some(Version(version)), 3));
/// }
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "nothing is written before `execute`"]
pub struct WriteBuilder {
    target: Target,
    input: Input,
    options: Options,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) mode: WriteMode,
    pub(crate) schema_mode: SchemaMode,
    pub(crate) partition_by: Option<Vec<String>>,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) replaced: Replaced,
    pub(crate) transaction: Option<(String, i64)>,
    pub(crate) user_metadata: Option<String>,
    pub(crate) files: FileOptions,
    pub(crate) eval: Option<EvalContext>,
}

/// Which rows an overwrite removes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Replaced {
    #[default]
    All,
    Where(Expr),
    Partitions,
}

/// What a write will do, as far as is known before its rows come.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WritePlan {
    /// The version that it goes out from; `None` where the table is made.
    pub read_version: Option<Version>,
    /// Why there is nothing to do, if there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<String>,
    /// What becomes of the rows that are there.
    pub mode: WriteMode,
    /// The columns that the table gains.
    pub added_columns: Vec<String>,
    /// The columns whose type grows.
    pub widened_columns: Vec<String>,
    /// How many files are removed, as far as that does not depend on the new rows.
    pub removed_files: usize,
    /// Their size in bytes.
    pub removed_bytes: u64,
    /// The columns that part the table's files.
    pub partition_columns: Vec<String>,
}

impl WriteBuilder {
    /// Writes `input` to `target`.
    pub fn new(target: Target, input: Input) -> Self {
        Self { target, input, options: Options::default() }
    }

    /// What becomes of the rows that are there.
    pub fn mode(mut self, mode: WriteMode) -> Self {
        self.options.mode = mode;
        self
    }

    /// What becomes of columns that the table lacks.
    pub fn schema_mode(mut self, mode: SchemaMode) -> Self {
        self.options.schema_mode = mode;
        self
    }

    /// The partition columns of the table that is made, or whose schema is overwritten. For any other table they must be those
    /// that it has.
    pub fn partition_by<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.options.partition_by = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// A property of the table that is made. A table that is there keeps its own.
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.properties.insert(key.into(), value.into());
        self
    }

    /// The name of the table that is made. A table that is there keeps its own.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// The description of the table that is made. A table that is there keeps its own.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.options.description = Some(text.into());
        self
    }

    /// With [`WriteMode::Overwrite`]: only rows for which `predicate` is true are removed, and it must be true for all rows
    /// that are written.
    pub fn replace_where(mut self, predicate: Expr) -> Self {
        self.options.replaced = Replaced::Where(predicate);
        self
    }

    /// [`Self::replace_where`] with SQL text.
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::InvalidExpression`].
    pub fn replace_where_sql(self, predicate: &str) -> Result<Self> {
        Ok(self.replace_where(parse(predicate)?))
    }

    /// With [`WriteMode::Overwrite`]: only the partitions that the new rows are in are replaced. Without partition columns,
    /// all rows are.
    pub fn overwrite_partitions(mut self) -> Self {
        self.options.replaced = Replaced::Partitions;
        self
    }

    /// Makes the write idempotent: it is version `app_version` of an application, and is not done where the application has
    /// come that far already.
    pub fn transaction(mut self, app_id: impl Into<String>, app_version: i64) -> Self {
        self.options.transaction = Some((app_id.into(), app_version));
        self
    }

    /// What the user wants to be recorded with the commit.
    pub fn user_metadata(mut self, text: impl Into<String>) -> Self {
        self.options.user_metadata = Some(text.into());
        self
    }

    /// How files are written.
    pub fn files(mut self, options: FileOptions) -> Self {
        self.options.files = options;
        self
    }

    /// What expressions are evaluated with: functions, time zone, the time that is now.
    pub fn eval_context(mut self, context: EvalContext) -> Self {
        self.options.eval = Some(context);
        self
    }

    /// What would be done. Nothing of the input is read.
    ///
    /// # Errors
    /// As [`Self::execute`], as far as no row is needed to tell.
    pub async fn plan(&self) -> Result<WritePlan> {
        Ok(prepare::prepare(&self.target, self.input.schema(), &self.options).await?.plan)
    }

    /// Writes the rows, and commits them.
    ///
    /// # Errors
    /// Before anything is written: [`deltaic_log::ErrorKind::InvalidArgument`], [`deltaic_log::ErrorKind::UnknownColumn`],
    /// [`deltaic_log::ErrorKind::UnsupportedProtocol`], [`deltaic_log::ErrorKind::InvalidProperty`],
    /// [`deltaic_log::ErrorKind::InvalidExpression`]. While rows come: [`deltaic_log::ErrorKind::InvalidRow`],
    /// [`deltaic_log::ErrorKind::Evaluation`], [`deltaic_log::ErrorKind::Storage`], and whatever the input fails with; what was
    /// written is removed then. At the end, as the commit: after [`deltaic_log::ErrorKind::CommitUnknown`] the files stay.
    pub async fn execute(self) -> Result<Report> {
        let prepared = prepare::prepare(&self.target, self.input.schema(), &self.options).await?;
        run::run(self.target, self.input, prepared).await
    }
}
