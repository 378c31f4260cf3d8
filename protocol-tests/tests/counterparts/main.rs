//! Other engines at the same table, at the same time. `cargo xtask test` installs them and names them in variables; without one
//! its tests are left out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod deltalake;
mod spark;

use std::path::{Path, PathBuf};

#[test]
#[ignore = "a part of other tests"]
fn a_process_that_appends() {
    deltaic_protocol_tests::writers::child();
}

/// A program of the other engine's.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("counterparts").join(name)
}
