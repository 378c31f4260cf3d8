//! Every committer passes the suite; and the local one, between processes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use deltaic_commit::committer::conformance::{Subject, all, versions_are_independent};
use deltaic_commit::committer::{Committer, Local, PutIfAbsent, for_table};
use deltaic_commit::{Operation, Transaction};
use deltaic_log::action::Action;
use deltaic_log::{Context, Snapshot, SnapshotOptions, TableStore, Version};
use deltaic_protocol_tests::CommitTable;
use deltaic_protocol_tests::commit_table::{file, metadata, txn_id};
use deltaic_protocol_tests::local::{Route, directory_url, local_context};
use futures::executor::block_on;
use serde_json::json;

#[test]
fn memory_by_conditional_put() {
    let subject = || Subject { committer: Arc::new(PutIfAbsent::new()), store: CommitTable::new().truth() };
    block_on(all(&subject));
    block_on(versions_are_independent(&subject()));
}

#[test]
fn a_catalog() {
    let subject = || {
        let table = CommitTable::managed();
        Subject { committer: table.committer.clone(), store: table.truth() }
    };
    block_on(all(&subject));
}

fn check_local(committer: fn() -> Arc<dyn Committer>, route: Route) {
    let place = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    let subject = || {
        let table = place.path().join(format!("t{}", number.replace(number.get() + 1)));
        std::fs::create_dir(&table).unwrap();
        let store = TableStore::new(&directory_url(&table), local_context(route)).unwrap();
        Subject { committer: committer(), store }
    };
    block_on(all(&subject));
    block_on(versions_are_independent(&subject()));
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

const PROCESSES: usize = 8;
const APPENDS: usize = 50;
/// What a process is told: the table, and its own name.
const CHILD: &str = "DELTAIC_TEST_COMMITTING_CHILD";

/// Many processes append to one table, some of them are killed. Every append that was reported stands exactly once.
#[test]
fn processes_append_to_one_table() {
    let place = tempfile::tempdir().unwrap();
    let store = store(place.path());
    let create = Transaction::create(&store, for_table(&store), metadata(json!({})), Operation::new("CREATE TABLE"));
    block_on(async { create.await.unwrap().commit().await.into_result() }).unwrap();

    let spawn = |name: String| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_process_that_appends", "--ignored", "--nocapture", "--test-threads=1"])
            .env(CHILD, format!("{}\n{name}", place.path().display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let survivors: Vec<_> = (0..PROCESSES).map(|number| spawn(format!("p{number}"))).collect();
    let mut killed: Vec<_> = (0..2).map(|number| spawn(format!("k{number}"))).collect();
    // The killed ones die somewhere in their work: when the table has grown by some versions.
    while newest(&store) < Version(30) {
        std::thread::yield_now();
    }
    for child in &mut killed {
        child.kill().unwrap();
    }
    let mut reported = BTreeSet::new();
    for child in survivors {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let lines = reports(&output.stdout);
        assert_eq!(lines.len(), APPENDS);
        reported.extend(lines);
    }
    for child in killed {
        reported.extend(reports(&child.wait_with_output().unwrap().stdout));
    }
    audit(&store, &reported);
}

/// Reports are `version id`. The last line of a killed process may be cut off, and says nothing then.
fn reports(output: &[u8]) -> Vec<(u64, String)> {
    let text = String::from_utf8_lossy(output);
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let reports = whole.filter_map(|line| line.trim_end().split_once("committed ")?.1.split_once(' '));
    reports.map(|(version, id)| (version.parse().unwrap(), id.to_owned())).collect()
}

fn audit(store: &TableStore, reported: &BTreeSet<(u64, String)>) {
    let newest = newest(store);
    let (mut paths, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for version in 0..=newest.0 {
        let body = block_on(Local::new().read(store, Version(version))).unwrap().expect("versions are contiguous");
        let actions = deltaic_log::commit_file::read_actions(&body).unwrap();
        ids.insert((version, txn_id(&actions).unwrap().to_owned()));
        for action in actions {
            if let Action::Add(add) = action {
                assert!(paths.insert(add.path.clone()), "{} was appended twice", add.path);
            }
        }
    }
    assert!(reported.is_subset(&ids), "a reported commit does not stand");
    for number in 0..PROCESSES {
        let appended = paths.iter().filter(|path| path.starts_with(&format!("p{number}-"))).count();
        assert_eq!(appended, APPENDS, "process {number}");
    }
    assert_eq!(paths.len() as u64, newest.0);
    let live = block_on(async { Snapshot::open_in(store, SnapshotOptions::new()).await?.files().await }).unwrap();
    assert_eq!(live.len(), paths.len());
}

#[test]
#[ignore = "a part of processes_append_to_one_table"]
fn a_process_that_appends() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let (place, name) = told.split_once('\n').unwrap();
    let store = store(Path::new(place));
    let committer = for_table(&store);
    let mut snapshot = block_on(Snapshot::open_in(&store, SnapshotOptions::new())).unwrap();
    for number in 0..APPENDS {
        // A handle that grows older with each append, on purpose, and is renewed now and then.
        if number % 10 == 9 {
            snapshot = block_on(snapshot.refresh()).unwrap();
        }
        let mut append = Transaction::begin(&snapshot, committer.clone(), Operation::new("WRITE")).unwrap();
        append.add(file(&format!("{name}-{number}"), "a", 1));
        let id = append.txn_id().to_owned();
        let committed = block_on(append.commit()).into_result().unwrap().unwrap();
        println!("committed {} {id}", committed.version);
    }
}

fn store(place: &Path) -> TableStore {
    TableStore::new(&directory_url(place), local_context(Route::Files)).unwrap()
}

fn newest(store: &TableStore) -> Version {
    let listed = block_on(store.list_log(Version(0))).unwrap();
    listed.into_iter().map(|file| file.name.version()).max().unwrap()
}
