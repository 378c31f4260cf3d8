//! `cargo xtask ci`: what continuous integration runs, on any machine.

use crate::process::{Outcome, cargo, step};
use crate::{public_api, test};

/// Each step in turn; the first that fails ends the run.
pub(crate) fn run() -> Outcome {
    step("formatting", &mut cargo(["fmt", "--all", "--check"]))?;
    let lints = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    step("lints", &mut cargo(lints))?;
    let documentation = ["doc", "--workspace", "--no-deps"];
    step("documentation", cargo(documentation).env("RUSTDOCFLAGS", "-D warnings"))?;
    public_api::run(&[])?;
    test::run(&[])
}
