//! `deltaic cleanup`: deletes what has expired of a table's log.

use std::io::Write;
use std::time::Duration;

use deltaic::commit::maintenance::{CleanupOptions, CleanupPlan, KeepReason};
use serde_json::json;

use crate::arguments::Cleanup;
use crate::failure::Outcome;
use crate::open;
use crate::output::{self, count};

pub(crate) async fn run(arguments: Cleanup) -> Outcome {
    let table = open::newest(&arguments.table).await?;
    let mut options = CleanupOptions::new();
    options.retention = arguments.retain_hours.map(|hours| Duration::from_secs(hours.saturating_mul(60 * 60)));
    let plan = table.plan_metadata_cleanup(options).await?;
    if !arguments.dry_run {
        plan.execute(table.snapshot().store()).await?;
    }
    let mut out = output::standard();
    match arguments.json {
        true => output::json(&mut out, &as_json(&plan, arguments.dry_run))?,
        false => as_text(&mut out, &plan, arguments.dry_run)?,
    }
    Ok(out.flush()?)
}

fn as_text(out: &mut impl Write, plan: &CleanupPlan, dry_run: bool) -> Outcome {
    for file in plan.files() {
        writeln!(out, "{file}")?;
    }
    let files = count(plan.files().count() as u64);
    writeln!(out, "{files} files {}", if dry_run { "would be deleted" } else { "deleted" })?;
    match plan.reason {
        Some(reason) => writeln!(out, "{}", explained(reason, plan))?,
        None => writeln!(out, "versions from {} on can be read", plan.oldest.unwrap_or_default())?,
    }
    Ok(())
}

fn explained(reason: KeepReason, plan: &CleanupPlan) -> String {
    match reason {
        KeepReason::NothingExpired => format!("no commit is as old as {}", plan.cutoff),
        KeepReason::NoCheckpoint => {
            format!("no checkpoint is as old as {}: what is older is still needed", plan.cutoff)
        }
        KeepReason::CheckpointsProtected => {
            "the table protects its checkpoints, and older versions need features that deltaic does not know".to_owned()
        }
        _ => "the log is left as it is".to_owned(),
    }
}

fn as_json(plan: &CleanupPlan, dry_run: bool) -> serde_json::Value {
    json!({
        "cutoff": plan.cutoff.to_string(),
        "oldestVersion": plan.oldest,
        "reason": plan.reason.map(|reason| explained(reason, plan)),
        "dryRun": dry_run,
        "files": plan.files().collect::<Vec<_>>(),
    })
}
