//! What every commit keeps, checked before each put, whoever staged it.
//!
//! Each invariant has a name, which the error's context gives. They are checked on the very actions that are put: what the
//! code before was meant to make sure of is made sure of here again.

use std::collections::{BTreeMap, BTreeSet};

use deltaic_log::action::{Action, Add, CommitInfo, Metadata, PartitionValues, Protocol};
use deltaic_log::action_reconciliation::canonical_path;
use deltaic_log::deletion_vector::DeletionVectorDescriptor;
use deltaic_log::feature::{
    APPEND_ONLY, CHANGE_DATA_FEED, DELETION_VECTORS, DOMAIN_METADATA, IN_COMMIT_TIMESTAMP, ROW_TRACKING, needed_by,
};
use deltaic_log::table_properties::property;
use deltaic_log::{Error, ErrorKind, Result, TableConfiguration};

use crate::stamp::{ROW_TRACKING_DOMAIN, Stamped};
use crate::tip::{RowTrackingDomain, Tip};

/// A commit, and the version that it goes on from.
struct Candidate<'a> {
    commit: &'a Stamped,
    tip: &'a Tip,
}

/// What is wrong, or nothing.
type Verdict = Result<(), String>;

/// Judges a commit by one invariant.
type Invariant = fn(&Candidate<'_>) -> Verdict;

/// Every invariant by its name.
const ALL: &[(&str, Invariant)] = &[
    ("commit_info_first", commit_info_first),
    ("one_protocol", one_protocol),
    ("one_metadata", one_metadata),
    ("first_version_complete", first_version_complete),
    ("protocol_only_grows", protocol_only_grows),
    ("features_for_metadata", features_for_metadata),
    ("one_transaction_per_application", one_transaction_per_application),
    ("one_action_per_domain", one_action_per_domain),
    ("paths_unique", paths_unique),
    ("paths_inside", paths_inside),
    ("partition_keys_exact", partition_keys_exact),
    ("sizes_not_negative", sizes_not_negative),
    ("append_only", append_only),
    ("deletion_vectors_counted", deletion_vectors_counted),
    ("change_data_allowed", change_data_allowed),
    ("in_commit_timestamp_grows", in_commit_timestamp_grows),
    ("row_ids", row_ids),
];

/// Checks every invariant.
///
/// # Errors
/// [`ErrorKind::InvalidCommit`], whose context has the `invariant`; [`ErrorKind::UnsupportedProtocol`] where the table that the
/// commit makes is one that this library cannot write.
pub(crate) fn check(commit: &Stamped, tip: &Tip) -> Result<()> {
    let candidate = Candidate { commit, tip };
    for (name, invariant) in ALL {
        invariant(&candidate).map_err(|problem| {
            let message = format!("nothing was committed, as {problem}");
            Error::new(ErrorKind::InvalidCommit, message).with("invariant", name)
        })?;
    }
    commit.configuration.protocol().check_writable(&commit.configuration)
}

impl<'a> Candidate<'a> {
    fn actions(&self) -> impl Iterator<Item = &'a Action> {
        self.commit.actions.iter()
    }

    fn table(&self) -> &'a TableConfiguration {
        &self.commit.configuration
    }

    fn adds(&self) -> impl Iterator<Item = &'a Add> {
        self.actions().filter_map(|action| if let Action::Add(add) = action { Some(add) } else { None })
    }

    fn protocols(&self) -> impl Iterator<Item = &'a Protocol> {
        self.actions().filter_map(|action| if let Action::Protocol(protocol) = action { Some(protocol) } else { None })
    }

    fn metadata(&self) -> impl Iterator<Item = &'a Metadata> {
        self.actions().filter_map(|action| if let Action::Metadata(metadata) = action { Some(metadata) } else { None })
    }

    fn commit_info(&self) -> Option<&'a CommitInfo> {
        match self.commit.actions.first() {
            Some(Action::CommitInfo(info)) => Some(info),
            _ => None,
        }
    }

    fn is_first_version(&self) -> bool {
        self.tip.version.is_none()
    }
}

/// Spec: under in-commit timestamps `commitInfo` must be the first action; it names the transaction, by which a lost answer is
/// settled, so no commit goes without.
fn commit_info_first(candidate: &Candidate<'_>) -> Verdict {
    let count = candidate.actions().filter(|action| matches!(action, Action::CommitInfo(_))).count();
    let has_id = candidate.commit_info().is_some_and(|info| info.txn_id.is_some());
    ensure(count == 1 && has_id, || "its first action, and no other, must be `commitInfo` with a `txnId`".to_owned())
}

fn one_protocol(candidate: &Candidate<'_>) -> Verdict {
    ensure(candidate.protocols().count() <= 1, || "it has more than one `protocol` action".to_owned())
}

fn one_metadata(candidate: &Candidate<'_>) -> Verdict {
    ensure(candidate.metadata().count() <= 1, || "it has more than one `metaData` action".to_owned())
}

fn first_version_complete(candidate: &Candidate<'_>) -> Verdict {
    let is_complete = candidate.protocols().next().is_some() && candidate.metadata().next().is_some();
    ensure(!candidate.is_first_version() || is_complete, || {
        "the first version of a table must have a `protocol` and a `metaData` action".to_owned()
    })
}

fn protocol_only_grows(candidate: &Candidate<'_>) -> Verdict {
    let Some(protocol) = candidate.protocols().next().filter(|_| !candidate.is_first_version()) else { return Ok(()) };
    let mut dropped = candidate.tip.configuration.protocol().dropped_by(protocol);
    if let Some(feature) = candidate.commit.dropped {
        // It is dropped on purpose, and with it the versions that it needed; nothing else is.
        dropped.retain(|name| name != feature.name && !name.starts_with("versions"));
    }
    ensure(dropped.is_empty(), || format!("its protocol no longer has what the table's has: {}", dropped.join(", ")))
}

/// Metadata that makes use of a feature which the protocol lacks would be read by everybody as if it did not.
fn features_for_metadata(candidate: &Candidate<'_>) -> Verdict {
    let Some(metadata) = candidate.metadata().next() else { return Ok(()) };
    let needed = needed_by(metadata).map_err(|error| error.to_string())?;
    let protocol = candidate.table().protocol();
    let missing: Vec<_> =
        needed.iter().filter(|feature| !protocol.supports(feature)).map(|feature| feature.name).collect();
    ensure(missing.is_empty(), || {
        format!("its metadata makes use of features that the protocol lacks: {}; add them to it", missing.join(", "))
    })
}

fn one_transaction_per_application(candidate: &Candidate<'_>) -> Verdict {
    let ids = candidate.actions().filter_map(|action| match action {
        Action::SetTransaction(transaction) => Some(transaction.app_id.as_str()),
        _ => None,
    });
    unique(ids, "it sets the transaction identifier of one application twice:")
}

/// Spec: [Domain Metadata](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#domain-metadata).
fn one_action_per_domain(candidate: &Candidate<'_>) -> Verdict {
    let names = candidate.actions().filter_map(|action| match action {
        Action::DomainMetadata(domain) => Some(domain.domain.as_str()),
        _ => None,
    });
    let names: Vec<&str> = names.collect();
    ensure(names.is_empty() || candidate.table().protocol().supports(&DOMAIN_METADATA), || {
        "it writes metadata domains, but the table's protocol lacks domainMetadata: add the feature".to_owned()
    })?;
    unique(names.into_iter(), "it writes one metadata domain twice:")
}

/// Spec: within a version, one path is added at most once and removed at most once; both only where the deletion vector
/// changes.
fn paths_unique(candidate: &Candidate<'_>) -> Verdict {
    let mut added: BTreeMap<String, Option<&DeletionVectorDescriptor>> = BTreeMap::new();
    for add in candidate.adds() {
        let path = canonical_path(&add.path).into_owned();
        ensure(added.insert(path, add.deletion_vector.as_ref()).is_none(), || format!("it adds {:?} twice", add.path))?;
    }
    let mut removed = BTreeSet::new();
    for remove in
        candidate.actions().filter_map(|action| if let Action::Remove(remove) = action { Some(remove) } else { None })
    {
        let path = canonical_path(&remove.path).into_owned();
        let is_same_file = added.get(&path).is_some_and(|vector| {
            vector.map(DeletionVectorDescriptor::unique_id)
                == remove.deletion_vector.as_ref().map(|vector| vector.unique_id())
        });
        ensure(!is_same_file, || format!("it both adds and removes {:?}", remove.path))?;
        ensure(removed.insert(path), || format!("it removes {:?} twice", remove.path))?;
    }
    Ok(())
}

/// A relative path that climbs out of the table, or into its log, names no data file.
fn paths_inside(candidate: &Candidate<'_>) -> Verdict {
    for path in candidate.actions().filter_map(path_of) {
        let decoded = canonical_path(path);
        let climbs = decoded.split('/').any(|segment| segment == "..");
        let is_file = !decoded.is_empty() && !decoded.ends_with('/') && !decoded.starts_with("_delta_log/");
        ensure(is_file && !climbs, || format!("the path {path:?} is not that of a data file of the table"))?;
    }
    Ok(())
}

fn path_of(action: &Action) -> Option<&str> {
    match action {
        Action::Add(add) => Some(&add.path),
        Action::Remove(remove) => Some(&remove.path),
        Action::AddCdcFile(cdc) => Some(&cdc.path),
        _ => None,
    }
}

/// Spec: `partitionValues` has exactly the partition columns, by their physical names.
fn partition_keys_exact(candidate: &Candidate<'_>) -> Verdict {
    let table = candidate.table();
    let mode = table.column_mapping_mode();
    let expected: BTreeSet<&str> = table.partition_fields().map(|field| field.physical_name(mode)).collect();
    for action in candidate.actions() {
        let (path, values) = match action {
            Action::Add(add) => (&add.path, &add.partition_values),
            Action::AddCdcFile(cdc) => (&cdc.path, &cdc.partition_values),
            _ => continue,
        };
        let found = keys(values);
        ensure(found == expected, || {
            format!(
                "the partition values of {path:?} are for {found:?}, where the table is partitioned by {expected:?}"
            )
        })?;
    }
    Ok(())
}

fn keys(values: &PartitionValues) -> BTreeSet<&str> {
    values.keys().map(String::as_str).collect()
}

fn sizes_not_negative(candidate: &Candidate<'_>) -> Verdict {
    for action in candidate.actions() {
        let (path, size) = match action {
            Action::Add(add) => (&add.path, add.size),
            Action::Remove(remove) => (&remove.path, remove.size.unwrap_or(0)),
            Action::AddCdcFile(cdc) => (&cdc.path, cdc.size),
            _ => continue,
        };
        ensure(size >= 0, || format!("the size of {path:?} is {size}"))?;
    }
    Ok(())
}

/// Spec: [Append-only Tables](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#append-only-tables).
fn append_only(candidate: &Candidate<'_>) -> Verdict {
    if !candidate.table().is_active(&APPEND_ONLY) {
        return Ok(());
    }
    let removes_rows = |action: &&Action| matches!(action, Action::Remove(remove) if remove.data_change);
    match candidate.actions().find(removes_rows).and_then(path_of) {
        None => Ok(()),
        Some(path) => {
            Err(format!("it removes the rows of {path:?} from a table whose property delta.appendOnly is true"))
        }
    }
}

/// Spec: [Writer Requirement for Deletion Vectors](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#writer-requirement-for-deletion-vectors).
fn deletion_vectors_counted(candidate: &Candidate<'_>) -> Verdict {
    for add in candidate.adds() {
        let Some(vector) = &add.deletion_vector else { continue };
        ensure(candidate.table().protocol().supports(&DELETION_VECTORS), || {
            format!(
                "{:?} has a deletion vector, but the table's protocol lacks deletionVectors: add the feature",
                add.path
            )
        })?;
        let rows = add.num_records();
        ensure(rows.is_some(), || {
            format!("{:?} has a deletion vector, but no `numRecords` in its statistics", add.path)
        })?;
        let fits = (0..=rows.unwrap_or(0)).contains(&vector.cardinality);
        ensure(fits, || format!("the deletion vector of {:?} deletes more rows than the file has", add.path))?;
    }
    Ok(())
}

/// Spec: [Add CDC File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-cdc-file).
fn change_data_allowed(candidate: &Candidate<'_>) -> Verdict {
    let files =
        candidate.actions().filter_map(|action| if let Action::AddCdcFile(cdc) = action { Some(cdc) } else { None });
    for cdc in files {
        ensure(candidate.table().is_active(&CHANGE_DATA_FEED), || {
            "it has change data, but the table's change data feed is not enabled".to_owned()
        })?;
        ensure(!cdc.data_change, || {
            format!("the change data file {:?} has `dataChange`, which must be false", cdc.path)
        })?;
    }
    Ok(())
}

fn in_commit_timestamp_grows(candidate: &Candidate<'_>) -> Verdict {
    let time = candidate.commit_info().and_then(|info| info.in_commit_timestamp);
    if !candidate.table().is_active(&IN_COMMIT_TIMESTAMP) {
        return ensure(time.is_none(), || {
            "it has an in-commit timestamp, though the table has the feature off".to_owned()
        });
    }
    let grows = time.is_some_and(|time| candidate.tip.timestamp.is_none_or(|previous| time > previous.0));
    ensure(grows, || "its in-commit timestamp is missing, or not later than the commit before it".to_owned())
}

/// Spec: [Writer Requirements for Row Tracking](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#writer-requirements-for-row-tracking).
fn row_ids(candidate: &Candidate<'_>) -> Verdict {
    let is_suspended =
        candidate.table().properties().get(&property::ROW_TRACKING_SUSPENDED).is_ok_and(|suspended| suspended);
    if !candidate.table().protocol().supports(&ROW_TRACKING) || is_suspended {
        return Ok(());
    }
    let high_water_mark = high_water_mark_after(candidate)?;
    let mut given: Vec<(i64, i64)> = Vec::new();
    for add in candidate.adds() {
        let (Some(base), Some(_)) = (add.base_row_id, add.default_row_commit_version) else {
            return Err(format!(
                "{:?} has no `baseRowId` or no `defaultRowCommitVersion`, though the table tracks rows",
                add.path
            ));
        };
        // Files that are added again keep the ids that they have.
        let end = base.saturating_add(add.num_records().unwrap_or(0));
        ensure(base >= 0 && end.saturating_sub(1) <= high_water_mark, || {
            format!("the row ids of {:?} were never given out", add.path)
        })?;
        if base > candidate.tip.row_id_high_water_mark {
            given.push((base, end));
        }
    }
    given.sort_unstable();
    ensure(given.windows(2).all(|pair| pair[0].1 <= pair[1].0), || "it gives one row id twice".to_owned())
}

fn high_water_mark_after(candidate: &Candidate<'_>) -> Result<i64, String> {
    let domains = candidate.actions().filter_map(|action| match action {
        Action::DomainMetadata(domain) if domain.domain == ROW_TRACKING_DOMAIN => Some(domain),
        _ => None,
    });
    let Some(domain) = { domains }.next() else { return Ok(candidate.tip.row_id_high_water_mark) };
    let parsed: RowTrackingDomain = serde_json::from_str(&domain.configuration)
        .map_err(|error| format!("its row tracking domain is malformed: {error}"))?;
    let grows = parsed.row_id_high_water_mark > candidate.tip.row_id_high_water_mark && !domain.removed;
    ensure(grows, || "it lowers the row id high-water mark".to_owned())?;
    Ok(parsed.row_id_high_water_mark)
}

fn unique<'a>(names: impl Iterator<Item = &'a str>, problem: &str) -> Verdict {
    let mut seen = BTreeSet::new();
    for name in names {
        ensure(seen.insert(name), || format!("{problem} {name:?}"))?;
    }
    Ok(())
}

fn ensure(holds: bool, problem: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(problem()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deltaic_log::feature::FeatureSpec;
    use deltaic_log::{TimestampMs, Version};
    use rstest::rstest;
    use serde_json::{Value, json};

    fn table(features: &[&str], partition_columns: &[&str], configuration: Value) -> TableConfiguration {
        let schema =
            json!({"type": "struct", "fields": [{"name": "p", "type": "string", "nullable": true, "metadata": {}}]});
        let metadata = json!({"id": "x", "schemaString": schema.to_string(), "partitionColumns": partition_columns, "configuration": configuration});
        let protocol = Protocol::weakest_with(features.iter().map(|name| FeatureSpec::named(name).unwrap()));
        TableConfiguration::try_new(protocol, serde_json::from_value(metadata).unwrap()).unwrap()
    }

    /// The name of the invariant that `lines` break after version 4 of `table`; `-` for none.
    fn broken(table: &TableConfiguration, lines: &[Value]) -> String {
        let mut lines = lines.to_vec();
        if !lines.iter().any(|line| line.get("commitInfo").is_some()) {
            let time = table.is_active(&IN_COMMIT_TIMESTAMP).then_some(1_001);
            lines.insert(0, json!({"commitInfo": {"txnId": "t", "inCommitTimestamp": time}}));
        }
        broken_as_it_is(table, &lines)
    }

    fn broken_as_it_is(before: &TableConfiguration, lines: &[Value]) -> String {
        let actions: Vec<Action> = lines.iter().map(|line| serde_json::from_value(line.clone()).unwrap()).collect();
        let mut configuration = before.clone();
        for action in &actions {
            let (protocol, metadata) = match action {
                Action::Protocol(protocol) => (protocol, configuration.metadata()),
                Action::Metadata(metadata) => (configuration.protocol(), metadata),
                _ => continue,
            };
            configuration = TableConfiguration::try_new(protocol.clone(), metadata.clone()).unwrap();
        }
        let tip = Tip {
            version: Some(Version(4)),
            configuration: before.clone(),
            timestamp: Some(TimestampMs(1_000)),
            row_id_high_water_mark: 9,
        };
        let commit = Stamped { version: Version(5), actions, configuration, timestamp: None, dropped: None };
        match check(&commit, &tip) {
            Ok(()) => "-".to_owned(),
            Err(error) => error.context("invariant").unwrap_or(error.kind().name()).to_owned(),
        }
    }

    fn add(path: &str, other: Value) -> Value {
        let mut add =
            json!({"path": path, "partitionValues": {}, "size": 1, "modificationTime": 1, "dataChange": true});
        add.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        json!({"add": add})
    }

    fn remove(path: &str, other: Value) -> Value {
        let mut remove = json!({"path": path, "deletionTimestamp": 1, "dataChange": true});
        remove.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        json!({"remove": remove})
    }

    fn vector(cardinality: i64) -> Value {
        json!({"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^", "offset": 1, "sizeInBytes": 40, "cardinality": cardinality})
    }

    #[rstest]
    #[case("-", vec![add("a", json!({})), remove("b", json!({}))])]
    #[case("one_transaction_per_application", vec![json!({"txn": {"appId": "a", "version": 1}}), json!({"txn": {"appId": "a", "version": 2}})])]
    #[case("one_action_per_domain", vec![json!({"domainMetadata": {"domain": "d", "configuration": "", "removed": false}}), json!({"domainMetadata": {"domain": "d", "configuration": "", "removed": true}})])]
    #[case("paths_unique", vec![add("a%20b", json!({})), add("a b", json!({}))])]
    #[case("paths_unique", vec![remove("a", json!({})), remove("a", json!({"deletionVector": vector(1)}))])]
    #[case("paths_unique", vec![add("a", json!({})), remove("a", json!({}))])]
    #[case("-", vec![add("a", json!({"deletionVector": vector(1), "stats": "{\"numRecords\":2}"})), remove("a", json!({}))])]
    #[case("paths_inside", vec![add("../a", json!({}))])]
    #[case("paths_inside", vec![add("_delta_log/a", json!({}))])]
    #[case("paths_inside", vec![add("", json!({}))])]
    #[case("-", vec![add("s3://other/place/a", json!({}))])]
    #[case("partition_keys_exact", vec![add("a", json!({"partitionValues": {"p": "1"}}))])]
    #[case("sizes_not_negative", vec![add("a", json!({"size": -1}))])]
    #[case("deletion_vectors_counted", vec![add("a", json!({"deletionVector": vector(1)}))])]
    #[case("deletion_vectors_counted", vec![add("a", json!({"deletionVector": vector(3), "stats": "{\"numRecords\":2}"}))])]
    #[case("change_data_allowed", vec![json!({"cdc": {"path": "a", "partitionValues": {}, "size": 1, "dataChange": false}})])]
    #[case("protocol_only_grows", vec![json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 1}})])]
    #[case("features_for_metadata", vec![json!({"metaData": {"id": "x", "schemaString": null, "configuration": {"delta.enableRowTracking": "true"}}})])]
    fn a_plain_table(#[case] expected: &str, #[case] lines: Vec<Value>) {
        assert_eq!(broken(&table(&["deletionVectors", "domainMetadata"], &[], json!({})), &lines), expected);
    }

    #[test]
    fn a_feature_is_in_the_protocol_before_it_is_used() {
        let table = table(&[], &[], json!({}));
        let domain = json!({"domainMetadata": {"domain": "d", "configuration": "", "removed": false}});
        assert_eq!(broken(&table, &[domain]), "one_action_per_domain");
        let file = add("a", json!({"deletionVector": vector(1), "stats": "{\"numRecords\":2}"}));
        assert_eq!(broken(&table, &[file]), "deletion_vectors_counted");
    }

    #[test]
    fn commit_info_is_first_and_has_an_id() {
        let table = table(&[], &[], json!({}));
        let info = json!({"commitInfo": {"txnId": "t"}});
        assert_eq!(broken_as_it_is(&table, std::slice::from_ref(&info)), "-");
        assert_eq!(broken_as_it_is(&table, &[]), "commit_info_first");
        assert_eq!(broken_as_it_is(&table, &[add("a", json!({})), info.clone()]), "commit_info_first");
        assert_eq!(broken_as_it_is(&table, &[info.clone(), info]), "commit_info_first");
        assert_eq!(broken_as_it_is(&table, &[json!({"commitInfo": {}})]), "commit_info_first");
    }

    #[test]
    fn partition_values_are_for_the_partition_columns() {
        let table = table(&[], &["p"], json!({}));
        assert_eq!(broken(&table, &[add("a", json!({"partitionValues": {"p": null}}))]), "-");
        assert_eq!(broken(&table, &[add("a", json!({}))]), "partition_keys_exact");
        assert_eq!(broken(&table, &[add("a", json!({"partitionValues": {"P": "1"}}))]), "partition_keys_exact");
    }

    #[test]
    fn rows_of_an_append_only_table_stay() {
        let table = table(&[], &[], json!({"delta.appendOnly": "true"}));
        assert_eq!(broken(&table, &[remove("a", json!({}))]), "append_only");
        assert_eq!(
            broken(&table, &[remove("a", json!({"dataChange": false})), add("b", json!({"dataChange": false}))]),
            "-"
        );
    }

    #[test]
    fn time_grows() {
        let table = table(&["inCommitTimestamp"], &[], json!({"delta.enableInCommitTimestamps": "true"}));
        for (time, expected) in [
            (json!(1_001), "-"),
            (json!(1_000), "in_commit_timestamp_grows"),
            (json!(null), "in_commit_timestamp_grows"),
        ] {
            assert_eq!(
                broken_as_it_is(&table, &[json!({"commitInfo": {"txnId": "t", "inCommitTimestamp": time}})]),
                expected
            );
        }
    }

    #[test]
    fn rows_are_numbered_once() {
        let table = table(&["rowTracking"], &[], json!({}));
        let mark = |mark| json!({"domainMetadata": {"domain": "delta.rowTracking", "configuration": format!("{{\"rowIdHighWaterMark\":{mark}}}"), "removed": false}});
        let file = |path, base| {
            add(path, json!({"baseRowId": base, "defaultRowCommitVersion": 5, "stats": "{\"numRecords\":3}"}))
        };
        assert_eq!(broken(&table, &[file("a", 10), file("b", 13), mark(15)]), "-");
        assert_eq!(broken(&table, &[file("a", 7)]), "-", "a file that is added again");
        assert_eq!(broken(&table, &[file("a", 10), file("b", 12), mark(15)]), "row_ids");
        assert_eq!(broken(&table, &[file("a", 10)]), "row_ids", "the mark was not moved");
        assert_eq!(broken(&table, &[mark(8)]), "row_ids");
        assert_eq!(broken(&table, &[add("a", json!({}))]), "row_ids");
    }

    #[test]
    fn a_table_that_cannot_be_written_is_not_made() {
        let metadata =
            json!({"metaData": {"id": "x", "schemaString": null, "configuration": {"delta.constraints.c": "n > 0"}}});
        assert_eq!(broken(&table(&["checkConstraints"], &[], json!({})), &[metadata]), "unsupported_protocol");
    }
}
