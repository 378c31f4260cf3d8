//! The end of every operation: the commit, and what becomes of the files that were written for it.

use std::collections::BTreeMap;

use deltaic_commit::{CommitOutcome, Transaction};
use deltaic_log::{Error, Result, TableStore};

use crate::data::sink::remove_files;
use crate::report::Report;

/// Commits, and removes `files` (paths below the table's root) where it is certain that no version names them.
///
/// # Errors
/// As [`CommitOutcome::into_result`].
pub(crate) async fn commit(
    transaction: Transaction,
    metrics: BTreeMap<String, u64>,
    store: &TableStore,
    files: Vec<String>,
) -> Result<Report> {
    let transaction =
        metrics.iter().fold(transaction, |transaction, (name, value)| transaction.with_metric(name, value));
    match transaction.commit().await {
        CommitOutcome::Committed(committed) => {
            Ok(Report { version: Some(committed.version), metrics, ..Report::default() })
        }
        CommitOutcome::AlreadyCommitted { app_id, app_version } => {
            let warnings = remove_files(store, files).await;
            let why = format!("the application {app_id} has written its version {app_version} already");
            Ok(Report { warnings, ..Report::unchanged(why) })
        }
        CommitOutcome::NotCommitted(error) => Err(discarding(error, store, files).await),
        unknown @ CommitOutcome::Unknown { .. } => unknown.into_result().map(|_| Report::default()),
    }
}

/// `error`, after the files that were written in vain are removed.
pub(crate) async fn discarding(error: Error, store: &TableStore, files: Vec<String>) -> Error {
    for warning in remove_files(store, files).await {
        tracing::warn!(%warning, "a file that no version names was left behind: vacuum removes it");
    }
    error
}
