//! Tables derived from a table of the bench: the same data files under another log.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use deltaic_log::deletion_vector::{DeletionVector, DeletionVectorDescriptor};
use deltaic_log::{Context, Error, ErrorKind, Result, Snapshot, SnapshotOptions};
use serde_json::{Value, json};

use crate::{LocalFiles, directory_url};

/// One in how many rows is deleted.
const DELETED_ONE_IN: usize = 1_000;

/// The table `from` with the version checksum of its newest version, at `to`.
///
/// # Errors
/// Where `from` cannot be read or `to` cannot be written.
pub async fn with_checksum(from: &str, to: &str) -> Result<()> {
    let snapshot = open(from).await?;
    let log = made(to)?;
    for entry in io(fs::read_dir(Path::new(from).join("_delta_log")))? {
        let entry = io(entry)?;
        io(symlink(io(entry.path().canonicalize())?, log.join(entry.file_name())))?;
    }
    let files = snapshot.files().await?;
    let checksum = json!({
        "tableSizeBytes": files.iter().map(|file| file.size()).sum::<i64>(), "numFiles": files.len(),
        "numMetadata": 1, "numProtocol": 1, "setTransactions": [], "domainMetadata": [],
        "metadata": snapshot.metadata(), "protocol": snapshot.protocol(),
    });
    io(fs::write(log.join(format!("{:020}.crc", snapshot.version().0)), checksum.to_string()))
}

/// The files of `from` at `to`, in one commit, each with a deletion vector of one row in a thousand. `from` must say how
/// many rows each file has.
///
/// # Errors
/// As [`with_checksum`].
pub async fn with_vectors(from: &str, to: &str) -> Result<()> {
    let snapshot = open(from).await?;
    let log = made(to)?;
    let mut metadata = json!(snapshot.metadata());
    metadata["configuration"]["delta.enableDeletionVectors"] = json!("true");
    let features = json!(["deletionVectors"]);
    let mut lines = vec![
        json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}}),
        json!({"metaData": metadata}),
    ];
    for chunk in snapshot.files().await?.chunks() {
        let bounds = chunk.bounds(snapshot.store(), snapshot.configuration().physical_schema(), &[]).await?;
        for file in chunk.files() {
            let records = bounds.num_records.value(file.row());
            let place = Path::new(to).join(file.path());
            io(place.parent().map_or(Ok(()), fs::create_dir_all))?;
            io(symlink(io(Path::new(from).join(file.path()).canonicalize())?, place))?;
            let deleted: DeletionVector = (0..records.cast_unsigned()).step_by(DELETED_ONE_IN).collect();
            lines.push(json!({"add": {
                "path": file.path(), "partitionValues": file.partition_values(), "size": file.size(), "dataChange": true,
                "modificationTime": file.modification_time(), "stats": json!({"numRecords": records}).to_string(),
                "deletionVector": DeletionVectorDescriptor::inline(&deleted)?,
            }}));
        }
    }
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    io(fs::write(log.join(format!("{:020}.json", 0)), lines.join("\n")))
}

async fn open(table: &str) -> Result<Snapshot> {
    Snapshot::open(&directory_url(table), Context::new(Arc::new(LocalFiles)), SnapshotOptions::new()).await
}

/// The folder of a new table's log.
fn made(table: &str) -> Result<std::path::PathBuf> {
    let log = Path::new(table).join("_delta_log");
    io(fs::create_dir_all(&log))?;
    Ok(log)
}

fn io<T>(result: std::io::Result<T>) -> Result<T> {
    result.map_err(|error| Error::new(ErrorKind::Storage, "the bench's table cannot be made").because(error))
}
