//! Checkpoints of a local table: of commits alone, and of a checkpoint and a commit, with and without typed statistics:
//! `cargo bench -p deltaic-benches --bench checkpoint`.

use std::path::Path;
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use deltaic_benches::{LocalFiles, copy_of_log, directory_url, write_commits};
use deltaic_commit::maintenance::{CheckpointOptions, write_checkpoint};
use deltaic_log::checkpoint::encode::StatisticsForms;
use deltaic_log::{Context, Result, Snapshot, SnapshotOptions, Version};
use futures::executor::block_on;

const COMMITS: usize = 50;
const FILES_EACH: usize = 2_000;

async fn checkpoint(table: &Path, version: Option<u64>, parsed: bool) -> Result<usize> {
    let mut options = SnapshotOptions::new();
    options.version = version.map(Version);
    let snapshot = Snapshot::open(&directory_url(table), Context::new(Arc::new(LocalFiles)), options).await?;
    let options = CheckpointOptions::new().with_statistics(StatisticsForms { json: true, parsed });
    Ok(write_checkpoint(&snapshot, options).await?.adds)
}

fn checkpoints(criterion: &mut Criterion) {
    let made = tempfile::tempdir().expect("a temporary folder can be made");
    let (commits, base) = (made.path().join("commits"), made.path().join("base"));
    for table in [&commits, &base] {
        write_commits(table, COMMITS, FILES_EACH);
    }
    block_on(checkpoint(&base, Some(COMMITS as u64 - 2), true)).expect("the log is sound");
    let mut group = criterion.benchmark_group("checkpoint 100k files");
    group.sample_size(10);
    for (name, table) in [("of commits", &commits), ("of a checkpoint and a commit", &base)] {
        for (statistics, parsed) in [("text", false), ("text and typed", true)] {
            group.bench_function(BenchmarkId::new(name, statistics), |b| {
                let write = |copy: tempfile::TempDir| block_on(checkpoint(copy.path(), None, parsed));
                b.iter_batched(
                    || copy_of_log(table),
                    |copy| write(copy).expect("it is written"),
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, checkpoints);
criterion_main!(benches);
