//! `deltaic changes`: the rows that commits inserted, updated and deleted.

use deltaic::scan::ReadOptions;
use deltaic::scan::change_data_feed::{ChangeBound, ChangeRange};
use deltaic::{Result, Version, parse_timestamp};

use crate::arguments::Changes;
use crate::failure::Outcome;
use crate::{open, read};

pub(crate) async fn run(arguments: Changes) -> Outcome {
    let table = open::newest(&arguments.table).await?;
    let mut changes = table.changes_builder(range(&arguments)?);
    if let Some(columns) = arguments.rows.columns {
        changes = changes.columns(columns);
    }
    if let Some(predicate) = &arguments.rows.predicate {
        changes = changes.filter_sql(predicate)?;
    }
    let mut options = ReadOptions::default().ordered();
    if let Some(rows) = arguments.rows.limit {
        options = options.with_limit(rows);
    }
    read::write(changes.plan().await?.stream(options), &arguments.output).await
}

fn range(arguments: &Changes) -> Result<ChangeRange> {
    let start = bound(arguments.from, arguments.from_timestamp.as_deref())?;
    let range = ChangeRange { start: start.unwrap_or(ChangeBound::Version(Version(0))), end: None };
    Ok(match bound(arguments.to, arguments.to_timestamp.as_deref())? {
        Some(end) => range.until(end),
        None => range,
    })
}

fn bound(version: Option<Version>, time: Option<&str>) -> Result<Option<ChangeBound>> {
    match (version, time) {
        (Some(version), _) => Ok(Some(ChangeBound::Version(version))),
        (None, Some(time)) => Ok(Some(ChangeBound::Timestamp(parse_timestamp(time)?))),
        (None, None) => Ok(None),
    }
}
