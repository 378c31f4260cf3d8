//! `cargo xtask test`: every test, in tiers. The first needs Rust alone; each other needs one more program.

use std::path::PathBuf;

use crate::process::{Outcome, cargo, root, step, succeeds};
use crate::tiers::{TIERS, Tier};

/// Runs the tiers that `--tier NAME` asks for; without one, each whose program is installed, and says which were left out.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    match arguments {
        [] => all(),
        [option, name] if option == "--tier" => one(name),
        _ => Err(format!("`test` takes nothing, or `--tier NAME`: {}", names())),
    }
}

fn one(name: &str) -> Outcome {
    match TIERS.iter().find(|tier| tier.name == name) {
        Some(tier) if succeeds(tier.needs) => (tier.run)(),
        Some(tier) => Err(format!("the tier {name} needs what is not installed: `{}` fails", tier.needs.join(" "))),
        None if name == "rust" => rust(),
        None => Err(format!("there is no tier {name}: there are {}", names())),
    }
}

fn names() -> String {
    TIERS.iter().fold("rust".to_owned(), |names, tier| format!("{names}, {}", tier.name))
}

fn all() -> Outcome {
    rust()?;
    let (present, absent): (Vec<&Tier>, Vec<&Tier>) = TIERS.iter().partition(|tier| succeeds(tier.needs));
    for tier in &present {
        (tier.run)()?;
    }
    report(&present, &absent)
}

/// The first tier: unit, protocol and documentation tests of the workspace, and the embedding example.
fn rust() -> Outcome {
    step("unit, protocol and documentation tests", &mut cargo(["test", "--workspace"]))?;
    embed()
}

/// The example that stands for a foreign engine: a workspace of its own.
pub(crate) fn embed() -> Outcome {
    let mut build = cargo(["run", "--quiet", "--manifest-path", "examples/embed/Cargo.toml", "--", "fixtures"]);
    step("the embedding example", build.env("CARGO_TARGET_DIR", crate::process::target()))
}

fn report(present: &[&Tier], absent: &[&Tier]) -> Outcome {
    println!("\n== tiers\nran      rust: the workspace's tests and the embedding example");
    for tier in present {
        println!("ran      {}: {}", tier.name, tier.what);
    }
    for tier in absent {
        println!("SKIPPED  {}: {} (`{}` fails)", tier.name, tier.what, tier.needs.join(" "));
    }
    if !golden_tables().is_dir() {
        println!("absent   golden tables: another project's reference tables (DELTA_GOLDEN names their folder)");
    }
    match absent.len() {
        0 => Ok(()),
        skipped if std::env::var_os("REQUIRE_ALL").is_some_and(|value| value == "1") => {
            Err(format!("{skipped} tiers were skipped, and REQUIRE_ALL=1 asks for every one"))
        }
        _ => Ok(()),
    }
}

/// They are not ours to ship: where they are absent, their test has nothing to read.
fn golden_tables() -> PathBuf {
    std::env::var_os("DELTA_GOLDEN").map_or_else(|| root().join("../shared/golden"), PathBuf::from)
}
