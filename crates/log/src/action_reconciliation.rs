//! Spec: [Action Reconciliation](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#action-reconciliation).
//!
//! Files are reconciled newest first: the first action seen for a key — the canonical path and the deletion vector's id —
//! decides, and every older one is void. Keys are compared byte by byte, never by hash alone.

use std::borrow::Cow;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use percent_encoding::percent_decode_str;

use crate::deletion_vector::DeletionVectorDescriptor;

/// The one spelling under which a path of the log is compared.
///
/// A path is a URI: percent-decoded once, and with the three ways to write an absolute local path (`file:///x`, `file:/x`,
/// `/x`) made one. A relative path stays relative.
///
/// ```
/// use deltaic_log::action_reconciliation::canonical_path;
/// assert_eq!(canonical_path("part%3Da/f.parquet"), "part=a/f.parquet");
/// assert_eq!(canonical_path("file:///a%20b"), "/a b");
/// assert_eq!(canonical_path("file:/a b"), canonical_path("/a%20b"));
/// ```
pub fn canonical_path(path: &str) -> Cow<'_, str> {
    if is_canonical(path) {
        return Cow::Borrowed(path);
    }
    let bare = match path.strip_prefix("file:") {
        Some(rest) if rest.starts_with("///") => &rest[2..],
        Some(rest) if rest.starts_with('/') && !rest.starts_with("//") => rest,
        _ => path,
    };
    // Bytes that are no UTF-8 when decoded are no escape of a writer's: such a path stays as it is.
    percent_decode_str(bare).decode_utf8().unwrap_or(Cow::Borrowed(bare))
}

/// Whether [`canonical_path`] would change nothing: the common case, told at the speed of a scan.
fn is_canonical(path: &str) -> bool {
    memchr::memchr2(b'%', b':', path.as_bytes()).is_none()
}

/// The key of a logical file, written into `scratch` unless the path itself is the key.
pub(crate) fn file_key<'a>(
    path: &'a str,
    vector: Option<&DeletionVectorDescriptor>,
    scratch: &'a mut Vec<u8>,
) -> &'a [u8] {
    match vector {
        None if is_canonical(path) => path.as_bytes(),
        _ => {
            scratch.clear();
            scratch.extend_from_slice(canonical_path(path).as_bytes());
            if let Some(vector) = vector {
                // No path holds a NUL: the two parts cannot run into each other.
                scratch.push(0);
                scratch.extend_from_slice(vector.unique_id().as_bytes());
            }
            scratch
        }
    }
}

/// A set of file keys: one arena of bytes, one table of positions, nothing allocated for each key.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySet {
    table: HashTable<Slot>,
    bytes: Vec<u8>,
    hasher: RandomState,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u64,
    start: usize,
    len: u32,
}

impl KeySet {
    /// Adds a key. True if it is new.
    pub(crate) fn insert(&mut self, key: &[u8]) -> bool {
        let hash = self.hasher.hash_one(key);
        let (bytes, start) = (&self.bytes, self.bytes.len());
        let is_same = |slot: &Slot| slot.hash == hash && slot.key(bytes) == key;
        match self.table.entry(hash, is_same, |slot| slot.hash) {
            hashbrown::hash_table::Entry::Occupied(_) => return false,
            hashbrown::hash_table::Entry::Vacant(free) => {
                let len = u32::try_from(key.len()).expect("a line of a log is shorter than 4 GiB");
                free.insert(Slot { hash, start, len });
            }
        }
        self.bytes.extend_from_slice(key);
        true
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        if self.table.is_empty() {
            return false;
        }
        let hash = self.hasher.hash_one(key);
        self.table.find(hash, |slot| slot.hash == hash && slot.key(&self.bytes) == key).is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.table.allocation_size() + self.bytes.capacity()
    }
}

impl Slot {
    fn key<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.start..self.start + self.len as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deletion_vector::StorageType;

    #[test]
    fn paths_are_decoded_exactly_once() {
        for (path, expected) in [
            ("a.parquet", "a.parquet"),
            ("bar=%252521/f", "bar=%2521/f"),
            ("a+b", "a+b"),
            ("s3://bucket/a%20b", "s3://bucket/a b"),
            ("file:///tmp/t%23", "/tmp/t#"),
            ("file:/tmp/t", "/tmp/t"),
            ("file://host/t", "file://host/t"),
            ("%FF", "%FF"),
            ("100%", "100%"),
        ] {
            assert_eq!(canonical_path(path), expected);
        }
    }

    #[test]
    fn a_key_is_path_and_vector() {
        let vector = |offset| DeletionVectorDescriptor {
            storage_type: StorageType::RelativePath,
            path_or_inline_dv: "x".to_owned(),
            offset,
            size_in_bytes: 1,
            cardinality: 1,
        };
        let key =
            |path: &str, vector: Option<&DeletionVectorDescriptor>| file_key(path, vector, &mut Vec::new()).to_vec();
        let mut set = KeySet::default();
        assert!(set.insert(&key("a%20b", None)));
        assert!(!set.insert(&key("a b", None)));
        assert!(set.insert(&key("a b", Some(&vector(None)))));
        assert!(set.insert(&key("a b", Some(&vector(Some(0))))), "offset 0 and no offset differ");
        assert!(!set.insert(&key("a b", Some(&vector(Some(0))))));
        assert!(set.contains(&key("a b", Some(&vector(None)))) && !set.contains(b"c"));
        assert_eq!(set.len(), 3);
    }
}
