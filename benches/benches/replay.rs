//! Log replay: opening a table, listing its files, streaming them, refreshing.
//!
//! The tables are made here (commits alone) and, where `DELTAIC_BENCH_TABLES` names a folder of Delta tables, those too:
//! `cargo bench -p deltaic-benches --bench replay`.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use deltaic_benches::{LocalFiles, directory_url, write_commits};
use deltaic_log::{Context, Result, Snapshot, SnapshotOptions};
use futures::TryStreamExt;
use futures::executor::block_on;

async fn open(table: &Path) -> Result<Snapshot> {
    Snapshot::open(&directory_url(table), Context::new(Arc::new(LocalFiles)), SnapshotOptions::new()).await
}

fn tables(made: &Path) -> Vec<(String, PathBuf)> {
    let mut tables = Vec::new();
    for commits in [100, 2_000] {
        let table = made.join(format!("commits_{commits}"));
        write_commits(&table, commits, 10);
        tables.push((format!("commits_{commits}"), table));
    }
    let given = std::env::var_os("DELTAIC_BENCH_TABLES").map(PathBuf::from);
    for entry in given.iter().flat_map(|folder| folder.read_dir().expect("the folder of tables exists").flatten()) {
        if entry.path().join("_delta_log").is_dir() {
            tables.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
        }
    }
    tables
}

fn replay(criterion: &mut Criterion) {
    let made = tempfile::tempdir().expect("a temporary folder can be made");
    for (name, table) in tables(made.path()) {
        let mut group = criterion.benchmark_group("replay");
        group.sample_size(10);
        group.bench_function(BenchmarkId::new("open", &name), |b| {
            b.iter(|| black_box(block_on(open(&table)).expect("the table opens")));
        });
        group.bench_function(BenchmarkId::new("list files", &name), |b| {
            b.iter(|| {
                block_on(async { open(&table).await?.files().await.map(|files| files.len()) }).expect("the table lists")
            });
        });
        group.bench_function(BenchmarkId::new("stream files", &name), |b| {
            b.iter(|| {
                let live =
                    async { open(&table).await?.stream_files().try_fold(0, async |n, c| Ok(n + c.live_files())).await };
                block_on(live).expect("the table streams")
            });
        });
        let listed = block_on(async {
            let snapshot = open(&table).await?;
            snapshot.files().await?;
            Ok::<_, deltaic_log::Error>(snapshot)
        });
        let listed = listed.expect("the table lists");
        group.bench_function(BenchmarkId::new("refresh, nothing new", &name), |b| {
            b.iter(|| block_on(listed.refresh()).expect("the table refreshes"));
        });
        group.finish();
    }
}

criterion_group!(benches, replay);
criterion_main!(benches);
