//! `cargo xtask fixtures`: makes the tables of `fixtures/` anew with the engines that wrote them.

use std::path::PathBuf;

use crate::process::{Outcome, program, root, scratch, step};

/// Runs the generators with `arguments`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let engines = Engines::set_up()?;
    let mut generate = program(&engines.python);
    generate.arg(folder().join("generate.py")).arg(root().join("fixtures")).args(arguments);
    step("write the tables", generate.env("DELTAIC_SPARK_JARS", engines.jars))
}

/// The engines: Spark with Delta Lake, and the deltalake package.
pub(crate) struct Engines {
    /// A Python that has them.
    pub(crate) python: PathBuf,
    /// The folder of the jars that Spark needs for Delta Lake.
    pub(crate) jars: PathBuf,
}

impl Engines {
    /// Installs them, unless they are.
    pub(crate) fn set_up() -> Outcome<Self> {
        let environment = scratch().join("fixtures");
        let mut setup = program("bash");
        step("set the engines up", setup.arg(folder().join("setup.sh")).arg(&environment))?;
        Ok(Self { python: environment.join("venv/bin/python"), jars: environment.join("jars") })
    }
}

fn folder() -> PathBuf {
    root().join("fixtures/generate")
}
