//! Make a table.

pub(crate) mod column_mapping;
pub(crate) mod metadata;
pub(crate) mod validate;

use std::collections::BTreeMap;

use deltaic_commit::{Operation, Transaction};
use deltaic_log::action::Metadata;
use deltaic_log::feature::CLUSTERING;
use deltaic_log::schema::StructType;
use deltaic_log::{Error, ErrorKind, Result, Snapshot};
use serde::Serialize;
use serde_json::json;

use crate::clustering::{self, CLUSTERING_DOMAIN};
use crate::finish;
use crate::remove::removal;
use crate::report::Report;
use crate::target::Target;

pub(crate) use metadata::TableSpec;

/// What becomes of a table that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CreateMode {
    /// It stays, and the operation fails.
    #[default]
    ErrorIfExists,
    /// It stays, and nothing is done.
    IfNotExists,
    /// Its rows are removed, its schema, partitioning and properties replaced. Its history stays.
    OrReplace,
}

/// Makes a table, without rows.
///
/// The protocol is the weakest that the schema and the properties need; a feature that neither tells of is asked for by the
/// property `delta.feature.<name>`. Column comments, defaults, generation expressions and identities are metadata of the
/// schema's fields.
///
/// ```
/// # futures::executor::block_on(async {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, SingleStore, TableStore, Version};
/// use deltaic_commit::committer;
/// use deltaic_log::schema::{PrimitiveType, StructField, StructType};
/// use deltaic_ops::{CreateBuilder, Target};
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// # let root = "memory:///table".parse().unwrap();
/// let store = TableStore::new(&root, context)?;
/// let committer = committer::for_table(&store);
/// let schema = StructType::new([
///     StructField::new("id", PrimitiveType::Long, false),
///     StructField::nullable("day", PrimitiveType::Date).with_metadata("comment", "when it was"),
/// ]);
/// let target = Target::open(store, committer).await?;
/// let report = CreateBuilder::new(target, schema)
///     .partition_by(["day"])
///     .property("owner", "me")
///     .constraint("positive", "id > 0")
///     .execute()
///     .await?;
/// assert_eq!(report.version, Some(Version(0)));
/// # Ok::<(), deltaic_log::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is made before `execute`"]
pub struct CreateBuilder {
    target: Target,
    mode: CreateMode,
    spec: TableSpec,
    user_metadata: Option<String>,
}

/// What a creation will do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreatePlan {
    /// The operation, as the table's history will call it; `None` where there is nothing to do.
    pub operation: Option<&'static str>,
    /// How many files of the table that is replaced are removed.
    pub removed_files: usize,
    /// The metadata.
    pub metadata: Metadata,
}

impl CreateBuilder {
    /// A table of this schema.
    pub fn new(target: Target, schema: StructType) -> Self {
        Self { target, mode: CreateMode::default(), spec: TableSpec::new(schema), user_metadata: None }
    }

    /// What becomes of a table that is there already.
    pub fn mode(mut self, mode: CreateMode) -> Self {
        self.mode = mode;
        self
    }

    /// The columns whose values tell the table's files apart, in order.
    pub fn partition_by<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.spec.partition_by = columns.into_iter().map(Into::into).collect();
        self
    }

    /// The columns by which rows are to lie together, at most four; fields of structs as `a.b`. Not together with partition
    /// columns. Rows are brought together by other verbs than writes.
    pub fn cluster_by<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.spec.cluster_by = columns.into_iter().map(Into::into).collect();
        self
    }

    /// One more table property: one of the protocol's, whose value is checked, or any other, which is kept.
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.spec.properties.insert(key.into(), value.into());
        self
    }

    /// More table properties.
    pub fn properties(mut self, properties: impl IntoIterator<Item = (String, String)>) -> Self {
        self.spec.properties.extend(properties);
        self
    }

    /// A condition, in SQL, that every row will fulfil.
    pub fn constraint(mut self, name: impl Into<String>, sql: impl Into<String>) -> Self {
        self.spec.constraints.insert(name.into(), sql.into());
        self
    }

    /// The table's name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.spec.name = Some(name.into());
        self
    }

    /// What is to be known of the table.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.spec.description = Some(text.into());
        self
    }

    /// What the user wants to be recorded with the commit.
    pub fn user_metadata(mut self, text: impl Into<String>) -> Self {
        self.user_metadata = Some(text.into());
        self
    }

    /// What would be done.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`], [`ErrorKind::UnknownColumn`], [`ErrorKind::InvalidProperty`],
    /// [`ErrorKind::InvalidExpression`] where the table cannot be as it is asked for, or where it is there already.
    pub async fn plan(&self) -> Result<CreatePlan> {
        let metadata = self.spec.metadata(&self.target)?;
        let (operation, removed_files) = match (&self.target.snapshot, self.mode) {
            (None, CreateMode::OrReplace) => (Some("CREATE OR REPLACE TABLE"), 0),
            (None, _) => (Some("CREATE TABLE"), 0),
            (Some(_), CreateMode::ErrorIfExists) => return Err(exists(&self.target)),
            (Some(_), CreateMode::IfNotExists) => (None, 0),
            (Some(snapshot), CreateMode::OrReplace) => (Some("CREATE OR REPLACE TABLE"), snapshot.files().await?.len()),
        };
        Ok(CreatePlan { operation, removed_files, metadata })
    }

    /// Makes the table.
    ///
    /// # Errors
    /// As [`Self::plan`]; as [`Transaction::create`] and the commit.
    pub async fn execute(self) -> Result<Report> {
        let plan = self.plan().await?;
        let Some(name) = plan.operation else { return Ok(Report::unchanged("the table is there already")) };
        let operation = self.operation(name, &plan.metadata);
        let mut transaction = match &self.target.snapshot {
            None => {
                Transaction::create(&self.target.store, self.target.committer.clone(), plan.metadata, operation).await?
            }
            Some(snapshot) => {
                let mut replace = Transaction::begin(snapshot, self.target.committer.clone(), operation)?;
                replace.read_whole_table();
                for file in snapshot.files().await?.iter() {
                    replace.remove(removal(file));
                }
                replace.set_metadata(plan.metadata)?;
                replace
            }
        };
        if !self.spec.cluster_by.is_empty() || replaced_clustering(self.target.snapshot.as_ref()).await? {
            let table = transaction.configuration()?;
            let mode = table.column_mapping_mode();
            let columns = clustering::configuration(table.schema(), &self.spec.cluster_by, mode)?;
            transaction.add_features([&CLUSTERING])?;
            transaction.set_domain(CLUSTERING_DOMAIN, columns)?;
        }
        if let Some(text) = self.user_metadata {
            transaction = transaction.with_user_metadata(text);
        }
        finish::commit(transaction, BTreeMap::new(), &self.target.store, Vec::new()).await
    }

    fn operation(&self, name: &str, metadata: &Metadata) -> Operation {
        let properties = serde_json::to_string(&self.spec.properties).unwrap_or_default();
        Operation::new(name)
            .with_parameter("isManaged", "false")
            .with_parameter(
                "description",
                self.spec.description.as_ref().map_or(serde_json::Value::Null, |text| json!(text)),
            )
            .with_parameter("partitionBy", json!(metadata.partition_columns).to_string())
            .with_parameter("clusterBy", json!(self.spec.cluster_by).to_string())
            .with_parameter("properties", properties)
    }
}

/// Whether the table that is replaced is clustered.
async fn replaced_clustering(snapshot: Option<&Snapshot>) -> Result<bool> {
    match snapshot {
        Some(snapshot) => Ok(!clustering::clustering_columns(snapshot).await?.is_empty()),
        None => Ok(false),
    }
}

pub(crate) fn exists(target: &Target) -> Error {
    let message = "there is a table already: append to it, overwrite it, or choose another place";
    Error::new(ErrorKind::InvalidArgument, message).with("table", target.store.root())
}
