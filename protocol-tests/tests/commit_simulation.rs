//! Writers and readers at random over storage that fails at random, all from one seed; and an auditor, who compares what was
//! reported with what stands.
//!
//! `DELTAIC_SEED=n` replays one seed; `DELTAIC_SEEDS=n` runs that many.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use deltaic_commit::{CommitOutcome, Operation, PendingCommit, RetryPolicy, Settlement, Transaction};
use deltaic_log::action::Action;
use deltaic_log::{Error, ErrorKind, Result, Snapshot, SnapshotOptions, TableStore};
use deltaic_protocol_tests::commit_table::{file, removal, txn_id};
use deltaic_protocol_tests::scheduler::{Task, run_interleaved};
use deltaic_protocol_tests::{CommitTable, Rng};
use futures::executor::block_on;
use serde_json::json;

#[test]
fn nothing_is_lost_doubled_or_misreported() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = match number("DELTAIC_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("DELTAIC_SEEDS").unwrap_or(2_000),
    };
    let mut met = Met::default();
    for seed in seeds.clone() {
        println!("seed {seed}");
        simulate(seed, &mut met);
    }
    if seeds.end - seeds.start >= 500 {
        // A simulation in which nothing happens proves nothing.
        assert!(met.committed > 1_000 && met.conflicts > 100 && met.unknown > 100 && met.already > 20, "{met:?}");
        assert!(met.checkpoints > 200 && met.cleaned_up > 100, "{met:?}");
    }
}

/// How often each kind of outcome was met.
#[derive(Debug, Default)]
struct Met {
    committed: usize,
    conflicts: usize,
    unknown: usize,
    already: usize,
    checkpoints: usize,
    cleaned_up: usize,
}

/// What a writer wanted, and what it was told.
struct Report {
    txn_id: String,
    /// How much the table grew by, if it was committed.
    amount: i64,
    told: Told,
}

#[derive(Debug)]
enum Told {
    Committed(u64),
    AlreadyCommitted,
    NotCommitted(ErrorKind),
    Unknown(PendingCommit),
    /// Nobody knew at first.
    Settled,
}

/// A table, and what everybody saw of it.
struct World {
    table: CommitTable,
    reports: RefCell<Vec<Report>>,
    /// Versions that readers saw, and the sum of their files' sizes.
    seen: RefCell<Vec<(u64, i64)>>,
}

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn simulate(seed: u64, met: &mut Met) {
    let mut rng = Rng::new(seed);
    let stamped = rng.chance(50);
    let mut configuration = match stamped {
        true => json!({"delta.enableRowTracking": "true", "delta.enableInCommitTimestamps": "true"}),
        false => json!({}),
    };
    // Checkpoints take long to write: not every table has many.
    let interval = if rng.chance(30) { 1 + rng.below(5) } else { 10 };
    configuration["delta.checkpointInterval"] = interval.to_string().into();
    configuration["delta.logRetentionDuration"] = "interval 1 day".into();
    let world =
        World { table: CommitTable::created(configuration), reports: RefCell::default(), seen: RefCell::default() };
    let percent = *rng.pick(&[0, 5, 20, 40]).unwrap();
    let writers = 2 + rng.below(4);
    let mut held: Vec<Option<Snapshot>> = vec![None; writers];
    // In the second round, everything of the first has expired, and old handles with it.
    for round in 0..1 + rng.below(2) as u64 {
        world.table.faults.fail_at_random(rng.next_u64(), percent);
        let mut tasks: Vec<Task<'_>> = Vec::new();
        for (number, held) in (round * 10 + 1..).zip(&mut held) {
            tasks.push(Box::pin(world.write(number, held, Rng::new(rng.next_u64()))));
        }
        tasks.push(Box::pin(world.read(100 + round, 6)));
        run_interleaved(tasks, &mut rng);
        world.table.faults.fail_at_random(0, 0);
        block_on(world.table.faults.land_all());
        world.settle_all();
        world.table.clock.advance_ms(3 * DAY_MS);
    }
    world.audit(stamped);
    met.checkpoints += world.table.count_files(".checkpoint");
    met.cleaned_up += world.table.count_deleted();
    for report in world.reports.borrow().iter() {
        match &report.told {
            Told::Committed(_) => met.committed += 1,
            Told::AlreadyCommitted => met.already += 1,
            Told::NotCommitted(kind) if kind.is_concurrent_modification() => met.conflicts += 1,
            Told::NotCommitted(_) => {}
            Told::Unknown(_) | Told::Settled => met.unknown += 1,
        }
    }
}

impl World {
    async fn write(&self, number: u64, held: &mut Option<Snapshot>, mut rng: Rng) {
        let store = self.table.store(number);
        for turn in 0..2 + rng.below(5) {
            // Some write from a handle that they have held for long.
            let snapshot = match held.take().filter(|_| !rng.chance(70)) {
                Some(snapshot) => snapshot,
                None => open(&store).await,
            };
            let staged = self.stage(&snapshot, number, turn, &mut rng).await;
            *held = Some(snapshot);
            // What an old handle needs of the log may be gone.
            let Some((transaction, amount)) = staged else { continue };
            let retry = RetryPolicy { settlements_max: 2, ..RetryPolicy::default() };
            let transaction = transaction.with_retry(retry);
            let txn_id = transaction.txn_id().to_owned();
            let told = match transaction.commit().await {
                CommitOutcome::Committed(commit) => Told::Committed(commit.version.0),
                CommitOutcome::AlreadyCommitted { .. } => Told::AlreadyCommitted,
                CommitOutcome::NotCommitted(error) => Told::NotCommitted(error.kind()),
                CommitOutcome::Unknown { pending, .. } => Told::Unknown(pending),
            };
            self.reports.borrow_mut().push(Report { txn_id, amount, told });
        }
    }

    /// A transaction, and how much it makes the table grow by; none, where the snapshot cannot be read any more.
    async fn stage(&self, snapshot: &Snapshot, number: u64, turn: usize, rng: &mut Rng) -> Option<(Transaction, i64)> {
        let (path, size) = (format!("w{number}-{turn}"), 1 + rng.below(100) as i64);
        let begin = |operation| Transaction::begin(snapshot, self.table.committer.clone(), operation).unwrap();
        let mut transaction = begin(Operation::new("WRITE"));
        match rng.below(4) {
            0 => transaction.add(file(&path, "a", size)),
            // Of all who write this version of the application, one is to succeed.
            1 => {
                transaction.set_transaction("app", (number / 10 * 10) as i64 + turn as i64);
                transaction.add(file(&path, "a", size));
            }
            kind => {
                let files = read_files(snapshot).await?;
                // Whether the removals say how large their files were.
                let sized = rng.chance(50);
                let mut paths: Vec<&String> = files.keys().collect();
                rng.shuffle(&mut paths);
                let merged: Vec<&String> = paths.into_iter().take(2).collect();
                let sum: i64 = merged.iter().map(|path| files[*path]).sum();
                let rearranges = kind == 2;
                if rearranges {
                    transaction = begin(Operation::rearranging("OPTIMIZE"));
                } else {
                    transaction.read_whole_table();
                }
                for path in merged {
                    let mut removal = removal(path);
                    removal.data_change = !rearranges;
                    removal.size = Some(files[path]).filter(|_| sized);
                    transaction.remove(removal);
                }
                // An overwrite adds what it has seen of the whole table's sum: it must have seen all of it.
                let mut add = file(&path, "a", sum);
                add.data_change = !rearranges;
                transaction.add(add);
                return Some((transaction, 0));
            }
        }
        Some((transaction, size))
    }

    async fn read(&self, number: u64, times: usize) {
        let store = self.table.store(number);
        for _ in 0..times {
            let snapshot = open(&store).await;
            let files = read_files(&snapshot).await.expect("the newest version stays");
            let sum = files.values().sum();
            self.seen.borrow_mut().push((snapshot.version().0, sum));
        }
    }

    /// Whoever did not know asks again, now that storage answers.
    fn settle_all(&self) {
        let store = self.table.store(200);
        for report in self.reports.borrow_mut().iter_mut() {
            let Told::Unknown(pending) = &report.told else { continue };
            let stands = match block_on(pending.settle(&*self.table.committer, &store, &RetryPolicy::default())) {
                Settlement::Committed => true,
                Settlement::NotCommitted => false,
                Settlement::Unknown(error) => panic!("{error}"),
            };
            let version = self.version_of(&report.txn_id);
            assert_eq!(version.is_some(), stands, "a settlement is true");
            report.told = Told::Settled;
        }
    }

    fn version_of(&self, id: &str) -> Option<u64> {
        let commits = self.table.commits();
        commits.iter().position(|commit| txn_id(commit) == Some(id)).map(|version| version as u64)
    }

    fn audit(&self, stamped: bool) {
        let commits = self.table.commits();
        let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
        for (version, commit) in commits.iter().enumerate() {
            let twice = versions.insert(txn_id(commit).unwrap(), version as u64);
            assert_eq!(twice, None, "a transaction was committed twice");
        }
        let reports = self.reports.borrow();
        let mut sum = 0;
        for report in reports.iter() {
            let stands = versions.get(report.txn_id.as_str()).copied();
            match &report.told {
                Told::Committed(version) => assert_eq!(stands, Some(*version), "a commit was lost"),
                Told::NotCommitted(kind) => assert_eq!(stands, None, "{kind} was told of a commit that stands"),
                Told::AlreadyCommitted => assert_eq!(stands, None),
                Told::Unknown(_) | Told::Settled => {}
            }
            sum += if stands.is_some() { report.amount } else { 0 };
        }
        let known: BTreeSet<&str> = reports.iter().map(|report| report.txn_id.as_str()).collect();
        assert!(commits.iter().skip(1).all(|commit| known.contains(txn_id(commit).unwrap())), "nobody made a commit");

        let sums = replay(&commits);
        assert_eq!(sums.last(), Some(&sum), "rows were lost or doubled");
        assert_eq!(self.table.files().values().sum::<i64>(), sum);
        for (version, seen) in self.seen.borrow().iter() {
            assert_eq!(sums[*version as usize], *seen, "a reader saw version {version} in part");
        }
        if stamped {
            check_stamps(&commits);
        }
        // A checksum that was written, whatever storage did, is right.
        assert_eq!(self.table.findings(), []);
    }
}

/// The sum of all live files' sizes at each version. A file is added once, and removed only while it is there.
fn replay(commits: &[Vec<Action>]) -> Vec<i64> {
    let (mut files, mut apps) = (BTreeMap::new(), BTreeSet::new());
    let sum_after = |commit: &Vec<Action>| {
        for action in commit {
            match action {
                Action::Add(add) => {
                    assert_eq!(files.insert(add.path.clone(), add.size), None, "{} came twice", add.path)
                }
                Action::Remove(remove) => assert!(files.remove(&remove.path).is_some(), "{} went twice", remove.path),
                Action::SetTransaction(app) => {
                    assert!(apps.insert((app.app_id.clone(), app.version)), "{app:?} was committed twice");
                }
                _ => {}
            }
        }
        files.values().sum()
    };
    commits.iter().map(sum_after).collect()
}

/// Times grow, and no row id is given twice.
fn check_stamps(commits: &[Vec<Action>]) {
    let (mut time, mut next_row_id) = (i64::MIN, 0);
    for (version, commit) in commits.iter().enumerate() {
        for action in commit {
            match action {
                Action::CommitInfo(info) => {
                    let own = info.in_commit_timestamp.unwrap();
                    assert!(own > std::mem::replace(&mut time, own), "time goes back at version {version}");
                }
                Action::Add(add) => {
                    assert_eq!(add.base_row_id, Some(next_row_id), "version {version} gives other row ids");
                    assert_eq!(add.default_row_commit_version, Some(version as i64));
                    next_row_id += add.num_records().unwrap();
                }
                _ => {}
            }
        }
    }
}

async fn open(store: &TableStore) -> Snapshot {
    let opened = until_answered(async || Snapshot::open_in(store, SnapshotOptions::new()).await).await;
    opened.unwrap_or_else(|error| panic!("{error:?}"))
}

/// None, where the snapshot is of a version that was cleaned up.
async fn read_files(snapshot: &Snapshot) -> Option<BTreeMap<String, i64>> {
    match until_answered(async || snapshot.files().await).await {
        Ok(files) => Some(files.iter().map(|file| (file.path().to_owned(), file.size())).collect()),
        Err(error) if matches!(error.kind(), ErrorKind::MissingFile | ErrorKind::VersionNotFound) => None,
        Err(error) => panic!("{error:?}"),
    }
}

/// Readers ask again for as long as storage fails.
async fn until_answered<T>(ask: impl AsyncFn() -> Result<T>) -> Result<T> {
    let mut last: Option<Error> = None;
    for _ in 0..10_000 {
        match ask().await {
            Err(error) if error.kind() == ErrorKind::Storage => last = Some(error),
            answered => return answered,
        }
    }
    panic!("{last:?}")
}
