//! Tables of Spark's that deltaic has committed to.

use std::collections::BTreeMap;
use std::path::Path;

use deltaic_commit::committer::for_table;
use deltaic_commit::maintenance::CheckpointForm;
use deltaic_commit::{CommitOutcome, Operation, Transaction};
use deltaic_log::action::{Action, Add};
use deltaic_log::checkpoint::encode::StatisticsForms;
use deltaic_log::commit_file::read_actions;
use deltaic_log::feature::V2_CHECKPOINT;
use deltaic_log::file_name::LogFileName;
use deltaic_log::store::LogFile;
use deltaic_log::{ErrorKind, Snapshot, SnapshotOptions, Version};
use deltaic_protocol_tests::fixture::{Content, Expected, Fixture};
use deltaic_protocol_tests::golden::copy_directory;
use deltaic_protocol_tests::reading::sorted;
use deltaic_protocol_tests::row_table::RowTable;
use deltaic_protocol_tests::writers::runtime;
use serde_json::json;

use super::process::Spark;
use super::{FORMS, leave_checkpoint};

/// Whatever Spark has made and deltaic may write to: deltaic commits to it, deletion vectors, row ids, partitions and all, and
/// Spark reads it as before.
#[test]
#[ignore = "needs Spark: `cargo xtask test` installs it"]
fn spark_reads_fixtures_that_deltaic_has_committed_to() {
    let mut spark = Spark::get();
    let mut features: BTreeMap<String, usize> = BTreeMap::new();
    for fixture in Fixture::all().iter().filter(is_of_interest) {
        let copy = tempfile::tempdir().unwrap();
        copy_directory(&fixture.table(), copy.path()).unwrap();
        let Some(snapshot) = runtime().block_on(commit_to(copy.path())) else { continue };
        println!("{}", fixture.name);
        if snapshot.protocol().supports(&V2_CHECKPOINT) {
            let form = FORMS[features.len() % FORMS.len()];
            runtime().block_on(leave_checkpoint(
                copy.path(),
                &snapshot,
                form,
                StatisticsForms { json: true, parsed: true },
            ));
        } else if features.len().is_multiple_of(2) {
            let statistics = StatisticsForms { json: true, parsed: false };
            runtime().block_on(leave_checkpoint(copy.path(), &snapshot, CheckpointForm::Classic, statistics));
        }
        assert_eq!(snapshot.version().0, fixture.expected.version + 2);
        for feature in snapshot.protocol().writer_features.iter().flatten() {
            *features.entry(feature.clone()).or_default() += 1;
        }
        let answer = spark.ask(&json!({"do": "read", "table": copy.path()}));
        let (read, content): (Expected, Content) =
            (serde_json::from_str(answer.get()).unwrap(), serde_json::from_str(answer.get()).unwrap());
        assert_eq!((read.version, read.num_files), (snapshot.version().0, fixture.expected.num_files));
        let before = &fixture.expected.content;
        assert_eq!((content.num_rows, &content.error), (before.num_rows, &None));
        assert_eq!(content.rows.as_deref().map(sorted), before.rows.as_deref().map(sorted), "rows");
        assert_eq!(content.rows_sha256, before.rows_sha256);
        assert_eq!(read.row_ids.as_deref().map(sorted), fixture.expected.row_ids.as_deref().map(sorted), "row ids");
    }
    println!("{features:#?}");
    for feature in
        ["deletionVectors", "rowTracking", "domainMetadata", "v2Checkpoint", "inCommitTimestamp", "appendOnly"]
    {
        assert!(features.contains_key(feature), "{feature}");
    }
}

/// What tests the reading of data files and values alone is left out, but for one table with all types of each kind.
fn is_of_interest(fixture: &&Fixture) -> bool {
    const WITH_ALL_TYPES: [&str; 3] =
        ["data_files/all_types", "data_files/nested_types", "partition_value_serialization/every_type"];
    const OF_READING: [&str; 4] =
        ["data_files/", "partition_value_serialization/", "schema_serialization_format/", "last_checkpoint_file/"];
    let is_of_reading = OF_READING.iter().any(|heading| fixture.name.starts_with(heading));
    fixture.expected.content.error.is_none() && (!is_of_reading || WITH_ALL_TYPES.contains(&fixture.name.as_str()))
}

/// Two commits that change no row: a property, and a file that is told of again. `None` where deltaic must not write.
async fn commit_to(path: &Path) -> Option<Snapshot> {
    let table = RowTable::local(path);
    let opened = Snapshot::open_in(&table.store(), SnapshotOptions::new()).await.ok()?;
    let committer = for_table(opened.store());
    let mut change = match Transaction::begin(&opened, committer.clone(), Operation::new("SET TBLPROPERTIES")) {
        Err(error) if error.kind() == ErrorKind::UnsupportedProtocol => return None,
        begun => begun.unwrap(),
    };
    let mut metadata = opened.metadata().clone();
    metadata.configuration.insert("ours".to_owned(), "1".to_owned());
    change.set_metadata(metadata).unwrap();
    let outcome = change.commit().await;
    assert!(matches!(outcome, CommitOutcome::Committed(_)), "{}: {outcome:?}", path.display());

    let snapshot = opened.refresh().await.unwrap();
    let mut again = Transaction::begin(&snapshot, committer, Operation::new("OPTIMIZE")).unwrap();
    let add = live_add(path, &snapshot).await?;
    again.add(Add { data_change: false, ..add });
    let outcome = again.commit().await;
    assert!(matches!(outcome, CommitOutcome::Committed(_)), "{}: {outcome:?}", path.display());
    Some(table.open().await)
}

/// A live file as a commit tells of it, one with a deletion vector if there is any.
async fn live_add(path: &Path, snapshot: &Snapshot) -> Option<Add> {
    let files = snapshot.files().await.unwrap();
    let live: BTreeMap<_, _> = files.iter().map(|file| (file.path(), file.deletion_vector())).collect();
    let mut listed = snapshot.store().list_log(Version(0)).await.unwrap();
    listed.sort_by_key(|file| file.name.version());
    let is_commit = |file: &&LogFile| matches!(file.name, LogFileName::Commit(_));
    let bodies = listed.iter().filter(is_commit).map(|file| std::fs::read(path.join(&file.file.path)).unwrap());
    let actions: Vec<Action> = bodies.flat_map(|body| read_actions(&body).unwrap()).collect();
    let adds = actions.into_iter().filter_map(|action| match action {
        Action::Add(add) if live.get(add.path.as_str()) == Some(&add.deletion_vector.as_ref()) => Some(add),
        _ => None,
    });
    adds.max_by_key(|add| add.deletion_vector.is_some())
}
