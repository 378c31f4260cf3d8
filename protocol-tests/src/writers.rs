//! Processes that append to one table at the same time, some of which are killed.
//!
//! A process is the test's own program, run again for the one test that calls [`child`]:
//!
//! ```text
//! #[test]
//! #[ignore = "a part of other tests"]
//! fn a_process_that_appends() { writers::child() }
//! ```

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use deltaic_commit::committer::for_table;
use deltaic_log::Version;
use serde::{Deserialize, Serialize};

use crate::Rng;
use crate::row_table::{Row, RowTable, append};

/// The test that stands for a process.
const CHILD_TEST: &str = "a_process_that_appends";
const CHILD: &str = "DELTAIC_TEST_WRITER";

/// What a process is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Told {
    table: RowTable,
    name: String,
    appends: i64,
}

/// A process that appends, with its name.
#[derive(Debug)]
pub struct Writer {
    /// The name, in the column `writer`.
    pub name: String,
    process: Child,
}

impl Writer {
    /// Another engine's: a program that prints as [`child`] does.
    ///
    /// # Panics
    /// Where it cannot be run.
    pub fn of(name: &str, command: &mut Command) -> Self {
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        Self { name: name.to_owned(), process: spawned.unwrap_or_else(|error| panic!("{command:?}: {error}")) }
    }

    /// Ours, which appends so many rows.
    pub fn spawn(table: &RowTable, name: &str, appends: i64) -> Self {
        let told = Told { table: table.clone(), name: name.to_owned(), appends };
        let program = std::env::current_exe().expect("a test knows its program");
        let mut command = Command::new(program);
        command.args(["--exact", CHILD_TEST, "--ignored", "--nocapture", "--test-threads=1"]);
        Self::of(name, command.env(CHILD, serde_json::to_string(&told).expect("it is plain data")))
    }

    /// Kills the process, wherever it is; what it reported before.
    pub fn kill(mut self) -> BTreeSet<Report> {
        self.process.kill().expect("it is ours");
        self.reports(None)
    }

    /// Waits for it to end well, with so many reports; these.
    pub fn finish(self, appends: i64) -> BTreeSet<Report> {
        self.reports(Some(appends))
    }

    fn reports(self, appends: Option<i64>) -> BTreeSet<Report> {
        let output = self.process.wait_with_output().expect("it was spawned");
        let text = String::from_utf8_lossy(&output.stdout);
        // The last line of a killed process may be cut off, and says nothing then.
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let reports: BTreeSet<Report> = whole.filter_map(Report::parse).collect();
        if let Some(appends) = appends {
            assert!(output.status.success(), "{}: {:?}\n{text}", self.name, output.status);
            assert_eq!(reports.len() as i64, appends, "{}: {text}", self.name);
        }
        reports
    }
}

/// An append that a process knows to be committed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Report {
    /// As which version.
    pub version: u64,
    /// By which transaction.
    pub txn_id: String,
    /// What.
    pub row: Row,
}

impl Report {
    /// `committed VERSION ID WRITER N`.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.trim_end().split_once("committed ")?.1.split(' ');
        let mut word = || words.next().expect("a report has four words").to_owned();
        let (version, txn_id, writer, n) = (word(), word(), word(), word());
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{line}"));
        Some(Self { version: number(&version), txn_id, row: (writer, number(&n) as i64) })
    }
}

/// The process: appends what it was told to, and reports each row on its output.
///
/// # Panics
/// Where an append fails.
pub fn child() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let Told { table, name, appends } = serde_json::from_str(&told).expect("its parent tells it");
    runtime().block_on(async {
        let mut snapshot = table.open().await;
        let committer = for_table(snapshot.store());
        for n in 0..appends {
            // A handle that grows older with each append, on purpose, and is renewed now and then.
            if n % 10 == 9 {
                snapshot = snapshot.refresh().await.unwrap();
            }
            let (committed, id) = append(&snapshot, committer.clone(), &(name.clone(), n)).await;
            println!("committed {} {id} {name} {n}", committed.version);
        }
    });
}

/// What runs clients of servers.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads can be had")
}

/// How many processes append, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Processes that end by themselves.
    pub survivors: usize,
    /// Processes that are killed.
    pub doomed: usize,
    /// Appends of each.
    pub appends: i64,
}

impl Work {
    /// What every store must bear.
    pub const USUAL: Self = Self { survivors: 8, doomed: 3, appends: 50 };

    /// Has processes append to a new table, kills some of them at versions that `seed` says, and audits the table.
    pub fn check(self, table: &RowTable, seed: u64) {
        let runtime = runtime();
        runtime.block_on(table.create(for_table(&table.store()), serde_json::json!({})));
        let spawn = |kind: &str, number: usize| Writer::spawn(table, &format!("{kind}{number}"), self.appends);
        let doomed: Vec<Writer> = (0..self.doomed).map(|number| spawn("k", number)).collect();
        // However slowly processes begin: one of those that will be killed is first.
        runtime.block_on(reached(table, Version(1)));
        let survivors: Vec<Writer> = (0..self.survivors).map(|number| spawn("p", number)).collect();
        let (mut reported, mut rng, mut version) = (BTreeSet::new(), Rng::new(seed), Version(0));
        for writer in doomed {
            version = Version(version.0 + 10 + rng.below(40) as u64);
            runtime.block_on(reached(table, version));
            reported.extend(writer.kill());
        }
        for writer in survivors {
            reported.extend(writer.finish(self.appends));
        }
        let rows = runtime.block_on(audit(table, &reported));
        for number in 0..self.survivors {
            let name = format!("p{number}");
            let appended = rows.iter().filter(|(writer, _)| *writer == name).count();
            assert_eq!(appended as i64, self.appends, "{name}");
        }
        let all = self.appends * self.survivors as i64;
        assert!(rows.len() as i64 > all, "those that were killed appended something, too");
    }
}

/// Waits until the table has come that far.
pub async fn reached(table: &RowTable, version: Version) {
    let store = table.store();
    while store.list_log(version).await.unwrap().is_empty() {
        store.context().clock.sleep(Duration::from_millis(20)).await;
    }
}

/// Every reported append stands as it was reported, every row is there once, and there are as many as there are appends.
///
/// # Panics
/// Where that is not so.
pub async fn audit(table: &RowTable, reported: &BTreeSet<Report>) -> BTreeSet<Row> {
    let committer = for_table(&table.store());
    let commits = table.commits(&*committer).await;
    for report in reported.iter().filter(|report| report.txn_id != "-") {
        let stands =
            commits.iter().any(|(version, id)| *version == report.version && id.as_ref() == Some(&report.txn_id));
        assert!(stands, "a reported commit does not stand: {report:?}");
    }
    let rows = table.rows().await;
    let distinct: BTreeSet<Row> = rows.iter().cloned().collect();
    assert_eq!(rows.len(), distinct.len(), "no row is there twice");
    for report in reported {
        assert!(distinct.contains(&report.row), "a reported row is lost: {report:?}");
    }
    assert_eq!(rows.len(), commits.len() - 1, "each commit after the first is an append of one row");
    distinct
}
