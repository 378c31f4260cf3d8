//! Every committer passes the suite, and keeps processes apart.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::sync::Arc;

use deltaic_commit::committer::conformance::{Subject, all, all_in_order};
use deltaic_commit::committer::{Committer, Local, PutIfAbsent, for_table};
use deltaic_log::{Context, TableStore};
use deltaic_protocol_tests::local::{Route, directory_url, local_context};
use deltaic_protocol_tests::row_table::RowTable;
use deltaic_protocol_tests::writers::{self, Work, runtime};
use deltaic_protocol_tests::{CommitTable, ObjectServer};
use futures::executor::block_on;

#[test]
fn memory_by_conditional_put() {
    let subject = || Subject { committer: Arc::new(PutIfAbsent::new()), store: CommitTable::new().truth() };
    block_on(all(&subject));
}

#[test]
fn a_catalog() {
    let subject = || {
        let table = CommitTable::managed();
        Subject { committer: table.committer.clone(), store: table.truth() }
    };
    block_on(all_in_order(&subject));
}

fn check_local(committer: fn() -> Arc<dyn Committer>, route: Route) {
    let place = tempfile::tempdir().unwrap();
    let number = Cell::new(0);
    let subject = || {
        let table = place.path().join(format!("t{}", number.replace(number.get() + 1)));
        std::fs::create_dir(&table).unwrap();
        let store = TableStore::new(&directory_url(&table), local_context(route)).unwrap();
        Subject { committer: committer(), store }
    };
    block_on(all(&subject));
    // Nothing is left behind, either.
    for entry in std::fs::read_dir(place.path()).unwrap() {
        for file in std::fs::read_dir(entry.unwrap().path().join("_delta_log")).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            assert!(name.ends_with(".json") && !name.starts_with('.'), "{name}");
        }
    }
}

#[test]
fn local_files() {
    check_local(|| Arc::new(Local::new()), Route::Files);
}

#[test]
fn local_files_unsynced() {
    check_local(|| Arc::new(Local::unsynced()), Route::Files);
}

#[test]
fn local_files_by_conditional_put() {
    check_local(|| Arc::new(PutIfAbsent::new()), Route::ObjectStore);
}

#[test]
fn the_committer_of_a_table_suits_its_storage() {
    let place = tempfile::tempdir().unwrap();
    let of =
        |context: Context| format!("{:?}", for_table(&TableStore::new(&directory_url(place.path()), context).unwrap()));
    assert!(of(local_context(Route::Files)).starts_with("Local"));
    assert!(of(local_context(Route::ObjectStore)).starts_with("PutIfAbsent"));
    assert!(format!("{:?}", for_table(&CommitTable::new().truth())).starts_with("PutIfAbsent"));
}

/// Many processes append to one table, some of them are killed. Every append that was reported stands exactly once.
#[test]
fn processes_append_to_a_local_table() {
    let place = tempfile::tempdir().unwrap();
    Work::USUAL.check(&RowTable::local(place.path()), 1);
}

#[test]
fn google_storage() {
    let server = ObjectServer::start();
    let number = Cell::new(0);
    let subject = || {
        let table = RowTable::new(format!("gs://bucket/t{}", number.replace(number.get() + 1)), &server.options());
        Subject { committer: Arc::new(PutIfAbsent::new()), store: table.store() }
    };
    runtime().block_on(all(&subject));
}

#[test]
fn processes_append_to_a_table_on_google_storage() {
    let server = ObjectServer::start();
    Work::USUAL.check(&RowTable::new("gs://bucket/shared", &server.options()), 2);
}

#[test]
#[ignore = "a part of other tests"]
fn a_process_that_appends() {
    writers::child();
}
