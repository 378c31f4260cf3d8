//! Spec: [Deletion Vector Descriptor Schema](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vector-descriptor-schema).

use serde::{Deserialize, Serialize};

/// Where a file's deletion vector is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletionVectorDescriptor {
    /// How `path_or_inline_dv` is to be read.
    pub storage_type: StorageType,
    /// The vector itself, or where it is.
    pub path_or_inline_dv: String,
    /// Where in its file the vector begins, in bytes. Absent and 0 differ in [`Self::unique_id`].
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
}
