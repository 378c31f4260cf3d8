//! `deltaic check`: verifies a table against the specification.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use deltaic::DeltaTable;
use deltaic::check::{CheckOptions, Finding, Progress, Report, Severity};

use crate::arguments::Check;
use crate::failure::{Failure, Outcome};
use crate::output::{self, count};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();

pub(crate) async fn run(arguments: Check) -> Outcome {
    let bar = output::Progress::bar("checking", 0);
    let options = CheckOptions::new().with_deep(arguments.deep).with_progress(move |progress| match progress {
        Progress::Ahead(steps) => bar.lengthen(steps),
        Progress::Done(steps) => bar.add(steps),
        _ => {}
    });
    let table = DeltaTable::builder(&arguments.table.table).with_storage_options(arguments.table.storage_options());
    let report = table.check(&options).await?;
    drop(options);
    let mut out = output::standard();
    match arguments.json {
        true => output::json(&mut out, &report)?,
        false => as_text(&mut out, &report)?,
    }
    out.flush()?;
    if report.findings.is_empty() { Ok(()) } else { Err(Failure::Findings) }
}

fn as_text(out: &mut impl Write, report: &Report) -> Outcome {
    for finding in &report.findings {
        one_finding(out, finding)?;
    }
    let checked = [
        (report.commits, "commit", "commits"),
        (report.checkpoints, "checkpoint", "checkpoints"),
        (report.checksums, "checksum", "checksums"),
        (report.files, "file", "files"),
        (report.deletion_vectors, "deletion vector", "deletion vectors"),
        (report.files_read, "file's statistics", "files' statistics"),
    ];
    let checked = checked.iter().filter(|(number, ..)| *number > 0);
    let checked =
        checked.map(|(number, one, many)| format!("{} {}", count(*number), if *number == 1 { one } else { many }));
    writeln!(out, "checked {}", checked.collect::<Vec<_>>().join(", "))?;
    match report.findings.len() {
        0 => Ok(writeln!(out, "{GOOD}no findings{GOOD:#}")?),
        1 => Ok(writeln!(out, "{ERROR}1 finding{ERROR:#}")?),
        many => Ok(writeln!(out, "{ERROR}{many} findings{ERROR:#}")?),
    }
}

fn one_finding(out: &mut impl Write, finding: &Finding) -> Outcome {
    let style = if finding.severity == Severity::Error { ERROR } else { WARNING };
    writeln!(out, "{style}{}{style:#}: {}", finding.severity, finding.message)?;
    let version = finding.version.map(|version| format!("version {version}"));
    let place: Vec<_> = version.into_iter().chain(finding.file.clone()).collect();
    if !place.is_empty() {
        writeln!(out, "  in    {}", place.join(", "))?;
    }
    Ok(writeln!(out, "  spec  {}: {}", finding.rule.heading(), finding.rule.url())?)
}
