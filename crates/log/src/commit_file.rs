//! Spec: [Delta Log Entries](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#delta-log-entries): commits, one
//! action a line. Two readers: [`read_actions`] gives every action complete, and `DeltaBatch` gives what replay needs,
//! as columns, in one pass over borrowed text.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::action::{Action, CommitInfo, DomainMetadata, Metadata, Protocol, SetTransaction, Sidecar};
use crate::action_reconciliation::file_key;
use crate::deletion_vector::{DeletionVectorDescriptor, StorageType};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::file_set::{FileColumns, FileRow, KeyColumn};
use std::sync::Arc;

/// Every action of a commit, in order. Actions that this library does not know are left out.
///
/// # Errors
/// [`ErrorKind::CorruptLog`], with the line, where a line is no JSON object or a known action is malformed.
///
/// ```
/// use deltaic_log::commit_file::read_actions;
/// let actions = read_actions(br#"{"txn":{"appId":"app","version":3}}
/// {"somethingNew":{}}
/// "#)?;
/// assert_eq!(actions.len(), 1);
/// # Ok::<(), deltaic_log::Error>(())
/// ```
pub fn read_actions(bytes: &[u8]) -> Result<Vec<Action>> {
    let mut actions = Vec::new();
    for (number, line) in lines(bytes)? {
        let parsed: Lenient<'_> = parse(line).with("line", number)?;
        actions.extend(parsed.action().with("line", number)?);
    }
    Ok(actions)
}

/// The actions of a commit, one after the other, so that a large commit need not stand in memory as structs.
pub(crate) struct ActionReader {
    bytes: bytes::Bytes,
    line: usize,
}

impl ActionReader {
    pub(crate) fn new(bytes: bytes::Bytes) -> Self {
        Self { bytes, line: 0 }
    }

    /// The next action that this library knows; `None` at the end.
    ///
    /// # Errors
    /// As [`read_actions`].
    pub(crate) fn next_action(&mut self) -> Result<Option<Action>> {
        while !self.bytes.is_empty() {
            let end = memchr::memchr(b'\n', &self.bytes).map_or(self.bytes.len(), |end| end + 1);
            let line = self.bytes.split_to(end);
            self.line += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let text = simdutf8::basic::from_utf8(&line).map_err(|error| {
                Error::new(ErrorKind::CorruptLog, "the file is no UTF-8 text").because(error).with("line", self.line)
            })?;
            let parsed: Lenient<'_> = parse(text).with("line", self.line)?;
            if let Some(action) = parsed.action().with("line", self.line)? {
                return Ok(Some(action));
            }
        }
        Ok(None)
    }
}

/// The text of a commit: `actions`, one a line, in this order. [`read_actions`] gives the same actions back.
///
/// # Errors
/// [`ErrorKind::Internal`] where an action is no JSON, which none is.
///
/// ```
/// use deltaic_log::action::{Action, SetTransaction};
/// use deltaic_log::commit_file::{read_actions, write_actions};
/// let actions = [Action::SetTransaction(SetTransaction { app_id: "app".to_owned(), version: 3, last_updated: None })];
/// let text = write_actions(&actions)?;
/// assert_eq!(text, b"{\"txn\":{\"appId\":\"app\",\"version\":3}}\n");
/// assert_eq!(read_actions(&text)?, actions);
/// # Ok::<(), deltaic_log::Error>(())
/// ```
pub fn write_actions<'a>(actions: impl IntoIterator<Item = &'a Action>) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for action in actions {
        serde_json::to_writer(&mut text, action)
            .map_err(|error| Error::new(ErrorKind::Internal, "an action cannot be written as JSON").because(error))?;
        text.push(b'\n');
    }
    Ok(text)
}

/// The commit's first `commitInfo`, if it has one. Other lines are not looked at.
///
/// # Errors
/// [`ErrorKind::CorruptLog`], with the line.
pub fn read_commit_info(bytes: &[u8]) -> Result<Option<CommitInfo>> {
    for (number, line) in lines(bytes)? {
        if !line.contains("\"commitInfo\"") {
            continue;
        }
        let parsed: Lenient<'_> = parse(line).with("line", number)?;
        if let Some(Action::CommitInfo(info)) = parsed.action().with("line", number)? {
            return Ok(Some(info));
        }
    }
    Ok(None)
}

/// A line's one action, its body still text.
struct Lenient<'a>(Option<(Cow<'a, str>, &'a RawValue)>);

impl Lenient<'_> {
    fn action(self) -> Result<Option<Action>> {
        let Some((key, body)) = self.0 else { return Ok(None) };
        let body = body.get();
        Ok(Some(match key.as_ref() {
            "metaData" => Action::Metadata(parse(body)?),
            "add" => Action::Add(parse(body)?),
            "remove" => Action::Remove(parse(body)?),
            "cdc" => Action::AddCdcFile(parse(body)?),
            "txn" => Action::SetTransaction(parse(body)?),
            "protocol" => Action::Protocol(parse(body)?),
            "commitInfo" => Action::CommitInfo(parse(body)?),
            "domainMetadata" => Action::DomainMetadata(parse(body)?),
            "sidecar" => Action::Sidecar(parse(body)?),
            "checkpointMetadata" => Action::CheckpointMetadata(parse(body)?),
            _ => return Ok(None),
        }))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Lenient<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Lenient<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an action: a JSON object with one field")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut found = None;
                while let Some((Text(key), body)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    // Rows of a checkpoint may spell out the actions that they are not, as nulls.
                    if body.get() != "null" && found.is_none() {
                        found = Some((key, body));
                    }
                }
                Ok(Lenient(found))
            }
        }
        from.deserialize_map(Fields)
    }
}

/// What replay needs of several consecutive commits, compactions or JSON checkpoints.
#[derive(Debug, Default)]
pub(crate) struct DeltaBatch {
    /// One for each file read, in the order read.
    pub(crate) deltas: Vec<Delta>,
    pub(crate) adds: Arc<FileColumns>,
    /// The keys of removed files.
    pub(crate) removes: KeyColumn,
}

/// What replay needs of one commit, beside files.
#[derive(Debug, Default)]
pub(crate) struct Delta {
    /// Rows of the batch's `adds`.
    pub(crate) adds: std::ops::Range<usize>,
    /// Rows of the batch's `removes`.
    pub(crate) removes: std::ops::Range<usize>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) transactions: Vec<SetTransaction>,
    pub(crate) domains: Vec<DomainMetadata>,
    pub(crate) sidecars: Vec<Sidecar>,
    pub(crate) in_commit_timestamp: Option<i64>,
}

impl DeltaBatch {
    /// Reads one more commit.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptLog`] with the line. The batch is then not to be used any more.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<()> {
        let mut delta = Delta::default();
        let adds = Arc::get_mut(&mut self.adds).expect("a batch is shared only once it is read");
        let (adds_start, removes_start) = (adds.len(), self.removes.len());
        let mut scratch = Vec::new();
        for (number, line) in lines(bytes)? {
            let line: Line<'_> = parse(line).with("line", number)?;
            if let Some(add) = line.add {
                add.push_to(adds);
            } else if let Some(remove) = line.remove {
                let vector = remove.deletion_vector.map(Vector::into_descriptor);
                self.removes.push(file_key(&remove.path.0, vector.as_ref(), &mut scratch));
            } else {
                line.read_into(&mut delta).with("line", number)?;
            }
        }
        delta.adds = adds_start..self.adds.len();
        delta.removes = removes_start..self.removes.len();
        self.deltas.push(delta);
        Ok(())
    }

    /// Gives back memory that only reading needed.
    pub(crate) fn freeze(&mut self) {
        if let Some(adds) = Arc::get_mut(&mut self.adds) {
            adds.freeze();
        }
    }

    /// Whether the batch should be closed before another file is read into it.
    pub(crate) fn is_full(&self) -> bool {
        self.adds.is_full() || self.removes.is_full()
    }
}

/// A line, borrowed from the commit's text. Unknown actions and fields are skipped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(borrow, default)]
    add: Option<AddLine<'a>>,
    #[serde(borrow, default)]
    remove: Option<RemoveLine<'a>>,
    #[serde(borrow, default)]
    protocol: Option<&'a RawValue>,
    #[serde(borrow, default)]
    meta_data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    txn: Option<&'a RawValue>,
    #[serde(borrow, default)]
    domain_metadata: Option<&'a RawValue>,
    #[serde(borrow, default)]
    sidecar: Option<&'a RawValue>,
    #[serde(borrow, default)]
    commit_info: Option<&'a RawValue>,
}

impl Line<'_> {
    /// Keeps an action that is no file's.
    fn read_into(self, delta: &mut Delta) -> Result<()> {
        if let Some(body) = self.protocol {
            only_one(delta.protocol.replace(parse(body.get())?), "protocol")?;
        } else if let Some(body) = self.meta_data {
            only_one(delta.metadata.replace(parse(body.get())?), "metaData")?;
        } else if let Some(body) = self.txn {
            delta.transactions.push(parse(body.get())?);
        } else if let Some(body) = self.domain_metadata {
            delta.domains.push(parse(body.get())?);
        } else if let Some(body) = self.sidecar {
            delta.sidecars.push(parse(body.get())?);
        } else if let Some(body) = self.commit_info {
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Time {
                #[serde(default)]
                in_commit_timestamp: Option<i64>,
            }
            // commitInfo may be any JSON; only a time of the right type is one.
            delta.in_commit_timestamp = parse::<Time>(body.get()).ok().and_then(|info| info.in_commit_timestamp);
        }
        Ok(())
    }
}

/// Spec: a commit has at most one `protocol` and one `metaData`.
fn only_one<T>(before: Option<T>, action: &str) -> Result<()> {
    match before {
        None => Ok(()),
        Some(_) => Err(Error::new(ErrorKind::CorruptLog, format!("a commit has more than one `{action}` action"))),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddLine<'a> {
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow, default)]
    partition_values: PartitionPairs<'a>,
    size: i64,
    modification_time: i64,
    #[serde(borrow, default)]
    stats: Option<&'a RawValue>,
    #[serde(borrow, default)]
    deletion_vector: Option<Vector<'a>>,
    #[serde(default)]
    base_row_id: Option<i64>,
    #[serde(default)]
    default_row_commit_version: Option<i64>,
}

impl AddLine<'_> {
    fn push_to(self, columns: &mut FileColumns) {
        let file = FileRow {
            path: &self.path.0,
            size: self.size,
            modification_time: self.modification_time,
            deletion_vector: self.deletion_vector.map(Vector::into_descriptor),
            base_row_id: self.base_row_id,
            default_row_commit_version: self.default_row_commit_version,
            // Anything but a JSON string is no statistics.
            stats: self.stats.map(RawValue::get).filter(|text| text.starts_with('"')),
        };
        columns.push(
            file,
            self.partition_values.0.iter().map(|(key, value)| (&*key.0, value.as_ref().map(|text| &*text.0))),
        );
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RemoveLine<'a> {
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow, default)]
    deletion_vector: Option<Vector<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector<'a> {
    storage_type: StorageType,
    #[serde(borrow)]
    path_or_inline_dv: Text<'a>,
    #[serde(default)]
    offset: Option<i32>,
    size_in_bytes: i32,
    cardinality: i64,
}

impl Vector<'_> {
    fn into_descriptor(self) -> DeletionVectorDescriptor {
        DeletionVectorDescriptor {
            storage_type: self.storage_type,
            path_or_inline_dv: self.path_or_inline_dv.0.into_owned(),
            offset: self.offset,
            size_in_bytes: self.size_in_bytes,
            cardinality: self.cardinality,
        }
    }
}

/// Text that borrows from the line unless it has escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Texts)
    }
}

/// A JSON object of optional texts, in its order.
#[derive(Default)]
struct PartitionPairs<'a>(Vec<(Text<'a>, Option<Text<'a>>)>);

impl<'de: 'a, 'a> Deserialize<'de> for PartitionPairs<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = PartitionPairs<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("partition values: a JSON object of strings or nulls")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(PartitionPairs(pairs))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(PartitionPairs::default())
            }
        }
        from.deserialize_any(Pairs)
    }
}

/// The lines that are not empty, with their numbers, counted from 1.
fn lines(bytes: &[u8]) -> Result<impl Iterator<Item = (usize, &str)>> {
    let text = simdutf8::compat::from_utf8(bytes).map_err(|error| {
        let line = memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count() + 1;
        Error::new(ErrorKind::CorruptLog, "the file is no UTF-8 text").because(error).with("line", line)
    })?;
    Ok(split_lines(text).enumerate().map(|(i, line)| (i + 1, line)).filter(|(_, line)| !line.trim_ascii().is_empty()))
}

fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', text.as_bytes()).chain(std::iter::once(text.len())).map(move |end| {
        let line = &text[start..end];
        start = end + 1;
        line
    })
}

/// Reads a line, or the body of its action: a JSON object, never the list of values that serde would take for a struct.
fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    let broken = || {
        let message =
            "a line is no valid action (spec: \"Actions\"): the file is damaged, or its writer broke the protocol";
        Error::new(ErrorKind::CorruptLog, message)
    };
    match text.trim_ascii_start().starts_with('{') {
        true => serde_json::from_str(text).map_err(|error| broken().because(error)),
        false => Err(broken()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(text: &str) -> Result<DeltaBatch> {
        let mut batch = DeltaBatch::default();
        batch.read(text.as_bytes())?;
        Ok(batch)
    }

    #[test]
    fn both_readers_see_the_same_files() {
        let text = r#"{"commitInfo":{"inCommitTimestamp":5,"operation":"WRITE","extra":[1]}}
{"add":{"path":"p=1/a%20b","partitionValues":{"p":"1","q":null},"size":3,"modificationTime":4,"dataChange":true,"stats":"{\"numRecords\":1}","unknown":{"x":[]}}}

{"remove":{"path":"old","deletionTimestamp":9,"dataChange":true,"deletionVector":{"storageType":"i","pathOrInlineDv":"ab\"c","sizeInBytes":1,"cardinality":2}}}
{"unheardOf":{"a":1}}
{"txn":{"appId":"app","version":3}}"#;
        let batch = batch(text).unwrap();
        let actions = read_actions(text.as_bytes()).unwrap();
        let Action::Add(add) = &actions[1] else { panic!("{actions:?}") };
        assert_eq!(add.path, batch.adds.paths.text(0));
        assert_eq!(add.partition_values, batch.adds.partition_values(0));
        assert_eq!(batch.adds.escaped_stats(0), Some(&br#""{\"numRecords\":1}""#[..]));
        assert_eq!(batch.removes.get(0), b"old\0iab\"c");
        assert_eq!(batch.deltas[0].in_commit_timestamp, Some(5));
        assert_eq!((batch.deltas[0].adds.clone(), batch.deltas[0].removes.clone()), (0..1, 0..1));
        assert_eq!(batch.deltas[0].transactions[0].version, 3);
        assert_eq!(actions.len(), 4);
    }

    #[test]
    fn a_broken_commit_names_its_line() {
        for (text, line) in [
            ("{\"txn\":{\"appId\":\"a\",\"version\":1}}\n{\"add\":{\"path\":1}}", "2"),
            ("{", "1"),
            ("[]", "1"),
            ("\n\n{\"add\":{}}", "3"),
            ("{\"protocol\":{\"minReaderVersion\":\"x\"}}", "1"),
        ] {
            let error = batch(text).unwrap_err();
            assert_eq!((error.kind(), error.context("line")), (ErrorKind::CorruptLog, Some(line)), "{text}");
            assert_eq!(read_actions(text.as_bytes()).unwrap_err().context("line"), Some(line), "{text}");
        }
        let twice = "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n".repeat(2);
        assert_eq!(batch(&twice).unwrap_err().context("line"), Some("2"));
        assert_eq!(read_actions(b"{}\n\xff").unwrap_err().context("line"), Some("2"));
    }

    #[test]
    fn commit_info_may_be_anything() {
        let batch =
            batch("{\"commitInfo\":{\"inCommitTimestamp\":\"soon\",\"operation\":7}}\n{\"commitInfo\":[1]}").unwrap();
        assert_eq!(batch.deltas[0].in_commit_timestamp, None);
    }
}
