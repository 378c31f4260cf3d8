//! A version checksum against the replayed state: pure.

use std::collections::BTreeMap;

use deltaic_log::version_checksum::{DeletedRecordCountsHistogram, FileSizeHistogram, VersionChecksum};

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
    compare("inCommitTimestampOpt", checksum.in_commit_timestamp_opt, state.in_commit_time.map_or(0, |time| time.0));
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
    if let Some(stated) = &checksum.deleted_record_counts_histogram_opt {
        findings.extend(deleted_records(stated, state));
    }
    findings.extend(lists(checksum, state));
    findings
}

/// The identifiers and domains, where it lists them.
fn lists(checksum: &VersionChecksum, state: &State) -> Vec<Finding> {
    let transactions = checksum.set_transactions.as_ref();
    let transactions = transactions.map(|list| list.iter().map(|txn| (txn.app_id.clone(), txn.version)).collect());
    let domains = checksum.domain_metadata.as_ref();
    let domains = domains.map(|list| list.iter().map(|d| (d.domain.clone(), d.configuration.clone())).collect());
    let differ = [
        (
            transactions.is_some_and(|stated: BTreeMap<_, _>| stated != state.transactions),
            "transaction identifiers are",
        ),
        (domains.is_some_and(|stated: BTreeMap<_, _>| stated != state.domains), "metadata domains are"),
    ];
    let wrong = differ.into_iter().filter(|(differs, _)| *differs);
    wrong.map(|(_, what)| Finding::error(Rule::VersionChecksum, format!("its {what} not the log's"))).collect()
}

fn deleted_records(stated: &DeletedRecordCountsHistogram, state: &State) -> Option<Finding> {
    let mut counts = vec![0; 10];
    for file in state.files.values() {
        let bin = match file.deleted_rows.unwrap_or(0) {
            i64::MIN..=0 => 0,
            2_147_483_647.. => 9,
            rows => rows.to_string().len().min(8),
        };
        counts[bin] += 1;
    }
    let message = "its histogram of deleted rows is not that of the live files";
    (counts != stated.deleted_record_counts).then(|| Finding::error(Rule::VersionChecksum, message))
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
