//! Change what a table is: properties, constraints, columns, features.
//!
//! ```text
//!   alteration ─► metadata and features as they are to be ─► do the rows that are there fit? ─► one commit
//! ```

mod columns;
mod constraints;
mod features;
mod properties;

use std::collections::BTreeMap;

use deltaic_commit::{Operation, Transaction};
use deltaic_log::action::{Add, Metadata};
use deltaic_log::feature::{FeatureSpec, needed_by};
use deltaic_log::{Result, Snapshot, Version};
use deltaic_scan::expr::EvalContext;
use futures::TryStreamExt;
use serde::Serialize;

use crate::finish::commit;
use crate::report::Report;
use crate::target::Target;

pub use columns::NewColumn;

/// A change of what a table is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Alteration {
    /// Sets table properties: those of the protocol, whose values are checked, and any others. The table gets the features
    /// that they need.
    SetProperties(BTreeMap<String, String>),
    /// Removes table properties.
    UnsetProperties {
        /// Their keys.
        keys: Vec<String>,
        /// Whether those that the table lacks are no error.
        if_exists: bool,
    },
    /// Adds a condition that every row fulfils. The rows that are there are read, to see whether they do.
    AddConstraint {
        /// What it is called.
        name: String,
        /// The condition, in SQL.
        sql: String,
    },
    /// Removes a condition.
    DropConstraint {
        /// What it is called.
        name: String,
        /// Whether it is no error that there is none.
        if_exists: bool,
    },
    /// Adds columns behind the others, or fields to structs. They are null in the rows that are there.
    AddColumns(Vec<NewColumn>),
    /// Adds a feature, and those that it requires, to the table's protocol.
    AddFeature(String),
}

/// Changes what a table is.
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, SingleStore, TableStore, Version};
/// # use arrow_array::{Int64Array, RecordBatch};
/// use deltaic_commit::committer;
/// use deltaic_ops::alter::Alteration;
/// use deltaic_ops::{AlterBuilder, Input, Target, WriteBuilder};
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let root = "memory:///table".parse().unwrap();
/// # let store = TableStore::new(&root, context)?;
/// # let committer = committer::for_table(&store);
/// # let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as _)]).unwrap();
/// # let input = Input::from_batches(batch.schema(), [batch]);
/// # WriteBuilder::new(Target::open(store.clone(), committer.clone()).await?, input).execute().await?;
/// let constraint = |sql: &str| Alteration::AddConstraint { name: "limit".to_owned(), sql: sql.to_owned() };
/// let target = Target::open(store, committer).await?;
/// assert!(AlterBuilder::new(target.clone(), constraint("id < 3")).execute().await.is_err(), "a row breaks it");
/// let report = AlterBuilder::new(target, constraint("id < 4")).execute().await?;
/// assert_eq!(report.version, Some(Version(1)));
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is changed before `execute`"]
pub struct AlterBuilder {
    target: Target,
    alteration: Alteration,
    user_metadata: Option<String>,
    eval: Option<EvalContext>,
}

/// What an alteration will do, if the rows that are there allow it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AlterPlan {
    /// The version that it goes out from.
    pub read_version: Version,
    /// The operation, as the table's history will call it; `None` where there is nothing to do.
    pub operation: Option<String>,
    /// The metadata.
    pub metadata: Metadata,
    /// The features that the table gets.
    pub added_features: Vec<String>,
}

/// What is to be, and what must be done for it.
struct Altered {
    operation: Operation,
    metadata: Metadata,
    /// Features that the metadata does not ask for.
    features: Vec<&'static FeatureSpec>,
    /// Whether files that are there get row ids.
    numbers_rows: bool,
}

impl Altered {
    fn new(operation: Operation, metadata: Metadata) -> Self {
        Self { operation, metadata, features: Vec::new(), numbers_rows: false }
    }
}

impl AlterBuilder {
    /// This change of the target's table.
    pub fn new(target: Target, alteration: Alteration) -> Self {
        Self { target, alteration, user_metadata: None, eval: None }
    }

    /// What the user wants to be recorded with the commit.
    pub fn user_metadata(mut self, text: impl Into<String>) -> Self {
        self.user_metadata = Some(text.into());
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
    pub async fn plan(&self) -> Result<AlterPlan> {
        let snapshot = self.target.existing()?;
        let read_version = snapshot.version();
        let Some(altered) = self.altered(snapshot)? else {
            let metadata = snapshot.metadata().clone();
            return Ok(AlterPlan { read_version, operation: None, metadata, added_features: Vec::new() });
        };
        let before = snapshot.protocol();
        let after = before.with_features(altered.features.iter().copied().chain(needed_by(&altered.metadata)?));
        let is_new = |feature: &&&FeatureSpec| !before.supports(feature);
        let supported = after.supported_features();
        let added_features = supported.iter().filter(is_new).map(|feature| feature.name.to_owned()).collect();
        let operation = Some(altered.operation.name().to_owned());
        Ok(AlterPlan { read_version, operation, metadata: altered.metadata, added_features })
    }

    /// Changes the table. Where it is so already, nothing is committed.
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::NotATable`], [`deltaic_log::ErrorKind::UnsupportedProtocol`];
    /// [`deltaic_log::ErrorKind::InvalidProperty`] for a property that is unknown, that cannot be changed or lacks;
    /// [`deltaic_log::ErrorKind::InvalidArgument`] for a constraint or column that is there or lacks, or that cannot be;
    /// [`deltaic_log::ErrorKind::InvalidExpression`], [`deltaic_log::ErrorKind::UnknownColumn`];
    /// [`deltaic_log::ErrorKind::InvalidRow`] where a row breaks a new constraint; those of reading; as the commit.
    pub async fn execute(self) -> Result<Report> {
        let snapshot = self.target.existing()?.clone();
        let Some(altered) = self.altered(&snapshot)? else {
            return Ok(Report::unchanged("the table is so already"));
        };
        let mut transaction = Transaction::begin(&snapshot, self.target.committer.clone(), altered.operation)?;
        if let Some(text) = &self.user_metadata {
            transaction = transaction.with_user_metadata(text);
        }
        transaction.add_features(altered.features)?;
        if altered.metadata != *snapshot.metadata() {
            transaction.set_metadata(altered.metadata)?;
        }
        if let Alteration::AddConstraint { name, sql } = &self.alteration {
            transaction.read_whole_table();
            constraints::check_rows(&snapshot, name, sql, &self.eval()).await?;
        }
        if altered.numbers_rows {
            transaction.read_whole_table();
            number_rows(&snapshot, &mut transaction).await?;
        }
        commit(transaction, BTreeMap::new(), &self.target.store, Vec::new()).await
    }

    /// `None` where there is nothing to do.
    fn altered(&self, snapshot: &Snapshot) -> Result<Option<Altered>> {
        let (table, context) = (snapshot.configuration(), self.target.store.context());
        match &self.alteration {
            Alteration::SetProperties(properties) => properties::set(table, properties, context),
            Alteration::UnsetProperties { keys, if_exists } => properties::unset(table, keys, *if_exists),
            Alteration::AddConstraint { name, sql } => constraints::add(table, name, sql, &self.eval()).map(Some),
            Alteration::DropConstraint { name, if_exists } => constraints::remove(table, name, *if_exists),
            Alteration::AddColumns(columns) => columns::add(table, columns, &*context.ids).map(Some),
            Alteration::AddFeature(name) => features::add(table, name),
        }
    }

    fn eval(&self) -> EvalContext {
        self.eval.clone().unwrap_or_else(|| EvalContext::new(&*self.target.store.context().clock))
    }
}

/// Adds the files without row ids again: the commit gives them ids.
async fn number_rows(snapshot: &Snapshot, transaction: &mut Transaction) -> Result<()> {
    let mut chunks = snapshot.stream_adds().await?;
    while let Some(adds) = chunks.try_next().await? {
        for add in adds.into_iter().filter(|add| add.base_row_id.is_none()) {
            transaction.add(Add { data_change: false, ..add });
        }
    }
    Ok(())
}
