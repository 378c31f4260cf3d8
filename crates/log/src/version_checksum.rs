//! Spec: [Version Checksum File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#version-checksum-file): a
//! table's state in numbers, and its protocol and metadata, beside a commit. Optional: reading works without, and a file
//! that cannot be read counts as absent.

use serde::{Deserialize, Serialize};

use crate::action::{Add, DomainMetadata, Metadata, Protocol, SetTransaction};
use crate::error::{Error, ErrorKind, Result};
use crate::file_name::{LOG_DIR, LogFileName};
use crate::store::TableStore;
use crate::version::Version;

/// The content of `<v>.crc`.
///
/// It is written as one JSON object and a line break: [`Self::to_text`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionChecksum {
    /// The id of the transaction that made the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub txn_id: Option<String>,
    /// The size of all live files, in bytes.
    pub table_size_bytes: i64,
    /// The number of live files.
    pub num_files: i64,
    /// The number of live deletion vectors' deleted rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_deleted_records_opt: Option<i64>,
    /// The number of live deletion vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_deletion_vectors_opt: Option<i64>,
    /// 1.
    pub num_metadata: i64,
    /// 1.
    pub num_protocol: i64,
    /// The version's time, under the feature `inCommitTimestamp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_commit_timestamp_opt: Option<i64>,
    /// The live transaction identifiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_transactions: Option<Vec<SetTransaction>>,
    /// The live domains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_metadata: Option<Vec<DomainMetadata>>,
    /// The version's metadata.
    pub metadata: Metadata,
    /// The version's protocol.
    pub protocol: Protocol,
    /// The sizes of the live files. Older writers spelt it `histogramOpt`.
    #[serde(alias = "histogramOpt", skip_serializing_if = "Option::is_none")]
    pub file_size_histogram: Option<FileSizeHistogram>,
    /// The numbers of deleted rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_record_counts_histogram_opt: Option<DeletedRecordCountsHistogram>,
    /// The live files, in small tables of some writers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_files: Option<Vec<Add>>,
}

/// Spec: [File Size Histogram Schema](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#file-size-histogram-schema).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileSizeHistogram {
    /// The lower bound of each bin, in bytes; ascending from 0.
    pub sorted_bin_boundaries: Vec<i64>,
    /// The files in each bin.
    pub file_counts: Vec<i64>,
    /// The bytes in each bin.
    pub total_bytes: Vec<i64>,
}

/// How many files have 0, 1–9, 10–99, … deleted rows: ten bins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletedRecordCountsHistogram {
    /// The files in each bin.
    pub deleted_record_counts: Vec<i64>,
}

impl VersionChecksum {
    /// Reads a checksum's text. `None` where it is none, or says of itself that it is incomplete.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let checksum: Self = serde_json::from_slice(text).ok()?;
        (checksum.num_metadata == 1 && checksum.num_protocol == 1).then_some(checksum)
    }

    /// The text that [`Self::parse`] reads.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`].
    pub fn to_text(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec(self)
            .map_err(|error| Error::new(ErrorKind::Internal, "a checksum cannot be written as JSON").because(error))?;
        text.push(b'\n');
        Ok(text)
    }

    /// Where the checksum of a version is, relative to the table's root.
    pub fn path(version: Version) -> String {
        format!("{LOG_DIR}/{}", LogFileName::Checksum(version))
    }

    /// Reads the checksum of a version. `None` where there is none that can be used.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`].
    pub async fn read(store: &TableStore, version: Version) -> Result<Option<Self>> {
        Ok(store.read(&Self::path(version)).await?.and_then(|text| Self::parse(&text)))
    }
}

const KIB: i64 = 1 << 10;
const MIB: i64 = 1 << 20;
const GIB: i64 = 1 << 30;

/// Ranges of bins, each of one width: where it begins, where the next one does, the width. The bins are those of the other
/// engines, so that a histogram can be carried on whoever began it.
const EVEN_BINS: [(i64, i64, i64); 7] = [
    (4 * MIB, 40 * MIB, 4 * MIB),
    (40 * MIB, 120 * MIB, 8 * MIB),
    (120 * MIB, 144 * MIB, 4 * MIB),
    (144 * MIB, 576 * MIB, 16 * MIB),
    (576 * MIB, 1408 * MIB, 64 * MIB),
    (1408 * MIB, 2 * GIB, 128 * MIB),
    (2 * GIB, 4 * GIB, 256 * MIB),
];

impl FileSizeHistogram {
    /// The histogram of no files: bins that double up to 4 MiB and from 4 GiB on, and are even in between.
    ///
    /// ```
    /// let mut histogram = deltaic_log::version_checksum::FileSizeHistogram::empty();
    /// histogram.change(10_000, 1);
    /// assert_eq!((histogram.file_counts[1], histogram.total_bytes[1]), (1, 10_000));
    /// ```
    pub fn empty() -> Self {
        let doubling = |from: i64, to: i64| {
            std::iter::successors(Some(from), |size| Some(size * 2)).take_while(move |size| *size < to)
        };
        let even =
            EVEN_BINS.into_iter().flat_map(|(from, to, width)| (0..(to - from) / width).map(move |n| from + n * width));
        let sorted_bin_boundaries: Vec<i64> = std::iter::once(0)
            .chain(doubling(8 * KIB, 4 * MIB))
            .chain(even)
            .chain(doubling(4 * GIB, 512 * GIB))
            .collect();
        let zeros = vec![0; sorted_bin_boundaries.len()];
        Self { sorted_bin_boundaries, file_counts: zeros.clone(), total_bytes: zeros }
    }

    /// Whether this can be a histogram of so many files and bytes, by its form and its sums.
    pub fn is_of(&self, files: i64, bytes: i64) -> bool {
        let Self { sorted_bin_boundaries: bounds, file_counts, total_bytes } = self;
        let sum = |numbers: &[i64]| numbers.iter().try_fold(0_i64, |sum, n| sum.checked_add(*n).filter(|_| *n >= 0));
        bounds.first() == Some(&0)
            && bounds.is_sorted_by(|a, b| a < b)
            && file_counts.len() == bounds.len()
            && total_bytes.len() == bounds.len()
            && sum(file_counts) == Some(files)
            && sum(total_bytes) == Some(bytes)
    }

    /// Counts so many more files of this size; fewer, where `files` is negative.
    pub fn change(&mut self, size: i64, files: i64) {
        let bin = self.sorted_bin_boundaries.partition_point(|from| *from <= size).saturating_sub(1);
        if let (Some(count), Some(bytes)) = (self.file_counts.get_mut(bin), self.total_bytes.get_mut(bin)) {
            *count = count.saturating_add(files);
            *bytes = bytes.saturating_add(size.saturating_mul(files));
        }
    }
}

/// The lower bounds of the bins of [`DeletedRecordCountsHistogram`].
const DELETED_RECORD_BINS: [i64; 10] = [0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 2_147_483_647];

impl DeletedRecordCountsHistogram {
    /// The histogram of so many files without deleted rows.
    pub fn of_whole_files(files: i64) -> Self {
        let mut deleted_record_counts = vec![0; DELETED_RECORD_BINS.len()];
        deleted_record_counts[0] = files;
        Self { deleted_record_counts }
    }

    /// Whether this can be a histogram of so many files, by its form and its sum.
    pub fn is_of(&self, files: i64) -> bool {
        let counts = &self.deleted_record_counts;
        let sum = counts.iter().try_fold(0_i64, |sum, n| sum.checked_add(*n).filter(|_| *n >= 0));
        counts.len() == DELETED_RECORD_BINS.len() && sum == Some(files)
    }

    /// Counts so many more files with that many deleted rows; fewer, where `files` is negative.
    ///
    /// ```
    /// use deltaic_log::version_checksum::DeletedRecordCountsHistogram;
    /// let mut histogram = DeletedRecordCountsHistogram::of_whole_files(3);
    /// histogram.change(9, 1);
    /// assert_eq!(histogram.deleted_record_counts[..3], [3, 1, 0]);
    /// ```
    pub fn change(&mut self, deleted_records: i64, files: i64) {
        let bin = DELETED_RECORD_BINS.partition_point(|from| *from <= deleted_records).saturating_sub(1);
        if let Some(count) = self.deleted_record_counts.get_mut(bin) {
            *count = count.saturating_add(files);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = r#"{"tableSizeBytes":9007199254740993,"numFiles":1,"numMetadata":1,"numProtocol":1,
        "metadata":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"{}","partitionColumns":[],"configuration":{}},
        "protocol":{"minReaderVersion":1,"minWriterVersion":2}"#;

    #[test]
    fn both_spellings_of_the_histogram_are_read() {
        for key in ["fileSizeHistogram", "histogramOpt"] {
            let text =
                format!(r#"{LEAST},"{key}":{{"sortedBinBoundaries":[0,8],"fileCounts":[1,0],"totalBytes":[5,0]}}}}"#);
            let checksum = VersionChecksum::parse(text.as_bytes()).unwrap();
            assert_eq!(checksum.table_size_bytes, 9_007_199_254_740_993, "a size beyond 2^53 stays exact");
            assert_eq!(checksum.file_size_histogram.unwrap().file_counts, [1, 0]);
        }
    }

    #[test]
    fn bins_are_those_of_the_other_engines() {
        let fixture = "../../fixtures/version_checksum/every_version/table/_delta_log/00000000000000000001.crc";
        let theirs = VersionChecksum::parse(&std::fs::read(fixture).unwrap()).unwrap().file_size_histogram.unwrap();
        let histogram = FileSizeHistogram::empty();
        assert_eq!(histogram.sorted_bin_boundaries, theirs.sorted_bin_boundaries);
        assert!(histogram.is_of(0, 0) && !histogram.is_of(1, 0));
    }

    #[test]
    fn what_cannot_be_a_histogram_of_the_files_is_told() {
        let mut histogram = FileSizeHistogram::empty();
        histogram.change(5, 2);
        assert!(histogram.is_of(2, 10));
        for spoil in [
            (|h: &mut FileSizeHistogram| h.file_counts.truncate(3)) as fn(&mut FileSizeHistogram),
            |h| h.sorted_bin_boundaries[0] = 1,
            |h| h.sorted_bin_boundaries.swap(3, 4),
            |h| (h.file_counts[0], h.file_counts[1]) = (3, -1),
            |h| h.total_bytes[2] = i64::MAX,
        ] {
            let mut spoilt = histogram.clone();
            spoil(&mut spoilt);
            assert!(!spoilt.is_of(2, 10), "{spoilt:?}");
        }
        assert!(!DeletedRecordCountsHistogram { deleted_record_counts: vec![1] }.is_of(1));
    }

    #[test]
    fn a_torn_checksum_counts_as_absent() {
        for end in 0..LEAST.len() {
            assert_eq!(VersionChecksum::parse(&LEAST.as_bytes()[..end]), None);
        }
    }
}
