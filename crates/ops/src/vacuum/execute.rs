//! Carries a plan out, between two commits that tell of it.

use deltaic_commit::maintenance::LastVacuumInfo;
use deltaic_commit::{Operation, Transaction};
use deltaic_log::{Result, ResultExt, Version};
use futures::stream::{StreamExt, TryStreamExt};

use super::delete::{Deleted, check, delete};
use super::plan::VacuumPlan;
use super::report::VacuumReport;

/// Calls to storage at the same time, each of which deletes many files.
const LANES: usize = 4;

#[tracing::instrument(name = "vacuum", skip_all, fields(table = %plan.snapshot.store().root()))]
pub(super) async fn execute(plan: VacuumPlan) -> Result<VacuumReport> {
    let mut report = VacuumReport { warnings: plan.warnings().to_vec(), ..VacuumReport::default() };
    if plan.num_files() == 0 && plan.num_directories() == 0 {
        report.warnings.extend(note_how_far(&plan).await);
        return Ok(report);
    }
    if plan.is_recorded {
        report.start_version = commit(&plan, start(&plan)?).await?;
    }
    let (mut deleted, listed) = delete_all(&plan).await;
    let checked = listed.and_then(|()| check(&mut deleted));
    if plan.is_recorded {
        match commit(&plan, end(&plan, &deleted, checked.is_ok())?).await {
            Ok(version) => report.end_version = version,
            Err(error) => report
                .warnings
                .push(format!("the files are deleted, but the history does not tell of the end: {error}")),
        }
    }
    checked.with("table", plan.snapshot.store().root())?;
    report.warnings.extend(note_how_far(&plan).await);
    report.num_deleted_files = deleted.num_files;
    report.deleted_bytes = deleted.bytes;
    report.num_vacuumed_directories = deleted.folders;
    Ok(report)
}

/// Deletes everything that the plan finds, and tells whether it could find everything.
async fn delete_all(plan: &VacuumPlan) -> (Deleted, Result<()>) {
    let mut total = Deleted::default();
    let root = plan.root().clone();
    let deletions = plan.found().map_ok(|found| {
        let root = root.clone();
        async move { Ok(delete(root, found).await) }
    });
    let mut deletions = deletions.try_buffer_unordered(LANES).boxed();
    loop {
        match deletions.try_next().await {
            Ok(Some(deleted)) => total.add(deleted),
            Ok(None) => return (total, Ok(())),
            Err(error) => return (total, Err(error)),
        }
    }
}

fn start(plan: &VacuumPlan) -> Result<Transaction> {
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut operation = Operation::rearranging("VACUUM START")
        .with_parameter("retentionCheckEnabled", plan.cutoff.is_enforced)
        .with_parameter("defaultRetentionMillis", millis(plan.cutoff.default));
    if let Some(specified) = plan.cutoff.specified {
        operation = operation.with_parameter("specifiedRetentionMillis", millis(specified));
    }
    let transaction = Transaction::begin(&plan.snapshot, plan.committer.clone(), operation)?;
    Ok(transaction
        .with_metric("numFilesToDelete", plan.num_files())
        .with_metric("sizeOfDataToDelete", plan.size_bytes()))
}

fn end(plan: &VacuumPlan, deleted: &Deleted, is_complete: bool) -> Result<Transaction> {
    let status = if is_complete { "COMPLETED" } else { "FAILED" };
    let operation = Operation::rearranging("VACUUM END").with_parameter("status", status);
    let transaction = Transaction::begin(&plan.snapshot, plan.committer.clone(), operation)?;
    Ok(transaction
        .with_metric("numDeletedFiles", deleted.num_files)
        .with_metric("numVacuumedDirectories", deleted.folders))
}

async fn commit(plan: &VacuumPlan, transaction: Transaction) -> Result<Option<Version>> {
    let committed = transaction.commit().await.into_result().with("table", plan.snapshot.store().root())?;
    Ok(committed.map(|committed| committed.version))
}

/// Tells the next lite vacuum where to go on. A warning where it could not be told.
async fn note_how_far(plan: &VacuumPlan) -> Option<String> {
    let latest = plan.last_outside?;
    let noted = LastVacuumInfo::new(Some(latest)).write(plan.snapshot.store()).await;
    noted.err().map(|error| format!("the next lite vacuum goes through the same commits again: {error}"))
}
