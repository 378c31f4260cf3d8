//! Our lane of the peers' bench: takes the arguments of the kernel's runner and prints the same JSON line.
//!
//! ```text
//! deltaic-peer snapshot PATH [--reps N]
//! deltaic-peer scan PATH [--predicate SQL] [--stats json|struct|none] [--visit] [--stream] [--again] [--threads N] [--reps N]
//! deltaic-peer read PATH [--predicate SQL] [--columns a,b] [--collect] [--threads N] [--reps N]
//! deltaic-peer bare PATH [--columns a,b] [--threads N] [--reps N]
//! deltaic-peer refresh PATH [--visit] [--reps N]
//! deltaic-peer checkpoint PATH [--stats json|struct] [--reps N]
//! deltaic-peer derive checksum|vectors FROM TO
//! ```
//!
//! `bare` reads the table's files with parquet-rs alone, on two threads. `refresh` lists the files of the version before the
//! newest, and reports the time of refreshing that snapshot; with `--visit`, of listing them again too. `derive` makes a table of the same data
//! files with a version checksum, or with a deletion vector on every file. `checkpoint` writes one of a copy of the log, in the
//! folder beside the table, and reports the time from the open snapshot too; statistics as JSON alone, unless told otherwise.
//!
//! Every repeat starts from a fresh context and a fresh snapshot. `--visit` also looks at every file's path and number of
//! records; `--again` plans a second predicate on the same column and reports the time of that alone.
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use deltaic_benches::{LocalFiles, Usage, vm_hwm_mb};
use deltaic_commit::maintenance::{CheckpointOptions, write_checkpoint};
use deltaic_log::checkpoint::encode::StatisticsForms;
use deltaic_log::{Context, Result, Snapshot, SnapshotOptions};
use deltaic_scan::ScanBuilder;
use futures::executor::block_on;
use futures::{StreamExt, TryStreamExt};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Arguments {
    command: String,
    path: String,
    predicate: Option<String>,
    columns: Option<String>,
    visit: bool,
    stream: bool,
    again: bool,
    collect: bool,
    parsed: bool,
    threads: usize,
    reps: usize,
}

fn arguments() -> Option<Arguments> {
    let mut words = std::env::args().skip(1);
    let (command, path) = (words.next()?, words.next()?);
    let mut arguments = Arguments {
        command,
        path,
        predicate: None,
        columns: None,
        visit: false,
        stream: false,
        again: false,
        collect: false,
        parsed: false,
        threads: 2,
        reps: 3,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--visit" => arguments.visit = true,
            "--stream" => arguments.stream = true,
            "--again" => arguments.again = true,
            "--collect" => arguments.collect = true,
            "--columns" => arguments.columns = words.next(),
            "--predicate" => arguments.predicate = words.next(),
            "--reps" => arguments.reps = words.next()?.parse().ok()?,
            "--threads" => arguments.threads = words.next()?.parse().ok()?,
            // Which statistics are read is our own decision; which are written is not.
            "--stats" => arguments.parsed = words.next()? == "struct",
            _ => return None,
        }
    }
    Some(arguments)
}

#[derive(Default)]
struct Seen {
    version: u64,
    files: usize,
    bytes: u64,
    rows: u64,
    batches: u64,
    /// How long the second plan, or the refresh, took, in seconds.
    again: Option<f64>,
}

fn run(arguments: &Arguments, copy: Option<&Path>, opened: &mut f64) -> Result<Seen> {
    let start = Instant::now();
    let root = deltaic_benches::directory_url(copy.unwrap_or(Path::new(&arguments.path)));
    let context = Context::new(Arc::new(LocalFiles));
    block_on(async {
        let snapshot = Snapshot::open(&root, context, SnapshotOptions::new()).await?;
        *opened = start.elapsed().as_secs_f64();
        let mut seen = Seen { version: snapshot.version().0, ..Seen::default() };
        match (arguments.command.as_str(), &arguments.predicate) {
            ("scan", Some(predicate)) => plan(&snapshot, predicate, arguments.again, &mut seen).await?,
            ("scan", None) if arguments.stream => stream(&snapshot, &mut seen).await?,
            ("scan", None) => list(&snapshot, arguments.visit, &mut seen).await?,
            ("read", _) => read(&snapshot, arguments, &mut seen).await?,
            ("bare", _) => bare(&snapshot, arguments, &mut seen).await?,
            ("checkpoint", _) => checkpoint(&snapshot, arguments.parsed, &mut seen).await?,
            ("refresh", _) => refresh(&snapshot, arguments.visit, &mut seen).await?,
            _ => {}
        }
        Ok(seen)
    })
}

async fn stream(snapshot: &Snapshot, seen: &mut Seen) -> Result<()> {
    let mut chunks = snapshot.stream_files();
    while let Some(chunk) = chunks.try_next().await? {
        seen.files += chunk.live_files();
    }
    Ok(())
}

async fn list(snapshot: &Snapshot, visit: bool, seen: &mut Seen) -> Result<()> {
    let files = snapshot.files().await?;
    seen.files = files.len();
    if visit {
        seen.bytes = files.iter().map(|file| file.path().len() as u64).sum();
        let schema = snapshot.configuration().physical_schema();
        let records = files.chunks().iter().map(|chunk| async move {
            let bounds = chunk.bounds(snapshot.store(), schema, &[]).await?;
            let live = chunk.files().map(|file| bounds.num_records.value(file.row()));
            Ok::<_, deltaic_log::Error>(live.sum::<i64>())
        });
        let records: Vec<i64> = futures::stream::iter(records).buffered(4).try_collect().await?;
        seen.rows = records.iter().sum::<i64>() as u64;
    }
    Ok(())
}

async fn plan(snapshot: &Snapshot, predicate: &str, again: bool, seen: &mut Seen) -> Result<()> {
    let scan = ScanBuilder::new(snapshot.clone()).filter_sql(predicate)?.build()?;
    seen.files = scan.plan().await?.len();
    if again {
        let start = Instant::now();
        let other = predicate.replace('<', "<= 1 +");
        ScanBuilder::new(snapshot.clone()).filter_sql(&other)?.build()?.plan().await?;
        seen.again = Some(start.elapsed().as_secs_f64());
    }
    Ok(())
}

async fn read(snapshot: &Snapshot, arguments: &Arguments, seen: &mut Seen) -> Result<()> {
    let mut builder = ScanBuilder::new(snapshot.clone());
    if let Some(predicate) = &arguments.predicate {
        builder = builder.filter_sql(predicate)?;
    }
    if let Some(columns) = &arguments.columns {
        builder = builder.columns(columns.split(','));
    }
    let mut batches = builder.build()?.stream();
    let mut kept = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        seen.rows += batch.num_rows() as u64;
        seen.batches += 1;
        if arguments.collect {
            kept.push(batch);
        }
    }
    Ok(())
}

async fn bare(snapshot: &Snapshot, arguments: &Arguments, seen: &mut Seen) -> Result<()> {
    let files = snapshot.files().await?;
    let root = Path::new(&arguments.path);
    let files: Vec<_> = files.iter().map(|file| root.join(file.path())).collect();
    let schema = snapshot.schema();
    let columns: Vec<&str> = match &arguments.columns {
        Some(columns) => columns.split(',').collect(),
        None => schema.fields.iter().map(|field| field.name.as_str()).collect(),
    };
    seen.rows = deltaic_benches::read_bare(&files, &columns, arguments.threads) as u64;
    Ok(())
}

async fn refresh(newest: &Snapshot, list: bool, seen: &mut Seen) -> Result<()> {
    let before = newest.version().previous().unwrap_or_default();
    let options = SnapshotOptions::new().with_version(before);
    let older = Snapshot::open(newest.store().root(), newest.store().context().clone(), options).await?;
    older.files().await?;
    let start = Instant::now();
    let refreshed = older.refresh().await?;
    if list {
        seen.files = refreshed.files().await?.len();
    }
    seen.again = Some(start.elapsed().as_secs_f64());
    Ok(())
}

async fn checkpoint(snapshot: &Snapshot, parsed: bool, seen: &mut Seen) -> Result<()> {
    let options = CheckpointOptions::new().with_statistics(StatisticsForms { json: true, parsed });
    let start = Instant::now();
    let written = write_checkpoint(snapshot, options).await?;
    (seen.again, seen.files, seen.bytes) = (Some(start.elapsed().as_secs_f64()), written.adds, written.size_bytes);
    Ok(())
}

/// `derive KIND FROM TO`, if that is what is asked.
fn derive() -> Option<Result<()>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["derive", "checksum", from, to] => Some(block_on(deltaic_benches::derive::with_checksum(from, to))),
        ["derive", "vectors", from, to] => Some(block_on(deltaic_benches::derive::with_vectors(from, to))),
        _ => None,
    }
}

fn main() -> ExitCode {
    match derive() {
        Some(Ok(())) => return ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("Error: {error}");
            return ExitCode::FAILURE;
        }
        None => {}
    }
    let Some(arguments) = arguments() else {
        eprintln!(
            "usage: deltaic-peer snapshot|scan|read|bare|refresh|checkpoint PATH [options]; see the head of its source"
        );
        return ExitCode::from(2);
    };
    let (mut walls, mut opens) = (Vec::new(), Vec::new());
    let mut seen = Seen::default();
    let before = Usage::now();
    for _ in 0..arguments.reps {
        let copy = (arguments.command == "checkpoint").then(|| deltaic_benches::copy_of_log(&arguments.path));
        let (start, mut opened) = (Instant::now(), 0.0);
        match run(&arguments, copy.as_ref().map(tempfile::TempDir::path), &mut opened) {
            Ok(result) => seen = result,
            Err(error) => {
                eprintln!("Error: {error}");
                return ExitCode::FAILURE;
            }
        }
        walls.push(start.elapsed().as_secs_f64());
        opens.push(opened);
    }
    let used = Usage::now().since(before);
    walls.sort_by(f64::total_cmp);
    opens.sort_by(f64::total_cmp);
    let reps = arguments.reps as f64;
    let line = serde_json::json!({
        "cmd": arguments.command, "reps": arguments.reps, "wall_min": walls[0], "wall_med": walls[walls.len() / 2],
        "snapshot_min": opens[0], "user": used.user_s / reps, "sys": used.system_s / reps, "hwm_mb": vm_hwm_mb(),
        "version": seen.version, "files": seen.files, "bytes": seen.bytes, "rows": seen.rows,
        "batches": seen.batches, "again": seen.again,
    });
    println!("{line}");
    ExitCode::SUCCESS
}
