//! Shared parts of the benches: local tables, and what a process has used.

pub mod derive;

use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use deltaic_log::{Location, Result, Stores};
use deltaic_scan::ReadSpec;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use url::Url;

/// Every `file:` URL, read past the store.
#[derive(Clone, Copy, Debug)]
pub struct LocalFiles;

impl Stores for LocalFiles {
    fn locate(&self, url: &Url) -> Result<Location> {
        Ok(Location {
            store: Arc::new(object_store::local::LocalFileSystem::new()),
            path: deltaic_log::context::url_path(url)?,
            local: url.to_file_path().ok(),
        })
    }
}

/// The URL of a directory that exists.
///
/// # Panics
/// Where it does not.
pub fn directory_url(path: impl AsRef<Path>) -> Url {
    let path = path.as_ref().canonicalize().expect("the table's directory exists");
    Url::from_directory_path(path).expect("an absolute path is a URL")
}

/// Reads columns of files with parquet-rs alone, a file at a time on each thread: what any engine on top of it can hope for.
/// Gives the number of rows.
///
/// # Panics
/// Where a file cannot be read.
pub fn read_bare(files: &[PathBuf], columns: &[&str], threads: usize) -> usize {
    let (next, rows) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let file = File::open(file).expect("the file exists");
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("the file is whole");
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            let reader = builder.with_batch_size(ReadSpec::BATCH_ROWS_DEFAULT).with_projection(mask).build();
            for batch in reader.expect("plain types") {
                rows.fetch_add(black_box(batch.expect("the file is whole")).num_rows(), Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    rows.into_inner()
}

/// CPU time that the process has used, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// In the program.
    pub user_s: f64,
    /// In the kernel, for it.
    pub system_s: f64,
}

impl Usage {
    /// Up to now; zeros where the system does not tell.
    pub fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks =
            |field: usize| after_name.split_whitespace().nth(field).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0);
        // Linux counts 100 ticks a second.
        Self { user_s: ticks(11) / 100.0, system_s: ticks(12) / 100.0 }
    }

    /// Since an earlier time.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self { user_s: self.user_s - earlier.user_s, system_s: self.system_s - earlier.system_s }
    }
}

/// The most memory that the process has held, in MB; 0 where the system does not tell.
pub fn vm_hwm_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// A table with the same log, beside the table at `table`: files are linked, so that nothing is copied.
///
/// # Panics
/// Where the file system refuses.
pub fn copy_of_log(table: impl AsRef<Path>) -> tempfile::TempDir {
    let table = table.as_ref().canonicalize().expect("the table's directory exists");
    let copy = tempfile::tempdir_in(table.parent().expect("it is not the root")).expect("a folder can be made");
    link_folder(&table.join("_delta_log"), &copy.path().join("_delta_log"));
    copy
}

fn link_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("the log can be listed") {
        let (path, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).expect("an entry");
        match path.is_dir() {
            true => link_folder(&path, &target),
            false => std::fs::hard_link(&path, &target).expect("a file can be linked"),
        }
    }
}

/// Writes a table's log of `commits` commits, each of which adds `adds` files and removes one of the commit before it.
/// The data files that it names do not exist.
///
/// # Panics
/// Where the folder cannot be written.
pub fn write_commits(table: &Path, commits: usize, adds: usize) {
    let log = table.join("_delta_log");
    std::fs::create_dir_all(&log).expect("the log's folder can be made");
    let schema =
        r#"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}"#;
    for version in 0..commits {
        let mut lines = vec![format!(r#"{{"commitInfo":{{"timestamp":{version},"operation":"WRITE"}}}}"#)];
        if version == 0 {
            lines.push(r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#.to_owned());
            lines.push(format!(
                r#"{{"metaData":{{"id":"0","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{schema}","partitionColumns":[],"configuration":{{}}}}}}"#
            ));
        } else {
            lines.push(format!(
                r#"{{"remove":{{"path":"part-{:08}-0.parquet","deletionTimestamp":1,"dataChange":true}}}}"#,
                version - 1
            ));
        }
        lines.extend((0..adds).map(|i| {
            let (low, high) = (version * 1000 + i, version * 1000 + i + 999);
            let stats = format!(
                r#"{{\"numRecords\":1000,\"minValues\":{{\"id\":{low}}},\"maxValues\":{{\"id\":{high}}},\"nullCount\":{{\"id\":0}}}}"#
            );
            format!(
                r#"{{"add":{{"path":"part-{version:08}-{i}.parquet","partitionValues":{{}},"size":1000,"modificationTime":1,"dataChange":true,"stats":"{stats}"}}}}"#
            )
        }));
        std::fs::write(log.join(format!("{version:020}.json")), lines.join("\n")).expect("a commit can be written");
    }
}
