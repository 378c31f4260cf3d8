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
    marks: Marks,
}

/// Which marks the keys of a small set have: of a million files that a refresh holds against a few new keys, nearly all
/// are told apart by this alone, without a hash of the key.
#[derive(Clone, Debug, Default)]
struct Marks(Vec<u64>);

impl Marks {
    const BITS: usize = 1 << 15;
    /// With more keys than this, too many marks are set to tell anything.
    const KEYS_MAX: usize = Self::BITS / 8;

    /// Some bits of a key: eight bytes of its middle, where writers put what is random, and its length.
    fn of(key: &[u8]) -> usize {
        let middle = key.len().saturating_sub(8) / 2;
        let word = key.get(middle..middle + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes);
        let mixed = (word ^ key.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 49) as usize
    }

    fn set(&mut self, key: &[u8]) {
        self.0.resize(Self::BITS / 64, 0);
        let mark = Self::of(key);
        self.0[mark / 64] |= 1 << (mark % 64);
    }

    fn has(&self, key: &[u8]) -> bool {
        let mark = Self::of(key);
        self.0[mark / 64] >> (mark % 64) & 1 == 1
    }
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
        if self.table.len() <= Marks::KEYS_MAX {
            self.marks.set(key);
        }
        true
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        if self.table.is_empty() || (self.table.len() <= Marks::KEYS_MAX && !self.marks.has(key)) {
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
    fn a_set_of_any_size_holds_its_keys_and_no_others() {
        let mut set = KeySet::default();
        for n in 0..2 * Marks::KEYS_MAX {
            let key = n.to_string().repeat(n % 5);
            set.insert(key.as_bytes());
            assert!(set.contains(key.as_bytes()), "{n} keys");
            assert!(!set.contains(format!("{n}x").as_bytes()), "{n} keys");
        }
        for n in 0..2 * Marks::KEYS_MAX {
            assert!(set.contains(n.to_string().repeat(n % 5).as_bytes()), "{n}");
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
