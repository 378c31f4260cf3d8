//! The golden tables of the Delta Lake project, and what reading each must give.
//!
//! They are not part of this repository: `DELTA_GOLDEN` names their directory, or they lie in `../shared/golden` beside the
//! workspace. What is expected of each is in `golden-expected.json` beside that directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What reading a table must give.
#[derive(Clone, Debug, Deserialize)]
pub struct Expectation {
    /// `ok` or `error`.
    pub outcome: String,
    /// The error's kind by name.
    pub error_kind: Option<String>,
    /// The newest version.
    pub version: Option<u64>,
    /// The number of live files.
    pub num_files: Option<usize>,
    /// The number of rows; absent where data files are missing.
    pub num_rows: Option<usize>,
    /// False where data files are missing.
    pub data_readable: Option<bool>,
    /// The version of the checkpoint that a reader starts from.
    pub checkpoint_used: Option<u64>,
    /// The protocol in force.
    pub protocol: Option<Value>,
    /// The partition columns in order.
    pub partition_columns: Option<Vec<String>>,
    /// The schema as the log has it.
    pub schema: Option<Value>,
    /// The rows, where there are few.
    pub rows: Option<Vec<Box<RawValue>>>,
    /// The hash of all rows.
    pub rows_sha256: Option<String>,
    /// The value of each column in row `i`, as `column=i` or `column=i%n`, joined by `;`.
    pub row_formula: Option<String>,
    /// The transaction versions by application.
    pub txn: Option<BTreeMap<String, i64>>,
}

/// The golden tables.
#[derive(Clone, Debug)]
pub struct Golden {
    directory: PathBuf,
    expected: BTreeMap<String, Expectation>,
}

impl Golden {
    /// The golden tables of this machine; `None`, and a word about it, where there are none.
    ///
    /// # Panics
    /// Where there are none and `REQUIRE_ALL` is 1, or where `golden-expected.json` is missing or malformed.
    pub fn find() -> Option<Self> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/golden");
        let directory = std::env::var_os("DELTA_GOLDEN").map_or(beside, PathBuf::from);
        if !directory.is_dir() {
            skip(&format!("no golden tables at {}; set DELTA_GOLDEN", directory.display()));
            return None;
        }
        let list = directory.with_file_name("golden-expected.json");
        let text = std::fs::read(&list).unwrap_or_else(|error| panic!("{}: {error}", list.display()));
        let expected = serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", list.display()));
        Some(Self { directory, expected })
    }

    /// Every location and what is expected of it.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &Expectation)> {
        self.expected.iter().map(|(name, expected)| (name.as_str(), expected))
    }

    /// Where a table is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A copy of a table that may be written to.
    ///
    /// # Panics
    /// Where the file system refuses.
    pub fn copy(&self, name: &str) -> tempfile::TempDir {
        let copy = tempfile::tempdir().expect("a temporary directory");
        copy_directory(&self.path(name), copy.path()).expect("the table can be copied");
        copy
    }
}

/// Says that a test is skipped.
///
/// # Panics
/// Where `REQUIRE_ALL` is 1: there, nothing may be skipped.
pub fn skip(why: &str) {
    assert!(std::env::var("REQUIRE_ALL").as_deref() != Ok("1"), "REQUIRE_ALL is set, but {why}");
    eprintln!("skipped: {why}");
}

/// Copies a directory and whatever is in it.
///
/// # Errors
/// Those of the file system.
pub fn copy_directory(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy_directory(&entry.path(), &target)?,
            false => std::fs::write(target, std::fs::read(entry.path())?)?,
        }
    }
    Ok(())
}
