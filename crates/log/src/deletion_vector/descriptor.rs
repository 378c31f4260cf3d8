//! Spec: [Deletion Vector Descriptor Schema](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vector-descriptor-schema).

use super::bitmap::DeletionVector;
use super::{file, z85};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use uuid::Uuid;

/// Where a file's deletion vector is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletionVectorDescriptor {
    /// How `path_or_inline_dv` is to be read.
    pub storage_type: StorageType,
    /// The vector itself, or where it is.
    pub path_or_inline_dv: String,
    /// Where in its file the vector begins, in bytes: absent means 1, behind the version byte. Absent and any number
    /// differ in [`Self::unique_id`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<i32>,
    /// The size of the serialised vector in bytes, without framing.
    pub size_in_bytes: i32,
    /// How many rows are deleted.
    pub cardinality: i64,
}

/// How a deletion vector is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StorageType {
    /// In a file whose name is derived from a Z85-encoded UUID, with an optional directory prefix.
    #[serde(rename = "u")]
    RelativePath,
    /// In the descriptor itself, Z85-encoded.
    #[serde(rename = "i")]
    Inline,
    /// In a file named by an absolute URI.
    #[serde(rename = "p")]
    AbsolutePath,
}

impl StorageType {
    /// The wire's one-letter code.
    pub fn code(self) -> char {
        match self {
            Self::RelativePath => 'u',
            Self::Inline => 'i',
            Self::AbsolutePath => 'p',
        }
    }

    /// The storage type of a wire code.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "u" => Some(Self::RelativePath),
            "i" => Some(Self::Inline),
            "p" => Some(Self::AbsolutePath),
            _ => None,
        }
    }
}

impl DeletionVectorDescriptor {
    /// Spec: [Derived Fields](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#derived-fields): the vector's
    /// identity, which together with the path identifies a logical file.
    ///
    /// ```
    /// use deltaic_log::deletion_vector::{DeletionVectorDescriptor, StorageType};
    /// let dv = DeletionVectorDescriptor {
    ///     storage_type: StorageType::RelativePath,
    ///     path_or_inline_dv: "ab^-aqEH.-t@S}K{vb[*k^".to_owned(),
    ///     offset: Some(4),
    ///     size_in_bytes: 40,
    ///     cardinality: 6,
    /// };
    /// assert_eq!(dv.unique_id(), "uab^-aqEH.-t@S}K{vb[*k^@4");
    /// ```
    pub fn unique_id(&self) -> String {
        match self.offset {
            Some(offset) => format!("{}{}@{offset}", self.storage_type.code(), self.path_or_inline_dv),
            None => format!("{}{}", self.storage_type.code(), self.path_or_inline_dv),
        }
    }
    /// Spec: [Derived Fields](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#derived-fields): where the
    /// vector's bytes are.
    ///
    /// The result stays below the table's root unless it is [`DeletionVectorLocation::Absolute`]. Fails with
    /// [`ErrorKind::CorruptLog`] where the descriptor contradicts itself.
    ///
    /// ```
    /// use deltaic_log::deletion_vector::{DeletionVectorDescriptor, DeletionVectorLocation, StorageType};
    /// let dv = DeletionVectorDescriptor {
    ///     storage_type: StorageType::RelativePath,
    ///     path_or_inline_dv: "ab^-aqEH.-t@S}K{vb[*k^".to_owned(),
    ///     offset: Some(4),
    ///     size_in_bytes: 40,
    ///     cardinality: 6,
    /// };
    /// assert_eq!(dv.location().unwrap(), DeletionVectorLocation::Relative {
    ///     path: "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin".to_owned(),
    ///     range: 4..52,
    /// });
    /// ```
    pub fn location(&self) -> Result<DeletionVectorLocation> {
        let size = non_negative("sizeInBytes", self.size_in_bytes)?;
        let offset = self.offset.map(|offset| non_negative("offset", offset)).transpose()?;
        let range = file::frame_range(offset, size);
        match self.storage_type {
            StorageType::Inline => Ok(DeletionVectorLocation::Inline),
            StorageType::RelativePath => {
                Ok(DeletionVectorLocation::Relative { path: relative_path(&self.path_or_inline_dv)?, range })
            }
            StorageType::AbsolutePath => {
                Ok(DeletionVectorLocation::Absolute { uri: self.path_or_inline_dv.clone(), range })
            }
        }
    }

    /// The vector of a descriptor whose location is [`DeletionVectorLocation::Inline`].
    ///
    /// ```
    /// use deltaic_log::deletion_vector::{DeletionVectorDescriptor, StorageType};
    /// let dv = DeletionVectorDescriptor {
    ///     storage_type: StorageType::Inline,
    ///     path_or_inline_dv: "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L".to_owned(),
    ///     offset: None,
    ///     size_in_bytes: 44,
    ///     cardinality: 6,
    /// };
    /// assert_eq!(dv.decode_inline().unwrap().positions().collect::<Vec<_>>(), [3, 4, 7, 11, 18, 29]);
    /// ```
    pub fn decode_inline(&self) -> Result<DeletionVector> {
        let size = non_negative("sizeInBytes", self.size_in_bytes)?;
        let size = usize::try_from(size).expect("a non-negative i32 fits");
        self.checked(&z85::decode_padded(&self.path_or_inline_dv, size)?)
    }

    /// The vector within the bytes that were fetched from its file: exactly those of its location's range.
    ///
    /// Checks the format version (where the range includes it), the size, the checksum and the cardinality; fails with
    /// [`ErrorKind::CorruptData`].
    pub fn decode_fetched(&self, bytes: &[u8]) -> Result<DeletionVector> {
        let size = non_negative("sizeInBytes", self.size_in_bytes)?;
        let offset = self.offset.map(|offset| non_negative("offset", offset)).transpose()?;
        file::unframe(bytes, offset, size).and_then(|data| self.checked(data)).with("deletion_vector", self.unique_id())
    }

    /// A descriptor that holds `vector` itself. Meant for small vectors: the text goes into the log.
    ///
    /// ```
    /// use deltaic_log::deletion_vector::{DeletionVector, DeletionVectorDescriptor};
    /// let deleted: DeletionVector = [0, 9].into_iter().collect();
    /// assert_eq!(DeletionVectorDescriptor::inline(&deleted).unwrap().decode_inline().unwrap(), deleted);
    /// ```
    pub fn inline(vector: &DeletionVector) -> Result<Self> {
        let data = vector.to_bytes();
        let size_in_bytes = i32::try_from(data.len())
            .map_err(|_| Error::new(ErrorKind::ResourceLimit, "a deletion vector of 2 GiB cannot be stored inline"))?;
        Ok(Self {
            storage_type: StorageType::Inline,
            path_or_inline_dv: z85::encode_padded(&data),
            offset: None,
            size_in_bytes,
            cardinality: cardinality_of(vector),
        })
    }

    /// A descriptor of `vector` at `(offset, size_in_bytes)` of the file that [`Self::relative_file_name`] names.
    pub fn relative(vector: &DeletionVector, prefix: &str, id: Uuid, (offset, size_in_bytes): (i32, i32)) -> Self {
        Self {
            storage_type: StorageType::RelativePath,
            path_or_inline_dv: format!("{prefix}{}", z85::encode_uuid(id)),
            offset: Some(offset),
            size_in_bytes,
            cardinality: cardinality_of(vector),
        }
    }

    /// Where, below the table's root, the file of a [`StorageType::RelativePath`] vector is.
    ///
    /// ```
    /// use deltaic_log::deletion_vector::DeletionVectorDescriptor;
    /// let name = DeletionVectorDescriptor::relative_file_name("ab", uuid::Uuid::nil());
    /// assert_eq!(name, "ab/deletion_vector_00000000-0000-0000-0000-000000000000.bin");
    /// ```
    pub fn relative_file_name(prefix: &str, id: Uuid) -> String {
        let directory = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        format!("{directory}deletion_vector_{id}.bin")
    }

    /// An inline vector without bytes stands for no deleted row: some writers put it where nothing is deleted.
    fn checked(&self, data: &[u8]) -> Result<DeletionVector> {
        let vector = if data.is_empty() { DeletionVector::new() } else { DeletionVector::from_bytes(data)? };
        if u64::try_from(self.cardinality).is_ok_and(|cardinality| cardinality == vector.cardinality()) {
            return Ok(vector);
        }
        Err(Error::new(ErrorKind::CorruptData, "a deletion vector has another cardinality than its descriptor says")
            .with("cardinality", vector.cardinality())
            .with("expected", self.cardinality))
    }
}

/// Where a deletion vector's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeletionVectorLocation {
    /// In the descriptor: see [`DeletionVectorDescriptor::decode_inline`].
    Inline,
    /// In a file below the table's root.
    Relative {
        /// The path below the root; not percent-encoded.
        path: String,
        /// The bytes to hand to [`DeletionVectorDescriptor::decode_fetched`].
        range: Range<u64>,
    },
    /// In a file anywhere.
    Absolute {
        /// An absolute path or URI, percent-encoded as the `path` of an `add`.
        uri: String,
        /// The bytes to hand to [`DeletionVectorDescriptor::decode_fetched`].
        range: Range<u64>,
    },
}

impl DeletionVectorLocation {
    /// The bytes to fetch, if any.
    pub fn byte_range(&self) -> Option<Range<u64>> {
        match self {
            Self::Inline => None,
            Self::Relative { range, .. } | Self::Absolute { range, .. } => Some(range.clone()),
        }
    }
}

/// The last 20 characters are the UUID; what precedes them is a random directory, which must be one plain name.
fn relative_path(text: &str) -> Result<String> {
    let split = text.len().checked_sub(z85::UUID_CHARS).filter(|at| text.is_char_boundary(*at));
    let Some((prefix, id)) = split.map(|at| text.split_at(at)) else {
        return Err(corrupt("the name of a deletion vector is shorter than a UUID").with("pathOrInlineDv", text));
    };
    if matches!(prefix, "." | "..") || prefix.contains(['/', '\\', '\0']) {
        return Err(corrupt("the directory of a deletion vector is no plain name").with("pathOrInlineDv", text));
    }
    Ok(DeletionVectorDescriptor::relative_file_name(prefix, z85::decode_uuid(id)?))
}

fn non_negative(field: &'static str, value: i32) -> Result<u64> {
    u64::try_from(value).map_err(|_| {
        corrupt("a deletion vector descriptor holds a negative number").with("field", field).with("value", value)
    })
}

fn cardinality_of(vector: &DeletionVector) -> i64 {
    i64::try_from(vector.cardinality()).unwrap_or(i64::MAX)
}

fn corrupt(message: &str) -> Error {
    Error::new(ErrorKind::CorruptLog, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::path::{Path, PathBuf};

    fn descriptor(storage_type: StorageType, text: &str) -> DeletionVectorDescriptor {
        let (path_or_inline_dv, offset) = (text.to_owned(), Some(1));
        DeletionVectorDescriptor { storage_type, path_or_inline_dv, offset, size_in_bytes: 44, cardinality: 6 }
    }

    #[rstest]
    #[case::no_prefix("^-aqEH.-t@S}K{vb[*k^", "deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin")]
    #[case::prefix("xy^-aqEH.-t@S}K{vb[*k^", "xy/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin")]
    fn a_relative_path_comes_from_prefix_and_uuid(#[case] text: &str, #[case] path: &str) {
        let location = descriptor(StorageType::RelativePath, text).location().unwrap();
        assert_eq!(location, DeletionVectorLocation::Relative { path: path.to_owned(), range: 0..53 });
    }

    #[rstest]
    #[case::too_short("abc")]
    #[case::cut_within_a_character("é^-aqEH.-t@S}K{vb[*k")]
    #[case::parent("..^-aqEH.-t@S}K{vb[*k^")]
    #[case::climbing("a/../..^-aqEH.-t@S}K{vb[*k^")]
    #[case::absolute("/etc^-aqEH.-t@S}K{vb[*k^")]
    #[case::no_z85("ab^-aqEH.-t@S}K{vb[*k ")]
    fn a_relative_path_never_leaves_the_table(#[case] text: &str) {
        let error = descriptor(StorageType::RelativePath, text).location().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptLog);
    }

    /// The example is in the native format, although the specification gives it as one of the portable format.
    #[test]
    fn the_specifications_inline_example_is_named_for_what_it_is() {
        let text = "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L";
        let error = DeletionVectorDescriptor { size_in_bytes: 40, ..descriptor(StorageType::Inline, text) };
        let error = error.decode_inline().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptData);
        assert!(error.message().contains("native format"), "{error}");
    }

    #[rstest]
    #[case::negative_size(-1, Some(1))]
    #[case::negative_offset(44, Some(-1))]
    fn negative_numbers_are_refused(#[case] size_in_bytes: i32, #[case] offset: Option<i32>) {
        let dv = descriptor(StorageType::RelativePath, "^-aqEH.-t@S}K{vb[*k^");
        let error = DeletionVectorDescriptor { size_in_bytes, offset, ..dv }.location().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptLog);
    }

    #[rstest]
    #[case::too_few(7)]
    #[case::negative(-6)]
    fn the_cardinality_is_checked(#[case] cardinality: i64) {
        let text = "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L";
        let dv = DeletionVectorDescriptor { cardinality, ..descriptor(StorageType::Inline, text) };
        assert_eq!(dv.decode_inline().unwrap_err().kind(), ErrorKind::CorruptData);
    }

    #[test]
    fn an_empty_inline_vector_deletes_nothing() {
        let dv = DeletionVectorDescriptor { size_in_bytes: 0, cardinality: 0, ..descriptor(StorageType::Inline, "") };
        assert!(dv.decode_inline().unwrap().is_empty());
    }

    /// Every vector that the golden tables' logs name.
    #[test]
    fn golden_vectors_decode() {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
        let golden = std::env::var_os("DELTA_GOLDEN").map_or(beside, PathBuf::from);
        if !golden.is_dir() {
            eprintln!("skipped: no golden tables at {}", golden.display());
            return;
        }
        for table in ["dv-partitioned-with-checkpoint", "dv-with-columnmapping", "log-replay-dv-key-cases"] {
            let count = check_vectors_of(&golden.join(table));
            assert!(count >= 3, "{table}: {count} vectors");
        }
    }

    fn check_vectors_of(table: &Path) -> usize {
        let log = std::fs::read_dir(table.join("_delta_log")).unwrap().map(|entry| entry.unwrap().path());
        let text: Vec<String> = log
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        let lines = text.iter().flat_map(|text| text.lines());
        let adds = lines.filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()?.get("add").cloned());
        let vectors = adds.filter_map(|add| serde_json::from_value(add.get("deletionVector")?.clone()).ok());
        vectors.map(|dv: DeletionVectorDescriptor| check_vector(table, &dv)).count()
    }

    fn check_vector(table: &Path, dv: &DeletionVectorDescriptor) {
        let DeletionVectorLocation::Relative { path, range } = dv.location().unwrap() else { panic!("{dv:?}") };
        let file = std::fs::read(table.join(path)).unwrap();
        let vector = dv.decode_fetched(&file[range.start as usize..range.end as usize]).unwrap();
        assert_eq!(vector.cardinality(), dv.cardinality as u64);
    }
}
