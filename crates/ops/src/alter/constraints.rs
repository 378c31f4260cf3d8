//! Spec: [CHECK Constraints](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#check-constraints).

use deltaic_commit::Operation;
use deltaic_log::table_properties::property::CONSTRAINT_PREFIX;
use deltaic_log::{Error, ErrorKind, Result, ResultExt, Snapshot, TableConfiguration};
use deltaic_scan::ScanBuilder;
use deltaic_scan::expr::{BoundExpr, EvalContext, Expr, Test, parse};
use futures::TryStreamExt;

use super::Altered;
use crate::data::alignment::relaxed_fields;

pub(super) fn add(table: &TableConfiguration, name: &str, sql: &str, eval: &EvalContext) -> Result<Altered> {
    let unfit = |message: &str| Err(Error::new(ErrorKind::InvalidArgument, message).with("constraint", name));
    if name.is_empty() {
        return unfit("a constraint has a name: give it one");
    }
    if find(table, name).is_some() {
        return unfit("the table has a constraint of this name already: drop it first, or choose another name");
    }
    let expr = parse(sql).with("constraint", name)?;
    BoundExpr::bind_predicate(&expr, &relaxed_fields(table.schema()).to_arrow(), eval).with("constraint", name)?;
    let mut metadata = table.metadata().clone();
    metadata.configuration.insert(format!("{CONSTRAINT_PREFIX}{}", name.to_lowercase()), sql.to_owned());
    let operation = Operation::new("ADD CONSTRAINT").with_parameter("name", name).with_parameter("expr", sql);
    Ok(Altered::new(operation, metadata))
}

/// Whether all rows fulfil the condition: one for which it is null does not.
///
/// # Errors
/// [`ErrorKind::InvalidRow`]; those of reading.
pub(super) async fn check_rows(snapshot: &Snapshot, name: &str, sql: &str, eval: &EvalContext) -> Result<()> {
    let breaks = Expr::Is { expr: Box::new(parse(sql)?), test: Test::True, negated: true };
    let scan = ScanBuilder::new(snapshot.clone()).columns(Vec::<String>::new()).filter(breaks);
    let mut rows = scan.eval_context(eval.clone()).limit(1).build()?.stream();
    while let Some(batch) = rows.try_next().await? {
        if batch.num_rows() > 0 {
            let message =
                format!("the table has a row that breaks the constraint {name}, {sql}: correct the rows first");
            return Err(Error::new(ErrorKind::InvalidRow, message).with("constraint", name));
        }
    }
    Ok(())
}

pub(super) fn remove(table: &TableConfiguration, name: &str, if_exists: bool) -> Result<Option<Altered>> {
    let Some((known, sql)) = find(table, name) else {
        if if_exists {
            return Ok(None);
        }
        let message = "the table has no constraint of this name: correct it, or drop it only if it exists";
        return Err(Error::new(ErrorKind::InvalidArgument, message).with("constraint", name));
    };
    let key = format!("{CONSTRAINT_PREFIX}{known}");
    let mut metadata = table.metadata().clone();
    metadata.configuration.retain(|other, _| !other.eq_ignore_ascii_case(&key));
    let operation = Operation::new("DROP CONSTRAINT")
        .with_parameter("name", name)
        .with_parameter("expr", sql)
        .with_parameter("existed", "true");
    Ok(Some(Altered::new(operation, metadata)))
}

fn find<'a>(table: &'a TableConfiguration, name: &str) -> Option<(&'a str, &'a str)> {
    table.properties().constraints().find(|(known, _)| known.to_lowercase() == name.to_lowercase())
}
