//! `deltaic compact-logs`: writes a log compaction file.

use std::io::Write;

use deltaic::commit::maintenance::{LogCompaction, compact_logs, uncovered_commits};
use serde_json::json;

use crate::arguments::CompactLogs;
use crate::failure::Outcome;
use crate::open;
use crate::output::{self, count};

pub(crate) async fn run(arguments: CompactLogs) -> Outcome {
    let table = open::newest(&arguments.table).await?;
    let uncovered = uncovered_commits(table.snapshot()).map(|commits| *commits.start());
    let compaction = match (arguments.from.or(uncovered), arguments.to) {
        (None, None) => None,
        (first, last) => {
            let commits = first.unwrap_or_default()..=last.unwrap_or(table.version());
            Some(compact_logs(table.snapshot(), commits).await?)
        }
    };
    let mut out = output::standard();
    match (arguments.json, compaction) {
        (true, compaction) => output::json(&mut out, &compaction.map(|compaction| as_json(&compaction)))?,
        (false, Some(compaction)) => output::facts(&mut out, &facts(&compaction))?,
        (false, None) => writeln!(out, "nothing to do: fewer than two commits are not covered by a checkpoint")?,
    }
    Ok(out.flush()?)
}

fn facts(compaction: &LogCompaction) -> Vec<(&'static str, String)> {
    let actions = compaction.actions.map_or_else(|| "it was there already".to_owned(), |actions| count(actions as u64));
    vec![
        ("compaction", compaction.path.clone()),
        ("versions", format!("{} to {}", compaction.start, compaction.end)),
        ("actions", actions),
    ]
}

fn as_json(compaction: &LogCompaction) -> serde_json::Value {
    json!({
        "path": compaction.path,
        "start": compaction.start,
        "end": compaction.end,
        "actions": compaction.actions,
    })
}
