//! Running: each repeat is a process of its own, over files that the page cache holds.

use std::process::Command;

use serde_json::Value;

use super::Bench;
use super::lanes::{Lane, MemoryLane, Program, Run, Time};
use crate::process::Outcome;

/// What one process reported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Elapsed seconds of what counts.
    pub(crate) wall_s: f64,
    /// Seconds of CPU time, user and system together.
    pub(crate) cpu_s: f64,
    /// The most memory that the process held.
    pub(crate) peak_mb: f64,
}

/// One run of each side, right after one another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) theirs: Sample,
    pub(crate) ours: Sample,
}

/// Runs a lane: once to warm the page cache, then `pairs` times; who goes first alternates.
pub(crate) fn measure(bench: &Bench, lane: &Lane, pairs: usize) -> Outcome<Vec<Pair>> {
    sample(bench, &lane.theirs)?;
    sample(bench, &lane.ours)?;
    let pair = |number: usize| {
        if number.is_multiple_of(2) {
            let theirs = sample(bench, &lane.theirs)?;
            Ok(Pair { theirs, ours: sample(bench, &lane.ours)? })
        } else {
            let ours = sample(bench, &lane.ours)?;
            Ok(Pair { theirs: sample(bench, &lane.theirs)?, ours })
        }
    };
    (0..pairs).map(pair).collect()
}

/// The line of a memory lane: the highest peak of three runs.
pub(crate) fn peak(bench: &Bench, lane: &MemoryLane) -> Outcome<String> {
    let mut peak_mb = 0.0_f64;
    for _ in 0..3 {
        peak_mb = peak_mb.max(sample(bench, &lane.run)?.peak_mb);
    }
    let met = if peak_mb <= lane.goal_mb { "met" } else { "missed" };
    Ok(format!("peak of memory, {}: {peak_mb:.0} MB (goal {:.0}: {met})\n", lane.name, lane.goal_mb))
}

fn sample(bench: &Bench, run: &Run) -> Outcome<Sample> {
    let program = bench.executable(run.program);
    let (file, first) = program.split_first().ok_or("a program has a file")?;
    let mut command = Command::new(file);
    command.args(first).arg(run.command).arg(bench.table(run.table)).args(run.arguments).args(["--reps", "1"]);
    if run.command == "read" && run.program == Program::Kernel {
        command.args(["--threads", "2"]);
    }
    let output = command.output().map_err(|error| format!("{}: {error}", file.display()))?;
    let failed = || format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(failed());
    }
    let report: Value = serde_json::from_slice(&output.stdout).map_err(|_| failed())?;
    let number = |key: &str| report.get(key).and_then(Value::as_f64);
    let wall = match run.time {
        Time::Whole => number("wall_min"),
        Time::Again => number("again"),
    };
    Ok(Sample {
        wall_s: wall.ok_or_else(failed)?,
        cpu_s: number("user").unwrap_or(0.0) + number("sys").unwrap_or(0.0),
        peak_mb: number("hwm_mb").unwrap_or(0.0),
    })
}
