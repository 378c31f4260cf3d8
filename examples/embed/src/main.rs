//! An engine that embeds deltaic, and gives it nothing but its own: storage, clock, threads.
//!
//! ```text
//!   open, plan            main thread; futures::executor, no runtime
//!      |  FileReads as bytes: what would travel over a network
//!      v
//!   read, read, read      plain threads, blocking
//!      |
//!      v
//!   the same rows as a scan that reads by itself
//! ```
//!
//! Run it on a folder: every Delta table below is opened, read both ways, and compared.

mod engine;
mod rows;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use deltaic::scan::FileRead;
use deltaic::scan::read::Reader;
use deltaic::{Context, DeltaTable, Error, ErrorKind, Result};
use engine::Engine;
use futures::TryStreamExt;
use futures::executor::block_on;

/// How many threads read, as machines would.
const WORKERS: usize = 3;

fn main() -> ExitCode {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "fixtures".to_owned());
    let engine = Engine::new();
    let mut compared = 0;
    for table in tables(Path::new(&folder)) {
        match compare(&engine, &table) {
            Ok(rows) => {
                compared += 1;
                println!("same      {rows:6} rows  {}", table.display());
            }
            Err(error) if is_refusal(&error) => println!("refused   {}: {}", table.display(), error.kind()),
            Err(error) => {
                eprintln!("DIFFERENT {}: {error:?}", table.display());
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{compared} tables compared, {} requests to the engine's storage", engine.requests());
    if compared > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Some fixtures are there to be refused: such a table is opened by nobody.
fn is_refusal(error: &Error) -> bool {
    use ErrorKind as K;
    matches!(
        error.kind(),
        K::UnsupportedProtocol
            | K::CorruptLog
            | K::MissingFile
            | K::MissingProtocol
            | K::MissingMetadata
            | K::VersionGap
            | K::NotATable
    )
}

/// Reads the table both ways; how many rows it has.
fn compare(engine: &Engine, table: &Path) -> Result<usize> {
    let table = block_on(DeltaTable::builder(&table.to_string_lossy()).with_context(engine.context()).open())?;
    let scan = table.scan().build()?;
    let travelling: Vec<Vec<u8>> = block_on(scan.plan())?.iter().map(to_bytes).collect::<Result<_>>()?;
    let elsewhere = rows::sorted(read_elsewhere(engine, travelling)?);
    let here = block_on(scan.stream().try_collect::<Vec<_>>())?;
    let here = rows::sorted(here.iter().map(rows::of_batch).collect::<Result<Vec<_>>>()?.concat());
    match here == elsewhere {
        true => Ok(here.len()),
        false => {
            Err(Error::new(ErrorKind::Internal, format!("{} rows here, {} elsewhere", here.len(), elsewhere.len())))
        }
    }
}

fn to_bytes(read: &FileRead) -> Result<Vec<u8>> {
    serde_json::to_vec(read).map_err(|error| Error::new(ErrorKind::Internal, "a read cannot be written").because(error))
}

/// Deals the reads out to threads that know nothing but the bytes and a context of their own.
fn read_elsewhere(engine: &Engine, travelling: Vec<Vec<u8>>) -> Result<Vec<String>> {
    let (send, receive) = mpsc::channel();
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (send, context) = (send.clone(), engine.context());
            let share: Vec<&[u8]> = travelling.iter().skip(worker).step_by(WORKERS).map(Vec::as_slice).collect();
            scope.spawn(move || {
                for bytes in share {
                    // The receiver outlives the scope.
                    let _ = send.send(read_one(context.clone(), bytes));
                }
            });
        }
    });
    drop(send);
    Ok(receive.into_iter().collect::<Result<Vec<_>>>()?.concat())
}

fn read_one(context: Context, bytes: &[u8]) -> Result<Vec<String>> {
    let read: FileRead = serde_json::from_slice(bytes)
        .map_err(|error| Error::new(ErrorKind::Internal, "a read arrived damaged").because(error))?;
    let mut rows = Vec::new();
    for batch in Reader::new(context).read_file_blocking(read)? {
        rows.extend(rows::of_batch(&batch?)?);
    }
    Ok(rows)
}

/// Every folder at or below `folder` that has a log.
fn tables(folder: &Path) -> Vec<PathBuf> {
    if folder.join("_delta_log").is_dir() {
        return vec![folder.to_owned()];
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.iter().flat_map(|folder| tables(folder)).collect()
}
