//! Commits of one file to a local table: many in a row from a handle that is held, each with and without `fsync`.
//! The time of each does not depend on how long the log is: `cargo bench -p deltaic-benches --bench commit`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use deltaic_benches::{LocalFiles, directory_url, write_commits};
use deltaic_commit::committer::{Committer, Local};
use deltaic_commit::{Operation, Transaction};
use deltaic_log::action::Add;
use deltaic_log::{Context, Result, Snapshot, SnapshotOptions};
use futures::executor::block_on;

/// Commits in a row that one measurement covers.
const IN_A_ROW: usize = 20;

async fn open(table: &Path) -> Result<Snapshot> {
    Snapshot::open(&directory_url(table), Context::new(Arc::new(LocalFiles)), SnapshotOptions::new()).await
}

async fn append(mut held: Snapshot, committer: &Arc<dyn Committer>) -> Result<Snapshot> {
    for _ in 0..IN_A_ROW {
        let mut append = Transaction::begin(&held, committer.clone(), Operation::new("WRITE"))?;
        let path = format!("{}.parquet", append.txn_id());
        append.add(Add { path, size: 1, modification_time: 1, data_change: true, ..Add::default() });
        if let Some(committed) = append.commit().await.into_result()? {
            held = held.advance_to(committed.version).await?;
        }
    }
    Ok(held)
}

fn commits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit 20 in a row");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for before in [1, 2_000] {
        for (name, local) in [("synced", Local::new()), ("unsynced", Local::unsynced())] {
            let made = tempfile::tempdir().expect("a temporary folder can be made");
            let table = made.path().join("table");
            write_commits(&table, before, 1);
            let committer: Arc<dyn Committer> = Arc::new(local);
            let mut held = block_on(open(&table)).expect("the table opens");
            group.bench_function(BenchmarkId::new(name, format!("after {before}")), |b| {
                b.iter(|| held = block_on(append(held.clone(), &committer)).expect("the table is appended to"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, commits);
criterion_main!(benches);
