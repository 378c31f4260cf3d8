//! What a store's client does by itself, on a real connection: it asks again after some answers, and tells of it in the text of
//! its errors alone. What is reported of a commit is true all the same, and costs no more requests than it must.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use deltaic_commit::committer::PutIfAbsent;
use deltaic_commit::{CommitOutcome, Operation, Transaction};
use deltaic_log::{ErrorKind, Snapshot, Version};
use deltaic_protocol_tests::row_table::{RowTable, append, stage};
use deltaic_protocol_tests::writers::runtime;
use deltaic_protocol_tests::{ObjectServer, Scripted};
use rstest::rstest;
use serde_json::json;

use Scripted::{DoAndFail, DoAndHangUp, Fail};

/// A server, and a table there at version 0.
async fn table(committer: &Arc<PutIfAbsent>) -> (ObjectServer, RowTable) {
    let server = ObjectServer::start();
    let table = RowTable::new("gs://bucket/table", &server.options());
    table.create(committer.clone(), json!({})).await;
    (server, table)
}

/// An append that wrote its file and is ready to commit.
async fn begin(held: &Snapshot, committer: Arc<PutIfAbsent>, writer: &str) -> Transaction {
    let mut append = Transaction::begin(held, committer, Operation::new("WRITE")).unwrap();
    append.add(stage(held.store(), &(writer.to_owned(), 0)).await);
    append
}

/// An append whose commit meets that script; and how often it was put.
async fn scripted(script: &[Scripted]) -> (RowTable, CommitOutcome, usize) {
    let committer = Arc::new(PutIfAbsent::without_probe());
    let (server, table) = table(&committer).await;
    let append = begin(&table.open().await, committer, "w").await;
    server.take_asked();
    server.script(script.iter().copied());
    let outcome = append.commit().await;
    let puts = server.take_asked().iter().filter(|asked| is_commit(asked)).count();
    (table, outcome, puts)
}

fn is_commit(asked: &str) -> bool {
    asked.starts_with("PUT ") && asked.ends_with(".json")
}

#[rstest]
#[case::lost(&[Fail(500), Fail(503)], 3)]
#[case::landed(&[DoAndFail(500)], 2)]
#[case::landed_and_refused_then(&[DoAndFail(503), Fail(403)], 2)]
#[case::landed_and_unauthenticated_then(&[DoAndFail(500), Fail(500), Fail(401)], 3)]
#[case::busy_and_refused_then_but_taken_at_last(&[Fail(500), Fail(403)], 3)]
#[case::hung_up(&[DoAndHangUp], 2)]
fn a_commit_is_settled(#[case] script: &[Scripted], #[case] puts: usize) {
    runtime().block_on(async {
        let (table, outcome, put) = scripted(script).await;
        assert_eq!(outcome.into_result().unwrap().unwrap().version, Version(1));
        assert_eq!(put, puts);
        assert_eq!(table.rows().await, [("w".to_owned(), 0)]);
    });
}

/// Asked once and refused: nothing was put, and that is known at once.
#[rstest]
#[case::forbidden(403)]
#[case::unauthenticated(401)]
#[case::no_bucket(404)]
fn what_is_refused_at_once_is_not_committed(#[case] status: u16) {
    runtime().block_on(async {
        let (table, outcome, puts) = scripted(&[Fail(status)]).await;
        let CommitOutcome::NotCommitted(error) = outcome else { panic!("{outcome:?}") };
        assert_eq!((error.kind(), puts), (ErrorKind::Storage, 1));
        assert!(error.message().contains("check bucket, credentials and permissions"), "{error}");
        assert!(table.rows().await.is_empty());
    });
}

/// From a held handle: the data file, whether the handle's version is still in the log, the commit. The trial and the version's
/// checksum are apart.
#[test]
fn an_append_costs_three_requests() {
    runtime().block_on(async {
        let committer = Arc::new(PutIfAbsent::new());
        let (server, table) = table(&committer).await;
        assert_eq!(committer.probe_requests(), 3);
        let asked = server.take_asked();
        assert_eq!(asked.len(), 1 + 3 + 1 + 1, "a list, the trial, the commit, the checksum: {asked:?}");
        assert!(asked[1..4].iter().all(|asked| asked.contains("/_delta_log/.put-if-absent.")), "{asked:?}");

        let held = table.open().await;
        server.take_asked();
        check_append(&server, &held, &committer, 0).await;
        let held = held.refresh().await.unwrap();
        server.take_asked();
        check_append(&server, &held, &committer, 1).await;
        assert_eq!(committer.probe_requests(), 3);
    });
}

async fn check_append(server: &ObjectServer, held: &Snapshot, committer: &Arc<PutIfAbsent>, n: i64) {
    append(held, committer.clone(), &("w".to_owned(), n)).await;
    let asked = server.take_asked();
    let (data, commit) = asked.split_first().unwrap();
    assert!(data.starts_with(&format!("PUT /bucket/table/w-{n}-")), "{data}");
    let log = "/bucket/table/_delta_log/";
    let (commit, checksum) = commit.split_at(2);
    assert_eq!(commit, [format!("HEAD {log}{n:020}.json"), format!("PUT {log}{:020}.json", n + 1)]);
    let (put, read) = checksum.split_last().unwrap();
    assert_eq!(*put, format!("PUT {log}{:020}.crc", n + 1));
    assert!(read.is_empty() || read == [format!("GET {log}{n:020}.crc")], "{read:?}");
}

/// A writer that has fallen behind puts once in vain, reads what came first, and puts again.
#[test]
fn a_stale_append_reads_each_winner_once() {
    runtime().block_on(async {
        let committer = Arc::new(PutIfAbsent::new());
        let (server, table) = table(&committer).await;
        let stale = table.open().await;
        for n in 0..3 {
            append(&stale.refresh().await.unwrap(), committer.clone(), &("other".to_owned(), n)).await;
        }
        let ours = begin(&stale, committer, "w").await;
        server.take_asked();
        assert_eq!(ours.commit().await.into_result().unwrap().unwrap().version, Version(4));
        let mut asked = server.take_asked();
        asked.retain(|asked| !asked.ends_with(".crc"));
        asked.sort();
        let log = "/bucket/table/_delta_log/";
        let mut expected = vec![format!("HEAD {log}{:020}.json", 0)];
        // The body that stands as version 1; two winners after it; and the one that is not there yet.
        expected.extend((1..=4).map(|version| format!("GET {log}{version:020}.json")));
        expected.extend([1, 4].map(|version| format!("PUT {log}{version:020}.json")));
        expected.sort();
        assert_eq!(asked[..], expected[..], "{asked:#?}");
    });
}
