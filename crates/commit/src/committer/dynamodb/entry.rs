//! The lock table's item, and how it is written.

use std::borrow::Cow;

use deltaic_log::file_name::{LOG_DIR, LogFileName};
use deltaic_log::{Error, ErrorKind, Result, Version};
use serde_json::{Map, Value, json};

pub(super) const TABLE_PATH: &str = "tablePath";
pub(super) const FILE_NAME: &str = "fileName";
pub(super) const TEMP_PATH: &str = "tempPath";
pub(super) const COMPLETE: &str = "complete";
pub(super) const EXPIRE_TIME: &str = "expireTime";

/// The directory of commits' texts, below the log.
pub(super) const TEMP_DIR: &str = ".tmp";

/// One item of the lock table: a commit that was made, or is being made.
///
/// ```
/// use deltaic_commit::committer::dynamodb::{EntryState, LockEntry};
/// use deltaic_log::Version;
/// let entry = LockEntry::new("s3a://bucket/sales", Version(7), "d2c639aa-8816-431a-aaf6-d3fe2512ff61");
/// assert_eq!(entry.file_name, "00000000000000000007.json");
/// assert_eq!(entry.temp_path, ".tmp/00000000000000000007.json.d2c639aa-8816-431a-aaf6-d3fe2512ff61");
/// assert_eq!(entry.state, EntryState::Incomplete);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockEntry {
    /// The table, as [`table_path`](super::table_path) spells it.
    pub table_path: String,
    /// The name of the commit's file.
    pub file_name: String,
    /// Where the commit's text is, relative to `_delta_log`.
    pub temp_path: String,
    /// How far the commit has come.
    pub state: EntryState,
}

/// How far a commit has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// The commit is made, but its file may not be there yet: whoever meets the entry puts it there.
    Incomplete,
    /// The commit's file stands.
    Complete {
        /// When the item may be removed, in seconds since 1970.
        expire_time_s: Option<i64>,
    },
}

impl LockEntry {
    /// A commit that is about to be made. `id` makes the name of its text unique.
    pub fn new(table_path: impl Into<String>, version: Version, id: impl std::fmt::Display) -> Self {
        let file_name = LogFileName::Commit(version).to_string();
        let temp_path = format!("{TEMP_DIR}/{file_name}.{id}");
        Self { table_path: table_path.into(), file_name, temp_path, state: EntryState::Incomplete }
    }

    /// The version, if this is a commit's entry: other writers enter other files of the log too.
    pub fn version(&self) -> Option<Version> {
        match LogFileName::parse(&self.file_name) {
            Some(LogFileName::Commit(version)) => Some(version),
            _ => None,
        }
    }

    /// Whether the commit's file stands.
    pub fn is_complete(&self) -> bool {
        matches!(self.state, EntryState::Complete { .. })
    }

    /// Where the commit's file is, relative to the table's root.
    pub(super) fn file(&self) -> String {
        format!("{LOG_DIR}/{}", self.file_name)
    }

    /// Where the commit's text is, relative to the table's root.
    pub(super) fn temp_file(&self) -> String {
        format!("{LOG_DIR}/{}", self.temp_path)
    }

    /// The same, if it is named as such texts are: what an item names otherwise is never deleted.
    pub(super) fn disposable_temp_file(&self) -> Option<String> {
        let name = self.temp_path.strip_prefix(TEMP_DIR)?.strip_prefix('/')?;
        let id = name.strip_prefix(&self.file_name)?.strip_prefix('.')?;
        (!id.is_empty() && !id.contains('/')).then(|| self.temp_file())
    }

    /// The item's key.
    pub(super) fn key(table_path: &str, file_name: &str) -> Value {
        json!({TABLE_PATH: {"S": table_path}, FILE_NAME: {"S": file_name}})
    }

    /// The item, as the lock table holds it.
    pub(super) fn encode(&self) -> Value {
        let mut item = json!({
            TABLE_PATH: {"S": self.table_path},
            FILE_NAME: {"S": self.file_name},
            TEMP_PATH: {"S": self.temp_path},
            COMPLETE: {"S": if self.is_complete() { "true" } else { "false" }},
        });
        if let EntryState::Complete { expire_time_s: Some(expire_time_s) } = self.state {
            item[EXPIRE_TIME] = json!({"N": expire_time_s.to_string()});
        }
        item
    }

    /// Reads an item.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptLog`] where an attribute is absent, of another type, or names a file outside of the log.
    pub(super) fn decode(item: &Map<String, Value>) -> Result<Self> {
        let text = |name: &'static str| {
            let text = item.get(name).and_then(|value| value.get("S")).and_then(Value::as_str);
            text.ok_or_else(|| broken("the item lacks a text", name, item))
        };
        let (table_path, file_name, temp_path) = (text(TABLE_PATH)?, text(FILE_NAME)?, text(TEMP_PATH)?);
        if file_name.is_empty() || file_name.starts_with('.') || file_name.contains('/') {
            return Err(broken("the item names no file of the log", FILE_NAME, item));
        }
        // As other writers read it: whatever is not true is false.
        let state = match text(COMPLETE)?.eq_ignore_ascii_case("true") {
            true => EntryState::Complete { expire_time_s: expire_time(item)? },
            false => EntryState::Incomplete,
        };
        let owned = str::to_owned;
        Ok(Self { table_path: owned(table_path), file_name: owned(file_name), temp_path: owned(temp_path), state })
    }
}

fn expire_time(item: &Map<String, Value>) -> Result<Option<i64>> {
    let Some(value) = item.get(EXPIRE_TIME) else { return Ok(None) };
    let number = value.get("N").and_then(Value::as_str).and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| broken("the item's time is no number", EXPIRE_TIME, item))
}

fn broken(what: &str, attribute: &'static str, item: &Map<String, Value>) -> Error {
    let message =
        format!("{what}: what wrote it into the lock table does not keep to its layout; remove or correct it");
    let shown = |name: &str| -> Cow<'_, str> {
        let text = item.get(name).and_then(|value| value.get("S")).and_then(Value::as_str).unwrap_or_default();
        text.chars().take(200).collect()
    };
    Error::new(ErrorKind::CorruptLog, message)
        .with("attribute", attribute)
        .with("table_path", shown(TABLE_PATH))
        .with("file_name", shown(FILE_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "00000000000000000001.json";

    fn decode(item: Value) -> Result<LockEntry> {
        LockEntry::decode(item.as_object().unwrap())
    }

    fn item(complete: &str) -> Value {
        json!({"tablePath": {"S": "s3a://b/t"}, "fileName": {"S": FILE}, "tempPath": {"S": format!(".tmp/{FILE}.x")},
            "complete": {"S": complete}})
    }

    #[test]
    fn what_is_written_is_what_other_writers_write() {
        let mut entry = LockEntry::new("s3a://b/t", Version(1), "x");
        assert_eq!(entry.encode(), item("false"));
        assert_eq!(decode(entry.encode()).unwrap(), entry);
        entry.state = EntryState::Complete { expire_time_s: Some(1_700_000_000) };
        let mut expect = item("true");
        expect["expireTime"] = json!({"N": "1700000000"});
        assert_eq!(entry.encode(), expect);
        assert_eq!(decode(expect).unwrap(), entry);
    }

    #[test]
    fn whatever_is_not_true_is_false() {
        for (text, expect) in [("true", true), ("True", true), ("false", false), ("", false), ("1", false)] {
            assert_eq!(decode(item(text)).unwrap().is_complete(), expect, "{text}");
        }
    }

    #[test]
    fn broken_items_are_refused() {
        for (attribute, value) in [
            ("tablePath", json!({"N": "1"})),
            ("fileName", json!({"S": "../x.json"})),
            ("fileName", json!({"S": ".hidden"})),
            ("fileName", json!({"S": ""})),
            ("tempPath", json!(null)),
            ("complete", json!({"BOOL": true})),
        ] {
            let mut broken = item("true");
            broken[attribute] = value;
            let error = decode(broken).unwrap_err();
            assert_eq!((error.kind(), error.context("attribute")), (ErrorKind::CorruptLog, Some(attribute)));
        }
        let mut broken = item("true");
        broken["expireTime"] = json!({"N": "soon"});
        assert!(decode(broken).is_err());
    }

    #[test]
    fn only_texts_are_deleted() {
        for (temp_path, expect) in [
            (format!(".tmp/{FILE}.x"), true),
            (FILE.to_owned(), false),
            (format!(".tmp/{FILE}."), false),
            (format!(".tmp/{FILE}.x/../../{FILE}"), false),
            (".tmp/00000000000000000002.json.x".to_owned(), false),
            (format!("../_delta_log/.tmp/{FILE}.x"), false),
        ] {
            let entry = LockEntry { temp_path, ..LockEntry::new("t", Version(1), "x") };
            assert_eq!(entry.disposable_temp_file().is_some(), expect, "{}", entry.temp_path);
        }
    }
}
