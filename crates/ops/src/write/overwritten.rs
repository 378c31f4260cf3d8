//! What an overwrite removes, and what it thereby depends on.

use std::collections::BTreeSet;

use deltaic_commit::Transaction;
use deltaic_log::action::{Add, PartitionValues, Remove};
use deltaic_log::feature::DELETION_VECTORS;
use deltaic_log::partition_value::Scalar;
use deltaic_log::schema::StructField;
use deltaic_log::{Error, ErrorKind, FileSet, Result, Snapshot, TableConfiguration};
use deltaic_scan::expr::{BinaryOp, EvalContext, Expr, OnCastFailure, Scalar as Literal};

use super::{Options, Replaced, WriteMode};
use crate::data::options::FileOptions;
use crate::delete::delete_where;
use crate::partition_predicate::PartitionPredicate;
use crate::remove::removal;
use crate::rows::change::Metrics;

/// With more partitions than this, a concurrent commit to any other conflicts, too.
const PARTITIONS_TOLD_APART_MAX: usize = 256;

/// Which files go.
pub(super) enum Overwritten {
    Nothing,
    All(Vec<Remove>),
    /// Those that hold rows for which this is true: found, and changed, when the new rows are there.
    Where(Box<Where>),
    /// Those of the partitions that new files are in: known when they are written.
    Partitions(FileSet, TableConfiguration),
}

/// What is needed to delete some of the rows.
pub(super) struct Where {
    snapshot: Snapshot,
    predicate: Expr,
    files: FileOptions,
}

/// Where rows are written anew, a version that records row changes would have to tell those of its new rows, too.
fn check_changes_can_be_told(table: &TableConfiguration, predicate: &Expr, eval: &EvalContext) -> Result<()> {
    let is_told = table.is_active(&DELETION_VECTORS) || PartitionPredicate::new(predicate, table, eval)?.is_some();
    if is_told || !table.writer_requirements()?.change_data {
        return Ok(());
    }
    let message = "the table records row changes, and rows are replaced by a predicate on other than partition columns: turn \
                   deletion vectors on, or delete the rows and append";
    Err(Error::new(ErrorKind::InvalidArgument, message).with("predicate", predicate))
}

impl Overwritten {
    pub(super) async fn plan(snapshot: &Snapshot, options: &Options, eval: &EvalContext) -> Result<Self> {
        if options.mode != WriteMode::Overwrite {
            return Ok(Self::Nothing);
        }
        let files = snapshot.files().await?;
        let table = snapshot.configuration();
        Ok(match &options.replaced {
            Replaced::Partitions if !table.partition_columns().is_empty() => Self::Partitions(files, table.clone()),
            Replaced::All | Replaced::Partitions => Self::All(files.iter().map(removal).collect()),
            Replaced::Where(predicate) => {
                check_changes_can_be_told(table, predicate, eval)?;
                Self::Where(Box::new(Where {
                    snapshot: snapshot.clone(),
                    predicate: predicate.clone(),
                    files: options.files.clone(),
                }))
            }
        })
    }

    /// How many files go, and their size, as far as is known before the new ones are.
    pub(super) fn count(&self) -> (usize, u64) {
        match self {
            Self::Nothing | Self::Partitions(..) | Self::Where(_) => (0, 0),
            Self::All(removes) => (removes.len(), bytes_of(removes)),
        }
    }

    /// Stages the removals, and says what was read. What was counted; `paths` gain the files that were written for it.
    pub(super) async fn stage(
        self,
        transaction: &mut Transaction,
        adds: &[Add],
        eval: &EvalContext,
        paths: &mut Vec<String>,
    ) -> Result<Metrics> {
        let removes = match self {
            Self::Nothing => return Ok(Metrics::new()),
            Self::All(removes) => {
                transaction.read_whole_table();
                removes
            }
            Self::Where(replaced) => return replaced.stage(transaction, eval, paths).await,
            Self::Partitions(files, table) => {
                let written: BTreeSet<&PartitionValues> = adds.iter().map(|add| &add.partition_values).collect();
                let removes = in_partitions(&files, &table, &written)?;
                match written.len() <= PARTITIONS_TOLD_APART_MAX {
                    true => {
                        let predicate = in_any(&table, &written);
                        transaction.read_where(&predicate, eval, removes.iter().map(|remove| remove.path.as_str()))?;
                    }
                    false => transaction.read_whole_table(),
                }
                removes
            }
        };
        let counts = [("numRemovedFiles", removes.len() as u64), ("numRemovedBytes", bytes_of(&removes))];
        removes.into_iter().for_each(|remove| transaction.remove(remove));
        Ok(counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect())
    }
}

impl Where {
    async fn stage(
        self,
        transaction: &mut Transaction,
        eval: &EvalContext,
        paths: &mut Vec<String>,
    ) -> Result<Metrics> {
        /// What the history of such a write tells of its deletion.
        const TOLD: [&str; 5] =
            ["numRemovedFiles", "numRemovedBytes", "numDeletedRows", "numCopiedRows", "numAddedChangeFiles"];
        let deleted = delete_where(&self.snapshot, &self.predicate, eval, &self.files).await;
        let deletion = deleted.map_err(|(error, written)| {
            paths.extend(written);
            error
        })?;
        paths.extend(deletion.paths.iter().cloned());
        let removed = deletion.removes.iter().map(|remove| remove.path.as_str());
        transaction.read_where(&self.predicate, eval, removed)?;
        let mut metrics = deletion.metrics("numDeletedRows");
        metrics.retain(|name, _| TOLD.contains(&name.as_str()));
        deletion.stage(transaction);
        Ok(metrics)
    }
}

fn bytes_of(removes: &[Remove]) -> u64 {
    removes.iter().filter_map(|remove| u64::try_from(remove.size?).ok()).sum()
}

/// One value may be spelled in several ways: what is compared is how it is spelled here.
fn in_partitions(
    files: &FileSet,
    table: &TableConfiguration,
    written: &BTreeSet<&PartitionValues>,
) -> Result<Vec<Remove>> {
    let fields: Vec<(&StructField, &str)> =
        table.partition_fields().map(|field| (field, field.physical_name(table.column_mapping_mode()))).collect();
    let mut removes = Vec::new();
    for file in files.iter() {
        let value = |(field, key): &(&StructField, &str)| {
            let value = Scalar::parse(file.partition_value(key).unwrap_or_default(), &field.data_type)?;
            Ok(((*key).to_owned(), value.map(|value| value.to_text()).transpose()?))
        };
        let values = fields.iter().map(value).collect::<Result<PartitionValues>>()?;
        if written.contains(&values) {
            removes.push(removal(file));
        }
    }
    Ok(removes)
}

/// The predicate that is true in these partitions.
fn in_any(table: &TableConfiguration, partitions: &BTreeSet<&PartitionValues>) -> Expr {
    let equals = |field: &StructField, values: &PartitionValues| {
        let column = Expr::column(&field.name);
        let text = values.get(field.physical_name(table.column_mapping_mode())).cloned().flatten();
        match (text, field.data_type.as_primitive()) {
            (Some(text), Some(data_type)) => {
                let expr = Box::new(Expr::literal(Literal::String(text)));
                Expr::binary(column, BinaryOp::Eq, Expr::Cast { expr, data_type, on_failure: OnCastFailure::Null })
            }
            _ => Expr::is_null(column, false),
        }
    };
    let in_one =
        |values: &&PartitionValues| Expr::all(table.partition_fields().map(|field| equals(field, values)).collect());
    Expr::any(partitions.iter().map(in_one).collect())
}
