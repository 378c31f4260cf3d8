//! The files of the newest version: present, in the size that the log gives, with sound deletion vectors.

use deltaic_log::deletion_vector::{DeletionVector, DeletionVectorDescriptor, DeletionVectorLocation};
use deltaic_log::{Error, ErrorKind, FileView, Result, TableStore};
use deltaic_scan::location::file_url;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;

use super::finding::{Finding, Report, Rule};
use super::{CheckOptions, Progress};
use crate::table::DeltaTable;

/// How many files are asked for at the same time.
const CONCURRENCY: usize = 32;

/// What an action says of a live file.
#[derive(Clone, Debug)]
struct LiveFile {
    path: String,
    size: i64,
    vector: Option<DeletionVectorDescriptor>,
}

pub(super) async fn check(table: &DeltaTable, options: &CheckOptions, report: &mut Report) -> Result<()> {
    let files = match table.files().await {
        Ok(files) => files,
        Err(error) => return report.add_error(error, Rule::Checkpoints),
    };
    let live: Vec<_> = files.iter().map(|file| LiveFile::of(&file)).collect();
    options.tell(Progress::Ahead(live.len() as u64));
    let store = table.snapshot().store();
    let mut findings = stream::iter(live).map(|file| async move { one_file(store, &file).await }).buffered(CONCURRENCY);
    while let Some((found, has_vector)) = findings.try_next().await? {
        options.tell(Progress::Done(1));
        report.files += 1;
        report.deletion_vectors += u64::from(has_vector);
        found.into_iter().for_each(|finding| report.add(finding.at(table.version())));
    }
    Ok(())
}

impl LiveFile {
    fn of(file: &FileView<'_>) -> Self {
        Self { path: file.path().to_owned(), size: file.size(), vector: file.deletion_vector().cloned() }
    }
}

/// What is wrong with a file, and whether it has a deletion vector.
async fn one_file(store: &TableStore, file: &LiveFile) -> Result<(Vec<Finding>, bool)> {
    let mut findings = Vec::new();
    match size(store, &file.path).await {
        Ok(size) if i64::try_from(size) != Ok(file.size) => {
            let message = format!("the file has {size} bytes, but the log says {}", file.size);
            findings.push(Finding::error(Rule::AddAndRemoveFile, message).of(&file.path));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::MissingFile => {
            let message = "the log names the file, but storage does not have it";
            findings.push(Finding::error(Rule::AddAndRemoveFile, message).of(&file.path));
        }
        Err(error) => findings.push(of_table(error, Rule::AddAndRemoveFile)?.of(&file.path)),
    }
    if let Some(vector) = &file.vector
        && let Err(error) = read_vector(store, vector).await
    {
        findings.push(of_table(error, Rule::DeletionVectors)?.of(&file.path));
    }
    Ok((findings, file.vector.is_some()))
}

async fn size(store: &TableStore, path: &str) -> Result<u64> {
    let location = store.context().stores.locate(&file_url(store.root(), path)?)?;
    Ok(location.store.head(&location.path).await?.size)
}

/// Decoding verifies format, size, checksum and cardinality.
async fn read_vector(store: &TableStore, vector: &DeletionVectorDescriptor) -> Result<DeletionVector> {
    let (url, range) = match vector.location()? {
        DeletionVectorLocation::Inline => return vector.decode_inline(),
        DeletionVectorLocation::Relative { path, range } => (store.locate(&path)?, range),
        DeletionVectorLocation::Absolute { uri, range } => {
            (store.context().stores.locate(&file_url(store.root(), &uri)?)?, range)
        }
        _ => {
            return Err(Error::new(
                ErrorKind::UnsupportedProtocol,
                "this release does not know where the deletion vector is",
            ));
        }
    };
    vector.decode_fetched(&url.store.get_range(&url.path, range).await?)
}

/// What is wrong with the table is a finding; a storage that fails is not the table's fault.
fn of_table(error: Error, rule: Rule) -> Result<Finding> {
    match error.kind() {
        ErrorKind::Storage | ErrorKind::Cancelled | ErrorKind::Internal => Err(error),
        _ => Ok(Finding::of_error(&error, rule)),
    }
}
