use super::{FeatureSpec, Heading};
use crate::table_properties::property;

/// A coordinator decides on commits and copies them into the log later: readers by path see a slightly older version.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "coordinatedCommits-preview",
    aliases: &["managedCommit-preview", "managedCommits-preview"],
    requires: &["inCommitTimestamp", "vacuumProtocolCheck"],
    heading: Heading::rfc("Coordinated Commits", "coordinated-commits.md"),
    is_active: |table| table.is_set_at_all(&property::COMMIT_COORDINATOR),
    ..FeatureSpec::WRITER
};
