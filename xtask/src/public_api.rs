//! `public-api.txt`: every public item of the facade and of the crates that it re-exports, a line each, so that a change of
//! the API is seen in review.

mod items;
mod module;
mod tidy;

use std::path::Path;

use crate::process::{Outcome, root};
use module::Module;

/// The crates whose items an embedder can name.
const CRATES: &[(&str, &str)] = &[
    ("deltaic_log", "crates/log"),
    ("deltaic_scan", "crates/scan"),
    ("deltaic_commit", "crates/commit"),
    ("deltaic", "crates/deltaic"),
];

/// Compares the public API with `public-api.txt`; with `--update`, writes that file.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let path = root().join("public-api.txt");
    let listed = list()?;
    if arguments.iter().any(|argument| argument == "--update") {
        return std::fs::write(&path, listed).map_err(|error| format!("{}: {error}", path.display()));
    }
    println!("\n== public API");
    let recorded = std::fs::read_to_string(&path).unwrap_or_default();
    match difference(&recorded, &listed) {
        None => Ok(()),
        Some(lines) => Err(format!(
            "the public API is not what public-api.txt records; if that is meant, run `cargo xtask public-api --update`\n{lines}"
        )),
    }
}

fn list() -> Outcome<String> {
    let mut lines = Vec::new();
    for (name, folder) in CRATES {
        let module = Module::read(&root().join(folder).join("src/lib.rs"))?;
        lines.extend(items::public(name, &module));
    }
    lines.sort_by(|a, b| by_path(a).cmp(&by_path(b)));
    lines.dedup();
    Ok(lines.join("\n") + "\n")
}

/// Lines of one type stay together: the kind of item counts last.
fn by_path(line: &str) -> (&str, &str) {
    let (kind, path) = line.split_once(' ').unwrap_or(("", line));
    (path, kind)
}

/// The lines that only one side has, each marked with its side.
fn difference(recorded: &str, listed: &str) -> Option<String> {
    let missing = |of: &str, mark: char, other: &str| -> Vec<String> {
        let known: std::collections::HashSet<&str> = other.lines().collect();
        of.lines().filter(|line| !known.contains(line)).map(|line| format!("  {mark} {line}")).collect()
    };
    let lines = [missing(recorded, '-', listed), missing(listed, '+', recorded)].concat();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Reads and parses a source file.
fn parse(path: &Path) -> Outcome<syn::File> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    syn::parse_file(&text).map_err(|error| format!("{}: {error}", path.display()))
}
