//! A version checksum against the replayed state: pure.

use deltaic_log::version_checksum::{FileSizeHistogram, VersionChecksum};

use super::finding::{Finding, Rule};
use super::state::State;

/// Where the checksum differs from the state of its version.
pub(super) fn findings(checksum: &VersionChecksum, state: &State) -> Vec<Finding> {
    let files = state.files.values();
    let deleted = files.clone().filter_map(|file| file.deleted_rows);
    let mut findings = Vec::new();
    let mut compare = |what: &str, stated: Option<i64>, counted: i64| {
        if let Some(stated) = stated.filter(|stated| *stated != counted) {
            findings.push(Finding::error(
                Rule::VersionChecksum,
                format!("{what} is {stated}, but the log gives {counted}"),
            ));
        }
    };
    compare("numFiles", Some(checksum.num_files), count(files.len()));
    compare(
        "tableSizeBytes",
        Some(checksum.table_size_bytes),
        files.clone().map(|file| file.size).fold(0, i64::saturating_add),
    );
    compare("numDeletedRecordsOpt", checksum.num_deleted_records_opt, deleted.clone().fold(0, i64::saturating_add));
    compare("numDeletionVectorsOpt", checksum.num_deletion_vectors_opt, count(deleted.count()));
    if state.protocol.as_ref().is_some_and(|protocol| *protocol != checksum.protocol) {
        findings.push(Finding::error(Rule::VersionChecksum, "its protocol is not the log's"));
    }
    if state.metadata.as_ref().is_some_and(|metadata| {
        metadata.id != checksum.metadata.id || metadata.schema_string != checksum.metadata.schema_string
    }) {
        findings.push(Finding::error(Rule::VersionChecksum, "its metadata is not the log's"));
    }
    if let Some(stated) = &checksum.file_size_histogram {
        findings.extend(histogram(stated, state));
    }
    findings
}

fn histogram(stated: &FileSizeHistogram, state: &State) -> Option<Finding> {
    let wrong = |message: &str| Some(Finding::error(Rule::VersionChecksum, message));
    let bins = stated.sorted_bin_boundaries.len();
    if bins == 0 || stated.file_counts.len() != bins || stated.total_bytes.len() != bins {
        return wrong("its histogram has lists of different lengths");
    }
    let (mut counts, mut bytes) = (vec![0_i64; bins], vec![0_i64; bins]);
    for file in state.files.values() {
        let bin = stated.sorted_bin_boundaries.partition_point(|boundary| *boundary <= file.size).saturating_sub(1);
        counts[bin] += 1;
        bytes[bin] = bytes[bin].saturating_add(file.size);
    }
    match counts == stated.file_counts && bytes == stated.total_bytes {
        true => None,
        false => wrong("its histogram of file sizes is not that of the live files"),
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
