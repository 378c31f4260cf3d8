//! What an operation did, or would do.

use std::io::Write;

use deltaic::ops::Report;
use serde::Serialize;

use super::text::{facts, json, standard};
use crate::failure::Outcome;

/// Prints what would be done, for people and programs alike.
pub(crate) fn print_plan(plan: &impl Serialize) -> Outcome {
    let mut out = standard();
    json(&mut out, plan)?;
    Ok(out.flush()?)
}

/// Prints what was done: the version, and what was counted.
pub(crate) fn print_report(report: &Report, as_json: bool) -> Outcome {
    if as_json {
        return print_plan(report);
    }
    let mut out = standard();
    let done = match (&report.version, &report.unchanged) {
        (Some(version), _) => ("version", version.to_string()),
        (None, why) => ("nothing to do", why.clone().unwrap_or_default()),
    };
    let counted = report.metrics.iter().map(|(name, value)| (name.as_str(), value.to_string()));
    let warnings = report.warnings.iter().map(|warning| ("warning", warning.clone()));
    facts(&mut out, &std::iter::once(done).chain(counted).chain(warnings).collect::<Vec<_>>())?;
    Ok(out.flush()?)
}
