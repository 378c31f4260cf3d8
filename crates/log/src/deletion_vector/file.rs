//! Spec: [Deletion Vector Storage Format](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vector-file-storage-format):
//! the file around one or more vectors.
//!
//! ```text
//! u8      format version, 1
//! each vector, at the offset that its descriptor gives:
//!     u32 BE  size of the data
//!     data    the vector (see `bitmap`)
//!     u32 BE  CRC-32 of the data
//! ```

use super::bitmap::DeletionVector;
use crate::error::{Error, ErrorKind, Result};
use std::ops::Range;

/// The only version of the file format.
pub const FILE_FORMAT_VERSION: u8 = 1;
/// Where the first vector of a file begins, and where one begins whose descriptor gives no offset.
const FIRST_OFFSET: u64 = 1;
/// The size in front of the data and the checksum behind it.
const FRAME_BYTES: u64 = 4 + 4;

/// The bytes of a file that hold the vector at `offset` with `size` bytes of data. The first vector's range includes the
/// version byte, so that it can be checked without another request.
pub(super) fn frame_range(offset: Option<u64>, size: u64) -> Range<u64> {
    let offset = offset.unwrap_or(FIRST_OFFSET);
    let start = if offset == FIRST_OFFSET { 0 } else { offset };
    start..offset + FRAME_BYTES + size
}

/// The data within the bytes of [`frame_range`], once version, size and checksum are found right.
pub(super) fn unframe(bytes: &[u8], offset: Option<u64>, size: u64) -> Result<&[u8]> {
    let range = frame_range(offset, size);
    if bytes.len() as u64 != range.end - range.start {
        return Err(corrupt("the file ends within the vector").with("bytes_found", bytes.len()));
    }
    let frame = if range.start == 0 { check_version(bytes)? } else { bytes };
    let (stored_size, frame) = frame.split_first_chunk().ok_or_else(|| corrupt("the file ends within the vector"))?;
    let (data, stored_crc) = frame.split_last_chunk().ok_or_else(|| corrupt("the file ends within the vector"))?;
    if u64::from(u32::from_be_bytes(*stored_size)) != size {
        return Err(corrupt("its size in the file differs from its descriptor's")
            .with("size_in_file", u32::from_be_bytes(*stored_size))
            .with("size_in_bytes", size));
    }
    check_crc(data, u32::from_be_bytes(*stored_crc))?;
    Ok(data)
}

/// Lays out a file that holds any number of vectors.
///
/// ```
/// use deltaic_log::deletion_vector::{DeletionVector, DeletionVectorDescriptor, DeletionVectorFileBuilder, StorageType};
/// let deleted: DeletionVector = [1, 2, 30].into_iter().collect();
/// let mut file = DeletionVectorFileBuilder::new();
/// let (offset, size_in_bytes) = file.push(&deleted).unwrap();
/// let descriptor = DeletionVectorDescriptor {
///     storage_type: StorageType::AbsolutePath,
///     path_or_inline_dv: "s3://bucket/dv.bin".to_owned(),
///     offset: Some(offset),
///     size_in_bytes,
///     cardinality: 3,
/// };
/// let range = descriptor.location().unwrap().byte_range().unwrap();
/// let bytes = file.finish();
/// assert_eq!(descriptor.decode_fetched(&bytes[range.start as usize..range.end as usize]).unwrap(), deleted);
/// ```
#[derive(Clone, Debug)]
pub struct DeletionVectorFileBuilder {
    bytes: Vec<u8>,
}

impl DeletionVectorFileBuilder {
    /// A file without vectors.
    pub fn new() -> Self {
        Self { bytes: vec![FILE_FORMAT_VERSION] }
    }

    /// Adds `vector` and returns what its descriptor says: `offset` and `sizeInBytes`.
    ///
    /// Fails with [`ErrorKind::ResourceLimit`] where the file would outgrow the 31-bit offsets of descriptors; what was
    /// added before stands.
    pub fn push(&mut self, vector: &DeletionVector) -> Result<(i32, i32)> {
        let data = vector.to_bytes();
        let placed = (i32::try_from(self.bytes.len()), i32::try_from(data.len()));
        let (Ok(offset), Ok(size)) = placed else {
            return Err(Error::new(
                ErrorKind::ResourceLimit,
                "a deletion vector file would exceed 2 GiB: begin another",
            ));
        };
        self.bytes.extend_from_slice(&size.to_be_bytes());
        self.bytes.extend_from_slice(&data);
        self.bytes.extend_from_slice(&crc32fast::hash(&data).to_be_bytes());
        Ok((offset, size))
    }

    /// The file's bytes.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

impl Default for DeletionVectorFileBuilder {
    fn default() -> Self {
        Self::new()
    }
}

fn check_version(bytes: &[u8]) -> Result<&[u8]> {
    match bytes.split_first() {
        Some((&FILE_FORMAT_VERSION, rest)) => Ok(rest),
        Some((version, _)) => Err(corrupt("its file has an unknown format version").with("format_version", version)),
        None => Err(corrupt("its file is empty")),
    }
}

fn check_crc(data: &[u8], stored: u32) -> Result<()> {
    let computed = crc32fast::hash(data);
    if computed == stored {
        return Ok(());
    }
    Err(corrupt("its checksum is wrong").with("crc_stored", stored).with("crc_computed", computed))
}

fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::CorruptData, format!("a deletion vector is damaged: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn file_of(vectors: &[&[u64]]) -> (Vec<u8>, Vec<(Option<u64>, u64)>) {
        let mut builder = DeletionVectorFileBuilder::new();
        let placed = vectors.iter().map(|rows| builder.push(&rows.iter().copied().collect()).unwrap());
        let placed = placed.map(|(offset, size)| (Some(offset as u64), size as u64)).collect();
        (builder.finish(), placed)
    }

    fn read(file: &[u8], offset: Option<u64>, size: u64) -> Result<DeletionVector> {
        let range = frame_range(offset, size);
        let end = file.len().min(range.end as usize);
        unframe(&file[range.start as usize..end], offset, size).and_then(DeletionVector::from_bytes)
    }

    #[test]
    fn several_vectors_share_a_file() {
        let vectors: [&[u64]; 3] = [&[1, 2], &[], &[1 << 33]];
        let (file, placed) = file_of(&vectors);
        for (rows, (offset, size)) in vectors.iter().zip(placed) {
            assert!(read(&file, offset, size).unwrap().positions().eq(rows.iter().copied()));
        }
    }

    #[test]
    fn an_absent_offset_is_that_of_the_first_vector() {
        let (file, placed) = file_of(&[&[4]]);
        assert_eq!(placed[0].0, Some(1));
        assert_eq!(read(&file, None, placed[0].1).unwrap().positions().collect::<Vec<_>>(), [4]);
    }

    #[rstest]
    #[case::version(0, "unknown format version")]
    #[case::size(4, "size in the file differs")]
    #[case::data(9, "checksum is wrong")]
    #[case::checksum(usize::MAX, "checksum is wrong")]
    fn each_damaged_byte_is_found(#[case] at: usize, #[case] message: &str) {
        let (mut file, placed) = file_of(&[&[3, 4, 7]]);
        let at = at.min(file.len() - 1);
        file[at] ^= 0x10;
        let error = read(&file, placed[0].0, placed[0].1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptData);
        assert!(error.to_string().contains(message), "{error}");
    }

    #[test]
    fn a_truncated_file_is_an_error_at_every_length() {
        let (file, placed) = file_of(&[&[3, 4, 7], &[9]]);
        for len in 0..file.len() {
            let (offset, size) = placed[1];
            let start = (offset.unwrap() as usize).min(len);
            assert!(unframe(&file[start..len], offset, size).is_err(), "{len} bytes");
        }
    }
}
