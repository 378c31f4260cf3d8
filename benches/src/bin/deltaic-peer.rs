//! Our lane of the peers' bench: takes the arguments of the kernel's runner and prints the same JSON line.
//!
//! ```text
//! deltaic-peer snapshot PATH [--reps N]
//! deltaic-peer scan PATH [--predicate SQL] [--stats json|struct|none] [--visit] [--stream] [--threads N] [--reps N]
//! ```
//!
//! Every repeat starts from a fresh context and a fresh snapshot.
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use deltaic_benches::{LocalFiles, Usage, vm_hwm_mb};
use deltaic_log::{Context, Result, Snapshot, SnapshotOptions};
use futures::TryStreamExt;
use futures::executor::block_on;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Arguments {
    command: String,
    path: String,
    predicate: Option<String>,
    visit: bool,
    stream: bool,
    reps: usize,
}

fn arguments() -> Option<Arguments> {
    let mut words = std::env::args().skip(1);
    let (command, path) = (words.next()?, words.next()?);
    let mut arguments = Arguments { command, path, predicate: None, visit: false, stream: false, reps: 3 };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--visit" => arguments.visit = true,
            "--stream" => arguments.stream = true,
            "--predicate" => arguments.predicate = words.next(),
            "--reps" => arguments.reps = words.next()?.parse().ok()?,
            // Which statistics are read, and how many threads read them, is our own decision.
            "--stats" | "--threads" => drop(words.next()?),
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
}

fn run(arguments: &Arguments, opened: &mut f64) -> Result<Seen> {
    let start = Instant::now();
    let root = deltaic_benches::directory_url(&arguments.path);
    let context = Context::new(Arc::new(LocalFiles));
    block_on(async {
        let snapshot = Snapshot::open(&root, context, SnapshotOptions::new()).await?;
        *opened = start.elapsed().as_secs_f64();
        let mut seen = Seen { version: snapshot.version().0, ..Seen::default() };
        if arguments.command == "scan" && arguments.stream {
            let mut chunks = snapshot.stream_files();
            while let Some(chunk) = chunks.try_next().await? {
                seen.files += chunk.live_files();
            }
        } else if arguments.command == "scan" {
            let files = snapshot.files().await?;
            seen.files = files.len();
            if arguments.visit {
                seen.bytes = files.iter().map(|file| file.path().len() as u64).sum();
            }
        }
        Ok(seen)
    })
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("usage: deltaic-peer snapshot|scan PATH [--predicate SQL] [--visit] [--stream] [--reps N]");
        return ExitCode::from(2);
    };
    let (mut walls, mut opens) = (Vec::new(), Vec::new());
    let mut seen = Seen::default();
    let before = Usage::now();
    for _ in 0..arguments.reps {
        let (start, mut opened) = (Instant::now(), 0.0);
        match run(&arguments, &mut opened) {
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
    });
    println!("{line}");
    ExitCode::SUCCESS
}
