//! The `deltalake` package.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::process::Command;

use deltaic_commit::committer::for_table;
use deltaic_protocol_tests::row_table::{Options, Row, RowTable};
use deltaic_protocol_tests::writers::{Writer, audit, runtime};
use serde::Deserialize;
use serde_json::json;

use crate::script;

const APPENDS: i64 = 20;
/// Writers of either engine.
const WRITERS: usize = 3;

#[test]
#[ignore = "needs the deltalake package: `cargo xtask test` installs it"]
fn deltalake_writes_to_a_local_table_at_the_same_time() {
    let place = tempfile::tempdir().unwrap();
    check(&RowTable::local(place.path()));
}

#[test]
#[ignore = "needs the deltalake package and an S3 server: `cargo xtask test` starts one"]
fn deltalake_writes_to_a_table_on_s3_at_the_same_time() {
    let server = std::env::var("DELTAIC_TEST_S3").expect("the address of an S3 server");
    put(&server, "/together");
    let given = [
        ("AWS_ENDPOINT_URL", server.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test-secret"),
    ];
    let options: Options = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    check(&RowTable::new("s3://together/table", &options));
}

/// Makes a bucket.
fn put(server: &str, path: &str) {
    let host = server.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(stream, "PUT {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Writers of both engines append at the same time: every row is there once, and both read the same.
fn check(table: &RowTable) {
    runtime().block_on(table.create(for_table(&table.store()), json!({})));
    let ours = (0..WRITERS).map(|number| Writer::spawn(table, &format!("ours{number}"), APPENDS));
    let theirs = (0..WRITERS).map(|number| {
        let name = format!("theirs{number}");
        let mut append = deltalake("append", table);
        Writer::of(&name, append.args([&name, &APPENDS.to_string()]))
    });
    let writers: Vec<Writer> = theirs.chain(ours).collect();
    let mut reported = BTreeSet::new();
    for writer in writers {
        reported.extend(writer.finish(APPENDS));
    }
    let rows = runtime().block_on(audit(table, &reported));
    assert_eq!(rows.len() as i64, 2 * WRITERS as i64 * APPENDS);
    let theirs = read(table);
    assert_eq!(theirs.rows, rows.into_iter().collect::<Vec<_>>());
    assert_eq!(theirs.version, 2 * WRITERS as u64 * APPENDS as u64);
}

/// What the other engine reads.
#[derive(Deserialize)]
struct Reading {
    version: u64,
    rows: Vec<Row>,
}

fn read(table: &RowTable) -> Reading {
    let output = deltalake("read", table).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn deltalake(what: &str, table: &RowTable) -> Command {
    let python = std::env::var("DELTAIC_TEST_DELTALAKE").expect("a Python that has the deltalake package");
    let mut command = Command::new(python);
    command.arg(script("deltalake_rows.py")).arg(what).arg(serde_json::to_string(table).unwrap());
    command
}
