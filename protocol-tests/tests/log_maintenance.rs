//! Log compactions and the clean-up of the log, on random histories: whatever is written or deleted, the table stays what it was.
//!
//! `DELTAIC_SEED=n` replays one seed; `DELTAIC_SEEDS=n` runs that many.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use deltaic_commit::maintenance::{CleanupOptions, CleanupPlan, KeepReason, compact_logs, plan_metadata_cleanup};
use deltaic_log::action::Action;
use deltaic_log::commit_file::read_actions;
use deltaic_log::cpu::InlineCpu;
use deltaic_log::{ErrorKind, ManualClock, Snapshot, SnapshotOptions, TableStore, TimestampMs, Version};
use deltaic_protocol_tests::checkpoint_writer::{Form, Style, checkpoint};
use deltaic_protocol_tests::local::{Route, directory_url, local_context};
use deltaic_protocol_tests::model::key;
use deltaic_protocol_tests::random_history::Historian;
use deltaic_protocol_tests::{Model, Rng, TestLog};
use futures::executor::block_on;
use rstest::rstest;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// Some midnight, UTC, that is long past on any machine.
const MIDNIGHT_MS: u64 = 18_000 * DAY_MS;

fn seeds(default: u64) -> Range<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    match number("DELTAIC_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("DELTAIC_SEEDS").unwrap_or(default),
    }
}

/// A random log, and what each of its versions is.
struct History {
    log: TestLog,
    commits: Vec<Vec<Action>>,
    states: Vec<Model>,
    checkpoints: Vec<u64>,
}

impl History {
    fn new(seed: u64, checkpoint_percent: usize, rng: &mut Rng) -> Self {
        let (mut historian, log) = (Historian::new(seed), TestLog::new());
        let mut this = Self { log, commits: Vec::new(), states: Vec::new(), checkpoints: Vec::new() };
        for version in 0..3 + rng.below(12) as u64 {
            let commit = historian.commit();
            this.log.commit(version, &commit);
            this.commits.push(commit);
            this.states.push(historian.state().clone());
            if rng.chance(checkpoint_percent) {
                let (form, style) = (Form::random(rng), Style::random(rng));
                this.log.checkpoint(&checkpoint(historian.state(), version, form, &style, rng));
                this.checkpoints.push(version);
            }
        }
        this
    }

    fn newest(&self) -> u64 {
        self.states.len() as u64 - 1
    }

    fn check(&self, snapshot: &Snapshot, about: &str) {
        let state = &self.states[usize::try_from(snapshot.version().0).unwrap()];
        assert_eq!(Some(snapshot.protocol()), state.protocol.as_ref(), "{about}");
        assert_eq!(Some(snapshot.metadata()), state.metadata.as_ref(), "{about}");
        assert_eq!(block_on(snapshot.transactions()).unwrap(), state.transactions, "{about}");
        assert_eq!(block_on(snapshot.domains()).unwrap(), state.live_domains(), "{about}");
        let files = block_on(snapshot.files()).unwrap();
        let live: BTreeSet<_> = files.iter().map(|file| key(file.path(), file.deletion_vector())).collect();
        assert_eq!(live, state.files.keys().cloned().collect(), "{about}");
    }
}

#[test]
fn a_table_reads_the_same_through_its_compactions() {
    let mut used = 0;
    for seed in seeds(150) {
        println!("seed {seed}");
        let mut rng = Rng::new(!seed);
        let history = History::new(seed, 10, &mut rng);
        for _ in 0..1 + rng.below(3) {
            let (a, b) = (rng.below(history.states.len()), rng.below(history.states.len()));
            let (start, end) = (a.min(b), a.max(b));
            let range = Version(start as u64)..=Version(end as u64);
            match block_on(compact_logs(&history.log.open(None).unwrap(), range)) {
                Err(error) => assert_eq!((error.kind(), start), (ErrorKind::InvalidArgument, end)),
                Ok(compaction) => {
                    let body = history.log.get(&compaction.path).unwrap();
                    check_compaction(&read_actions(&body).unwrap(), &history.commits[start..=end]);
                }
            }
        }
        for version in 0..=history.newest() {
            let snapshot = history.log.open(Some(version)).unwrap();
            used += snapshot.segment().deltas.iter().filter(|delta| delta.is_compaction()).count();
            history.check(&snapshot, &format!("seed {seed}, version {version}"));
        }
    }
    assert!(used > 0, "no compaction was read");
}

fn check_compaction(actions: &[Action], commits: &[Vec<Action>]) {
    let (found, expected) = (Model::of([&actions.to_vec()]), Model::of(commits));
    assert_eq!(found.protocol, expected.protocol);
    assert_eq!(found.metadata, expected.metadata);
    assert_eq!((&found.transactions, &found.domains), (&expected.transactions, &expected.domains));
    assert_eq!(found.files.keys().collect::<Vec<_>>(), expected.files.keys().collect::<Vec<_>>());
    assert_eq!(found.removed.keys().collect::<Vec<_>>(), expected.removed.keys().collect::<Vec<_>>());
    assert!(!actions.iter().any(|action| matches!(action, Action::CommitInfo(_))));
}

/// The history in the file system, one commit a day from [`MIDNIGHT_MS`] on, each at noon; and the clock so many days and a
/// bit later.
struct OnDisk {
    place: tempfile::TempDir,
    now: TimestampMs,
}

impl OnDisk {
    fn new(log: &TestLog, now_ms: u64) -> Self {
        let place = tempfile::tempdir().unwrap();
        for path in log.paths() {
            let target = place.path().join(&path);
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::write(&target, log.get(&path).unwrap()).unwrap();
            let name = path.strip_prefix("_delta_log/").unwrap();
            let day = name.get(..20).and_then(|digits| digits.parse::<u64>().ok()).unwrap_or(0);
            set_modified(&target, MIDNIGHT_MS + day * DAY_MS + DAY_MS / 2);
        }
        Self { place, now: TimestampMs(i64::try_from(now_ms).unwrap()) }
    }

    fn store(&self, route: Route) -> TableStore {
        let context =
            local_context(route).with_cpu(Arc::new(InlineCpu)).with_clock(Arc::new(ManualClock::new(self.now)));
        TableStore::new(&directory_url(self.place.path()), context).unwrap()
    }

    fn open(&self, version: Option<u64>) -> deltaic_log::Result<Snapshot> {
        let mut options = SnapshotOptions::new();
        options.version = version.map(Version);
        block_on(Snapshot::open_in(&self.store(Route::Files), options))
    }

    fn plan(&self, retention_days: u64) -> deltaic_log::Result<CleanupPlan> {
        let options = CleanupOptions::new().with_retention(Duration::from_millis(retention_days * DAY_MS));
        block_on(plan_metadata_cleanup(&self.open(None)?, options))
    }

    fn exists(&self, path: &str) -> bool {
        self.place.path().join(path).exists()
    }
}

fn set_modified(path: &std::path::Path, ms: u64) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(ms)).unwrap();
}

/// After each file that is deleted, as after a crash right there, every version that stays is what it was.
#[test]
fn a_log_that_is_cleaned_up_reads_the_same_from_where_it_begins() {
    let mut cleaned = 0;
    for seed in seeds(60) {
        println!("seed {seed}");
        let mut rng = Rng::new(!seed);
        let history = History::new(seed, 30, &mut rng);
        let days = history.states.len() as u64;
        let retention = rng.below(history.states.len()) as u64;
        let table = OnDisk::new(&history.log, MIDNIGHT_MS + days * DAY_MS + 1_000);
        let plan = table.plan(retention).unwrap();
        // Version v was committed at noon of day v; midnight of day `days - retention` is the cut-off.
        let expired = (days - retention).checked_sub(1);
        let expected =
            expired.and_then(|newest| history.checkpoints.iter().copied().rfind(|version| *version <= newest));
        assert_eq!(plan.oldest, expected.map(Version), "seed {seed}");
        let Some(oldest) = expected else {
            assert!(plan.is_empty() && plan.reason.is_some(), "{plan:?}");
            continue;
        };
        let files: Vec<String> = plan.files().map(str::to_owned).collect();
        for file in &files {
            std::fs::remove_file(table.place.path().join(file)).unwrap();
            let version = oldest + rng.below(usize::try_from(days - oldest).unwrap()) as u64;
            history.check(&table.open(Some(version)).unwrap(), &format!("seed {seed}, {file} is gone"));
        }
        cleaned += files.len();
        assert!(table.exists(&format!("_delta_log/{oldest:020}.json")), "the checkpoint's own commit stays");
        for version in oldest..days {
            history.check(&table.open(Some(version)).unwrap(), &format!("seed {seed}"));
        }
        for version in 0..oldest {
            assert_eq!(table.open(Some(version)).unwrap_err().kind(), ErrorKind::VersionNotFound, "seed {seed}");
        }
        // Everything that it would delete now is gone, and deleting it again does no harm.
        assert_eq!(block_on(plan.execute(&table.store(Route::Files))).unwrap(), files.len());
        assert!(table.plan(retention).unwrap().is_empty(), "seed {seed}");
    }
    assert!(cleaned > 100, "{cleaned} files were deleted");
}

/// Three versions with a checkpoint at each, in this form.
fn three(form: Form) -> History {
    let mut rng = Rng::new(3);
    let mut history = History::new(3, 0, &mut rng);
    for version in 0..3_u64 {
        let state = &history.states[version as usize];
        history.log.checkpoint(&checkpoint(state, version, form, &Style::default(), &mut rng));
        history.checkpoints.push(version);
    }
    history
}

#[rstest]
#[case::by_file_calls(Route::Files)]
#[case::through_the_store(Route::ObjectStore)]
fn sidecars_and_staged_commits_go_too(#[case] route: Route) {
    let history = three(Form::V2Parquet(2));
    let sidecars: Vec<String> = history.log.paths().into_iter().filter(|path| path.contains("_sidecars")).collect();
    assert_eq!(sidecars.len(), 6);
    let id = "3a0d65cd-4056-49b8-937b-95f9e3ee90e5";
    history.log.put_log("_staged_commits/note.txt", "no commit");
    history.log.put_log(&format!("_staged_commits/{:020}.{id}.json", 2), "{}");
    history.log.put_log(&format!("_staged_commits/{:020}.{id}.json", 3), "{}");
    history.log.put_log("_sidecars/young.parquet", "being written");
    history.log.put_log("_sidecars/old.parquet", "left behind");
    let table = OnDisk::new(&history.log, MIDNIGHT_MS + 20 * DAY_MS + 5);
    set_modified(&table.place.path().join("_delta_log/_sidecars/young.parquet"), MIDNIGHT_MS + 19 * DAY_MS);
    let options = CleanupOptions::new().with_retention(Duration::from_millis(15 * DAY_MS));
    let snapshot = block_on(Snapshot::open_in(&table.store(route), SnapshotOptions::new())).unwrap();
    let plan = block_on(plan_metadata_cleanup(&snapshot, options)).unwrap();
    assert_eq!(plan.oldest, Some(Version(2)));
    block_on(plan.execute(&table.store(route))).unwrap();
    let left = |path: &str| table.exists(&format!("_delta_log/{path}"));
    assert!(left("_sidecars/young.parquet") && !left("_sidecars/old.parquet"));
    assert!(
        !left(&format!("_staged_commits/{:020}.{id}.json", 2)) && left(&format!("_staged_commits/{:020}.{id}.json", 3))
    );
    assert!(left("_staged_commits/note.txt"));
    let kept = sidecars.iter().filter(|path| table.exists(path)).count();
    assert_eq!(kept, 2, "those of the checkpoint that stays");
    history.check(&table.open(None).unwrap(), "after the clean-up");
}

/// A neighbour's clean-up relied on a checkpoint that was torn: the table was lost.
#[test]
fn nothing_is_deleted_behind_a_damaged_checkpoint() {
    let history = three(Form::Classic);
    let path = format!("_delta_log/{:020}.checkpoint.parquet", 2);
    let whole = history.log.get(&path).unwrap();
    history.log.put(&path, whole.slice(..whole.len() / 2));
    let table = OnDisk::new(&history.log, MIDNIGHT_MS + 20 * DAY_MS);
    let error = table.plan(15).unwrap_err();
    assert_eq!((error.kind(), error.context("version")), (ErrorKind::CorruptLog, Some("2")));
}

/// Where the sidecars of a checkpoint that stays cannot be told, none is deleted.
#[test]
fn a_missing_sidecar_stops_the_clean_up() {
    let history = three(Form::V2Json(1));
    let sidecar = history.log.paths().into_iter().rfind(|path| path.contains("_sidecars")).unwrap();
    let table = OnDisk::new(&history.log, MIDNIGHT_MS + 20 * DAY_MS);
    let paths: Vec<String> = history.log.paths().into_iter().filter(|path| path.contains("_sidecars")).collect();
    for path in paths {
        std::fs::remove_file(table.place.path().join(path)).unwrap();
    }
    let error = table.plan(15).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingFile, "{sidecar}: {error}");
}

/// The midnight that counts, and a clock that went back.
#[rstest]
#[case::at_the_very_midnight(&[0, 1, 2], 2 * DAY_MS, 0, Some(2))]
#[case::a_millisecond_before(&[0, 1, 2], 2 * DAY_MS - 1, 0, Some(1))]
#[case::a_day_of_retention(&[0, 1, 2], 2 * DAY_MS, 1, Some(1))]
#[case::more_than_there_is(&[0, 1, 2], 2 * DAY_MS, 9, None)]
// Version 1 was committed on day 5, so version 2 cannot have been before that.
#[case::times_only_grow(&[0, 5, 2], 4 * DAY_MS, 0, Some(0))]
fn the_cutoff(#[case] days: &[u64], #[case] now: u64, #[case] retention: u64, #[case] expected: Option<u64>) {
    let history = three(Form::Classic);
    let table = OnDisk::new(&history.log, MIDNIGHT_MS + now);
    for version in 3..history.states.len() {
        std::fs::remove_file(table.place.path().join(format!("_delta_log/{version:020}.json"))).unwrap();
    }
    for (version, day) in days.iter().enumerate() {
        let path = table.place.path().join(format!("_delta_log/{version:020}.json"));
        set_modified(&path, MIDNIGHT_MS + day * DAY_MS);
    }
    let plan = table.plan(retention).unwrap();
    assert_eq!(plan.oldest, expected.map(Version));
    assert_eq!(plan.reason, expected.is_none().then_some(KeepReason::NothingExpired));
}
