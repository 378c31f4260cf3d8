//! Verifies a table against the specification: what its log says, whether its files agree, and, where asked, whether
//! statistics agree with the data.
//!
//! The check replays the log with plain maps, version by version, apart from the engine's own replay, and compares the two
//! wherever a checkpoint or a version checksum gives the occasion.
//!
//! ```text
//!   listing ─► gaps, incomplete checkpoints, the hint
//!   commits ─► rules within a commit ─► state ─► rules between commits
//!                                         ├─ a checkpoint of this version?   the same files
//!                                         └─ a checksum of this version?     the same numbers
//!   newest version ─► files: present, size ─► deletion vectors: checksum, cardinality ─► statistics (deep)
//! ```

mod checksum;
mod commit;
mod data;
mod files;
mod finding;
mod published;
mod replay;
mod state;

pub use finding::{Finding, Report, Rule, Severity};

use deltaic_log::file_name::{CheckpointKind, CheckpointName, LOG_DIR, LogFileName};
use deltaic_log::last_checkpoint::LastCheckpoint;
use deltaic_log::segment::Listing;
use deltaic_log::store::LogFile;
use deltaic_log::{Error, ErrorKind, Result, Snapshot, TableStore, Version};

use crate::table::DeltaTable;

/// What to check, and whom to tell how far it is.
#[derive(Default)]
#[non_exhaustive]
pub struct CheckOptions {
    deep: bool,
    progress: Option<Box<dyn Fn(Progress) + Send + Sync>>,
}

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// So many steps are known to lie ahead.
    Ahead(u64),
    /// So many more steps are done: commits, then files.
    Done(u64),
}

impl CheckOptions {
    /// The log, and the files by name and size.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the data too, and compares each file's statistics with its rows.
    #[must_use]
    pub fn with_deep(mut self, deep: bool) -> Self {
        self.deep = deep;
        self
    }

    /// Calls `tell` as the check goes on.
    #[must_use]
    pub fn with_progress(mut self, tell: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Box::new(tell));
        self
    }

    fn tell(&self, progress: Progress) {
        if let Some(tell) = &self.progress {
            tell(progress);
        }
    }
}

/// Verifies the table in `store`. What is wrong with the table is a finding; what keeps the check itself from working is an
/// error.
///
/// # Errors
/// [`ErrorKind::NotATable`] where there is no log at all; [`ErrorKind::Storage`].
pub async fn check(store: &TableStore, options: &CheckOptions) -> Result<Report> {
    let listed = store.list_log(Version(0)).await?;
    let listing = Listing::new(listed.clone());
    let mut report = Report::default();
    incomplete_checkpoints(&listed, &listing, &mut report);
    last_checkpoint(store, &listing, &mut report).await?;
    replay::check(store, &listing, options, &mut report).await?;
    match open(store).await {
        Ok(table) => {
            files::check(&table, options, &mut report).await?;
            if options.deep {
                data::check(&table, options, &mut report).await?;
            }
        }
        // What keeps the table from opening was most likely found, and told better, on the way.
        Err(_) if report.has_errors() => {}
        Err(error) => report.add_error(error, Rule::LogEntries)?,
    }
    report.sort();
    Ok(report)
}

async fn open(store: &TableStore) -> Result<DeltaTable> {
    Ok(Snapshot::open_in(store, published::options()).await?.into())
}

/// Parts of a multi-part checkpoint without the others: readers ignore them.
fn incomplete_checkpoints(listed: &[LogFile], listing: &Listing, report: &mut Report) {
    let complete: Vec<_> =
        listing.checkpoints().flat_map(|checkpoint| checkpoint.files).map(|file| file.path).collect();
    for LogFile { name, file } in listed {
        if let LogFileName::Checkpoint(CheckpointName { version, kind: CheckpointKind::MultiPart { part, parts } }) =
            name
            && !complete.contains(&file.path)
        {
            let message = format!("part {part} of {parts} lies there without all the others: readers ignore it");
            report.add(Finding::new(Severity::Warning, Rule::Checkpoints, message).at(*version).of(&file.path));
        }
    }
}

/// The hint may be wrong without harm to readers, but it is not meant to be.
async fn last_checkpoint(store: &TableStore, listing: &Listing, report: &mut Report) -> Result<()> {
    let path = format!("{LOG_DIR}/{}", deltaic_log::file_name::LAST_CHECKPOINT);
    let Some(text) = store.read(&path).await? else { return Ok(()) };
    let warning = |message: String| Finding::new(Severity::Warning, Rule::LastCheckpoint, message).of(&path);
    match LastCheckpoint::parse(&text) {
        None => {
            report.add(warning("it is damaged, or its checksum contradicts it: readers list the whole log".to_owned()))
        }
        Some(hint) if !listing.checkpoint_versions().any(|version| version == hint.version) => {
            report.add(warning(format!("it names version {}, which has no complete checkpoint", hint.version)));
        }
        Some(_) => {}
    }
    Ok(())
}

impl Report {
    /// What an error says of the table is a finding; a storage that fails ends the check.
    fn add_error(&mut self, error: Error, rule: Rule) -> Result<()> {
        match error.kind() {
            ErrorKind::Storage | ErrorKind::Cancelled | ErrorKind::Internal | ErrorKind::InvalidArgument => Err(error),
            _ => {
                self.add(Finding::of_error(&error, rule));
                Ok(())
            }
        }
    }
}
