use super::{FeatureSpec, Heading, Support};
use crate::table_properties::property;

/// Commits carry their own time.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "inCommitTimestamp",
    aliases: &["inCommitTimestamp-preview"],
    heading: Heading::spec("In-Commit Timestamps", "in-commit-timestamps"),
    write: Support::Full,
    is_active: |table| table.is_set(&property::ENABLE_IN_COMMIT_TIMESTAMPS),
    ..FeatureSpec::WRITER
};
