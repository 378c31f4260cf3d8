//! The command, run on fixtures as a user runs it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const PARTITIONED: &str = "change_data_feed/partitioned";
const UPDATED: &str = "add_file_and_remove_file/delete_update_merge";

fn fixture(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(case)
}

fn expected(case: &str) -> Value {
    serde_json::from_slice(&std::fs::read(fixture(case).join("expected.json")).unwrap()).unwrap()
}

/// Runs `deltaic VERB TABLE ARGUMENTS`; an empty case means no table.
fn deltaic(verb: &str, case: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deltaic"));
    command.arg(verb);
    if !case.is_empty() {
        command.arg(fixture(case).join("table"));
    }
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn check(verb: &str, case: &str, arguments: &[&str], code: i32) -> String {
    let output = deltaic(verb, case, arguments);
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{verb} {case} {arguments:?}\n{out}\n{error}");
    assert!(!out.contains('\u{1b}'), "colours are for terminals: {out}");
    if code > 1 { error.into_owned() } else { out.into_owned() }
}

fn json(verb: &str, case: &str, arguments: &[&str]) -> Value {
    serde_json::from_str(&check(verb, case, &[arguments, &["--json"]].concat(), 0)).unwrap()
}

#[test]
fn show_says_what_the_writer_says() {
    for case in [PARTITIONED, UPDATED, "column_mapping/name_rename_and_drop"] {
        let (shown, expected) = (json("show", case, &[]), expected(case));
        assert_eq!(shown["version"], expected["version"], "{case}");
        assert_eq!(shown["files"], expected["num_files"], "{case}");
        assert_eq!(shown["rows"], expected["num_rows"], "{case}");
        assert_eq!(shown["partitionColumns"], expected["partition_columns"], "{case}");
    }
    let text = check("show", PARTITIONED, &[], 0);
    for part in ["version", "protocol", "changeDataFeed", "schema", "(partition column)", "properties", "commits"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn read_gives_the_writers_rows() {
    for case in [PARTITIONED, UPDATED, "column_mapping/name_rename_and_drop"] {
        let lines = check("read", case, &["--format", "json"], 0);
        let sorted = |mut rows: Vec<String>| {
            rows.sort();
            rows
        };
        let rows = sorted(lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap().to_string()).collect());
        let expected = expected(case);
        let expected = sorted(expected["rows"].as_array().unwrap().iter().map(Value::to_string).collect());
        assert_eq!(rows, expected, "{case}");
    }
}

#[test]
fn read_takes_columns_conditions_limits_and_versions() {
    assert_eq!(check("read", PARTITIONED, &["--columns", "id", "--where", "id = 70"], 0), "id\n70\n");
    assert_eq!(check("read", PARTITIONED, &["--where", "id = -1"], 0).lines().count(), 1);
    assert_eq!(check("read", PARTITIONED, &["--limit", "2", "--format", "csv"], 0).lines().count(), 3);
    let pruned = check("read", PARTITIONED, &["--where", "p = 'x=y'", "--format", "json"], 0);
    let whole = check("read", PARTITIONED, &["--where", "p = 'x=y'", "--format", "json", "--no-pruning"], 0);
    assert_eq!(pruned, whole);
    assert_eq!(check("read", PARTITIONED, &["--version", "0", "--format", "json"], 0), "");
    assert_eq!(check("read", PARTITIONED, &["--version", "1", "--format", "json"], 0).lines().count(), 9);
}

#[test]
fn files_appear_complete_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    for (format, begins) in [("parquet", &b"PAR1"[..]), ("arrow", b"ARROW1"), ("csv", b"id,p"), ("json", b"{")] {
        let path = folder.path().join(format!("rows.{format}"));
        check("read", PARTITIONED, &["--format", format, "--output", path.to_str().unwrap()], 0);
        assert!(std::fs::read(&path).unwrap().starts_with(begins), "{format}");
    }
    let failed = folder.path().join("failed");
    check("read", PARTITIONED, &["--where", "1 / (id - id) > 0", "--output", failed.to_str().unwrap()], 7);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
}

#[test]
fn files_history_schema_and_log() {
    let files = check("files", PARTITIONED, &["--json"], 0);
    assert_eq!(files.lines().count() as u64, expected(PARTITIONED)["num_files"].as_u64().unwrap());
    assert_eq!(check("files", PARTITIONED, &["--limit", "1"], 0).lines().count(), 2);
    let matching = check("files", PARTITIONED, &["--where", "p = 'x=y'", "--json"], 0);
    assert!((1..files.lines().count()).contains(&matching.lines().count()), "{matching}");
    assert!(matching.lines().all(|line| line.contains("x=y")), "{matching}");
    let history = json("history", PARTITIONED, &["--limit", "2"]);
    assert_eq!(history[0]["version"], expected(PARTITIONED)["version"]);
    assert_eq!(history.as_array().unwrap().len(), 2);
    assert!(check("history", PARTITIONED, &[], 0).contains("UPDATE"));
    assert_eq!(check("schema", PARTITIONED, &[], 0), "id: long\np: string  (partition column)\n");
    assert_eq!(json("schema", PARTITIONED, &[])["type"], "struct");
    let log = check("log", PARTITIONED, &["--version", "0"], 0);
    assert!(log.contains("metaData") && log.contains("protocol"), "{log}");
    check("log", PARTITIONED, &["--version", "99"], 3);
}

#[test]
fn check_finds_nothing_in_sound_tables_and_something_in_a_broken_one() {
    for case in [PARTITIONED, UPDATED] {
        assert!(check("check", case, &["--deep"], 0).contains("no findings"));
    }
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("table");
    copy(&fixture(PARTITIONED).join("table"), &table);
    std::fs::remove_file(table.join("_delta_log/00000000000000000001.json")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_deltaic")).arg("check").arg(&table).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("not contiguous") && text.contains("PROTOCOL.md#delta-log-entries"), "{text}");
}

#[test]
fn changes_are_those_of_the_writer() {
    for case in [PARTITIONED, "change_data_feed/each_operation"] {
        let expected = expected(case);
        let from = expected["changes"]["from_version"].to_string();
        let lines = check("changes", case, &["--from", &from, "--format", "json"], 0);
        assert_eq!(lines.lines().count(), expected["changes"]["rows"].as_array().unwrap().len(), "{case}");
    }
    assert_eq!(
        check("changes", PARTITIONED, &["--from", "2", "--to", "2", "--limit", "1", "--format", "csv"], 0)
            .lines()
            .count(),
        2
    );
    check("changes", PARTITIONED, &["--from", "99"], 3);
    let chosen = |predicate: &str| {
        let arguments = ["--from", "2", "--columns", "_change_type,id", "--where", predicate, "--format", "csv"];
        check("changes", PARTITIONED, &arguments, 0)
    };
    let updated = chosen("_change_type LIKE 'update%' AND _commit_version >= 2");
    assert!(updated.starts_with("_change_type,id\nupdate_"), "{updated}");
    assert_eq!(chosen("_commit_version < 0"), "_change_type,id\n");
    check("changes", PARTITIONED, &["--from", "2", "--columns", "nope"], 2);
    check("changes", PARTITIONED, &["--from", "2", "--where", "id ="], 2);
}

#[test]
fn mistakes_have_their_exit_codes() {
    check("read", PARTITIONED, &["--where", "nope = 1"], 2);
    check("read", PARTITIONED, &["--where", "id ="], 2);
    check("read", PARTITIONED, &["--format", "xml"], 2);
    check("read", PARTITIONED, &["--version", "99"], 3);
    check("read", PARTITIONED, &["--timestamp", "1999-01-01"], 3);
    check("read", PARTITIONED, &["--timestamp", "yesterday"], 2);
    check("show", "change_data_feed/no_such", &[], 3);
    check("frobnicate", "", &[], 2);
    assert!(check("completions", "", &["bash"], 0).contains("deltaic"));
}

#[test]
fn mistakes_are_named() {
    for (verb, case, arguments, code, message) in [
        ("read", PARTITIONED, &["--columns", "nope"][..], 2, "there are id, p"),
        ("read", PARTITIONED, &["--limit", "-1"], 2, "invalid value '-1' for '--limit"),
        ("read", PARTITIONED, &["--output", "/no/such/rows.csv"], 6, "/no/such/rows.csv: No such file"),
        ("read", PARTITIONED, &["--output", env!("CARGO_MANIFEST_DIR")], 6, "crates/cli: is a directory"),
        ("read", PARTITIONED, &["--json", "--format", "csv"], 2, "cannot be used with"),
        ("changes", PARTITIONED, &[], 2, "--from-timestamp"),
    ] {
        let error = check(verb, case, arguments, code);
        assert!(error.contains(message), "{verb} {arguments:?}: {error}");
    }
}

#[test]
fn a_file_is_no_table() {
    let file = fixture("README.md");
    assert!(check("show", "", &[file.to_str().unwrap()], 3).contains("no Delta table here"));
}

#[test]
fn maps_are_read_whatever_their_keys_are() {
    for case in ["data_files/nested_types", "type_widening/nested"] {
        for format in ["table", "csv", "json"] {
            let rows = check("read", case, &["--format", format], 0);
            assert!(!rows.is_empty(), "{case} {format}");
        }
        assert_eq!(check("read", case, &["--json"], 0), check("read", case, &["--format", "json"], 0));
    }
    let nested = check("read", "data_files/nested_types", &["--where", "id = 1", "--columns", "m", "--json"], 0);
    assert_eq!(nested, "{\"m\":{\"{\\\"k\\\":1}\":{\"a\":[{\"x\":1},null]}}}\n");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deltaic"));
    command.arg("read").arg(fixture("data_files/many_row_groups").join("table")).args(["--format", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 8];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut first).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[test]
fn the_log_is_kept_short() {
    let copy = tempfile::tempdir().unwrap();
    let (from, log) = (fixture(UPDATED).join("table/_delta_log"), copy.path().join("_delta_log"));
    std::fs::create_dir(&log).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), log.join(entry.file_name())).unwrap();
    }
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deltaic"));
        command.args([arguments[0], copy.path().to_str().unwrap()]).args(&arguments[1..]).output().unwrap()
    };
    let written: Value = serde_json::from_slice(&run(&["checkpoint", "--json"]).stdout).unwrap();
    let expected = expected(UPDATED);
    assert_eq!((&written["version"], &written["files"]), (&expected["version"], &expected["num_files"]));
    assert!(copy.path().join(written["path"].as_str().unwrap()).is_file());
    let shown: Value = serde_json::from_slice(&run(&["show", "--json"]).stdout).unwrap();
    assert_eq!(shown["files"], expected["num_files"]);
    let text = String::from_utf8(run(&["checkpoint"]).stdout).unwrap();
    assert!(text.contains("tombstones") && text.contains(".checkpoint.parquet"), "{text}");
    assert_eq!(run(&["checkpoint", "--form", "v2"]).status.code(), Some(2), "the table lacks the feature");

    let compacted: Value = serde_json::from_slice(&run(&["compact-logs", "--from", "0", "--json"]).stdout).unwrap();
    assert_eq!((&compacted["start"], &compacted["end"]), (&0.into(), &expected["version"]));
    let text = String::from_utf8(run(&["compact-logs", "--from", "0"]).stdout).unwrap();
    assert!(text.contains("there already"), "{text}");
    assert!(String::from_utf8(run(&["compact-logs"]).stdout).unwrap().contains("nothing to do"));
    assert_eq!(run(&["compact-logs", "--from", "9", "--to", "3"]).status.code(), Some(2));

    let text = String::from_utf8(run(&["cleanup", "--dry-run"]).stdout).unwrap();
    assert!(text.contains("0 files would be deleted") && text.contains("no commit is as old"), "{text}");
    let plan: Value = serde_json::from_slice(&run(&["cleanup", "--json"]).stdout).unwrap();
    assert_eq!((&plan["dryRun"], &plan["files"]), (&false.into(), &serde_json::json!([])));
}

/// Runs `deltaic ARGUMENTS`, with a text for it to read.
fn run(arguments: &[&str], input: &str) -> (i32, String) {
    use std::io::Write;
    let mut command = Command::new(env!("CARGO_BIN_EXE_deltaic"));
    let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn tables_are_made_written_and_deleted_from() {
    let place = tempfile::tempdir().unwrap();
    let table = place.path().join("table");
    let table = table.to_str().unwrap();
    let (code, text) = run(
        &[
            "create",
            table,
            "--column",
            "id:long!",
            "--column",
            "p:string",
            "--column",
            "price:decimal(10,2)",
            "--partition-by",
            "p",
            "--property",
            "delta.enableDeletionVectors=true",
            "--constraint",
            "positive=id > 0",
        ],
        "",
    );
    assert_eq!((code, text.as_str()), (0, "version  0\n"));
    let (code, text) = run(&["create", table, "--column", "id:long", "--if-not-exists"], "");
    assert!(code == 0 && text.starts_with("nothing to do"), "{text}");
    let csv = "id,p,price\n1,a,1.5\n2,b,2.25\n3,,10\n";
    let append = ["write", table, "--from", "-", "--format", "csv", "--mode", "append"];
    let (code, text) = run(&[&append[..], &["--json"]].concat(), csv);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &report["version"], &report["metrics"]["numFiles"]), (0, &Value::from(1), &Value::from(3)));
    let (code, text) = run(&append, "id,p,price\n0,a,1\n");
    assert!(code == 7 && text.contains("positive"), "{code}: {text}");
    let (code, text) = run(&append, "id,q\n1,a\n");
    assert!(code == 2 && text.contains("q"), "{code}: {text}");
    let json =
        ["write", table, "--from", "-", "--format", "json", "--mode", "append", "--app-id", "a", "--app-version", "1"];
    let row = "{\"id\": 4, \"p\": \"a\", \"price\": 0.1}\n";
    assert_eq!(run(&json, row).0, 0);
    assert!(run(&json, row).1.starts_with("nothing to do"));
    let (code, text) = run(&["delete", table, "--where", "id = 2", "--dry-run"], "");
    assert!(code == 0 && text.contains("deletionVectors"), "{text}");
    assert_eq!(run(&["delete", table, "--where", "id IN (1, 2)"], "").0, 0);
    let update = ["update", table, "--set", "price = price + 1", "--set", "p = 'new'", "--where", "id = 4"];
    assert_eq!(run(&update, "").0, 0);
    let (code, text) = run(&["update", table, "--set", "price = 0.001"], "");
    assert!(code == 7 && text.contains("0.001"), "{code}: {text}");
    let (_, rows) = run(&["read", table, "--format", "csv"], "");
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.sort_unstable();
    assert_eq!(rows, ["3,,10.00", "4,new,1.10", "id,p,price"]);
    let (code, text) = run(&["restore", table, "--version", "1", "--dry-run"], "");
    assert!(code == 0 && text.contains("restored"), "{code}: {text}");
    assert_eq!(run(&["restore", table, "--version", "1"], "").0, 0);
    assert_eq!(run(&["read", table, "--columns", "id", "--format", "csv"], "").1.lines().count(), 4);
    assert_eq!(run(&["restore", table, "--version", "99"], "").0, 3);
    assert_eq!(run(&["restore", table], "").0, 2);
    assert_eq!(run(&["check", table, "--deep"], "").0, 0);
}

#[test]
fn what_one_verb_prints_another_reads() {
    let place = tempfile::tempdir().unwrap();
    for (format, file) in [("parquet", "f.parquet"), ("arrow", "f.arrow"), ("json", "f.json"), ("csv", "f.csv")] {
        let file = place.path().join(file);
        let file = file.to_str().unwrap();
        check("read", PARTITIONED, &["--format", format, "--output", file], 0);
        let table = place.path().join(format);
        let table = table.to_str().unwrap();
        let (code, text) = run(&["write", table, "--from", file], "");
        assert_eq!(code, 0, "{format}: {text}");
        let rows = |text: String| {
            let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
            rows.sort_unstable();
            rows
        };
        let expected = rows(check("read", PARTITIONED, &["--columns", "id", "--format", "csv"], 0));
        assert_eq!(rows(run(&["read", table, "--columns", "id", "--format", "csv"], "").1), expected, "{format}");
        let like = place.path().join(format!("like-{format}"));
        assert_eq!(run(&["create", like.to_str().unwrap(), "--like", file], "").0, 0);
    }
}
