//! The fixtures of this repository: small tables written by other engines, and what those engines read from them.
//!
//! `fixtures/README.md` describes `expected.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What a fixture's writer reads from it.
#[derive(Clone, Debug, Deserialize)]
pub struct Expected {
    /// The name of the table's folder.
    #[serde(default = "table")]
    pub table: String,
    /// What stands in the commits for the path of the fixture's folder.
    pub placeholder: Option<String>,
    /// The newest version.
    pub version: u64,
    /// The number of live files.
    pub num_files: usize,
    /// The protocol in force.
    pub protocol: Value,
    /// The schema in force, unless the writer cannot tell it.
    pub schema: Option<Value>,
    /// The partition columns in order.
    pub partition_columns: Vec<String>,
    /// The rows of the newest version.
    #[serde(skip)]
    pub content: Content,
    /// What older versions hold.
    #[serde(default)]
    pub versions: BTreeMap<String, Content>,
    /// The change data feed.
    pub changes: Option<ChangesExpected>,
    /// The rows with their row ids and row commit versions.
    pub row_ids: Option<Vec<Box<RawValue>>>,
    /// The domains in force.
    pub domains: Option<Vec<Box<RawValue>>>,
    /// The transaction identifiers in force.
    pub txns: Option<Vec<Box<RawValue>>>,
}

/// The rows of a version.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Content {
    /// How many there are.
    pub num_rows: Option<usize>,
    /// The rows, where there are few.
    pub rows: Option<Vec<Box<RawValue>>>,
    /// The hash of the rows, where there are many.
    pub rows_sha256: Option<String>,
    /// What the writer says instead of reading the version.
    pub error: Option<String>,
}

/// The rows of a change data feed, from a version on.
#[derive(Clone, Debug, Deserialize)]
pub struct ChangesExpected {
    /// The first version.
    pub from_version: u64,
    /// The changes.
    pub rows: Vec<Box<RawValue>>,
}

/// A fixture.
#[derive(Debug)]
pub struct Fixture {
    /// Heading and case.
    pub name: String,
    /// What its writer reads from it.
    pub expected: Expected,
    directory: PathBuf,
    copy: Option<tempfile::TempDir>,
}

impl Fixture {
    /// All fixtures, sorted by name.
    ///
    /// # Panics
    /// Where the folder cannot be read, or an `expected.json` is malformed.
    pub fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
        let mut found = Vec::new();
        for heading in folders(&root) {
            for case in folders(&heading) {
                if let Ok(text) = std::fs::read(case.join("expected.json")) {
                    let name = case.strip_prefix(&root).expect("it lies below").display().to_string();
                    found.push(Self::new(name, &text, case));
                }
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    fn new(name: String, text: &[u8], directory: PathBuf) -> Self {
        let mut expected: Expected = serde_json::from_slice(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        expected.content = serde_json::from_slice(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name, expected, directory, copy: None }.with_placeholder_replaced()
    }

    /// Where its table is.
    pub fn table(&self) -> PathBuf {
        let directory = self.copy.as_ref().map_or(self.directory.as_path(), tempfile::TempDir::path);
        directory.join(&self.expected.table)
    }

    /// Where commits name files by absolute paths, those lead into a copy.
    fn with_placeholder_replaced(mut self) -> Self {
        if let Some(placeholder) = &self.expected.placeholder {
            let copy = tempfile::tempdir().expect("a temporary directory");
            let here = copy.path().canonicalize().expect("it exists");
            let here = here.to_str().expect("a temporary directory has a plain name");
            crate::golden::copy_directory(&self.directory, copy.path()).expect("the fixture can be copied");
            let log = copy.path().join(&self.expected.table).join("_delta_log");
            for entry in std::fs::read_dir(log).expect("a table has a log") {
                let path = entry.expect("it is listed").path();
                if path.extension().is_some_and(|extension| extension == "json") {
                    let text = std::fs::read_to_string(&path).expect("a commit is text");
                    std::fs::write(&path, text.replace(placeholder, here)).expect("the copy can be written");
                }
            }
            self.copy = Some(copy);
        }
        self
    }
}

fn folders(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect()
}

fn table() -> String {
    "table".to_owned()
}
