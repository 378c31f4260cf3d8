//! The line of crates: each knows those before it, and no other. The manual draws it; this keeps it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

/// The crates in their order.
const LINE: [&str; 6] = ["log", "scan", "commit", "ops", "deltaic", "cli"];

fn crate_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates").join(name)
}

#[test]
fn no_crate_depends_on_a_later_one() {
    for (place, name) in LINE.iter().enumerate() {
        let manifest = std::fs::read_to_string(crate_folder(name).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split_once("[dependencies]").unwrap().1;
        for later in &LINE[place..] {
            let package = if *later == "deltaic" { "deltaic".to_owned() } else { format!("deltaic-{later}") };
            let names = |line: &str| line.split(['.', ' ', '=']).next() == Some(package.as_str());
            assert!(!dependencies.lines().any(names), "{name} depends on {package}");
        }
    }
}

/// Commits judge files by expressions and bounds alone; they never read rows.
#[test]
fn commit_uses_the_pure_half_of_scan() {
    let mut uses = 0;
    for (file, text) in sources(&crate_folder("commit").join("src")) {
        for (place, _) in text.match_indices("deltaic_scan::") {
            let module: String =
                text[place + "deltaic_scan::".len()..].chars().take_while(|letter| letter.is_alphanumeric()).collect();
            assert!(["expr", "prune"].contains(&module.as_str()), "{} uses deltaic_scan::{module}", file.display());
            uses += 1;
        }
        assert!(!text.contains("use deltaic_scan as"), "{}", file.display());
    }
    assert!(uses > 0);
}

/// The log is read and never written by its own crate, nor are data files by the crate that reads them: nothing in either
/// puts, renames or deletes.
#[test]
fn log_and_scan_never_write() {
    let writes = [
        "store.put",
        ".put_opts(",
        ".put_multipart(",
        "store.delete",
        ".delete_stream(",
        "store.copy",
        "fs::write",
        "fs::remove",
        "File::create",
        "OpenOptions",
    ];
    for name in ["log", "scan"] {
        for (file, text) in sources(&crate_folder(name).join("src")) {
            let shipped = text.split("#[cfg(test)]").next().unwrap();
            let shipped: String = shipped.lines().filter(|line| !line.trim_start().starts_with("///")).collect();
            for write in writes {
                assert!(!shipped.contains(write), "{} has {write}", file.display());
            }
        }
    }
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}
