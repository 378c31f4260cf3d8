//! The rules within one commit, and from one commit to the next: pure, from actions to findings.

use std::collections::{BTreeMap, BTreeSet};

use deltaic_log::TimestampMs;
use deltaic_log::action::{Action, CommitInfo};

use super::finding::{Finding, Rule, Severity};
use super::state::{State, add_key, remove_key};

/// What is wrong with a commit of `actions` upon `before`, whose state it makes into `after`.
pub(super) fn findings(actions: &[Action], before: &State, after: &State) -> Vec<Finding> {
    let mut findings = Vec::new();
    repeated(actions, &mut findings);
    contradicting(actions, &mut findings);
    live_twice(actions, after, &mut findings);
    values(actions, &mut findings);
    times(actions, before, after, &mut findings);
    findings
}

/// Actions of which a commit holds one at most.
fn repeated(actions: &[Action], findings: &mut Vec<Finding>) {
    let mut counts: BTreeMap<(Rule, String), usize> = BTreeMap::new();
    for action in actions {
        let key = match action {
            Action::Metadata(_) => (Rule::ChangeMetadata, "`metaData`".to_owned()),
            Action::Protocol(_) => (Rule::ProtocolEvolution, "`protocol`".to_owned()),
            Action::CommitInfo(_) => (Rule::CommitProvenance, "`commitInfo`".to_owned()),
            Action::SetTransaction(txn) => {
                (Rule::TransactionIdentifiers, format!("`txn` of application {}", txn.app_id))
            }
            Action::DomainMetadata(domain) => {
                (Rule::DomainMetadata, format!("`domainMetadata` of domain {}", domain.domain))
            }
            Action::Add(add) => (Rule::AddAndRemoveFile, format!("`add` of {}", name(&add_key(add)))),
            Action::Remove(remove) => (Rule::AddAndRemoveFile, format!("`remove` of {}", name(&remove_key(remove)))),
            _ => continue,
        };
        *counts.entry(key).or_default() += 1;
    }
    let repeated = counts.into_iter().filter(|(_, count)| *count > 1);
    findings.extend(
        repeated.map(|((rule, what), count)| Finding::error(rule, format!("the commit has {count} actions {what}"))),
    );
}

/// The same logical file added and removed.
fn contradicting(actions: &[Action], findings: &mut Vec<Finding>) {
    let removed: BTreeSet<_> =
        actions.iter().filter_map(|a| if let Action::Remove(r) = a { Some(remove_key(r)) } else { None }).collect();
    let added =
        actions.iter().filter_map(|action| if let Action::Add(add) = action { Some(add_key(add)) } else { None });
    for key in added.filter(|key| removed.contains(key)) {
        findings.push(
            Finding::error(Rule::AddAndRemoveFile, "the commit both adds and removes the same logical file").of(&key.0),
        );
    }
}

/// A path that is live under two deletion vectors: a vector is replaced by removing the file with the old one.
fn live_twice(actions: &[Action], after: &State, findings: &mut Vec<Finding>) {
    let added: BTreeSet<_> =
        actions.iter().filter_map(|a| if let Action::Add(add) = a { Some(add_key(add).0) } else { None }).collect();
    for path in added {
        let live = after.files.range((path.clone(), None)..).take_while(|((live, _), _)| *live == path).count();
        if live > 1 {
            let message = "the file is live under several deletion vectors: the older one was never removed";
            findings.push(Finding::error(Rule::ActionReconciliation, message).of(&path));
        }
    }
}

fn values(actions: &[Action], findings: &mut Vec<Finding>) {
    for action in actions {
        match action {
            Action::Add(add) if add.size < 0 => {
                findings.push(
                    Finding::error(Rule::AddAndRemoveFile, format!("the file's size is {}", add.size)).of(&add.path),
                );
            }
            Action::Metadata(metadata) if metadata.schema_string.is_none() => {
                let message = "the metadata has no schema: some readers refuse such a table";
                findings.push(Finding::new(Severity::Warning, Rule::ChangeMetadata, message));
            }
            Action::AddCdcFile(cdc) if cdc.data_change => {
                findings
                    .push(Finding::error(Rule::AddAndRemoveFile, "a change data file says `dataChange`").of(&cdc.path));
            }
            _ => {}
        }
    }
}

/// Under the feature, the first action holds a time that is later than the commit's before.
fn times(actions: &[Action], before: &State, after: &State, findings: &mut Vec<Finding>) {
    if !after.has_in_commit_timestamps() {
        return;
    }
    let mut wrong = |message: String| findings.push(Finding::error(Rule::InCommitTimestamps, message));
    match time(actions) {
        None => wrong("the table has in-commit timestamps, but the commit holds none".to_owned()),
        Some(_) if !matches!(actions.first(), Some(Action::CommitInfo(_))) => {
            wrong("`commitInfo` holds the commit's time and must be its first action".to_owned());
        }
        Some(now) => {
            if let Some(last) = before.in_commit_time.filter(|last| *last >= now) {
                wrong(format!("the commit's time {now} is not later than {last}, the time of the version before"));
            }
        }
    }
}

/// The commit's own time.
pub(super) fn time(actions: &[Action]) -> Option<TimestampMs> {
    let infos =
        actions.iter().filter_map(|action| if let Action::CommitInfo(info) = action { Some(info) } else { None });
    infos.filter_map(|info: &CommitInfo| info.in_commit_timestamp).map(TimestampMs).next()
}

fn name((path, vector): &(String, Option<String>)) -> String {
    match vector {
        Some(vector) => format!("{path} with deletion vector {vector}"),
        None => path.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deltaic_log::Version;
    use deltaic_log::commit_file::read_actions;

    const ICT: &str = r#"{"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"{}","partitionColumns":[],"configuration":{"delta.enableInCommitTimestamps":"true"}}}"#;

    /// Commits in order, and the messages about the last one.
    fn check(commits: &[&str], expect: &[(Rule, &str)]) {
        let mut state = State::default();
        let mut found = Vec::new();
        for (version, commit) in commits.iter().enumerate() {
            let actions = read_actions(commit.as_bytes()).unwrap();
            let before = state.clone();
            state.apply(Version(version as u64), &actions);
            found = findings(&actions, &before, &state);
            state.in_commit_time = time(&actions);
        }
        let found: Vec<_> = found.iter().map(|finding| (finding.rule, finding.message.as_str())).collect();
        assert_eq!(found.len(), expect.len(), "{found:?}");
        for ((rule, message), (expected_rule, part)) in found.iter().zip(expect) {
            assert!(rule == expected_rule && message.contains(part), "{rule:?} {message}");
        }
    }

    fn add(path: &str, vector: Option<&str>) -> String {
        let vector = vector.map_or(String::new(), |id| {
            format!(r#","deletionVector":{{"storageType":"u","pathOrInlineDv":"{id}","offset":1,"sizeInBytes":1,"cardinality":1}}"#)
        });
        format!(
            r#"{{"add":{{"path":"{path}","partitionValues":{{}},"size":1,"modificationTime":0,"dataChange":true{vector}}}}}"#
        )
    }

    fn remove(path: &str) -> String {
        format!(r#"{{"remove":{{"path":"{path}","dataChange":true}}}}"#)
    }

    #[test]
    fn a_sound_commit_has_no_findings() {
        check(&[&[add("a", None), add("b", None)].join("\n"), &[remove("a"), add("a", Some("v"))].join("\n")], &[]);
        check(&[&add("a", None), &add("a", None)], &[]);
    }

    #[test]
    fn actions_that_may_come_once() {
        check(&[&[add("a", None), add("%61", None)].join("\n")], &[(Rule::AddAndRemoveFile, "2 actions `add` of a")]);
        check(&[&[remove("a"), remove("a")].join("\n")], &[(Rule::AddAndRemoveFile, "`remove` of a")]);
        let txn = r#"{"txn":{"appId":"app","version":1}}"#;
        check(&[&[txn, txn].join("\n")], &[(Rule::TransactionIdentifiers, "application app")]);
        let domain = r#"{"domainMetadata":{"domain":"d","configuration":"","removed":false}}"#;
        check(&[&[domain, domain].join("\n")], &[(Rule::DomainMetadata, "domain d")]);
        let protocol = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#;
        check(&[&[protocol, protocol].join("\n")], &[(Rule::ProtocolEvolution, "2 actions `protocol`")]);
    }

    #[test]
    fn files_that_contradict_each_other() {
        check(&[&[add("a", None), remove("a")].join("\n")], &[(Rule::AddAndRemoveFile, "both adds and removes")]);
        check(&[&add("a", None), &add("a", Some("v"))], &[(Rule::ActionReconciliation, "several deletion vectors")]);
    }

    #[test]
    fn times_within_commits() {
        let at = |time: u64| format!(r#"{{"commitInfo":{{"inCommitTimestamp":{time}}}}}"#);
        check(&[&[at(5), ICT.to_owned()].join("\n"), &at(6)], &[]);
        check(&[&[at(5), ICT.to_owned()].join("\n"), &at(5)], &[(Rule::InCommitTimestamps, "not later than")]);
        check(&[&[ICT.to_owned(), at(5)].join("\n")], &[(Rule::InCommitTimestamps, "first action")]);
        check(&[&[at(5), ICT.to_owned()].join("\n"), &add("a", None)], &[(Rule::InCommitTimestamps, "holds none")]);
    }
}
