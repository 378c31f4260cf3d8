//! Spec: [Version Checksum File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#version-checksum-file): a
//! table's state in numbers, and its protocol and metadata, beside a commit. Optional: reading works without, and a file
//! that cannot be read counts as absent.

use serde::{Deserialize, Serialize};

use crate::action::{Add, DomainMetadata, Metadata, Protocol, SetTransaction};
use crate::error::Result;
use crate::file_name::LogFileName;
use crate::store::TableStore;
use crate::version::Version;

/// The content of `<v>.crc`.
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

    /// Reads the checksum of a version. `None` where there is none that can be used.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`].
    pub async fn read(store: &TableStore, version: Version) -> Result<Option<Self>> {
        let path = format!("{}/{}", crate::file_name::LOG_DIR, LogFileName::Checksum(version));
        Ok(store.read(&path).await?.and_then(|text| Self::parse(&text)))
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
    fn a_torn_checksum_counts_as_absent() {
        for end in 0..LEAST.len() {
            assert_eq!(VersionChecksum::parse(&LEAST.as_bytes()[..end]), None);
        }
    }
}
