//! Spec: [Last Checkpoint File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#last-checkpoint-file): a hint
//! where to begin listing, nothing more. A hint that is missing, torn, stale or wrong never hides a table.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::file_name::{LAST_CHECKPOINT, LOG_DIR};
use crate::store::TableStore;
use crate::version::Version;

/// What `_last_checkpoint` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastCheckpoint {
    /// The version of the checkpoint.
    pub version: Version,
    /// The number of actions in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// The number of its files, if it is a multi-part checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<u32>,
    /// The size of its files in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_in_bytes: Option<i64>,
    /// The number of `add` actions in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_of_add_files: Option<i64>,
    /// The top-level file of a V2 checkpoint: beyond the specification, for readers that open it without listing.
    #[serde(rename = "v2Checkpoint", default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub v2_checkpoint: Option<V2CheckpointFile>,
    /// The MD5 of the file's own canonical JSON: see [`checksum`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

/// The top-level file of a V2 checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct V2CheckpointFile {
    /// The file's name in the log.
    pub path: String,
    /// Its size in bytes.
    pub size_in_bytes: i64,
    /// When it was last modified, in milliseconds since the epoch.
    pub modification_time: i64,
}

impl LastCheckpoint {
    /// The hint's text, with its checksum.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] where it is no JSON, which it is.
    ///
    /// ```
    /// use deltaic_log::last_checkpoint::LastCheckpoint;
    /// let hint = LastCheckpoint::parse(br#"{"version":3,"size":9}"#).unwrap();
    /// let text = hint.to_json()?;
    /// assert!(text.contains("checksum"));
    /// assert_eq!(LastCheckpoint::parse(text.as_bytes()).unwrap().size, Some(9));
    /// # Ok::<(), deltaic_log::Error>(())
    /// ```
    pub fn to_json(&self) -> Result<String> {
        let write = |hint: &Self| serde_json::to_string(hint);
        let text = write(&Self { checksum: None, ..self.clone() });
        let text = text.and_then(|text| write(&Self { checksum: checksum(&text), ..self.clone() }));
        text.map_err(|error| Error::new(ErrorKind::Internal, "a hint cannot be written as JSON").because(error))
    }

    /// Reads the hint's text. `None` where it is no hint, or where its checksum contradicts it.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let hint: Self = serde_json::from_slice(text).ok()?;
        match &hint.checksum {
            Some(stated) if checksum(std::str::from_utf8(text).ok()?).as_ref() != Some(stated) => None,
            _ => Some(hint),
        }
    }

    /// Reads the hint of a table. `None` where there is none that can be used.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`].
    pub async fn read(store: &TableStore) -> Result<Option<Self>> {
        let text = store.read(&format!("{LOG_DIR}/{LAST_CHECKPOINT}")).await?;
        let hint = text.as_ref().and_then(|text| Self::parse(text));
        if text.is_some() && hint.is_none() {
            tracing::warn!(table = %store.root(), "`_last_checkpoint` is damaged; the log is listed from the start instead");
        }
        Ok(hint)
    }
}

/// Spec: [JSON checksum](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#json-checksum): the MD5, in lower-case
/// hex, of the object's canonical form without its own top-level `checksum`. `None` where `json` is no JSON object or is
/// nested too deeply.
///
/// ```
/// use deltaic_log::last_checkpoint::checksum;
/// let json = r#"{"k0":"'v 0'", "checksum": "adsaskfljadfkjadfkj", "k1":{"k2": 2, "k3": ["v3", [1, 2], {"k4": "v4", "k5": ["v5", "v6", "v7"]}]}}"#;
/// assert_eq!(checksum(json).as_deref(), Some("6a92d155a59bf2eecbd4b4ec7fd1f875"));
/// ```
pub fn checksum(json: &str) -> Option<String> {
    use md5::{Digest, Md5};
    let canonical = canonical_form(json)?;
    Some(Md5::digest(canonical).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The canonical form: `"path"+"to"+"leaf"=value` for every leaf, sorted, joined by commas.
fn canonical_form(json: &str) -> Option<String> {
    let mut leaves = Vec::new();
    collect_leaves(serde_json::from_str(json).ok()?, &mut String::new(), 0, &mut leaves)?;
    leaves.sort_unstable();
    Some(leaves.join(","))
}

/// What other writers put there in another shape is not used.
fn lenient<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<V2CheckpointFile>, D::Error> {
    Ok(serde_json::from_value(serde_json::Value::deserialize(from)?).ok())
}

const DEPTH_MAX: usize = 64;

/// Numbers are kept as their own text, so values stay raw.
fn collect_leaves(value: &RawValue, path: &mut String, depth: usize, leaves: &mut Vec<String>) -> Option<()> {
    let text = value.get();
    if depth > DEPTH_MAX {
        return None;
    }
    let mut descend = |key: String, child: &RawValue| {
        let length = path.len();
        if length > 0 {
            path.push('+');
        }
        path.push_str(&key);
        let done = collect_leaves(child, path, depth + 1, leaves);
        path.truncate(length);
        done
    };
    match text.as_bytes().first()? {
        b'{' => {
            // Later duplicates of a key win, as in any JSON object.
            let fields: std::collections::BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            let fields = fields.into_iter().filter(|(key, _)| depth > 0 || key != "checksum");
            for (key, child) in fields {
                descend(quoted(&key), child)?;
            }
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            for (i, child) in items.into_iter().enumerate() {
                descend(i.to_string(), child)?;
            }
        }
        b'"' => leaves.push(format!("{path}={}", quoted(&serde_json::from_str::<String>(text).ok()?))),
        _ => leaves.push(format!("{path}={text}")),
    }
    Some(())
}

/// Spec: [How to URL encode keys and string values](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#how-to-url-encode-keys-and-string-values).
fn quoted(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    format!("\"{}\"", utf8_percent_encode(text, UNRESERVED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_that_is_none_reads_as_none() {
        for text in ["", "{", "[]", "null", "{}", r#"{"version":-1}"#, r#"{"version":3,"checksum":"0"}"#] {
            assert_eq!(LastCheckpoint::parse(text.as_bytes()), None, "{text}");
        }
        let hint = LastCheckpoint::parse(br#"{"version":3,"size":9,"parts":2,"later":{"x":1}}"#).unwrap();
        assert_eq!((hint.version, hint.size, hint.parts), (Version(3), Some(9), Some(2)));
    }

    #[test]
    fn the_canonical_form_is_the_specs() {
        let json = r#"{"k0":"'v 0'","k1":{"k2":2,"k3":["v3",[1,2],{"k4":"v4","k5":["v5","v6","v7"]}]}}"#;
        let canonical = r#""k0"="%27v%200%27","k1"+"k2"=2,"k1"+"k3"+0="v3","k1"+"k3"+1+0=1,"k1"+"k3"+1+1=2,"k1"+"k3"+2+"k4"="v4","k1"+"k3"+2+"k5"+0="v5","k1"+"k3"+2+"k5"+1="v6","k1"+"k3"+2+"k5"+2="v7""#;
        assert_eq!(canonical_form(json).as_deref(), Some(canonical));
    }
}
