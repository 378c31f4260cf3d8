//! `deltaic vacuum`: lists the files that nothing needs any more, or deletes them.

use std::io::Write;
use std::time::Duration;

use deltaic::ops::VacuumBuilder;
use deltaic::ops::vacuum::{Inventory, VacuumMode, VacuumPlan, VacuumReport};
use deltaic::{Error, ErrorKind, Result};
use futures::TryStreamExt;
use serde_json::json;

use crate::arguments::Vacuum;
use crate::failure::Outcome;
use crate::output::{self, Progress, bytes, count};
use crate::{input, open};

pub(crate) async fn run(arguments: Vacuum) -> Outcome {
    let vacuum = builder(open::newest(&arguments.table).await?.vacuum(), &arguments)?;
    let plan = {
        let _progress = Progress::spinner("looking for files");
        vacuum.plan().await?
    };
    if !arguments.run.no_dry_run {
        return list(&plan, arguments.json).await;
    }
    let report = {
        let _progress = Progress::spinner("deleting");
        plan.execute().await?
    };
    print(&report, arguments.json)
}

fn builder(mut vacuum: VacuumBuilder, arguments: &Vacuum) -> Result<VacuumBuilder> {
    vacuum = vacuum.keep_versions(arguments.keep_versions.iter().copied());
    if arguments.lite {
        vacuum = vacuum.with_mode(VacuumMode::Lite);
    }
    if let Some(hours) = arguments.retention_hours {
        vacuum = vacuum.with_retention(duration(hours)?);
    }
    if arguments.no_enforce_retention {
        vacuum = vacuum.without_enforced_retention();
    }
    if let Some(file) = arguments.inventory.clone() {
        vacuum = vacuum.with_inventory(Inventory::from_rows(move || input::open(&file, None, None)));
    }
    Ok(vacuum)
}

pub(crate) fn duration(hours: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(hours * 3600.0).map_err(|error| {
        let message = "a retention is a number of hours, none below 0";
        Error::new(ErrorKind::InvalidArgument, message).because(error).with("retention_hours", hours)
    })
}

/// The files, one a line, and their number at the end; as JSON one object.
async fn list(plan: &VacuumPlan, as_json: bool) -> Outcome {
    let mut files = plan.files();
    let mut out = output::standard();
    let mut listed = Vec::new();
    while let Some(file) = files.try_next().await? {
        match as_json {
            true => listed.push(file),
            false => writeln!(out, "{}", file.path)?,
        }
    }
    let (files, size, folders) = (plan.num_files(), plan.size_bytes(), plan.num_directories());
    if as_json {
        let summary = json!({"dryRun": true, "numFiles": files, "sizeBytes": size, "numDirectories": folders,
            "cutoff": plan.cutoff(), "warnings": plan.warnings(), "files": listed});
        output::json(&mut out, &summary)?;
        return Ok(out.flush()?);
    }
    let mut facts = vec![("files", format!("{} ({}) can be deleted", count(files), bytes(size)))];
    if folders > 0 {
        facts.push(("folders", format!("{} are empty and can be deleted", count(folders))));
    }
    if files + folders > 0 {
        facts.push(("to delete them", "run this again with --no-dry-run".to_owned()));
    }
    facts.extend(plan.warnings().iter().map(|warning| ("warning", warning.clone())));
    output::facts(&mut out, &facts)?;
    Ok(out.flush()?)
}

fn print(report: &VacuumReport, as_json: bool) -> Outcome {
    let mut out = output::standard();
    if as_json {
        output::json(&mut out, report)?;
        return Ok(out.flush()?);
    }
    let mut facts = vec![
        ("deleted", format!("{} files ({})", count(report.num_deleted_files), bytes(report.deleted_bytes))),
        ("folders", count(report.num_vacuumed_directories)),
    ];
    if let (Some(start), Some(end)) = (report.start_version, report.end_version) {
        facts.push(("versions", format!("{start} and {end} tell of it")));
    }
    facts.extend(report.warnings.iter().map(|warning| ("warning", warning.clone())));
    output::facts(&mut out, &facts)?;
    Ok(out.flush()?)
}
