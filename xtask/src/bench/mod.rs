//! `cargo xtask bench`: our runner beside other engines', on the same tables in the same run.
//!
//! The peers' bench ($DELTAIC_PEERS) builds the peers and makes the tables. Each [`lanes::Lane`] is then run as pairs, the
//! other side and ours right after one another, so that whatever else the machine does weighs on both; what is claimed is
//! the median of the pairs' ratios.

mod lanes;
mod pairs;
mod report;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Outcome, cargo, program, root, scratch, step, target};
use lanes::Program;

/// Pairs of a lane: the fewest that a ratio may be claimed from.
const PAIRS: usize = 15;

/// `[OUT [PAIRS [LANE]]]`: the folder for tables and results, how many pairs, and a part of the names of the lanes to run.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let argument = |at: usize| arguments.get(at).map(String::as_str);
    let out = argument(0).map_or_else(|| scratch().join("bench"), PathBuf::from);
    let pairs = match argument(1) {
        Some(number) => number.parse().map_err(|_| format!("`{number}` is no number of pairs"))?,
        None => PAIRS,
    };
    let bench = Bench::prepare(&out)?;
    let mut lines = Vec::new();
    for lane in lanes::LANES.iter().filter(|lane| argument(2).is_none_or(|part| lane.name.contains(part))) {
        eprintln!("{}", lane.name);
        lines.push(report::line(lane, &pairs::measure(&bench, lane, pairs)?));
        println!("{}{}", report::HEAD, lines.concat());
    }
    let memory: Outcome<Vec<String>> = lanes::MEMORY.iter().map(|lane| pairs::peak(&bench, lane)).collect();
    let table = format!("{}{}\n{}", report::HEAD, lines.concat(), memory?.concat());
    println!("\n{table}");
    let file = out.join("side-by-side.md");
    std::fs::write(&file, table).map_err(|error| format!("{}: {error}", file.display()))
}

/// The programs and tables of one run.
pub(crate) struct Bench {
    peers: PathBuf,
    out: PathBuf,
}

impl Bench {
    fn prepare(out: &Path) -> Outcome<Self> {
        let peers = std::env::var_os("DELTAIC_PEERS").map_or_else(|| root().join("../shared/bench"), PathBuf::from);
        let script = peers.join("run.sh");
        if !script.is_file() {
            return Err(format!(
                "{} is missing: set DELTAIC_PEERS to the folder of the peers' bench",
                script.display()
            ));
        }
        // The features of the workspace's binaries together, as a release builds them.
        let packages = ["--package", "deltaic-benches", "--package", "deltaic-cli", "--bin", "deltaic-peer"];
        step("build our runner", cargo(["build", "--release"]).args(packages))?;
        std::fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
        let bench = Self { peers, out: out.canonicalize().map_err(|error| format!("{}: {error}", out.display()))? };
        let no_case = ["--only", "^$"];
        let mut prepare = program("bash");
        prepare.arg(script).arg(&bench.out).args(no_case).env_remove("CARGO_TARGET_DIR").env_remove("DELTAIC_PEER");
        step("build the peers and make the tables", &mut prepare)?;
        bench.derive_tables()?;
        Ok(bench)
    }

    /// The tables that the peers' bench lacks.
    fn derive_tables(&self) -> Outcome {
        for (kind, from, name) in lanes::DERIVED {
            if !self.table(name).exists() {
                let mut derive = Command::new(self.executable(Program::Deltaic).remove(0));
                derive.args(["derive", kind]).arg(self.table(from)).arg(self.table(name));
                step(&format!("derive the table {name}"), &mut derive)?;
            }
        }
        for (name, arguments) in lanes::GENERATED {
            if !self.table(name).exists() {
                let mut generate = Command::new(self.out.join("venv/bin/python"));
                generate.arg(self.peers.join("gen_table.py")).arg("log").arg(self.table(name)).args(*arguments);
                step(&format!("make the table {name}"), &mut generate)?;
            }
        }
        Ok(())
    }

    fn table(&self, name: &str) -> PathBuf {
        self.out.join("tables").join(name)
    }

    /// A program's file, and the arguments that come first.
    fn executable(&self, program: Program) -> Vec<PathBuf> {
        match program {
            Program::Deltaic => vec![target().join("release/deltaic-peer")],
            Program::Kernel => vec![self.out.join("target/release/kernel_peer")],
            Program::Deltalake => vec![self.out.join("venv/bin/python"), self.peers.join("peer.py")],
        }
    }
}
