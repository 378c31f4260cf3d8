//! Tables that deltaic has made.

use std::collections::BTreeSet;

use deltaic_commit::committer::for_table;
use deltaic_commit::{Operation, Transaction};
use deltaic_log::Version;
use deltaic_log::action::Remove;
use deltaic_log::checkpoint::encode::StatisticsForms;
use deltaic_log::feature::DOMAIN_METADATA;
use deltaic_protocol_tests::row_table::{RowTable, append, stage};
use deltaic_protocol_tests::writers::{Writer, reached, runtime};
use serde_json::{Value, json};

use super::process::Spark;
use super::{FORMS, leave_checkpoint};

/// Properties of tables that commits are tested on.
fn tables() -> Vec<(&'static str, Value)> {
    vec![
        ("plain", json!({})),
        ("in_commit_timestamps", json!({"delta.enableInCommitTimestamps": "true"})),
        ("row_tracking", json!({"delta.enableRowTracking": "true"})),
        ("domain_metadata", json!({"delta.feature.domainMetadata": "supported"})),
        ("v2_checkpoint", json!({"delta.checkpointPolicy": "v2"})),
        ("append_only", json!({"delta.appendOnly": "true"})),
        ("deletion_vectors", json!({"delta.enableDeletionVectors": "true"})),
        ("vacuum_protocol_check", json!({"delta.feature.vacuumProtocolCheck": "supported"})),
        (
            "everything",
            json!({"delta.enableInCommitTimestamps": "true", "delta.enableRowTracking": "true",
                "delta.feature.domainMetadata": "supported", "delta.checkpointPolicy": "v2",
                "delta.enableDeletionVectors": "true", "delta.feature.vacuumProtocolCheck": "supported"}),
        ),
    ]
}

/// Spark reads what deltaic has made, goes on writing, and is read in turn.
#[test]
#[ignore = "needs Spark: `cargo xtask test` installs it"]
fn spark_reads_and_continues_tables_that_deltaic_makes() {
    let (place, mut spark) = (tempfile::tempdir().unwrap(), Spark::get());
    for (name, configuration) in tables() {
        println!("{name}");
        let path = place.path().join(name);
        let table = RowTable::local(&path);
        runtime().block_on(write_history(&table, configuration));
        let snapshot = runtime().block_on(table.open());
        spark.check(&path, &snapshot);
        spark.check_checksum(&path);
        let history: Vec<(u64, String)> =
            serde_json::from_str(spark.ask(&json!({"do": "history", "table": path})).get()).unwrap();
        let versions: Vec<u64> = history.iter().map(|(version, _)| *version).collect();
        assert_eq!(versions, (0..=snapshot.version().0).collect::<Vec<_>>());
        assert_eq!((history[0].1.as_str(), history[1].1.as_str()), ("CREATE TABLE", "WRITE"));

        spark.sql(&path, "INSERT INTO {t} VALUES ('spark', 1, null), ('spark', 2, 'x')");
        if name != "append_only" {
            spark.sql(&path, "UPDATE {t} SET n = n + 10 WHERE writer = 'spark'");
            spark.sql(&path, "DELETE FROM {t} WHERE n = 11");
        }
        let after = runtime().block_on(table.open());
        assert!(after.version() > snapshot.version());
        spark.check(&path, &after);
        spark.check_checksum(&path);
    }
}

/// A history with all that a commit can hold.
async fn write_history(table: &RowTable, configuration: Value) {
    table.create(for_table(&table.store()), configuration).await;
    let mut snapshot = table.open().await;
    let committer = for_table(snapshot.store());
    for n in 0..4 {
        append(&snapshot, committer.clone(), &("deltaic".to_owned(), n)).await;
    }
    snapshot = snapshot.refresh().await.unwrap();
    let begin = |operation: &str| Transaction::begin(&snapshot, committer.clone(), Operation::new(operation)).unwrap();

    let mut change = begin("ADD COLUMNS").with_user_metadata("a column").with_tag("a", "b");
    let mut metadata = snapshot.metadata().clone();
    let with_column = r#",{"metadata":{},"name":"later","nullable":true,"type":"string"}],"type":"struct""#;
    metadata.schema_string = metadata.schema_string.map(|schema| schema.replace(r#"],"type":"struct""#, with_column));
    change.set_metadata(metadata).unwrap();
    change.commit().await.into_result().unwrap();

    let snapshot = snapshot.refresh().await.unwrap();
    let begin = |operation: &str| Transaction::begin(&snapshot, committer.clone(), Operation::new(operation)).unwrap();
    let mut write = begin("STREAMING UPDATE");
    write.set_transaction("an application", 7);
    write.add(stage(snapshot.store(), &("streamed".to_owned(), 1)).await);
    if snapshot.configuration().protocol().supports(&DOMAIN_METADATA) {
        write.set_domain("ours", "{\"kept\":1}").unwrap();
    }
    write.commit().await.into_result().unwrap();

    if !snapshot.metadata().configuration.contains_key("delta.appendOnly") {
        let mut delete = begin("DELETE");
        let path = snapshot.files().await.unwrap().iter().next().unwrap().path().to_owned();
        let now = snapshot.store().context().clock.now().0;
        delete.remove(Remove { path, data_change: true, deletion_timestamp: Some(now), ..Remove::default() });
        delete.commit().await.into_result().unwrap();
    }
}

/// Nothing but a checkpoint of deltaic's is left of the log. Spark reads it, and skips files by its statistics.
#[test]
#[ignore = "needs Spark: `cargo xtask test` installs it"]
fn spark_reads_checkpoints_that_deltaic_writes() {
    let (place, mut spark) = (tempfile::tempdir().unwrap(), Spark::get());
    for form in FORMS {
        for (json, parsed) in [(true, false), (false, true), (true, true)] {
            println!("{form:?}, statistics as JSON {json}, parsed {parsed}");
            let path = place.path().join(format!("{form:?} {json} {parsed}"));
            let table = RowTable::local(&path);
            let (_, everything) = tables().pop().unwrap();
            runtime().block_on(write_history(&table, everything));
            let snapshot = runtime().block_on(table.open());
            runtime().block_on(leave_checkpoint(&path, &snapshot, form, StatisticsForms { json, parsed }));
            let snapshot = runtime().block_on(table.open());
            spark.check(&path, &snapshot);
            spark.sql(&path, "DELETE FROM {t} WHERE n = 2");
            let after = runtime().block_on(table.open());
            spark.check(&path, &after);
            let names: Vec<i64> = runtime().block_on(table.rows()).into_iter().map(|(_, n)| n).collect();
            assert!(names.len() >= 3 && !names.contains(&2), "{names:?}");
        }
    }
}

/// Each in turn goes on where the other has left off: Spark's handle and deltaic's are held throughout.
#[test]
#[ignore = "needs Spark: `cargo xtask test` installs it"]
fn spark_and_deltaic_commit_alternately() {
    let (place, mut spark) = (tempfile::tempdir().unwrap(), Spark::get());
    let table = RowTable::local(place.path());
    let properties = json!({"delta.enableInCommitTimestamps": "true", "delta.enableRowTracking": "true"});
    runtime().block_on(table.create(for_table(&table.store()), properties));
    let mut held = runtime().block_on(table.open());
    let committer = for_table(held.store());
    for n in 0..12 {
        // Now and then deltaic's handle is older than Spark's newest commit.
        let base = if n % 3 == 2 { held.clone() } else { runtime().block_on(held.refresh()).unwrap() };
        let (committed, _) = runtime().block_on(append(&base, committer.clone(), &("deltaic".to_owned(), n)));
        assert_eq!(committed.version.0, 2 * n as u64 + 1);
        let statement = match n % 4 {
            0 => format!("INSERT INTO {{t}} VALUES ('spark', {n})"),
            1 => "UPDATE {t} SET n = n + 100 WHERE writer = 'spark'".to_owned(),
            2 => format!("DELETE FROM {{t}} WHERE writer = 'deltaic' AND n = {}", n - 1),
            _ => "OPTIMIZE {t}".to_owned(),
        };
        spark.sql(place.path(), &statement);
        held = runtime().block_on(held.refresh()).unwrap();
        assert_eq!(held.version().0, 2 * n as u64 + 2, "{statement}");
    }
    spark.check(place.path(), &held);
    assert_eq!(runtime().block_on(table.commits(&*committer)).len(), 25);
}

/// Both append at the same time. Spark loses nothing, since deltaic replaces no version. Spark may replace one of deltaic's: it
/// looks whether a version is there, and then renames over it (`deltaic::manual::writers`). So what may be lost is only what
/// Spark has put its own commit in place of; whoever reads sees one history all the same.
#[test]
#[ignore = "needs Spark: `cargo xtask test` installs it"]
fn spark_loses_nothing_to_deltaic_at_the_same_time() {
    const APPENDS: i64 = 15;
    let (place, mut spark) = (tempfile::tempdir().unwrap(), Spark::get());
    let table = RowTable::local(place.path());
    runtime().block_on(table.create(for_table(&table.store()), json!({})));
    spark.tell(&json!({"do": "append", "table": place.path(), "name": "spark", "appends": APPENDS}));
    let mut reported = BTreeSet::new();
    for version in 1..=5 {
        // A few at a time: a writer as fast as ours lets Spark never come first.
        runtime().block_on(reached(&table, Version(version * 3)));
        let writers = [0, 1].map(|number| Writer::spawn(&table, &format!("ours{version}{number}"), 4));
        writers.into_iter().for_each(|writer| reported.extend(writer.finish(4)));
    }
    spark.answer();
    let snapshot = runtime().block_on(table.open());
    let commits = runtime().block_on(table.commits(&*for_table(snapshot.store())));
    let rows = runtime().block_on(table.rows());
    for n in 0..APPENDS {
        assert_eq!(rows.iter().filter(|row| **row == ("spark".to_owned(), n)).count(), 1, "Spark's row {n}");
    }
    for report in &reported {
        let is_replaced = commits[report.version as usize].1.as_ref() != Some(&report.txn_id);
        let count = rows.iter().filter(|row| **row == report.row).count();
        assert_eq!(count, usize::from(!is_replaced), "{report:?}");
        if is_replaced {
            println!("Spark has replaced version {}", report.version);
        }
    }
    assert_eq!(rows.len(), commits.len() - 1);
    spark.check(place.path(), &snapshot);
}
