//! Vacuum: what goes, what stays, and what the history says of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use deltaic_commit::committer::for_table;
use deltaic_commit::maintenance::LastVacuumInfo;
use deltaic_log::action::CommitInfo;
use deltaic_log::deletion_vector::{DeletionVector, DeletionVectorDescriptor};
use deltaic_log::{
    Context, ErrorKind, History, ManualClock, Result, Snapshot, SnapshotOptions, TableStore, TimestampMs, Version,
};
use deltaic_ops::VacuumBuilder;
use deltaic_ops::vacuum::{Inventory, InventoryFile, VacuumMode, VacuumReport};
use deltaic_protocol_tests::TestLog;
use deltaic_protocol_tests::local::{Route, directory_url, local_context};
use futures::TryStreamExt;
use futures::executor::block_on;
use rstest::rstest;
use serde_json::{Value, json};

const NOW: i64 = 1_700_000_000_000;
const HOUR: i64 = 3_600_000;
const WEEK: i64 = 7 * 24;

/// A local table whose files are as old as a test wants them.
struct Place {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    commits: std::cell::Cell<u64>,
}

impl Place {
    /// A table partitioned by `day` and `_odd`, made a thousand hours ago.
    fn new() -> Self {
        Self::with(json!({}))
    }

    fn with(configuration: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(TimestampMs(NOW)));
        let this = Self { folder, clock, commits: Default::default() };
        let column = |name| json!({"name": name, "type": "string", "nullable": true, "metadata": {}});
        let schema = json!({"type": "struct", "fields": [column("n"), column("day"), column("_odd")]});
        this.commit(
            1_000,
            &[
                json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"],
                    "writerFeatures": ["deletionVectors"]}}),
                json!({"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}}, "configuration": configuration,
                    "schemaString": schema.to_string(), "partitionColumns": ["day", "_odd"]}}),
            ],
        );
        this
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Puts a file that was last modified so many hours ago.
    fn file(&self, path: &str, hours_ago: i64) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "content").unwrap();
        age(&path, hours_ago);
    }

    fn commit(&self, hours_ago: i64, actions: &[Value]) {
        let version = self.commits.replace(self.commits.get() + 1);
        let path = format!("_delta_log/{version:020}.json");
        self.file(&path, hours_ago);
        let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
        std::fs::write(self.path(&path), lines.join("\n")).unwrap();
        age(&self.path(&path), hours_ago);
    }

    fn context(&self) -> Context {
        local_context(Route::Files).with_clock(self.clock.clone())
    }

    fn open(&self) -> Snapshot {
        let store = TableStore::new(&directory_url(self.folder.path()), self.context()).unwrap();
        block_on(Snapshot::open_in(&store, SnapshotOptions::new())).unwrap()
    }

    fn builder(&self) -> VacuumBuilder {
        let snapshot = self.open();
        let committer = for_table(snapshot.store());
        VacuumBuilder::new(snapshot, committer)
    }

    /// What is on disk beside the log.
    fn on_disk(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut folders = vec![self.folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let name = entry.path().strip_prefix(self.folder.path()).unwrap().to_str().unwrap().to_owned();
                if name.starts_with("_delta_log") {
                    continue;
                }
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                }
                found.insert(name);
            }
        }
        found
    }
}

fn age(path: &std::path::Path, hours_ago: i64) {
    let time = UNIX_EPOCH + Duration::from_millis(u64::try_from(NOW - hours_ago * HOUR).unwrap());
    File::open(path).unwrap().set_modified(time).unwrap();
}

fn add(path: &str) -> Value {
    add_with(path, Value::Null)
}

fn add_with(path: &str, vector: Value) -> Value {
    json!({"add": {"path": path, "partitionValues": {"day": null, "_odd": null}, "size": 7, "modificationTime": 0,
        "dataChange": true, "deletionVector": vector, "stats": "{\"numRecords\":9}"}})
}

fn remove(path: &str, hours_ago: i64) -> Value {
    remove_with(path, hours_ago, Value::Null)
}

fn remove_with(path: &str, hours_ago: i64, vector: Value) -> Value {
    json!({"remove": {"path": path, "deletionTimestamp": NOW - hours_ago * HOUR, "dataChange": true, "size": 7,
        "deletionVector": vector}})
}

/// A deletion vector in a file of its own: as the log holds it, and the file's path.
fn vector(number: u128) -> (Value, String) {
    let id = uuid(number);
    let descriptor = DeletionVectorDescriptor::relative(&DeletionVector::from_iter([1]), "", id, (1, 34));
    (serde_json::to_value(descriptor).unwrap(), DeletionVectorDescriptor::relative_file_name("", id))
}

fn uuid(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number)
}

fn files(builder: VacuumBuilder) -> Result<BTreeSet<String>> {
    block_on(async { builder.plan().await?.files().map_ok(|file| file.path).try_collect().await })
}

fn execute(builder: VacuumBuilder) -> Result<VacuumReport> {
    block_on(async { builder.plan().await?.execute().await })
}

/// What the newest commits say of themselves, newest first.
fn told(place: &Place, commits: usize) -> Vec<Value> {
    let snapshot = place.open();
    let entries = block_on(async { History::load(&snapshot).await?.entries(commits).await }).unwrap();
    let told = |info: &CommitInfo| json!([info.operation, info.operation_parameters, info.operation_metrics]);
    entries.iter().map(|entry| told(entry.commit_info.as_ref().unwrap())).collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_is_needed_stays_and_what_is_not_goes() {
    let place = Place::new();
    let (live_vector, live_vector_file) = vector(1);
    let (retained_vector, retained_vector_file) = vector(2);
    let (expired_vector, expired_vector_file) = vector(3);
    let absolute = format!("file://{}/absolute", place.folder.path().display());
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("behind"), "content").unwrap();
    place.commit(
        900,
        &[
            add("live"),
            add("day=1/_odd=2/live%20with%20space"),
            add(&absolute),
            add_with("with_vector", live_vector.clone()),
            add("removed_lately"),
            add("removed_long_ago"),
            add("removed_and_added_again"),
        ],
    );
    place.commit(
        500,
        &[
            remove("removed_long_ago", 500),
            remove("removed_and_added_again", 500),
            remove_with("with_vector", 500, expired_vector),
        ],
    );
    place.commit(400, &[add("removed_and_added_again")]);
    place.commit(24, &[remove("removed_lately", 24), remove_with("with_vector", 24, retained_vector)]);

    let stays = [
        "live",
        "day=1/_odd=2/live with space",
        "absolute",
        "with_vector",
        &live_vector_file,
        "removed_lately",
        "removed_and_added_again",
        &retained_vector_file,
        "_symlink_format_manifest/manifest",
        "day=1/_temporary/x",
        ".hidden",
        "_SUCCESS",
    ];
    let goes = [
        "removed_long_ago",
        &expired_vector_file,
        "never_committed",
        "day=1/never committed",
        "_odd=2/never_committed",
        "_change_data/cdc-0",
    ];
    for file in stays.iter().chain(&goes) {
        place.file(file, 800);
    }
    place.file("never_committed_but_new", WEEK - 1);
    place.file("_delta_log/_sidecars/unreferenced.parquet", 800);
    std::os::unix::fs::symlink(elsewhere.path(), place.path("link")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("behind"), place.path("linked_file")).unwrap();

    let plan = block_on(place.builder().plan()).unwrap();
    let planned: BTreeSet<String> = block_on(plan.files().map_ok(|file| file.path).try_collect()).unwrap();
    assert_eq!(planned, names(&goes));
    assert_eq!((plan.num_files(), plan.size_bytes()), (goes.len() as u64, 7 * goes.len() as u64));
    let before = place.on_disk();
    let report = block_on(plan.execute()).unwrap();
    assert_eq!(report.num_deleted_files, goes.len() as u64);
    let left: BTreeSet<String> = before.difference(&names(&goes)).cloned().collect();
    assert_eq!(place.on_disk(), left);
    assert!(elsewhere.path().join("behind").exists(), "nothing goes through a link");
    assert!(place.path("_delta_log/_sidecars/unreferenced.parquet").exists());
    assert_eq!(files(place.builder()).unwrap(), names(&[]), "a second run finds nothing");
}

#[test]
fn a_deletion_vector_of_a_live_file_is_kept_however_old() {
    let place = Place::new();
    let (vector, file) = vector(7);
    place.commit(900, &[add_with("f", vector)]);
    place.file("f", 900);
    place.file(&file, 900);
    for mode in [VacuumMode::Full, VacuumMode::Lite] {
        assert_eq!(files(place.builder().with_mode(mode)).unwrap(), names(&[]), "{mode:?}");
    }
}

#[rstest]
#[case::as_the_table_says(None, true, Ok(&["a", "b"][..]))]
#[case::longer(Some(600), true, Ok(&["a"][..]))]
#[case::shorter_is_refused(Some(1), true, Err(ErrorKind::InvalidArgument))]
#[case::shorter_by_override(Some(1), false, Ok(&["a", "b", "c"][..]))]
#[case::none_by_override(Some(0), false, Ok(&["a", "b", "c", "d"][..]))]
fn retention(
    #[case] hours: Option<u64>,
    #[case] enforced: bool,
    #[case] expected: std::result::Result<&[&str], ErrorKind>,
) {
    let place = Place::new();
    for (file, hours_ago) in [("a", 700), ("b", 500), ("c", 24), ("d", 0)] {
        place.file(file, hours_ago);
    }
    place.clock.advance_ms(1);
    let mut builder = place.builder();
    if let Some(hours) = hours {
        builder = builder.with_retention(Duration::from_secs(hours * 3600));
    }
    if !enforced {
        builder = builder.without_enforced_retention();
    }
    assert_eq!(files(builder).map_err(|error| error.kind()), expected.map(names));
}

/// A checkpoint forgets tombstones after the table's retention, so that the commits have to tell of older ones.
#[test]
fn a_longer_retention_asks_the_commits() {
    let place = Place::with(json!({"delta.deletedFileRetentionDuration": "interval 1 day"}));
    place.commit(900, &[add("f"), add("g")]);
    place.commit(500, &[remove("g", 500)]);
    place.commit(100, &[remove("f", 100)]);
    place.file("f", 900);
    place.file("g", 900);
    assert_eq!(files(place.builder()).unwrap(), names(&["f", "g"]));
    let longer = || place.builder().with_retention(Duration::from_secs(200 * 3600));
    assert_eq!(files(longer()).unwrap(), names(&["g"]));
}

#[test]
fn versions_can_be_kept() {
    let place = Place::new();
    place.commit(900, &[add("f")]);
    place.commit(800, &[remove("f", 800), add("g")]);
    place.commit(700, &[remove("g", 700)]);
    place.file("f", 900);
    place.file("g", 900);
    assert_eq!(files(place.builder().keep_versions([Version(1)])).unwrap(), names(&["g"]));
    let missing = files(place.builder().keep_versions([Version(9)])).unwrap_err();
    assert_eq!((missing.kind(), missing.context("version")), (ErrorKind::VersionNotFound, Some("9")));
}

#[test]
fn lite_goes_through_commits_and_goes_on_where_it_left() {
    let place = Place::new();
    place.commit(
        900,
        &[
            add("a"),
            add("b"),
            add("c"),
            json!({"cdc": {"path": "_change_data/x", "partitionValues": {},
        "size": 7, "dataChange": false}}),
        ],
    );
    place.commit(800, &[remove("a", 800)]);
    place.commit(24, &[remove("b", 24)]);
    for file in ["a", "b", "c", "_change_data/x", "never_committed"] {
        place.file(file, 900);
    }
    let lite = || place.builder().with_mode(VacuumMode::Lite);
    assert_eq!(files(lite()).unwrap(), names(&["a", "_change_data/x"]));
    execute(lite()).unwrap();
    assert_eq!(place.on_disk(), names(&["_change_data", "b", "c", "never_committed"]));
    let info = block_on(LastVacuumInfo::read(place.open().store())).unwrap().unwrap();
    assert_eq!(info.latest_commit_version_outside_of_retention_window, Some(Version(2)));

    assert_eq!(files(lite()).unwrap(), names(&[]));
    place.clock.advance_ms((WEEK + 1) * HOUR);
    assert_eq!(files(lite()).unwrap(), names(&["b"]), "what was not old enough the last time is not forgotten");
}

#[test]
fn lite_does_not_pass_over_commits_that_are_gone() {
    let place = Place::new();
    place.commit(900, &[add("a")]);
    place.commit(800, &[remove("a", 800)]);
    place.file("a", 900);
    let snapshot = place.open();
    std::fs::remove_file(place.path("_delta_log/00000000000000000000.json")).unwrap();
    let committer = for_table(snapshot.store());
    let error = files(VacuumBuilder::new(snapshot, committer).with_mode(VacuumMode::Lite)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::VersionNotFound);
}

#[test]
fn an_inventory_stands_for_a_listing() {
    let place = Place::new();
    place.commit(900, &[add("live")]);
    let entry = |path: &str, hours_ago: i64, is_dir| InventoryFile {
        path: path.to_owned(),
        length: 7,
        is_dir,
        modification_time: TimestampMs(NOW - hours_ago * HOUR),
    };
    let absolute = place.path("absolute").display().to_string();
    let inventory = Inventory::of(vec![
        entry("live", 800, false),
        entry("old", 800, false),
        entry(&absolute, 800, false),
        entry("day=1", 800, true),
        entry("new", 1, false),
        entry("_delta_log/00000000000000000000.json", 800, false),
        entry("_other/x", 800, false),
        entry("../outside", 800, false),
        entry("/elsewhere", 800, false),
    ]);
    assert_eq!(files(place.builder().with_inventory(inventory.clone())).unwrap(), names(&["old", "absolute"]));
    let both = place.builder().with_inventory(inventory).with_mode(VacuumMode::Lite);
    assert_eq!(files(both).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn the_history_tells_of_it() {
    let place = Place::new();
    place.file("old", 800);
    let builder = place.builder().with_retention(Duration::from_secs(200 * 3600));
    let report = execute(builder).unwrap();
    assert_eq!((report.start_version, report.end_version), (Some(Version(1)), Some(Version(2))));
    let told = told(&place, 2);
    let week = u64::try_from(WEEK * HOUR).unwrap();
    assert_eq!(
        told[1],
        json!(["VACUUM START", {"retentionCheckEnabled": true, "defaultRetentionMillis": week,
        "specifiedRetentionMillis": 720_000_000}, {"numFilesToDelete": "1", "sizeOfDataToDelete": "7"}])
    );
    assert_eq!(
        told[0],
        json!(["VACUUM END", {"status": "COMPLETED"}, {"numDeletedFiles": "1", "numVacuumedDirectories": "0"}])
    );

    let nothing = execute(place.builder()).unwrap();
    assert_eq!(nothing.start_version, None, "where there is nothing to do, nothing is told");
    place.file("old", 800);
    execute(place.builder().unrecorded()).unwrap();
    assert_eq!(place.open().version(), Version(2));
}

#[test]
fn empty_folders_go_once_they_are_old() {
    let place = Place::new();
    place.file("day=1/old", 800);
    place.file("day=2/live", 800);
    place.commit(900, &[add("day=2/live")]);
    std::fs::create_dir(place.path("day=3")).unwrap();
    age(&place.path("day=3"), 800);
    std::fs::create_dir(place.path("day=4")).unwrap();
    age(&place.path("day=4"), 1);
    let report = execute(place.builder()).unwrap();
    assert_eq!((report.num_deleted_files, report.num_vacuumed_directories), (1, 1));
    assert_eq!(place.on_disk(), names(&["day=1", "day=2", "day=2/live", "day=4"]));
}

#[test]
fn a_plan_that_cannot_hold_its_files_seeks_them_again() {
    let place = Place::new();
    (0..25).for_each(|file| place.file(&format!("day={}/old-{file}", file % 3), 800));
    let plan = block_on(place.builder().with_files_in_memory_max(10).plan()).unwrap();
    assert_eq!(plan.num_files(), 25);
    let report = block_on(plan.execute()).unwrap();
    assert_eq!(report.num_deleted_files, 25);
}

#[test]
fn files_that_cannot_be_deleted_are_an_error_and_keep_no_others() {
    let place = Place::new();
    place.file("day=1/old", 800);
    place.file("day=2/old", 800);
    let plan = block_on(place.builder().plan()).unwrap();
    // What was a file is a folder now, which no deletion of files removes.
    std::fs::remove_file(place.path("day=1/old")).unwrap();
    std::fs::create_dir(place.path("day=1/old")).unwrap();
    let error = block_on(plan.execute()).unwrap_err();
    assert_eq!((error.kind(), error.context("num_failed_files")), (ErrorKind::Storage, Some("1")));
    assert!(!place.path("day=2/old").exists());
    let failed = json!(["VACUUM END", {"status": "FAILED"}, {"numDeletedFiles": "1", "numVacuumedDirectories": "0"}]);
    assert_eq!(told(&place, 1), [failed]);
}

/// A store has no folders and deletes many files at once; everything else is the same.
#[rstest]
#[case::in_folders(json!(["day"]), "day=1/")]
#[case::in_one_place(json!([]), "")]
fn stores(#[case] partition_columns: Value, #[case] folder: &str) {
    let log = TestLog::new();
    let column = |name| json!({"name": name, "type": "string", "nullable": true, "metadata": {}});
    let schema = json!({"type": "struct", "fields": [column("n"), column("day")]});
    let metadata = json!({"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}}, "configuration": {},
        "schemaString": schema.to_string(), "partitionColumns": partition_columns}});
    let live = format!("{folder}live");
    let values = if folder.is_empty() { json!({}) } else { json!({"day": "1"}) };
    let add =
        json!({"add": {"path": live, "partitionValues": values, "size": 7, "modificationTime": 0, "dataChange": true}});
    let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}});
    log.commit_lines(0, &[&protocol.to_string(), &metadata.to_string(), &add.to_string()]);
    for name in ["live", "old", "older"] {
        log.put(&format!("{folder}{name}"), "content");
    }
    log.put("_other/x", "content");
    log.put("at the root", "content");
    // The store's clock is the machine's: ours goes ahead of it.
    let clock = Arc::new(ManualClock::new(TimestampMs(NOW * 2)));
    let store = TableStore::new(&log.root(), log.context().clone().with_clock(clock)).unwrap();
    let snapshot = block_on(Snapshot::open_in(&store, SnapshotOptions::new())).unwrap();
    let builder = VacuumBuilder::new(snapshot, for_table(&store)).unrecorded();
    let report = execute(builder).unwrap();
    assert_eq!((report.num_deleted_files, report.deleted_bytes), (3, 21));
    let left: Vec<String> = log.paths().into_iter().filter(|path| !path.starts_with("_delta_log")).collect();
    assert_eq!(left, ["_other/x".to_owned(), live]);
}

#[test]
fn a_table_that_must_not_be_written_is_not_vacuumed() {
    let place = Place::new();
    place.commit(
        900,
        &[json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"],
            "writerFeatures": ["deletionVectors", "fromTheFuture"]}})],
    );
    place.file("old", 800);
    let error = files(place.builder()).unwrap_err();
    assert_eq!((error.kind(), error.context("feature")), (ErrorKind::UnsupportedProtocol, Some("fromTheFuture")));
}
