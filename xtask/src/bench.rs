//! `cargo xtask bench`: our runner beside other engines', on the same tables in the same run.

use std::path::PathBuf;

use crate::process::{Outcome, cargo, program, root, scratch, step, target};

/// Builds our runner and hands it to the peers' bench. The first argument, if any, is the folder for tables and results.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let peers = std::env::var_os("DELTAIC_PEERS").map_or_else(|| root().join("../shared/bench"), PathBuf::from);
    let script = peers.join("run.sh");
    if !script.is_file() {
        return Err(format!("{} is missing: set DELTAIC_PEERS to the folder of the peers' bench", script.display()));
    }
    let build = ["build", "--release", "--package", "deltaic-benches", "--bin", "deltaic-peer"];
    step("build our runner", &mut cargo(build))?;
    let (out, rest) = match arguments.split_first() {
        Some((out, rest)) => (PathBuf::from(out), rest),
        None => (scratch().join("bench"), arguments),
    };
    let mut bench = program("bash");
    bench.arg(script).arg(out).args(rest).env_remove("CARGO_TARGET_DIR");
    step("measure", bench.env("DELTAIC_PEER", target().join("release/deltaic-peer")))
}
