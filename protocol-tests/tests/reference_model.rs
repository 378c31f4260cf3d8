//! Random legal histories, with whatever writers leave beside the commits, against the reference model.
//!
//! A run is a seed. One that fails prints it; `DELTAIC_SEED=<seed>` runs that one alone, `DELTAIC_SEEDS=<n>` more of them.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]
#![expect(clippy::panic, reason = "a test's helpers fail the test")]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use deltaic_log::action::{Action, Add};
use deltaic_log::{ErrorKind, FileView, Result, Snapshot};
use deltaic_protocol_tests::checkpoint_writer::{Form, Style, checkpoint};
use deltaic_protocol_tests::model::{FileKey, describe, key};
use deltaic_protocol_tests::random_history::Historian;
use deltaic_protocol_tests::test_log::ndjson;
use deltaic_protocol_tests::{Model, Rng, TestLog};
use futures::executor::block_on;
use futures::stream::TryStreamExt;

/// Runs without a word about it in the environment.
const SEEDS: u64 = 120;

#[test]
fn snapshots_agree_with_the_model() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("DELTAIC_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("DELTAIC_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(seed))) {
            eprintln!("the seed is {seed}: run this test with DELTAIC_SEED={seed}");
            resume_unwind(panic);
        }
    }
}

fn run(seed: u64) {
    let mut table = Table::new(seed);
    let versions = 2 + table.rng.below(24);
    let mut followers: Vec<Snapshot> = Vec::new();
    for _ in 0..versions {
        table.grow();
        for follower in &mut followers {
            *follower = block_on(follower.refresh()).expect("the log is sound");
            table.compare_some(follower);
        }
        if table.rng.chance(20) {
            followers.push(table.log.open(None).expect("the log is sound"));
        }
    }
    table.check_every_version();
    table.break_things();
    table.check_every_version();
}

/// A log, and what each of its versions is.
struct Table {
    rng: Rng,
    historian: Historian,
    log: TestLog,
    commits: Vec<Vec<Action>>,
    states: Vec<Model>,
    /// Versions that have a checkpoint.
    checkpoints: Vec<usize>,
    /// The oldest version that can still be read.
    oldest: usize,
}

impl Table {
    fn new(seed: u64) -> Self {
        let (rng, historian, log) = (Rng::new(!seed), Historian::new(seed), TestLog::new());
        Self { rng, historian, log, commits: Vec::new(), states: Vec::new(), checkpoints: Vec::new(), oldest: 0 }
    }

    /// One more commit, and what a writer may leave beside it.
    fn grow(&mut self) {
        let version = self.commits.len();
        let commit = self.historian.commit();
        self.log.commit(version as u64, &commit);
        self.commits.push(commit);
        self.states.push(self.historian.state().clone());
        let state = &self.states[version];
        if self.rng.chance(25) {
            let (form, style) = (Form::random(&mut self.rng), Style::random(&mut self.rng));
            self.log.checkpoint(&checkpoint(state, version as u64, form, &style, &mut self.rng));
            self.checkpoints.push(version);
            if self.rng.chance(80) {
                self.log
                    .put_log("_last_checkpoint", format!("{{\"version\":{version},\"size\":{}}}", state.files.len()));
            }
        }
        if self.rng.chance(25) && version > 0 {
            let start = self.rng.below(version);
            let compacted = Model::of(&self.commits[start..=version]).compaction();
            self.log.put_log(&format!("{start:020}.{version:020}.compacted.json"), ndjson(&compacted));
        }
        if self.rng.chance(30) {
            self.log.put_log(&format!("{version:020}.crc"), state.checksum().to_string());
        }
    }

    /// Damages files that a reader can do without, and cleans up old ones.
    fn break_things(&mut self) {
        let kept = if self.rng.chance(40) { self.clean_up() } else { None };
        for path in self.log.paths() {
            let is_commit = path.ends_with(".json") && !path.contains(".checkpoint.") && !path.contains(".compacted.");
            if is_commit
                || kept
                    .is_some_and(|kept| path.contains(&format!("/{kept:020}.checkpoint")) || path.contains("_sidecars"))
            {
                continue;
            }
            match self.rng.below(100) {
                0..15 => self.log.delete(&path),
                15..30 => self.tear(&path),
                30..35 => self.log.put(&path, "no such thing"),
                _ => {}
            }
        }
        let newest = self.commits.len() - 1;
        match self.rng.below(8) {
            0 => self.log.delete("_delta_log/_last_checkpoint"),
            1 => self.log.put_log("_last_checkpoint", "{\"version\":"),
            2 => self.log.put_log("_last_checkpoint", format!("{{\"version\":{}}}", newest + 7)),
            3 => self.log.put_log("_last_checkpoint", format!("{{\"version\":{}}}", self.rng.below(newest + 1))),
            4 => self.log.put_log("_last_checkpoint", "{\"version\":0,\"parts\":9}"),
            5 => self.log.put_log("_last_checkpoint", "{\"version\":9223372036854775807}"),
            _ => {}
        }
    }

    /// Deletes everything older than one checkpoint. Returns its version.
    fn clean_up(&mut self) -> Option<usize> {
        let kept = self.rng.pick(&self.checkpoints).copied()?;
        for path in self.log.paths() {
            let Some(name) = path.strip_prefix("_delta_log/").filter(|name| name.as_bytes()[0].is_ascii_digit()) else {
                continue;
            };
            let version: usize = name[..20].parse().expect("a version has 20 digits");
            let is_commit = name.len() == 25;
            if version < kept || (version == kept && is_commit && self.rng.chance(50)) {
                self.log.delete(&path);
            }
        }
        self.oldest = kept;
        Some(kept)
    }

    /// Cuts a file off, within a line: a file of lines cut between two of them is not damaged, but another file.
    fn tear(&mut self, path: &str) {
        let bytes = self.log.get(path).expect("it is listed");
        let within = |at: &usize| bytes[*at] != b'\n' && bytes[*at - 1] != b'\n';
        let cuts: Vec<usize> = (1..bytes.len()).filter(within).collect();
        if let Some(cut) = self.rng.pick(&cuts).copied() {
            self.log.put(path, bytes.slice(..cut));
        }
    }

    fn check_every_version(&mut self) {
        for version in 0..self.states.len() {
            match self.log.open(Some(version as u64)) {
                Ok(snapshot) if version >= self.oldest => self.compare(&snapshot),
                Err(error) if version < self.oldest => {
                    assert_eq!(error.kind(), ErrorKind::VersionNotFound, "{error:?}")
                }
                Ok(_) => panic!("version {version} is gone, but opens"),
                Err(error) => panic!("version {version}: {error:?}"),
            }
        }
        let newest = self.log.open(None).unwrap_or_else(|error| panic!("newest version: {error:?}"));
        assert_eq!(newest.version().0 as usize, self.states.len() - 1);
        self.compare(&newest);
        let beyond = self.log.open(Some(self.states.len() as u64)).expect_err("it does not exist");
        assert_eq!(beyond.kind(), ErrorKind::VersionNotFound, "{beyond:?}");
    }

    fn compare(&mut self, snapshot: &Snapshot) {
        let state = &self.states[snapshot.version().0 as usize];
        let about = format!("version {} of {:#?}\n{:#?}", snapshot.version(), self.log.paths(), snapshot.segment());
        assert_eq!(
            (Some(snapshot.protocol()), Some(snapshot.metadata())),
            (state.protocol.as_ref(), state.metadata.as_ref()),
            "{about}"
        );
        let checks: [fn(&Snapshot, &Model, &str); 3] = [compare_small, compare_streamed, compare_files];
        let first = self.rng.below(3);
        (0..3).for_each(|i| checks[(first + i) % 3](snapshot, state, &about));
    }

    /// As [`Self::compare`], but leaves at random some parts unread.
    fn compare_some(&mut self, snapshot: &Snapshot) {
        let state = &self.states[snapshot.version().0 as usize];
        assert_eq!(
            (Some(snapshot.protocol()), Some(snapshot.metadata())),
            (state.protocol.as_ref(), state.metadata.as_ref())
        );
        for check in [compare_small, compare_streamed, compare_files] {
            if self.rng.chance(30) {
                check(snapshot, state, "after a refresh");
            }
        }
    }
}

fn compare_small(snapshot: &Snapshot, state: &Model, about: &str) {
    assert_eq!(block_on(snapshot.transactions()).expect(about), state.transactions, "{about}");
    assert_eq!(block_on(snapshot.domains()).expect(about), state.live_domains(), "{about}");
}

fn compare_streamed(snapshot: &Snapshot, state: &Model, about: &str) {
    let chunks: Result<Vec<_>> = block_on(snapshot.stream_files().try_collect());
    let chunks = chunks.unwrap_or_else(|error| panic!("{error:?}\n{about}"));
    assert_eq!(described(chunks.iter().flat_map(|chunk| chunk.files())), state.describe_files(), "{about}");
}

fn compare_files(snapshot: &Snapshot, state: &Model, about: &str) {
    let files = block_on(snapshot.files()).unwrap_or_else(|error| panic!("{error:?}\n{about}"));
    assert_eq!(described(files.iter()), state.describe_files(), "{about}");
    assert_eq!(files.len(), state.files.len());
    assert_eq!(files.is_empty(), state.files.is_empty());
}

fn described<'a>(files: impl Iterator<Item = FileView<'a>>) -> BTreeMap<FileKey, String> {
    let mut described = BTreeMap::new();
    for file in files {
        let add = Add {
            path: file.path().to_owned(),
            partition_values: file.partition_values(),
            size: file.size(),
            modification_time: file.modification_time(),
            deletion_vector: file.deletion_vector().cloned(),
            base_row_id: file.base_row_id(),
            default_row_commit_version: file.default_row_commit_version(),
            ..Add::default()
        };
        let before = described.insert(key(&add.path, add.deletion_vector.as_ref()), describe(&add));
        assert_eq!(before, None, "{} is listed twice", add.path);
    }
    described
}
