//! Replays the log commit by commit, and compares the state with checkpoints and checksums on the way.

use std::collections::BTreeMap;

use deltaic_log::commit_file::read_actions;
use deltaic_log::file_name::{LOG_DIR, LogFileName};
use deltaic_log::segment::{CheckpointFiles, Listing};
use deltaic_log::store::TableFile;
use deltaic_log::version_checksum::VersionChecksum;
use deltaic_log::{Error, ErrorKind, Result, ResultExt, Snapshot, SnapshotOptions, TableStore, Version};
use futures::TryStreamExt;

use super::finding::{Finding, Report, Rule, Severity};
use super::state::{FileFacts, FileKey, State, of_view};
use super::{CheckOptions, Progress, checksum, commit};

/// Replays every commit of the listing that a state can be made for.
pub(super) async fn check(
    store: &TableStore,
    listing: &Listing,
    options: &CheckOptions,
    report: &mut Report,
) -> Result<()> {
    let checkpoints: BTreeMap<_, _> =
        listing.checkpoints().map(|checkpoint| (checkpoint.version, checkpoint)).collect();
    options.tell(Progress::Ahead(listing.commits().count() as u64));
    let mut state = None;
    for (version, file) in listing.commits() {
        options.tell(Progress::Done(1));
        if !continues(&state, version) {
            state = start(store, &checkpoints, listing, version, &state, report).await?;
        }
        let Some(state) = &mut state else { continue };
        if state.version >= Some(version) {
            // The checkpoint that the state began with covers this commit.
            continue;
        }
        one_commit(store, version, file, state, report).await?;
        if let Some(checkpoint) = checkpoints.get(&version) {
            one_checkpoint(store, checkpoint, state, report).await?;
        }
        if listing.checksum_versions().contains(&version) {
            one_checksum(store, version, state, report).await?;
        }
    }
    Ok(())
}

fn continues(state: &Option<State>, version: Version) -> bool {
    state.as_ref().and_then(|state| state.version).is_some_and(|last| last.next() >= version)
}

/// The state to go on from at `version`: nothing before the first version, else a checkpoint's. Without one the commits up
/// to the next checkpoint mean nothing; that is a finding, unless newer checkpoints make them history that was cleaned up.
async fn start(
    store: &TableStore,
    checkpoints: &BTreeMap<Version, CheckpointFiles>,
    listing: &Listing,
    version: Version,
    before: &Option<State>,
    report: &mut Report,
) -> Result<Option<State>> {
    if version == Version(0) {
        return Ok(Some(State::default()));
    }
    let base = checkpoints.get(&version).or_else(|| checkpoints.get(&version.previous()?));
    if let Some(checkpoint) = base {
        return match state_of(store, checkpoint).await {
            Ok(state) => Ok(Some(state)),
            Err(error) => report.add_error(error, Rule::Checkpoints).map(|()| None),
        };
    }
    let newest = checkpoints.last_key_value().map(|(version, _)| *version);
    let expected = before.as_ref().and_then(|state| state.version).map_or(Version(0), Version::next);
    let is_first = listing.commits().next().is_some_and(|(first, _)| first == version);
    if before.is_some() || is_first {
        let severity = if newest >= Some(version) { Severity::Warning } else { Severity::Error };
        let message = match before.is_some() || newest.is_none() {
            true => format!("versions are not contiguous: {expected} is missing before {version}"),
            false => format!("the log begins at version {version} without a checkpoint to begin with"),
        };
        report.add(Finding::new(severity, Rule::LogEntries, message).at(version));
    }
    Ok(None)
}

async fn one_commit(
    store: &TableStore,
    version: Version,
    file: &TableFile,
    state: &mut State,
    report: &mut Report,
) -> Result<()> {
    let actions = match read(store, file).await {
        Ok(actions) => actions,
        Err(error) => {
            report.add_error(error.with("version", version).with("file", &file.path), Rule::LogEntries)?;
            // The state after an unreadable commit is not known: the next ones are replayed as if it were empty.
            state.version = Some(version);
            return Ok(());
        }
    };
    let before = state.clone_without_files();
    state.apply(version, &actions);
    report.commits += 1;
    let findings = commit::findings(&actions, &before, state);
    findings.into_iter().for_each(|finding| report.add(finding.at(version).of(&file.path)));
    state.in_commit_time = commit::time(&actions).or(before.in_commit_time);
    if version == Version(0) && (state.protocol.is_none() || state.metadata.is_none()) {
        let message = "the first version has no `protocol` or no `metaData`";
        report.add(Finding::error(Rule::LogEntries, message).at(version).of(&file.path));
    }
    Ok(())
}

async fn read(store: &TableStore, file: &TableFile) -> Result<Vec<deltaic_log::action::Action>> {
    let gone = || Error::new(ErrorKind::MissingFile, "the commit was removed since it was listed");
    let text = store.read(&file.path).await?.ok_or_else(gone)?;
    read_actions(&text)
}

/// The engine's own replay of this checkpoint must give the files that the commits gave.
async fn one_checkpoint(
    store: &TableStore,
    checkpoint: &CheckpointFiles,
    state: &State,
    report: &mut Report,
) -> Result<()> {
    report.checkpoints += 1;
    let file = checkpoint.files.first().map_or_else(String::new, |file| file.path.clone());
    let held = match state_of(store, checkpoint).await.with("file", &file) {
        Ok(held) => held,
        Err(error) => return report.add_error(error, Rule::Checkpoints),
    };
    let differences = differences(&state.files, &held.files);
    let finding = |message: String| Finding::error(Rule::Checkpoints, message).at(checkpoint.version).of(&file);
    differences.into_iter().for_each(|message| report.add(finding(message)));
    if held.protocol != state.protocol {
        report.add(finding("its protocol is not that of the commits".to_owned()));
    }
    if held.metadata.map(|metadata| metadata.id) != state.metadata.as_ref().map(|metadata| metadata.id.clone()) {
        report.add(finding("its metadata is not that of the commits".to_owned()));
    }
    Ok(())
}

/// The state that a checkpoint holds, and nothing else: where the engine has to fall back on older files, that is an error.
async fn state_of(store: &TableStore, checkpoint: &CheckpointFiles) -> Result<State> {
    let snapshot = Snapshot::open_in(store, SnapshotOptions::new().with_version(checkpoint.version)).await?;
    if snapshot.segment().checkpoint.as_ref() != Some(checkpoint) {
        return Err(Error::new(
            ErrorKind::CorruptLog,
            "the checkpoint cannot be read: readers fall back to an older one",
        )
        .with("version", checkpoint.version)
        .with("file", checkpoint.files.first().map_or("", |file| &file.path)));
    }
    let mut state = State {
        version: Some(checkpoint.version),
        protocol: Some(snapshot.protocol().clone()),
        metadata: Some(snapshot.metadata().clone()),
        ..State::default()
    };
    let transactions = snapshot.transactions().await?.into_values();
    state.transactions.extend(transactions.map(|txn| (txn.app_id, txn.version)));
    let domains = snapshot.domains().await?.into_values();
    state.domains.extend(domains.map(|domain| (domain.domain, domain.configuration)));
    let mut chunks = snapshot.stream_files();
    while let Some(chunk) = chunks.try_next().await? {
        state.files.extend(chunk.files().map(|file| of_view(&file)));
    }
    Ok(state)
}

/// What differs, with one example of each kind.
fn differences(commits: &BTreeMap<FileKey, FileFacts>, checkpoint: &BTreeMap<FileKey, FileFacts>) -> Vec<String> {
    let missing: Vec<_> = commits.keys().filter(|key| !checkpoint.contains_key(*key)).collect();
    let extra: Vec<_> = checkpoint.keys().filter(|key| !commits.contains_key(*key)).collect();
    let changed: Vec<_> = commits
        .iter()
        .filter(|(key, facts)| checkpoint.get(*key).is_some_and(|f| f != *facts))
        .map(|(k, _)| k)
        .collect();
    let say = |keys: Vec<&FileKey>, what: &str| {
        keys.first().map(|first| format!("{} live files {what}, such as {}", keys.len(), first.0))
    };
    [
        say(missing, "of the commits are missing from it"),
        say(extra, "are in it that the commits do not have"),
        say(changed, "have another size or deletion vector in it"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

async fn one_checksum(store: &TableStore, version: Version, state: &State, report: &mut Report) -> Result<()> {
    let path = format!("{LOG_DIR}/{}", LogFileName::Checksum(version));
    report.checksums += 1;
    match VersionChecksum::read(store, version).await? {
        Some(found) => {
            let findings = checksum::findings(&found, state);
            findings.into_iter().for_each(|finding| report.add(finding.at(version).of(&path)));
        }
        None => {
            let message = "it cannot be parsed: readers do without it";
            report.add(Finding::new(Severity::Warning, Rule::VersionChecksum, message).at(version).of(&path));
        }
    }
    Ok(())
}
