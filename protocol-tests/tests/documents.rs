//! What documents say of the code is generated from the code. `UPDATE_DOCS=1` writes it anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use deltaic::log::feature::render_table;
use deltaic::storage::{KNOWN_KEYS, Service};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The part of `file` between the comment that begins with `<!-- name` and the next `<!-- end -->` must be `expected`.
fn check(file: &str, name: &str, expected: &str) {
    // Two tests may write parts of one file.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let path = root().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let begin = text.find(&format!("<!-- {name}")).unwrap_or_else(|| panic!("{file} has no part `{name}`"));
    let begin = begin + text[begin..].find('\n').unwrap() + 1;
    let end = begin + text[begin..].find("<!-- end -->").unwrap();
    if text[begin..end] == *expected {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{}{expected}{}", &text[..begin], &text[end..])).unwrap();
        return;
    }
    panic!("the part `{name}` of {file} is out of date: run this test with UPDATE_DOCS=1");
}

#[test]
fn the_table_of_features() {
    check("README.md", "features:", &render_table());
    check("crates/deltaic/src/manual/features.md", "features:", &render_table());
}

#[test]
fn the_table_of_storage_options() {
    let mut table = String::from("| option | for | meaning |\n|---|---|---|\n");
    for key in KNOWN_KEYS {
        let service = match key.service {
            Service::Aws => "AWS",
            Service::Azure => "Azure",
            Service::Google => "Google",
            _ => "every service",
        };
        let names: Vec<_> = std::iter::once(&key.name).chain(key.aliases).map(|name| format!("`{name}`")).collect();
        table.push_str(&format!("| {} | {service} | {} |\n", names.join(", "), key.meaning));
    }
    check("README.md", "storage options:", &table);
}
