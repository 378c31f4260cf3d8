//! Delta Lake on Spark.

mod fixture_copies;
mod process;
mod tables;

use std::path::Path;

use deltaic_commit::maintenance::{CheckpointForm, CheckpointOptions, write_checkpoint};
use deltaic_log::Snapshot;
use deltaic_log::checkpoint::encode::StatisticsForms;
use deltaic_log::file_name::{CheckpointFormat, LogFileName};

const FORMS: [CheckpointForm; 4] = [
    CheckpointForm::Classic,
    CheckpointForm::Uuid(CheckpointFormat::Parquet),
    CheckpointForm::Uuid(CheckpointFormat::Json),
    CheckpointForm::V2UnderClassicName,
];

/// Writes a checkpoint of the newest version, and deletes all that it makes needless: older versions, and every checksum.
async fn leave_checkpoint(path: &Path, snapshot: &Snapshot, form: CheckpointForm, statistics: StatisticsForms) {
    let options = CheckpointOptions::new().with_form(form).with_statistics(statistics).with_sidecar_actions_max(2);
    let written = write_checkpoint(snapshot, options).await.unwrap();
    assert!(written.hint_error.is_none(), "{:?}", written.hint_error);
    for entry in std::fs::read_dir(path.join("_delta_log")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let is_older = LogFileName::parse(&name).is_some_and(|name| name.version() < snapshot.version());
        if is_older || name.ends_with(".crc") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
}
