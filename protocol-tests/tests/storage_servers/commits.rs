//! What must hold of commits on every server.

use std::cell::Cell;
use std::sync::Arc;

use deltaic_commit::PutOutcome;
use deltaic_commit::committer::conformance::{Subject, all};
use deltaic_commit::committer::{PutIfAbsent, for_table};
use deltaic_log::{Context, ErrorKind, SingleStore, Snapshot, SnapshotOptions, TableStore, Version};
use deltaic_protocol_tests::row_table::{Options, RowTable, append};
use deltaic_protocol_tests::writers::Work;
use deltaic_protocol_tests::{CountingStore, Counts};
use serde_json::json;

/// The conditional put of the server keeps the suite, in tables under `folder`.
pub(crate) async fn conform(folder: &str, options: &Options) {
    let number = Cell::new(0);
    let subject = || {
        let table = RowTable::new(format!("{folder}/t{}", number.replace(number.get() + 1)), options);
        Subject { committer: Arc::new(PutIfAbsent::new()), store: table.store() }
    };
    all(&subject).await;
}

/// Many processes append, some are killed, and every append is there once.
pub(crate) fn processes(location: &str, options: &Options) {
    Work::USUAL.check(&RowTable::new(location, options), 3);
}

/// From a held handle: the data file, whether the handle's version is still in the log, the commit. The trial and the version's
/// checksum are apart.
pub(crate) async fn requests(location: &str, options: &Options) {
    let table = RowTable::new(location, options);
    table.create(Arc::new(PutIfAbsent::new()), json!({})).await;
    let there = table.store();
    let counting = CountingStore::new(there.locate("x").unwrap().store);
    let context = Context::new(Arc::new(SingleStore::new(Arc::new(counting.clone()))));
    let counted = TableStore::new(there.root(), context).unwrap();
    let committer = Arc::new(PutIfAbsent::new());
    let checksum = 1;
    let append_costs = Counts { heads: 1, puts: 2 + checksum, ..Counts::default() };
    let with_trial = Counts { puts: append_costs.puts + 2, deletes: 1, ..append_costs };
    for (n, costs) in (0..).zip([with_trial, append_costs]) {
        let held = Snapshot::open_in(&counted, SnapshotOptions::new()).await.unwrap();
        counting.take();
        append(&held, committer.clone(), &("w".to_owned(), n)).await;
        assert_eq!(counting.take(), costs, "append {n}");
        assert_eq!(committer.probe_requests(), 3);
    }
}

/// A server that overwrites whatever it is told is refused before a row is lost: as a version is never put there at all.
pub(crate) async fn refuse(location: &str, options: &Options) {
    let store = RowTable::new(location, options).store();
    let put = for_table(&store).put(&store, Version(0), "{}\n".into()).await;
    let PutOutcome::Refused(error) = put else { panic!("{put:?}") };
    assert_eq!(error.kind(), ErrorKind::UnsafeStorage);
    assert!(error.message().contains("commit through a lock table or a catalog"), "{error}");
    assert!(for_table(&store).read(&store, Version(0)).await.unwrap().is_none());
}
