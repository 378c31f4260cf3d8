//! What every [`Committer`] keeps, as functions that check it: run [`all`] on a committer of your own.
//!
//! ```
//! use std::sync::Arc;
//! use deltaic_commit::committer::{PutIfAbsent, conformance};
//! use deltaic_log::{Context, SingleStore, TableStore};
//!
//! let subject = || {
//!     let stores = SingleStore::new(Arc::new(object_store::memory::InMemory::new()));
//!     let store = TableStore::new(&"memory:///table".parse().unwrap(), Context::new(Arc::new(stores))).unwrap();
//!     conformance::Subject { committer: Arc::new(PutIfAbsent::new()), store }
//! };
//! futures::executor::block_on(conformance::all(&subject));
//! ```
//!
//! What one process cannot show is not here: writers in several processes, a crash of the machine.
//!
//! # Panics
//! Each function panics where the committer breaks its contract, and says how.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use deltaic_log::file_name::LogFileName;
use deltaic_log::{TableStore, Version};
use futures::future::{join, join_all};

use super::{Committer, PutOutcome};

/// A committer, and a table of its own that has no version yet.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What is tested.
    pub committer: Arc<dyn Committer>,
    /// The table.
    pub store: TableStore,
}

impl Subject {
    async fn put(&self, version: u64, body: &Bytes) -> PutOutcome {
        self.committer.put(&self.store, Version(version), body.clone()).await
    }

    async fn read(&self, version: u64) -> Option<Bytes> {
        self.committer.read(&self.store, Version(version)).await.expect("a table that nobody disturbs can be read")
    }

    async fn assert_commits(&self, version: u64, body: &Bytes) {
        let outcome = self.put(version, body).await;
        assert!(matches!(outcome, PutOutcome::Committed), "version {version} was free, but the put gave {outcome:?}");
    }

    async fn assert_conflicts(&self, version: u64, body: &Bytes) {
        let outcome = self.put(version, body).await;
        assert!(matches!(outcome, PutOutcome::Conflict), "version {version} was taken, but the put gave {outcome:?}");
    }

    async fn assert_stands(&self, version: u64, body: &Bytes) {
        assert!(self.read(version).await.as_ref() == Some(body), "version {version} does not read as it was put");
    }
}

/// Checks everything, each on a fresh subject.
pub async fn all(subject: &dyn Fn() -> Subject) {
    all_in_order(subject).await;
    versions_are_independent(&subject()).await;
}

/// Checks everything but [`versions_are_independent`]: for committers that put a version only after the one before it, as a
/// catalog does.
pub async fn all_in_order(subject: &dyn Fn() -> Subject) {
    a_version_is_put_once(&subject()).await;
    an_absent_version_reads_as_none(&subject()).await;
    the_identical_body_conflicts_and_changes_nothing(&subject()).await;
    one_of_many_writers_wins(&subject()).await;
    bodies_of_any_size_are_kept(&subject()).await;
    readers_see_all_or_nothing(&subject()).await;
    nothing_else_is_listed(&subject()).await;
}

/// The first put commits, a second one of another body conflicts, and the first body stands.
pub async fn a_version_is_put_once(subject: &Subject) {
    let (first, second) =
        (Bytes::from_static(b"{\"first\":{}}\n"), Bytes::from_static(b"{\"second\":{\"longer\":1}}\n"));
    subject.assert_commits(0, &first).await;
    subject.assert_conflicts(0, &second).await;
    subject.assert_stands(0, &first).await;
}

/// A version that was not put reads as absent, before and after others were.
pub async fn an_absent_version_reads_as_none(subject: &Subject) {
    assert!(subject.read(0).await.is_none(), "version 0 reads as something in an empty table");
    subject.assert_commits(0, &Bytes::from_static(b"{}\n")).await;
    assert!(subject.read(1).await.is_none(), "version 1 reads as something before it was put");
}

/// Settling an ambiguous put needs this: the same body again is no second commit, and no error.
pub async fn the_identical_body_conflicts_and_changes_nothing(subject: &Subject) {
    let body = Bytes::from_static(b"{\"same\":{}}\n");
    subject.assert_commits(0, &body).await;
    subject.assert_conflicts(0, &body).await;
    subject.assert_stands(0, &body).await;
}

/// Of many writers at once, exactly one commits, all others conflict, and the winner's body stands.
pub async fn one_of_many_writers_wins(subject: &Subject) {
    for version in 0..8 {
        let bodies: Vec<Bytes> = (0..16).map(|writer| body_of(writer, 2_000)).collect();
        let outcomes = join_all(bodies.iter().map(|body| subject.put(version, body))).await;
        let mut winner = None;
        for (outcome, body) in outcomes.iter().zip(&bodies) {
            match outcome {
                PutOutcome::Committed => assert!(winner.replace(body).is_none(), "two writers won version {version}"),
                PutOutcome::Conflict => {}
                other => unreachable_outcome(version, other),
            }
        }
        subject.assert_stands(version, winner.expect("one of the writers wins")).await;
    }
}

fn unreachable_outcome(version: u64, outcome: &PutOutcome) {
    assert!(
        matches!(outcome, PutOutcome::Committed | PutOutcome::Conflict),
        "a put of version {version} gave {outcome:?}, though nothing failed"
    );
}

/// Different versions never conflict with each other, in whatever order they are put.
pub async fn versions_are_independent(subject: &Subject) {
    let versions = [3, 0, 2, 1, 9_999_999_999];
    let bodies: Vec<(u64, Bytes)> = versions.map(|version| (version, body_of(version, 100))).into();
    join_all(bodies.iter().map(|(version, body)| subject.assert_commits(*version, body))).await;
    for (version, body) in &bodies {
        subject.assert_stands(*version, body).await;
    }
}

/// A body is kept to the byte, from one byte to several megabytes.
pub async fn bodies_of_any_size_are_kept(subject: &Subject) {
    for (version, size) in [1, 4_095, 4_096, 70_000, 6 << 20].into_iter().enumerate() {
        let (version, body) = (version as u64, body_of(version as u64, size));
        subject.assert_commits(version, &body).await;
        subject.assert_stands(version, &body).await;
    }
}

/// Whoever reads a version while it is put sees no part of it.
pub async fn readers_see_all_or_nothing(subject: &Subject) {
    for version in 0..8 {
        let body = body_of(version, 1 << 20);
        let readers = join_all((0..16).map(|_| subject.read(version)));
        let (outcome, read) = join(subject.put(version, &body), readers).await;
        assert!(matches!(outcome, PutOutcome::Committed), "version {version} was free, but the put gave {outcome:?}");
        let torn = read.into_iter().flatten().any(|read| read != body);
        assert!(!torn, "a reader saw a part of version {version}");
    }
}

/// Neither a commit nor a conflict leaves anything in the log that a reader would take for a part of it.
pub async fn nothing_else_is_listed(subject: &Subject) {
    for version in 0..3 {
        subject.assert_commits(version, &body_of(version, 10)).await;
        subject.assert_conflicts(version, &body_of(version + 1, 10)).await;
    }
    let published = subject.committer.publish(&subject.store, Version(2)).await;
    published.expect("what stands can be published, where nobody disturbs it");
    let listed = subject.store.list_log(Version(0)).await.expect("a table that nobody disturbs can be listed");
    let names: BTreeSet<LogFileName> = listed.into_iter().map(|file| file.name).collect();
    let expected: BTreeSet<LogFileName> = (0..3).map(|version| LogFileName::Commit(Version(version))).collect();
    assert!(names == expected, "the log lists {names:?} instead of its three commits");
}

/// A body that no other writer puts.
fn body_of(writer: u64, size: usize) -> Bytes {
    let line = format!("{{\"writer\":{writer}}}\n");
    line.bytes().cycle().take(size).collect()
}
