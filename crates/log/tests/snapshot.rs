//! Snapshots of logs written by hand: what state a log makes, and what a broken one says.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

mod log_files;

use std::sync::Arc;

use deltaic_log::{ErrorKind, ManualClock, Snapshot, SnapshotOptions, TimestampMs, Version};
use futures::executor::block_on;
use futures::stream::{StreamExt, TryStreamExt};
use log_files::{Log, METADATA, PROTOCOL, add, remove};

/// The live paths at a version, sorted; or the error's kind.
fn state(log: &Log, version: Option<u64>) -> String {
    let mut options = SnapshotOptions::new();
    options.version = version.map(Version);
    let paths = block_on(async {
        let snapshot = Snapshot::open(&log.root(), log.context(), options).await?;
        let files = snapshot.files().await?;
        let mut paths: Vec<String> = files.iter().map(|file| file.path().to_owned()).collect();
        let fresh =
            Snapshot::open(&log.root(), log.context(), SnapshotOptions::new().with_version(snapshot.version())).await?;
        let streamed: Vec<_> = fresh.stream_files().try_collect().await?;
        let mut streamed: Vec<String> =
            streamed.iter().flat_map(|chunk| chunk.files().map(|f| f.path().to_owned())).collect();
        paths.sort();
        streamed.sort();
        assert_eq!(paths, streamed, "streaming and collecting agree");
        Ok::<_, deltaic_log::Error>(paths)
    });
    paths.map_or_else(|error| error.kind().name().to_owned(), |paths| paths.join(" "))
}

fn check(log: &Log, version: Option<u64>, expected: &str) {
    assert_eq!(state(log, version), expected, "at {version:?}");
}

#[test]
fn files_come_and_go() {
    let log = Log::new()
        .commit(0, &[PROTOCOL, METADATA, &add("a"), &add("b")])
        .commit(1, &[&remove("a"), &add("c")])
        .commit(2, &[&add("a"), &remove("b")]);
    check(&log, Some(0), "a b");
    check(&log, Some(1), "b c");
    check(&log, None, "a c");
    check(&log, Some(3), "version_not_found");
}

#[test]
fn one_file_has_many_spellings() {
    let log = Log::new()
        .commit(0, &[PROTOCOL, METADATA, &add("file:///t/a%20b"), &add("p%3D1/x")])
        .commit(1, &[&remove("/t/a b"), &remove("p=1/x")]);
    check(&log, None, "");
}

#[test]
fn a_file_is_its_path_and_vector() {
    let with_vector = |action: &str, dv: &str| {
        action.replace("\"dataChange\"", &format!("\"deletionVector\":{{\"storageType\":\"i\",\"pathOrInlineDv\":\"{dv}\",\"sizeInBytes\":1,\"cardinality\":1}},\"dataChange\""))
    };
    let log = Log::new()
        .commit(0, &[PROTOCOL, METADATA, &add("a")])
        .commit(1, &[&remove("a"), &with_vector(&add("a"), "x")])
        .commit(2, &[&with_vector(&remove("a"), "x"), &with_vector(&add("a"), "y")])
        .commit(3, &[&with_vector(&remove("a"), "x")]);
    for version in 0..=3 {
        check(&log, Some(version), "a");
    }
    let last = log.commit(4, &[&with_vector(&remove("a"), "y")]);
    check(&last, None, "");
}

#[test]
fn adds_are_whole() {
    let whole = r#"{"add":{"path":"a","partitionValues":{"p":null,"q":"1"},"size":7,"modificationTime":2,"dataChange":true,"stats":"{\"numRecords\":1}","tags":{"t":"x","u":null},"deletionVector":{"storageType":"u","pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^","offset":4,"sizeInBytes":40,"cardinality":1},"baseRowId":3,"defaultRowCommitVersion":5,"clusteringProvider":"liquid"}}"#;
    let log = Log::new().commit(0, &[PROTOCOL, METADATA, whole, &add("b")]).commit(1, &[&remove("b")]);
    let snapshot = block_on(Snapshot::open(&log.root(), log.context(), SnapshotOptions::new())).unwrap();
    let adds: Vec<_> = block_on(async { snapshot.stream_adds().await.unwrap().try_concat().await.unwrap() });
    let expected: serde_json::Value = serde_json::from_str(whole).unwrap();
    let mut expected: deltaic_log::action::Add = serde_json::from_value(expected["add"].clone()).unwrap();
    expected.data_change = false;
    assert_eq!(adds, [expected]);
}

#[test]
fn what_every_log_has() {
    check(&Log::new(), None, "not_a_delta_table");
    check(&Log::new().commit(0, &[METADATA]), None, "missing_protocol");
    check(&Log::new().commit(0, &[PROTOCOL]), None, "missing_metadata");
    check(&Log::new().commit(0, &[PROTOCOL, METADATA]).commit(2, &[]), None, "version_gap");
    check(&Log::new().commit(0, &[PROTOCOL, METADATA]).commit(1, &["{\"add\":"]), None, "corrupt_log");
}

#[test]
fn a_compaction_stands_for_its_commits() {
    let log = Log::new()
        .commit(0, &[PROTOCOL, METADATA, &add("a")])
        .commit(1, &[&add("b")])
        .commit(2, &[&remove("a"), &add("c")])
        .file(
            "00000000000000000001.00000000000000000002.compacted.json",
            &[add("b"), add("c"), remove("a")].join("\n"),
        );
    check(&log, None, "b c");
    check(&log, Some(1), "a b");
    let broken = log.file("00000000000000000001.00000000000000000002.compacted.json", "{torn");
    check(&broken, None, "b c");
}

#[test]
fn a_broken_hint_hides_nothing() {
    for hint in ["", "{", "{\"version\":7}", "{\"version\":0}", "{\"version\":1,\"checksum\":\"x\"}"] {
        let log = Log::new()
            .commit(0, &[PROTOCOL, METADATA, &add("a")])
            .commit(1, &[&add("b")])
            .file("_last_checkpoint", hint);
        check(&log, None, "a b");
    }
}

#[test]
fn json_checkpoints_with_and_without_what_they_refer_to() {
    let uuid = "3a0d65cd-4056-49b8-937b-95f9e3ee90e5";
    let checkpoint = [r#"{"checkpointMetadata":{"version":1}}"#, PROTOCOL, METADATA, &add("b")].join("\n");
    let name = format!("00000000000000000001.checkpoint.{uuid}.json");
    let log = Log::new()
        .commit(0, &[PROTOCOL, METADATA, &add("a")])
        .commit(1, &[&remove("a"), &add("b")])
        .commit(2, &[&add("c")]);
    check(&log.fork().file(&name, &checkpoint), None, "b c");
    check(&log.fork().file(&name, "torn"), None, "b c");
    check(&log.fork().file(&name, ""), None, "b c");
    let dangling =
        format!("{checkpoint}\n{{\"sidecar\":{{\"path\":\"gone.parquet\",\"sizeInBytes\":9,\"modificationTime\":0}}}}");
    check(&log.fork().file(&name, &dangling), None, "b c");
    check(&log.fork().file("00000000000000000001.checkpoint.parquet", "no parquet"), None, "b c");
    // Well-formed but wrong is an error: no other file may contradict it silently.
    let wrong = log.file(&name, r#"{"checkpointMetadata":{"version":1}}"#);
    check(&wrong.fork(), None, "missing_protocol");
    // Nor may a checksum, which tells the protocol: the checkpoint once passed for one of a table without files.
    check(&wrong.file("00000000000000000002.crc", &checksum()), None, "missing_protocol");
}

fn checksum() -> String {
    format!(
        r#"{{"tableSizeBytes":2,"numFiles":2,"numMetadata":1,"numProtocol":1,{},{},"setTransactions":[],"domainMetadata":[]}}"#,
        &PROTOCOL[1..PROTOCOL.len() - 1],
        METADATA[1..METADATA.len() - 1].replace("\"metaData\"", "\"metadata\"")
    )
}

#[test]
fn a_checksum_spares_the_commits() {
    let log = Log::new()
        .commit(0, &[PROTOCOL, METADATA, &add("a")])
        .commit(1, &["{unreadable"])
        .file("00000000000000000001.crc", &checksum());
    let snapshot = block_on(Snapshot::open(&log.root(), log.context(), SnapshotOptions::new())).unwrap();
    assert_eq!(snapshot.checksum().map(|checksum| checksum.num_files), Some(2));
    assert!(block_on(snapshot.transactions()).unwrap().is_empty());
    assert_eq!(
        block_on(snapshot.files()).unwrap_err().kind(),
        ErrorKind::CorruptLog,
        "the commits themselves are still needed for files"
    );
}

#[test]
fn the_newest_transaction_and_domain_stand() {
    let txn = |version: i64| format!(r#"{{"txn":{{"appId":"app","version":{version}}}}}"#);
    let domain = |text: &str, removed: bool| {
        format!(r#"{{"domainMetadata":{{"domain":"d","configuration":"{text}","removed":{removed}}}}}"#)
    };
    let log = Log::new()
        .commit(0, &[PROTOCOL, METADATA, &txn(9), &domain("old", false)])
        .commit(1, &[&txn(3), &domain("new", false)])
        .commit(2, &[&domain("new", true)]);
    let at = |version| {
        block_on(Snapshot::open(&log.root(), log.context(), SnapshotOptions::new().with_version(Version(version))))
            .unwrap()
    };
    assert_eq!(
        block_on(at(1).transactions()).unwrap()["app"].version,
        3,
        "the newest action wins, not the highest version"
    );
    assert_eq!(block_on(at(1).domains()).unwrap()["d"].configuration, "new");
    assert!(block_on(at(2).domains()).unwrap().is_empty());
}

/// Set at 1,000 and kept for a second, it is there until 2,000: from then on it is forgotten.
#[test]
fn transactions_are_forgotten_when_their_retention_ends() {
    let txn = |app: &str, updated: &str| format!(r#"{{"txn":{{"appId":"{app}","version":1{updated}}}}}"#);
    let kept_for = |text: &str| {
        METADATA.replace(
            r#""configuration":{}"#,
            &format!(r#""configuration":{{"delta.setTransactionRetentionDuration":"{text}"}}"#),
        )
    };
    let apps = |metadata: &str, now: i64| {
        let actions = [PROTOCOL, metadata, &txn("dated", r#","lastUpdated":1000"#), &txn("undated", "")];
        let log = Log::new().commit(0, &actions);
        let context = log.context().with_clock(Arc::new(ManualClock::new(TimestampMs(now))));
        let snapshot = block_on(Snapshot::open(&log.root(), context, SnapshotOptions::new())).unwrap();
        block_on(snapshot.transactions()).map(|found| found.into_keys().collect::<Vec<_>>().join(" "))
    };
    for (metadata, now, expected) in [
        (METADATA.to_owned(), i64::MAX, "dated undated"),
        (kept_for("interval 1 second"), 1_999, "dated"),
        (kept_for("interval 1 second"), 2_000, ""),
        (kept_for("interval 1 second"), i64::MIN, "dated"),
        (kept_for("interval 1000000 weeks"), 2_000, "dated"),
    ] {
        assert_eq!(apps(&metadata, now).unwrap(), expected, "{metadata} at {now}");
    }
    assert_eq!(apps(&kept_for("often"), 0).unwrap_err().kind(), ErrorKind::InvalidProperty);
}

#[test]
fn refresh_agrees_with_opening_anew() {
    let mut log = Log::new().commit(0, &[PROTOCOL, METADATA, &add("f0")]);
    let mut listed = block_on(Snapshot::open(&log.root(), log.context(), SnapshotOptions::new())).unwrap();
    let mut lazy = listed.clone();
    for version in 1..40_u64 {
        let gone = format!("f{}", version / 2);
        log = log.commit(version, &[&add(&format!("f{version}")), &remove(&gone)]);
        listed = block_on(listed.refresh()).unwrap();
        lazy = block_on(lazy.refresh()).unwrap();
        assert_eq!(listed.version(), Version(version));
        let files = block_on(listed.files()).unwrap();
        let mut paths: Vec<_> = files.iter().map(|file| file.path()).collect();
        paths.sort_unstable();
        assert_eq!(paths.join(" "), state(&log, None));
    }
    assert_eq!(block_on(lazy.files()).unwrap().len(), block_on(listed.files()).unwrap().len());
    let again = block_on(listed.refresh()).unwrap();
    assert_eq!(again.version(), listed.version());
}

#[test]
fn tombstones_stand_until_their_file_is_back() {
    let at = |path: &str, time: i64| {
        remove(path).replace("\"deletionTimestamp\":1", &format!("\"deletionTimestamp\":{time}"))
    };
    let uuid = "3a0d65cd-4056-49b8-937b-95f9e3ee90e5";
    let checkpoint =
        [r#"{"checkpointMetadata":{"version":1}}"#, PROTOCOL, METADATA, &at("a", 10), &at("b", 20)].join("\n");
    let log = Log::new()
        .commit(0, &[PROTOCOL, METADATA, &add("a"), &add("b")])
        .commit(1, &[&at("a", 10), &at("b", 20)])
        .commit(2, &[&add("a"), &add("c")])
        .commit(3, &[&at("c", 30), &remove("d").replace(r#""deletionTimestamp":1,"#, "")]);
    let check = |log: &Log, after: i64, expected: &str| {
        let snapshot = block_on(Snapshot::open(&log.root(), log.context(), SnapshotOptions::new())).unwrap();
        let mut paths: Vec<_> = block_on(
            snapshot.stream_tombstones(TimestampMs(after)).map_ok(|remove| remove.path).try_collect::<Vec<_>>(),
        )
        .unwrap();
        paths.sort();
        assert_eq!(paths.join(" "), expected, "after {after}");
    };
    for log in [log.fork(), log.file(&format!("00000000000000000001.checkpoint.{uuid}.json"), &checkpoint)] {
        check(&log, -1, "b c d");
        check(&log, 0, "b c");
        check(&log, 20, "c");
        check(&log, 30, "");
    }
}

#[test]
fn times_mean_versions() {
    let info = |time: i64| format!(r#"{{"commitInfo":{{"inCommitTimestamp":{time}}}}}"#);
    let on = METADATA.replace("\"configuration\":{", "\"configuration\":{\"delta.enableInCommitTimestamps\":\"true\"");
    let log = Log::new().commit(0, &[&info(100), PROTOCOL, &on]).commit(1, &[&info(200)]).commit(2, &[&info(300)]);
    let snapshot = block_on(Snapshot::open(&log.root(), log.context(), SnapshotOptions::new())).unwrap();
    let history = block_on(deltaic_log::History::load(&snapshot)).unwrap();
    for (time, expected) in [(99, None), (100, Some(0)), (199, Some(0)), (200, Some(1)), (300, Some(2)), (301, None)] {
        let found = block_on(history.version_at(TimestampMs(time)));
        assert_eq!(found.as_ref().ok().map(|version| version.0), expected, "{time}: {found:?}");
        if let Err(error) = found {
            assert_eq!(error.kind(), ErrorKind::VersionNotFound);
            assert!(error.message().contains("versions 0 to 2"), "{error}");
        }
    }
    let entries = block_on(history.entries(2)).unwrap();
    assert_eq!(
        entries.iter().map(|entry| (entry.version.0, entry.timestamp.0)).collect::<Vec<_>>(),
        [(2, 300), (1, 200)]
    );
    assert_eq!(block_on(history.first_version_from(TimestampMs(150))).unwrap(), Some(Version(1)));
    assert_eq!(block_on(history.first_version_from(TimestampMs(301))).unwrap(), None);
}

#[test]
fn a_stream_that_is_dropped_costs_nothing_more() {
    let log = Log::new().commit(0, &[PROTOCOL, METADATA, &add("a")]);
    let context = log.context().with_clock(Arc::new(ManualClock::new(TimestampMs(0))));
    let snapshot = block_on(Snapshot::open(&log.root(), context, SnapshotOptions::new())).unwrap();
    let first = block_on(snapshot.stream_files().next()).unwrap().unwrap();
    assert_eq!(first.live_files(), 1);
    assert!(snapshot.files_if_read().is_none());
}
