//! Everything that is decided before the first row comes.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use deltaic_commit::{Operation, Transaction};
use deltaic_log::action::Metadata;
use deltaic_log::feature::{APPEND_ONLY, TYPE_WIDENING};
use deltaic_log::schema::{ColumnPath, StructType, same_name};
use deltaic_log::table_properties::property;
use deltaic_log::{Error, ErrorKind, Result, ResultExt, Snapshot, TableConfiguration};
use deltaic_scan::expr::EvalContext;
use serde_json::json;

use super::merge_schema::{Widening, merge};
use super::overwritten::Overwritten;
use super::{Options, Replaced, SchemaMode, WriteMode, WritePlan};
use crate::clustering::clustering_columns;
use crate::create::metadata::with_schema;
use crate::create::{TableSpec, exists};
use crate::data::alignment::relaxed_fields;
use crate::data::layout::{Layout, Purpose};
use crate::data::row_pipeline::RowPipeline;
use crate::target::Target;

/// A write that waits for its rows.
pub(super) struct Prepared {
    pub(super) plan: WritePlan,
    /// `None` where there is nothing to do.
    pub(super) work: Option<Work>,
}

/// What rows go through, and where they come to.
pub(super) struct Work {
    pub(super) transaction: Transaction,
    pub(super) pipeline: RowPipeline,
    pub(super) layout: Arc<Layout>,
    /// The table's columns, as the writer takes them.
    pub(super) schema: SchemaRef,
    /// The table as it will be.
    pub(super) table: TableConfiguration,
    pub(super) overwritten: Overwritten,
    pub(super) eval: EvalContext,
}

pub(super) async fn prepare(target: &Target, input: &SchemaRef, options: &Options) -> Result<Prepared> {
    check_options(options)?;
    let mut plan = WritePlan { mode: options.mode, ..WritePlan::default() };
    let (transaction, overwritten) = match &target.snapshot {
        None => (create(target, input, options).await?, Overwritten::Nothing),
        Some(snapshot) => {
            plan.read_version = Some(snapshot.version());
            if let Some(why) = nothing_to_do(target, snapshot, options).await? {
                plan.unchanged = Some(why);
                return Ok(Prepared { plan, work: None });
            }
            let transaction = change(target, snapshot, input, options, &mut plan)?;
            let eval = eval(target, options);
            let overwritten = Overwritten::plan(snapshot, options, &eval).await?;
            (transaction, overwritten)
        }
    };
    (plan.removed_files, plan.removed_bytes) = overwritten.count();
    let clustering = match &target.snapshot {
        Some(snapshot) => clustering_columns(snapshot).await?,
        None => Vec::new(),
    };
    let work = work(target, input, options, (transaction, overwritten), &clustering)?;
    plan.partition_columns = work.table.partition_columns().to_vec();
    Ok(Prepared { plan, work: Some(work) })
}

fn eval(target: &Target, options: &Options) -> EvalContext {
    options.eval.clone().unwrap_or_else(|| EvalContext::new(&*target.store.context().clock))
}

fn check_options(options: &Options) -> Result<()> {
    let contradiction = |message: &str| Err(Error::new(ErrorKind::InvalidArgument, message));
    let is_partial = options.replaced != Replaced::All;
    match (options.mode, options.schema_mode) {
        (mode, _) if is_partial && mode != WriteMode::Overwrite => {
            contradiction("rows are replaced by an overwrite only: choose that mode")
        }
        (_, SchemaMode::Overwrite) if is_partial => {
            contradiction("a schema is overwritten together with all rows only: replace all, or merge the schemas")
        }
        (WriteMode::Append, SchemaMode::Overwrite) => {
            contradiction("a schema is overwritten together with all rows only: overwrite, or merge the schemas")
        }
        _ => Ok(()),
    }
}

/// Why nothing is to be done to a table that is there.
async fn nothing_to_do(target: &Target, snapshot: &Snapshot, options: &Options) -> Result<Option<String>> {
    match options.mode {
        WriteMode::ErrorIfExists => return Err(exists(target)),
        WriteMode::Ignore => return Ok(Some("the table is there already".to_owned())),
        WriteMode::Append | WriteMode::Overwrite => {}
    }
    let Some((app_id, app_version)) = &options.transaction else { return Ok(None) };
    let known = snapshot.transactions().await?;
    let done = known.get(app_id).filter(|known| known.version >= *app_version);
    Ok(done.map(|known| format!("the application {app_id} has written its version {} already", known.version)))
}

/// A table for the rows.
async fn create(target: &Target, input: &SchemaRef, options: &Options) -> Result<Transaction> {
    let given = StructType::from_arrow(input)?;
    let metadata_of = |place: usize| given.fields[place].metadata.clone();
    let mut schema = relaxed_fields(&given);
    for (place, field) in schema.fields.iter_mut().enumerate() {
        field.metadata = metadata_of(place);
    }
    let mut spec = TableSpec::new(schema);
    spec.partition_by = options.partition_by.clone().unwrap_or_default();
    spec.properties = options.properties.clone();
    spec.name = options.name.clone();
    spec.description = options.description.clone();
    let metadata = spec.metadata(target)?;
    Transaction::create(&target.store, target.committer.clone(), metadata, operation(options)).await
}

/// A change of the table that is there.
fn change(
    target: &Target,
    snapshot: &Snapshot,
    input: &SchemaRef,
    options: &Options,
    plan: &mut WritePlan,
) -> Result<Transaction> {
    let mut transaction = Transaction::begin(snapshot, target.committer.clone(), operation(options))?;
    let table = snapshot.configuration();
    if options.mode == WriteMode::Overwrite && table.is_active(&APPEND_ONLY) {
        let message = format!(
            "rows of the table are never removed, as its property {} says: append",
            property::APPEND_ONLY.spec.key
        );
        return Err(Error::new(ErrorKind::InvalidArgument, message).with("table", target.store.root()));
    }
    let metadata = match options.schema_mode {
        SchemaMode::Strict => None,
        SchemaMode::Merge => merged(target, table, input, plan)?,
        SchemaMode::Overwrite => Some(overwritten(target, table, input, options, plan)?),
    };
    if options.schema_mode != SchemaMode::Overwrite {
        check_partitioning(table, options)?;
    }
    if let Some(metadata) = metadata {
        transaction.set_metadata(metadata).with("table", target.store.root())?;
    }
    Ok(transaction)
}

fn check_partitioning(table: &TableConfiguration, options: &Options) -> Result<()> {
    let Some(wanted) = &options.partition_by else { return Ok(()) };
    let has = table.partition_columns();
    if wanted.len() == has.len() && wanted.iter().zip(has).all(|(a, b)| same_name(a, b)) {
        return Ok(());
    }
    let message = format!(
        "the table is partitioned by ({}), not by ({}): leave the partition columns out, or overwrite the schema",
        has.join(", "),
        wanted.join(", ")
    );
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

/// The metadata with the input's new columns, if it has some.
fn merged(
    target: &Target,
    table: &TableConfiguration,
    input: &SchemaRef,
    plan: &mut WritePlan,
) -> Result<Option<Metadata>> {
    let widening = if table.is_active(&TYPE_WIDENING) { Widening::On } else { Widening::Off };
    let merged = merge(table.schema(), &StructType::from_arrow(input)?, widening)?;
    if merged.added.is_empty() && merged.widened.is_empty() {
        return Ok(None);
    }
    let names = |paths: &[ColumnPath]| paths.iter().map(ToString::to_string).collect();
    (plan.added_columns, plan.widened_columns) = (names(&merged.added), names(&merged.widened));
    with_schema(table.metadata().clone(), table, merged.schema, &*target.store.context().ids).map(Some)
}

/// The metadata with the input's schema instead of the table's.
fn overwritten(
    target: &Target,
    table: &TableConfiguration,
    input: &SchemaRef,
    options: &Options,
    plan: &mut WritePlan,
) -> Result<Metadata> {
    let schema = relaxed_fields(&StructType::from_arrow(input)?);
    let is_new = |name: &str| !table.schema().fields.iter().any(|field| same_name(&field.name, name));
    plan.added_columns = schema.fields.iter().map(|field| field.name.clone()).filter(|name| is_new(name)).collect();
    let partition_by = options.partition_by.clone().unwrap_or_else(|| table.partition_columns().to_vec());
    // Checked as a new table's schema would be; the properties are the table's own, and stay.
    let mut spec = TableSpec::new(schema.clone());
    spec.partition_by = partition_by;
    let mode = property::COLUMN_MAPPING_MODE.spec.key;
    spec.properties.extend(table.properties().text(mode).map(|text| (mode.to_owned(), text.to_owned())));
    let partition_columns = spec.metadata(target)?.partition_columns;
    let metadata = Metadata { partition_columns, ..table.metadata().clone() };
    with_schema(metadata, table, schema, &*target.store.context().ids)
}

fn operation(options: &Options) -> Operation {
    let partition_by = json!(options.partition_by.clone().unwrap_or_default()).to_string();
    let operation =
        Operation::new("WRITE").with_parameter("mode", options.mode.name()).with_parameter("partitionBy", partition_by);
    let operation = match &options.replaced {
        Replaced::All => operation,
        Replaced::Where(predicate) => operation.with_parameter("predicate", predicate.to_string()),
        Replaced::Partitions => operation.with_parameter("isDynamicPartitionOverwrite", true),
    };
    match options.schema_mode {
        SchemaMode::Strict => operation,
        SchemaMode::Merge => operation.with_parameter("canMergeSchema", true),
        SchemaMode::Overwrite => operation.with_parameter("canOverwriteSchema", true),
    }
}

fn work(
    target: &Target,
    input: &SchemaRef,
    options: &Options,
    (transaction, overwritten): (Transaction, Overwritten),
    clustering: &[ColumnPath],
) -> Result<Work> {
    let table = transaction.configuration()?;
    let requirements = table.writer_requirements().with("table", target.store.root())?;
    let eval = eval(target, options);
    let extra = match &options.replaced {
        Replaced::Where(predicate) => {
            vec![("the condition of the rows that are replaced".to_owned(), predicate.clone())]
        }
        _ => Vec::new(),
    };
    let pipeline = RowPipeline::new(&table, &requirements, input, extra, eval.clone())?;
    let layout = Arc::new(Layout::new(&table, &requirements, options.files.clone(), Purpose::data(clustering))?);
    let schema = Arc::new(relaxed_fields(table.schema()).to_arrow());
    let transaction = match &options.user_metadata {
        Some(text) => transaction.with_user_metadata(text),
        None => transaction,
    };
    let mut transaction = transaction;
    if let Some((app_id, app_version)) = &options.transaction {
        transaction.set_transaction(app_id, *app_version);
    }
    Ok(Work { transaction, pipeline, layout, schema, table, overwritten, eval })
}
