//! Restoring an older version, as its users see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use deltaic_log::feature::DELETION_VECTORS;
use deltaic_log::schema::{PrimitiveType as P, StructField, StructType};
use deltaic_log::{ErrorKind, Result, TimestampMs, Version};
use deltaic_ops::write::{SchemaMode, WriteMode};
use deltaic_ops::{CreateBuilder, DeleteBuilder, Report, RestoreBuilder, UpdateBuilder};
use futures::executor::block_on;
use object_store::ObjectStoreExt;
use rstest::rstest;
use serde_json::{Value, json};
use support::{Place, batch, ids, numbers, texts};

const VECTORS: &str = "delta.enableDeletionVectors";
const FEED: &str = "delta.enableChangeDataFeed";
const TRACKING: &str = "delta.enableRowTracking";

/// Versions: ten rows; ten more; without three of the first; with one of the second changed.
fn table(properties: &[&str]) -> Place {
    let place = Place::in_memory();
    for start in [0, 10] {
        let write = |write: deltaic_ops::WriteBuilder| {
            properties.iter().fold(write.mode(WriteMode::Append), |write, key| write.property(*key, "true"))
        };
        place.write(batch(&[("id", numbers(start..start + 10))]), write).unwrap();
    }
    block_on(DeleteBuilder::new(place.target()).predicate_sql("id < 3").unwrap().execute()).unwrap();
    let update = UpdateBuilder::new(place.target()).set_sql("id = 100").unwrap().predicate_sql("id = 12").unwrap();
    block_on(update.execute()).unwrap();
    place
}

fn restore(place: &Place, version: u64) -> Result<Report> {
    block_on(RestoreBuilder::new(place.target()).version(Version(version)).execute())
}

fn at(version: usize) -> Vec<i64> {
    let deleted: Vec<i64> = (3..20).collect();
    let mut updated: Vec<i64> = deleted.iter().copied().filter(|id| *id != 12).collect();
    updated.push(100);
    [(0..10).collect(), (0..20).collect(), deleted, updated][version].clone()
}

#[rstest]
#[case(&[])]
#[case(&[VECTORS])]
#[case(&[TRACKING, VECTORS])]
#[case(&[TRACKING])]
fn every_version_comes_back(#[case] properties: &[&str]) {
    let place = table(properties);
    for (step, version) in [0, 3, 1, 2, 0, 1].into_iter().enumerate() {
        let before = place.data_files();
        let report = restore(&place, version).unwrap();
        assert_eq!(report.version, Some(Version(4 + step as u64)));
        assert_eq!(ids(&place), at(version as usize), "version {version}");
        assert_eq!(place.data_files(), before, "no file is written");
    }
    let report = restore(&place, 1).unwrap();
    assert!(report.version.is_none() && report.unchanged.is_some(), "{report:?}");
}

#[test]
fn the_history_tells_of_it() {
    let place = table(&[VECTORS]);
    let plan = block_on(RestoreBuilder::new(place.target()).version(Version(1)).plan()).unwrap();
    let report = restore(&place, 1).unwrap();
    assert_eq!(plan.metrics, report.metrics);
    assert_eq!((report.metric("numRestoredFiles"), report.metric("numRemovedFiles")), (2, 3));
    assert_eq!((report.metric("numOfFilesAfterRestore"), place.adds(4).len()), (2, 2));
    let sizes: u64 = place.adds(4).iter().map(|add| add["size"].as_u64().unwrap()).sum();
    assert_eq!((report.metric("tableSizeAfterRestore"), report.metric("restoredFilesSize")), (sizes, sizes));
    let info = place.commit(4)[0]["commitInfo"].clone();
    assert_eq!(info["operation"], "RESTORE");
    assert_eq!(info["operationParameters"], json!({"version": 1, "timestamp": null}));
    // Whole again: with statistics as they were.
    let stats = |version: u64| -> Vec<Value> { place.adds(version).iter().map(|add| add["stats"].clone()).collect() };
    assert!([stats(0), stats(1)].concat().iter().all(|text| stats(4).contains(text)));
    assert!(place.adds(4).iter().all(|add| add["dataChange"] == true));
}

#[test]
fn row_changes_are_told() {
    for properties in [&[FEED][..], &[FEED, VECTORS]] {
        let place = table(properties);
        restore(&place, 2).unwrap();
        let changes = place.changes(4);
        let count =
            |what: &str| changes.iter().filter(|change| change.1 == what).map(|change| change.0).collect::<Vec<_>>();
        let (inserted, deleted) = (count("insert"), count("delete"));
        assert!(inserted.contains(&12) && deleted.contains(&100), "{changes:?}");
        assert_eq!(inserted.len(), deleted.len());
    }
}

#[test]
fn schema_and_properties_come_back_and_the_protocol_stays() {
    let place = table(&[]);
    let rows = batch(&[("id", numbers([50])), ("p", texts(&["x"]))]);
    let write = |write: deltaic_ops::WriteBuilder| write.mode(WriteMode::Append).schema_mode(SchemaMode::Merge);
    place.write(rows, write).unwrap();
    let replace = CreateBuilder::new(place.target(), StructType::new([StructField::nullable("other", P::Date)]));
    let replace =
        replace.mode(deltaic_ops::create::CreateMode::OrReplace).property(VECTORS, "true").property("mine", "1");
    block_on(replace.execute()).unwrap();
    let before = place.snapshot();
    restore(&place, 4).unwrap();
    let after = place.snapshot();
    assert_eq!(after.schema().fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["id", "p"]);
    assert_eq!((after.metadata().configuration.len(), &after.metadata().id), (0, &before.metadata().id));
    assert!(after.protocol().supports(&DELETION_VECTORS), "a protocol never shrinks");
    assert_eq!(ids(&place).len(), 18);
    // And the other way round.
    restore(&place, 5).unwrap();
    assert_eq!(place.snapshot().metadata().configuration["mine"], "1");
}

#[test]
fn what_counts_never_counts_backwards() {
    let place = Place::in_memory();
    let key = StructField::nullable("key", P::Long)
        .with_metadata("delta.identity.start", 1)
        .with_metadata("delta.identity.step", 1)
        .with_metadata("delta.identity.allowExplicitInsert", false);
    let schema = StructType::new([StructField::nullable("id", P::Long), key]);
    block_on(CreateBuilder::new(place.target(), schema).execute()).unwrap();
    let append = || place.write(batch(&[("id", numbers([1, 2]))]), |write| write.mode(WriteMode::Append)).unwrap();
    append();
    append();
    restore(&place, 1).unwrap();
    append();
    let mut keys: Vec<i64> = place.lines().iter().map(|line| line["key"].as_i64().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(keys, [1, 2, 5, 6]);
}

#[test]
fn files_that_are_gone_are_named() {
    let place = table(&[]);
    let path = place.adds(0)[0]["path"].as_str().unwrap().to_owned();
    let location = place.store.locate(&path).unwrap();
    block_on(location.store.delete(&location.path)).unwrap();
    let error = restore(&place, 1).unwrap_err();
    assert_eq!((error.kind(), error.context("files")), (ErrorKind::MissingFile, Some(path.as_str())));
    assert_eq!((place.version(), ids(&place)), (Version(3), at(3)));
    let restore = RestoreBuilder::new(place.target()).version(Version(1)).ignore_missing_files(true);
    let report = block_on(restore.execute()).unwrap();
    assert_eq!((report.warnings.len(), report.metric("numOfFilesAfterRestore")), (1, 1));
    assert_eq!(ids(&place), (10..20).collect::<Vec<_>>());
}

#[test]
fn a_time_means_a_version() {
    let place = table(&[]);
    let snapshot = place.snapshot();
    let history = block_on(deltaic_log::History::load(&snapshot)).unwrap();
    let time = block_on(history.timestamp_of(Version(0))).unwrap();
    block_on(RestoreBuilder::new(place.target()).timestamp(time).execute()).unwrap();
    assert_eq!(ids(&place), at(0));
    let parameters = place.commit(4)[0]["commitInfo"]["operationParameters"].clone();
    assert!(parameters["version"].is_null() && parameters["timestamp"].is_string(), "{parameters}");
}

#[test]
fn what_cannot_be_is_refused() {
    let place = table(&[]);
    assert_eq!(restore(&place, 9).unwrap_err().kind(), ErrorKind::VersionNotFound);
    let neither = RestoreBuilder::new(place.target());
    let both = neither.clone().version(Version(0)).timestamp(TimestampMs(0));
    for builder in [neither, both] {
        assert_eq!(block_on(builder.execute()).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    let early = RestoreBuilder::new(place.target()).timestamp(TimestampMs(0));
    assert_eq!(block_on(early.execute()).unwrap_err().kind(), ErrorKind::VersionNotFound);
    assert_eq!(restore(&Place::in_memory(), 0).unwrap_err().kind(), ErrorKind::NotATable);
    assert_eq!((place.version(), ids(&place)), (Version(3), at(3)));
}

/// A handle at an older version restores what others wrote since, too.
#[test]
fn a_restoration_goes_out_from_the_newest_version() {
    let place = table(&[]);
    let stale = RestoreBuilder::new(place.target()).version(Version(0));
    place.write(batch(&[("id", numbers([77]))]), |write| write.mode(WriteMode::Append)).unwrap();
    assert_eq!(block_on(stale.execute()).unwrap().version, Some(Version(5)));
    assert_eq!(ids(&place), at(0));
}
