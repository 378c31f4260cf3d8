//! Checkpoints that we write hold what the table is, whoever wrote the log before: in every form, read back by itself, with all
//! commits up to it gone.
//!
//! A run against the model is a seed. One that fails prints it; `DELTAIC_SEED=<seed>` runs that one alone, `DELTAIC_SEEDS=<n>` more
//! of them.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]
#![expect(clippy::panic, reason = "a test's helpers fail the test")]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use arrow_array::Array;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use deltaic_commit::maintenance::{CheckpointForm, CheckpointOptions, CheckpointWritten, write_checkpoint};
use deltaic_log::action::{Add, PartitionValues, Remove};
use deltaic_log::checkpoint::encode::StatisticsForms;
use deltaic_log::feature::{DELETION_VECTORS, V2_CHECKPOINT};
use deltaic_log::file_name::{CheckpointFormat, LogFileName};
use deltaic_log::{Context, ErrorKind, Result, Snapshot, SnapshotOptions, TimestampMs};
use deltaic_protocol_tests::checkpoint_writer::{Form, Style, checkpoint};
use deltaic_protocol_tests::fixture::Fixture;
use deltaic_protocol_tests::golden::{Golden, copy_directory};
use deltaic_protocol_tests::local::{Route, directory_url, local_context};
use deltaic_protocol_tests::model::{describe, key};
use deltaic_protocol_tests::random_history::Historian;
use deltaic_protocol_tests::{Model, Rng, TestLog};
use futures::executor::block_on;
use futures::stream::TryStreamExt;

const SEEDS: u64 = 150;

const FORMS: [CheckpointForm; 4] = [
    CheckpointForm::Classic,
    CheckpointForm::Uuid(CheckpointFormat::Parquet),
    CheckpointForm::Uuid(CheckpointFormat::Json),
    CheckpointForm::V2UnderClassicName,
];

fn forms_of(snapshot: &Snapshot) -> &'static [CheckpointForm] {
    if snapshot.protocol().supports(&V2_CHECKPOINT) { &FORMS } else { &FORMS[..1] }
}

#[test]
fn checkpoints_agree_with_the_model() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("DELTAIC_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("DELTAIC_SEEDS").unwrap_or(SEEDS),
    };
    let mut kept = 0;
    for seed in seeds {
        match catch_unwind(AssertUnwindSafe(|| run(seed))) {
            Ok(sidecars) => kept += sidecars,
            Err(panic) => {
                eprintln!("the seed is {seed}: run this test with DELTAIC_SEED={seed}");
                resume_unwind(panic);
            }
        }
    }
    assert!(kept > 0 || number("DELTAIC_SEED").is_some(), "no sidecar was referred to again");
}

/// Some versions of a random history have a checkpoint, ours or another writer's; ours are read back alone. Returns how many
/// sidecars ours shared with those before them.
fn run(seed: u64) -> usize {
    let (mut rng, mut historian, log) = (Rng::new(!seed), Historian::new(seed), TestLog::new());
    let mut kept = 0;
    for version in 0..2 + rng.below(16) as u64 {
        log.commit(version, &historian.commit());
        let state = historian.state();
        if rng.chance(15) {
            let (form, style) = (Form::random(&mut rng), Style::random(&mut rng));
            log.checkpoint(&checkpoint(state, version, form, &style, &mut rng));
        } else if rng.chance(50) {
            let snapshot = log.open(None).expect("the log is sound");
            let form = *rng.pick(forms_of(&snapshot)).expect("there is one");
            let actions = *rng.pick(&[1, 2, 4, 9, 1000]).expect("there are some");
            let options = CheckpointOptions::new().with_form(form).with_sidecar_actions_max(actions);
            let written = block_on(write_checkpoint(&snapshot, options)).expect("it can be written");
            kept += written.sidecars_kept;
            let alone = log.fork();
            leave_alone(&alone, &written);
            compare_with_model(&alone.open(None).expect("the checkpoint is the table"), state, &written);
            check_counts(&written, state, &snapshot);
        }
    }
    kept
}

/// Deletes all that a reader could read instead of the checkpoint.
fn leave_alone(log: &TestLog, written: &CheckpointWritten) {
    for path in log.paths() {
        let name = path.strip_prefix("_delta_log/").and_then(LogFileName::parse);
        if name.is_some() && path != written.path {
            log.delete(&path);
        }
    }
}

fn unexpired(state: &Model, snapshot: &Snapshot) -> BTreeMap<String, Remove> {
    let retention = snapshot
        .configuration()
        .properties()
        .get(&deltaic_log::table_properties::property::DELETED_FILE_RETENTION_DURATION);
    let now = snapshot.store().context().clock.now().0;
    let deleted_after = now - retention.expect("it is a duration").as_millis() as i64;
    let stands = |remove: &&Remove| remove.deletion_timestamp.unwrap_or(0) > deleted_after;
    state.removed.values().filter(stands).map(|remove| (remove_key(remove), in_checkpoint(remove))).collect()
}

fn remove_key(remove: &Remove) -> String {
    format!("{:?}", key(&remove.path, remove.deletion_vector.as_ref()))
}

fn in_checkpoint(remove: &Remove) -> Remove {
    let partition_values = remove.partition_values.clone().map(present);
    Remove { data_change: false, stats: None, tags: None, partition_values, ..remove.clone() }
}

fn check_counts(written: &CheckpointWritten, state: &Model, snapshot: &Snapshot) {
    assert_eq!((written.adds, written.removes), (state.files.len(), unexpired(state, snapshot).len()));
    assert!(written.hint_error.is_none() && written.actions >= 2 + written.adds + written.removes);
}

fn compare_with_model(alone: &Snapshot, state: &Model, written: &CheckpointWritten) {
    let about = format!("{written:?}");
    assert_eq!(alone.version(), written.version);
    assert_eq!((Some(alone.protocol()), Some(alone.metadata())), (state.protocol.as_ref(), state.metadata.as_ref()));
    assert_eq!(block_on(alone.transactions()).expect(&about), state.transactions, "{about}");
    assert_eq!(block_on(alone.domains()).expect(&about), state.live_domains(), "{about}");
    let files = block_on(alone.files()).expect(&about);
    let described = files.iter().map(|file| {
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
        (key(&add.path, add.deletion_vector.as_ref()), describe(&add))
    });
    same(&described.collect(), &state.describe_files(), &about);
    assert_eq!(files.len(), state.files.len(), "{about}");
    let tombstones: Vec<Remove> = block_on(alone.stream_tombstones(TimestampMs(-1)).try_collect()).expect(&about);
    let tombstones: BTreeMap<_, _> =
        tombstones.iter().map(|remove| (remove_key(remove), in_checkpoint(remove))).collect();
    same(&tombstones, &unexpired(state, alone), &about);
}

#[test]
fn every_table_of_other_engines_is_checkpointed_or_refused_by_name() {
    let (mut written, mut refused) = (0, 0);
    let mut tables: Vec<(String, std::path::PathBuf)> = Vec::new();
    let fixtures = Fixture::all();
    tables.extend(fixtures.iter().map(|fixture| (fixture.name.clone(), fixture.table())));
    if let Some(golden) = Golden::find() {
        let sound = golden.tables().filter(|(_, expected)| expected.outcome == "ok");
        tables.extend(sound.map(|(name, _)| (format!("golden {name}"), golden.path(name))));
    }
    for (name, table) in tables {
        println!("{name}");
        match check_table(&name, &table) {
            Ok(forms) => written += forms,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::UnsupportedProtocol, "{name}: {error:?}");
                refused += 1;
            }
        }
    }
    println!("{written} checkpoints, {refused} tables refused");
    assert!(written >= 60, "{written} checkpoints");
}

/// Writes a checkpoint in each form that the table allows, each in a copy of it, and compares what can be read from it alone.
fn check_table(name: &str, table: &Path) -> Result<usize> {
    let open = |at: &Path| -> Result<Snapshot> {
        block_on(Snapshot::open(&directory_url(at), context(), SnapshotOptions::new()))
    };
    let before = open(table)?;
    let expected = State::of(&before);
    for form in forms_of(&before) {
        let copy = tempfile::tempdir().unwrap();
        copy_directory(table, copy.path()).unwrap();
        let snapshot = open(copy.path())?;
        let written = block_on(write_checkpoint(&snapshot, CheckpointOptions::new().with_form(*form)))?;
        for entry in std::fs::read_dir(copy.path().join("_delta_log")).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            let is_ours = !table.join("_delta_log").join(&file).exists();
            assert!(!is_ours || !file.ends_with(".tmp"), "{name}: {file} is left behind");
            if LogFileName::parse(&file).is_some() && format!("_delta_log/{file}") != written.path {
                std::fs::remove_file(path).unwrap();
            }
        }
        let alone = open(copy.path()).unwrap_or_else(|error| panic!("{name}, {form:?}: {error:?}"));
        assert!(alone.segment().deltas.is_empty() && alone.version() == before.version());
        expected.compare(&State::of(&alone), &format!("{name}, {form:?}"));
    }
    Ok(forms_of(&before).len())
}

fn context() -> Context {
    local_context(Route::Files)
}

/// Everything that a snapshot says, as text.
struct State {
    files: BTreeMap<String, String>,
    statistics: BTreeMap<String, Vec<String>>,
    others: String,
    tombstones: BTreeMap<String, Remove>,
    forms: StatisticsForms,
}

impl State {
    fn of(snapshot: &Snapshot) -> Self {
        let retention = snapshot
            .configuration()
            .properties()
            .get(&deltaic_log::table_properties::property::DELETED_FILE_RETENTION_DURATION)
            .unwrap();
        let deleted_after = snapshot.store().context().clock.now().0 - retention.as_millis() as i64;
        let removes: Vec<Remove> =
            block_on(snapshot.stream_tombstones(TimestampMs(deleted_after)).try_collect()).unwrap();
        // Only there does a checkpoint say of typed bounds whether they are tight.
        let has_vectors = snapshot.protocol().supports(&DELETION_VECTORS);
        let (mut files, mut statistics) = (BTreeMap::new(), BTreeMap::new());
        let columns: Vec<_> = deltaic_log::statistics::indexed_schema(snapshot.configuration())
            .unwrap()
            .leaves()
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        for chunk in block_on(snapshot.files()).unwrap().chunks() {
            let schema = snapshot.configuration().physical_schema();
            let bounds = block_on(chunk.bounds(snapshot.store(), schema, &columns)).unwrap();
            for file in chunk.files() {
                let key = format!("{} {:?}", file.path(), file.deletion_vector());
                let mut said = vec![
                    format!("records {}", cell(&bounds.num_records, file.row())),
                    format!("tight {}", !has_vectors || bounds.tight.value(file.row())),
                ];
                for column in &bounds.columns {
                    let cells = [column.min.as_ref(), column.max.as_ref(), &column.null_count]
                        .map(|array| cell(array, file.row()));
                    said.push(format!("{} {}", column.path, cells.join(" ")));
                }
                statistics.insert(key.clone(), said);
                let rest = (
                    file.size(),
                    file.modification_time(),
                    present(file.partition_values()),
                    file.base_row_id(),
                    file.default_row_commit_version(),
                );
                files.insert(key, format!("{rest:?}"));
            }
        }
        let small = (
            snapshot.protocol(),
            snapshot.metadata(),
            block_on(snapshot.transactions()).unwrap(),
            block_on(snapshot.domains()).unwrap(),
        );
        let tombstones = removes
            .iter()
            .map(|remove| (format!("{} {:?}", remove.path, remove.deletion_vector), in_checkpoint(remove)));
        Self {
            files,
            statistics,
            others: format!("{small:?}"),
            tombstones: tombstones.collect(),
            forms: StatisticsForms::of(snapshot.configuration()).unwrap(),
        }
    }

    fn compare(&self, other: &Self, about: &str) {
        assert_eq!(self.others, other.others, "{about}");
        same(&self.files, &other.files, about);
        same(&self.tombstones, &other.tombstones, about);
        if self.forms.json || self.forms.parsed {
            same(&self.statistics, &other.statistics, about);
        }
    }
}

/// Shows the first difference alone: tables are large.
fn same<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    one: &BTreeMap<K, V>,
    other: &BTreeMap<K, V>,
    about: &str,
) {
    for key in one.keys().chain(other.keys()) {
        assert_eq!(one.get(key), other.get(key), "{about}: {key:?}");
    }
}

/// A value that is null and one that is not there are one.
fn present(values: PartitionValues) -> PartitionValues {
    values.into_iter().filter(|(_, value)| value.is_some()).collect()
}

fn cell(array: &dyn Array, row: usize) -> String {
    match array.data_type() {
        // Some writers give bounds of them; the typed columns have none.
        arrow_schema::DataType::Boolean => "boolean".to_owned(),
        _ if array.is_null(row) => "-".to_owned(),
        arrow_schema::DataType::List(_) | arrow_schema::DataType::Map(..) | arrow_schema::DataType::Struct(_) => {
            "nested".to_owned()
        }
        _ => ArrayFormatter::try_new(array, &FormatOptions::default()).unwrap().value(row).to_string(),
    }
}
