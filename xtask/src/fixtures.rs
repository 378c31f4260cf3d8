//! `cargo xtask fixtures`: makes the tables of `fixtures/` anew with the engines that wrote them.

use crate::process::{Outcome, program, root, scratch, step};

/// Sets the engines up, then runs the generators with `arguments`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let folder = root().join("fixtures/generate");
    let environment = scratch().join("fixtures");
    let mut setup = program("bash");
    step("set the engines up", setup.arg(folder.join("setup.sh")).arg(&environment))?;
    let mut generate = program(environment.join("venv/bin/python"));
    generate.arg(folder.join("generate.py")).arg(root().join("fixtures")).args(arguments);
    step("write the tables", generate.env("DELTAIC_SPARK_JARS", environment.join("jars")))
}
