//! Tables made to harm their reader: each gives a named error, or reads as far as it is harmless.
//!
//! Spec: [Delta Table Specification](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#delta-table-specification);
//! the log is untrusted input.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

use deltaic_log::{Result, Snapshot};
use deltaic_protocol_tests::Rng;
use deltaic_protocol_tests::TestLog;
use deltaic_protocol_tests::checkpoint_writer::{Form, Style, checkpoint};
use deltaic_protocol_tests::random_history::Historian;
use deltaic_protocol_tests::test_log::{METADATA, PROTOCOL};
use futures::executor::block_on;

const CHECKPOINT: &str = "00000000000000000000.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json";
const CHECKPOINT_METADATA: &str = r#"{"checkpointMetadata":{"version":0}}"#;

/// The number of live files, or the error's kind.
fn outcome(log: &TestLog) -> String {
    let files = |snapshot: Snapshot| block_on(snapshot.files()).map(|files| files.len());
    let found: Result<usize> = log.open(None).and_then(files);
    found.map_or_else(|error| error.kind().name().to_owned(), |files| files.to_string())
}

/// What a table of one commit with such a line gives.
fn check_line(line: &str, expected: &str) {
    let log = TestLog::new();
    log.commit_lines(0, &[PROTOCOL, METADATA, line]);
    assert_eq!(outcome(&log), expected, "{line}");
}

fn add(path: &str, size: &str) -> String {
    format!(
        r#"{{"add":{{"path":"{path}","partitionValues":{{}},"size":{size},"modificationTime":0,"dataChange":true}}}}"#
    )
}

#[test]
fn numbers_beyond_reason() {
    check_line(&add("a", "1152921504606846976"), "1");
    check_line(&add("a", "-1"), "1");
    check_line(&add("a", "9223372036854775808"), "corrupt_log");
    check_line(&add("a", "1e400"), "corrupt_log");
    check_line(r#"{"protocol":{"minReaderVersion":99999999999,"minWriterVersion":2}}"#, "corrupt_log");
    check_line(r#"{"txn":{"appId":"a","version":1.5}}"#, "corrupt_log");
}

#[test]
fn json_nested_without_end() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    check_line(&format!(r#"{{"commitInfo":{{"x":{}}}}}"#, deep(100)), "0");
    for line in [
        format!(r#"{{"commitInfo":{{"x":{}}}}}"#, deep(100_000)),
        format!(r#"{{"unheardOf":{}}}"#, deep(100_000)),
        "{\"add\":".repeat(100_000),
    ] {
        let log = TestLog::new();
        log.commit_lines(0, &[PROTOCOL, METADATA, &line]);
        assert!(matches!(outcome(&log).as_str(), "0" | "corrupt_log"));
    }
    let nested = format!(
        "{}\\\"long\\\"{}",
        r#"{\"type\":\"array\",\"containsNull\":true,\"elementType\":"#.repeat(5_000),
        "}".repeat(5_000)
    );
    let schema = format!(
        r#"{{\"type\":\"struct\",\"fields\":[{{\"name\":\"n\",\"nullable\":true,\"metadata\":{{}},\"type\":{nested}}}]}}"#
    );
    let metadata = format!(
        r#"{{"metaData":{{"id":"x","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{schema}","partitionColumns":[],"configuration":{{}}}}}}"#
    );
    let log = TestLog::new();
    log.commit_lines(0, &[PROTOCOL, &metadata]);
    assert!(matches!(outcome(&log).as_str(), "corrupt_log" | "resource_limit"), "{}", outcome(&log));
}

#[test]
fn versions_beyond_reason() {
    let log = TestLog::new();
    log.commit_lines(0, &[PROTOCOL, METADATA]);
    for name in [
        "99999999999999999999.json",
        "-0000000000000000001.json",
        "00000000000000000001.json.tmp",
        "1.json",
        ".json",
        "x.crc",
    ] {
        log.put_log(name, "no commit");
    }
    assert_eq!(outcome(&log), "0", "names that are no names of the log do not count");
    log.commit_lines(i64::MAX as u64, &[]);
    assert_eq!(outcome(&log), "version_gap");
    let vast = log.fork();
    vast.put_log(&format!("{:020}.checkpoint.parquet", i64::MAX), "no parquet");
    assert_eq!(outcome(&vast), "corrupt_log", "the checkpoint is the cause, not what is missing without it");
    let parts = log.fork();
    parts.delete(&format!("_delta_log/{:020}.json", i64::MAX));
    parts.put_log("00000000000000000000.checkpoint.0000000001.4294967295.parquet", "one of too many");
    assert_eq!(outcome(&parts), "0");
    let compaction = log.fork();
    compaction.put_log(&format!("{:020}.{:020}.compacted.json", 1, i64::MAX), "\n");
    assert_eq!(outcome(&compaction), "0", "a compaction may span whatever it spans");
}

#[test]
fn hints_beyond_reason() {
    for hint in [
        r#"{"version":9223372036854775807}"#,
        r#"{"version":18446744073709551615}"#,
        r#"{"version":18446744073709551616}"#,
        r#"{"version":-1}"#,
        r#"{"version":0,"parts":4294967295,"size":-1,"sizeInBytes":-9223372036854775808}"#,
    ] {
        let log = TestLog::new();
        log.commit_lines(0, &[PROTOCOL, METADATA, &add("a", "1")]);
        log.put_log("_last_checkpoint", hint);
        assert_eq!(outcome(&log), "1", "{hint}");
    }
}

/// What a table gives whose checkpoint, beside nothing else, refers to such a sidecar.
fn check_sidecar(path: &str, size: &str, expected: &str) {
    let sidecar = format!(r#"{{"sidecar":{{"path":"{path}","sizeInBytes":{size},"modificationTime":0}}}}"#);
    let log = TestLog::new();
    log.put("secret.parquet", "outside of the log");
    log.put_log(CHECKPOINT, [CHECKPOINT_METADATA, PROTOCOL, METADATA, &sidecar].join("\n"));
    assert_eq!(outcome(&log), expected, "{path} of {size} bytes");
}

#[test]
fn sidecars_that_are_elsewhere() {
    check_sidecar("gone.parquet", "100", "missing_file");
    for path in [
        "../secret.parquet",
        "..%2Fsecret.parquet",
        "../../etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "s3://other/x",
        "",
        ".",
        "..",
        "a//b",
        "%00",
        "%FF",
    ] {
        check_sidecar(path, "18", "corrupt_log");
    }
}

#[test]
fn sidecars_of_another_size() {
    let log = TestLog::new();
    let mut historian = Historian::new(9);
    (0..5).for_each(|_| drop(historian.commit()));
    let files = checkpoint(historian.state(), 0, Form::V2Json(1), &Style::default(), &mut Rng::new(1));
    log.checkpoint(&files);
    assert_eq!(outcome(&log), historian.state().files.len().to_string());
    let top = String::from_utf8(files[1].bytes.to_vec()).expect("it is JSON");
    let size = format!("\"sizeInBytes\":{}", files[0].bytes.len());
    for other in ["0", "1", "7", "-1", "1152921504606846976", "9223372036854775807"] {
        assert!(top.contains(&size));
        log.put_log(&files[1].name, top.replace(&size, &format!("\"sizeInBytes\":{other}")));
        assert_eq!(outcome(&log), "corrupt_log", "a sidecar of {other} bytes");
    }
}

#[test]
fn checkpoints_that_refer_to_themselves() {
    let reference = |path: &str| format!(r#"{{"sidecar":{{"path":"{path}","sizeInBytes":9,"modificationTime":0}}}}"#);
    let log = TestLog::new();
    log.put_log(
        CHECKPOINT,
        [CHECKPOINT_METADATA, PROTOCOL, METADATA, &reference(&format!("../{CHECKPOINT}"))].join("\n"),
    );
    assert_eq!(outcome(&log), "corrupt_log");
    // A sidecar is read for its files alone: what it refers to itself is no matter.
    let log = TestLog::new();
    let nested =
        [reference("s.parquet"), reference("t.parquet")].map(|line| serde_json::from_str(&line).expect("an action"));
    let sidecar = deltaic_protocol_tests::checkpoint_writer::parquet(
        "_sidecars/s.parquet".to_owned(),
        &nested,
        &Style::default(),
    );
    let reference = reference("s.parquet").replace(":9,", &format!(":{},", sidecar.bytes.len()));
    log.put_log(CHECKPOINT, [CHECKPOINT_METADATA, PROTOCOL, METADATA, &reference].join("\n"));
    log.checkpoint(&[sidecar]);
    assert_eq!(outcome(&log), "0");
}

#[test]
fn a_checkpoint_that_contradicts_itself() {
    let other = PROTOCOL.replace(":2}", ":3}");
    let log = TestLog::new();
    log.put_log(CHECKPOINT, [CHECKPOINT_METADATA, PROTOCOL, METADATA, &other].join("\n"));
    assert_eq!(outcome(&log), "corrupt_log");
}

#[test]
fn a_footer_that_lies() {
    let mut historian = Historian::new(9);
    (0..5).for_each(|_| drop(historian.commit()));
    let file = checkpoint(historian.state(), 0, Form::Classic, &Style::default(), &mut Rng::new(1)).remove(0);
    let len = file.bytes.len();
    for footer_size in [0_u32, 1, 7, 1 << 20, u32::MAX, i32::MAX as u32] {
        let mut bytes = file.bytes.to_vec();
        bytes[len - 8..len - 4].copy_from_slice(&footer_size.to_le_bytes());
        let log = TestLog::new();
        log.put_log(&file.name, bytes);
        assert_eq!(outcome(&log), "corrupt_log", "a footer of {footer_size} bytes");
    }
    for cut in 0..len {
        let log = TestLog::new();
        log.put_log(&file.name, file.bytes.slice(..cut));
        assert_eq!(outcome(&log), "corrupt_log", "cut off after {cut} of {len} bytes");
    }
}
