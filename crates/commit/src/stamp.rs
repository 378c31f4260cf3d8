//! What is made anew for each version that is tried: the commit's provenance and time, row ids, the version's own number.
//!
//! Spec: [In-Commit Timestamps](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#in-commit-timestamps),
//! [Row Tracking](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#row-tracking). A body that lost its version is
//! never put as another: its row ids may have been given away.

use deltaic_log::action::{Action, Add, CommitInfo, DomainMetadata, Metadata};
use deltaic_log::feature::{FeatureSpec, IN_COMMIT_TIMESTAMP, ROW_TRACKING};
use deltaic_log::table_properties::{IsolationLevel, property};
use deltaic_log::{Error, ErrorKind, Result, TableConfiguration, TimestampMs, Version};
use serde_json::{Map, Value, json};

use crate::isolation;
use crate::staged::Staged;
use crate::tip::{RowTrackingDomain, Tip};

/// Where the row id high-water mark is kept.
pub(crate) const ROW_TRACKING_DOMAIN: &str = "delta.rowTracking";
/// Whether rows that were there before keep their ids.
const ROW_TRACKING_PRESERVED: &str = "delta.rowTracking.preserved";

/// A commit, ready to be put as one version and no other.
#[derive(Clone, Debug)]
pub(crate) struct Stamped {
    pub(crate) version: Version,
    pub(crate) actions: Vec<Action>,
    pub(crate) configuration: TableConfiguration,
    /// The commit's own time, where the table has the feature on.
    pub(crate) timestamp: Option<TimestampMs>,
    /// The feature that goes from the protocol.
    pub(crate) dropped: Option<&'static FeatureSpec>,
}

/// How the transaction stands to others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) isolation: IsolationLevel,
    pub(crate) is_blind_append: bool,
}

/// The commit that `staged` makes after `tip`.
///
/// # Errors
/// [`ErrorKind::InvalidCommit`] where rows cannot be numbered; as [`TableConfiguration::try_new`].
pub(crate) fn stamp(staged: &Staged, standing: Standing, tip: &Tip, now: TimestampMs) -> Result<Stamped> {
    let version = tip.next();
    let configuration = staged.configuration_after(&tip.configuration)?;
    let timestamp = configuration.is_active(&IN_COMMIT_TIMESTAMP).then(|| later_than(tip.timestamp, now));
    let metadata = staged.metadata.clone().map(|metadata| with_enablement(metadata, tip, version, timestamp));
    let metadata = metadata.map(|metadata| with_protection(metadata, staged, version));
    let (adds, domain) = number_rows(staged, &configuration, tip, version)?;

    let info = commit_info(staged, standing, &configuration, timestamp, now);
    let mut actions = vec![Action::CommitInfo(info)];
    actions.extend(staged.protocol.clone().map(Action::Protocol));
    actions.extend(metadata.map(Action::Metadata));
    actions.extend(staged.transactions.values().cloned().map(Action::SetTransaction));
    actions.extend(staged.domains.values().cloned().chain(domain).map(Action::DomainMetadata));
    actions.extend(staged.removes.iter().cloned().map(|mut remove| {
        remove.deletion_timestamp.get_or_insert(now.0);
        Action::Remove(remove)
    }));
    actions.extend(adds.into_iter().map(Action::Add));
    actions.extend(staged.cdc_files.iter().cloned().map(Action::AddCdcFile));
    Ok(Stamped { version, actions, configuration, timestamp, dropped: staged.dropped })
}

/// Now, or the millisecond after the previous commit: time only ever grows.
fn later_than(previous: Option<TimestampMs>, now: TimestampMs) -> TimestampMs {
    previous.map_or(now, |previous| TimestampMs(now.0.max(previous.0.saturating_add(1))))
}

/// A table that had versions before its commits carried their own time records since when they do.
fn with_enablement(mut metadata: Metadata, tip: &Tip, version: Version, timestamp: Option<TimestampMs>) -> Metadata {
    let is_new = tip.version.is_some() && !tip.configuration.is_active(&IN_COMMIT_TIMESTAMP);
    if let (true, Some(timestamp)) = (is_new, timestamp) {
        let mut set = |key: &str, value: String| metadata.configuration.insert(key.to_owned(), value);
        set(property::IN_COMMIT_TIMESTAMP_ENABLEMENT_VERSION.spec.key, version.to_string());
        set(property::IN_COMMIT_TIMESTAMP_ENABLEMENT_TIMESTAMP.spec.key, timestamp.0.to_string());
    }
    metadata
}

/// Spec: the checkpoints before the version that drops a feature hide what readers need not know any more.
fn with_protection(mut metadata: Metadata, staged: &Staged, version: Version) -> Metadata {
    if staged.protects_checkpoints {
        let key = property::REQUIRE_CHECKPOINT_PROTECTION_BEFORE_VERSION.spec.key;
        metadata.configuration.insert(key.to_owned(), version.to_string());
    }
    metadata
}

/// The files, each with the id of its first row and the version of its rows, where the table supports row tracking; and the
/// domain that says how far ids were given.
fn number_rows(
    staged: &Staged,
    table: &TableConfiguration,
    tip: &Tip,
    version: Version,
) -> Result<(Vec<Add>, Option<DomainMetadata>)> {
    let mut adds = staged.adds.clone();
    let is_suspended = table.properties().get(&property::ROW_TRACKING_SUSPENDED)?;
    if !table.protocol().supports(&ROW_TRACKING) || is_suspended {
        return Ok((adds, None));
    }
    let mut high_water_mark = tip.row_id_high_water_mark;
    for add in &mut adds {
        if add.base_row_id.is_none() {
            let rows = add.num_records().ok_or_else(|| uncounted(add))?;
            add.base_row_id = Some(high_water_mark.saturating_add(1));
            high_water_mark = high_water_mark.checked_add(rows).ok_or_else(|| exhausted(add))?;
        }
        add.default_row_commit_version.get_or_insert(i64::try_from(version.0).unwrap_or(i64::MAX));
    }
    let given = high_water_mark > tip.row_id_high_water_mark;
    let configuration = serde_json::to_string(&RowTrackingDomain { row_id_high_water_mark: high_water_mark })
        .map_err(|error| Error::new(ErrorKind::Internal, "a number cannot be written as JSON").because(error))?;
    let domain = DomainMetadata { domain: ROW_TRACKING_DOMAIN.to_owned(), configuration, removed: false };
    Ok((adds, given.then_some(domain)))
}

fn uncounted(add: &Add) -> Error {
    let message =
        "the table tracks its rows, but the statistics of a new file do not say how many it has: give `numRecords`";
    Error::new(ErrorKind::InvalidCommit, message).with("invariant", "row_ids").with("file", &add.path)
}

fn exhausted(add: &Add) -> Error {
    let message = "the table has given out all row ids that there are: turn row tracking off";
    Error::new(ErrorKind::InvalidCommit, message).with("invariant", "row_ids").with("file", &add.path)
}

fn commit_info(
    staged: &Staged,
    standing: Standing,
    table: &TableConfiguration,
    timestamp: Option<TimestampMs>,
    now: TimestampMs,
) -> CommitInfo {
    let mut tags = staged.tags.clone();
    if table.is_active(&ROW_TRACKING) && staged.only_adds() && staged.metadata.is_none() {
        // Rows that were there before are not touched.
        tags.entry(ROW_TRACKING_PRESERVED.to_owned()).or_insert(Some("true".to_owned()));
    }
    let mut extra = Map::new();
    if !tags.is_empty() {
        extra.insert("tags".to_owned(), json!(tags));
    }
    let unless_empty = |map: &Map<String, Value>| (!map.is_empty()).then(|| map.clone());
    CommitInfo {
        timestamp: Some(timestamp.unwrap_or(now).0),
        in_commit_timestamp: timestamp.map(|time| time.0),
        operation: Some(staged.operation.name().to_owned()),
        operation_parameters: Some(staged.operation.parameters().clone()),
        operation_metrics: unless_empty(&staged.metrics),
        read_version: staged.read_version.and_then(|version| i64::try_from(version.0).ok()),
        isolation_level: Some(isolation::name(standing.isolation).to_owned()),
        is_blind_append: Some(standing.is_blind_append),
        engine_info: Some(staged.engine_info.clone()),
        txn_id: Some(staged.txn_id.clone()),
        user_metadata: staged.user_metadata.clone(),
        extra,
    }
}
