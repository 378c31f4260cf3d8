//! `deltaic compact-logs` and `deltaic cleanup-logs`: the upkeep of the log.

use std::io::Write;

use deltaic::commit::maintenance::uncovered_commits;
use deltaic::commit::maintenance::{CleanupOptions, CleanupPlan, KeepReason};
use deltaic::{Error, ErrorKind};
use serde_json::json;

use crate::arguments::{CleanupLogs, CompactLogs};
use crate::failure::Outcome;
use crate::output::{self, count};
use crate::{open, vacuum};

pub(crate) async fn compact(arguments: CompactLogs) -> Outcome {
    let table = open::newest(&arguments.table).await?;
    let newest = uncovered_commits(table.snapshot());
    let from = arguments.from.or(newest.as_ref().map(|commits| *commits.start()));
    let Some(from) = from else {
        let message = "the newest checkpoint leaves no two commits to compact: give --from and --to";
        return Err(Error::new(ErrorKind::InvalidArgument, message).with("version", table.version()).into());
    };
    let written = table.compact_logs(from..=arguments.to.unwrap_or(table.version())).await?;
    let mut out = output::standard();
    if arguments.json {
        let written =
            json!({"path": written.path, "start": written.start, "end": written.end, "actions": written.actions});
        output::json(&mut out, &written)?;
        return Ok(out.flush()?);
    }
    let actions = match written.actions {
        Some(actions) => count(actions as u64),
        None => "the file was there already".to_owned(),
    };
    output::facts(
        &mut out,
        &[
            ("compacted", written.path),
            ("commits", format!("{} to {}", written.start, written.end)),
            ("actions", actions),
        ],
    )?;
    Ok(out.flush()?)
}

pub(crate) async fn clean_up(arguments: CleanupLogs) -> Outcome {
    let table = open::newest(&arguments.table).await?;
    let mut options = CleanupOptions::new();
    if let Some(hours) = arguments.retention_hours {
        options = options.with_retention(vacuum::duration(hours)?);
    }
    let plan = table.plan_metadata_cleanup(options).await?;
    let deletes = arguments.run.no_dry_run;
    let deleted = if deletes { plan.execute(table.snapshot().store()).await? } else { 0 };
    let mut out = output::standard();
    if arguments.json {
        let files: Vec<&str> = plan.files().collect();
        let summary = json!({"dryRun": !deletes, "oldestVersion": plan.oldest, "cutoff": plan.cutoff, "deleted": deleted,
            "files": files, "reason": why(&plan)});
        output::json(&mut out, &summary)?;
        return Ok(out.flush()?);
    }
    if !deletes {
        plan.files().try_for_each(|file| writeln!(out, "{file}"))?;
    }
    let mut facts = vec![match deletes {
        true => ("deleted", count(deleted as u64)),
        false => ("files", format!("{} have expired", count(plan.files().count() as u64))),
    }];
    facts.extend(plan.oldest.map(|oldest| ("oldest version", oldest.to_string())));
    facts.extend(why(&plan).map(|why| ("kept", why.to_owned())));
    if !deletes && !plan.is_empty() {
        facts.push(("to delete them", "run this again with --no-dry-run".to_owned()));
    }
    output::facts(&mut out, &facts)?;
    Ok(out.flush()?)
}

fn why(plan: &CleanupPlan) -> Option<&'static str> {
    Some(match plan.reason? {
        KeepReason::NothingExpired => "no commit has expired",
        KeepReason::NoCheckpoint => {
            "no checkpoint is as old as the newest expired commit: what is older is still needed"
        }
        KeepReason::CheckpointsProtected => "the table protects its checkpoints",
        _ => "the log is still needed",
    })
}
