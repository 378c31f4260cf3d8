use super::{FeatureSpec, Heading, Removal, Support};
use crate::table_properties::property;

/// Commits carry their own time.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "inCommitTimestamp",
    aliases: &["inCommitTimestamp-preview"],
    heading: Heading::spec("In-Commit Timestamps", "in-commit-timestamps"),
    write: Support::Full,
    removal: Removal::with(&[
        property::ENABLE_IN_COMMIT_TIMESTAMPS.spec.key,
        property::IN_COMMIT_TIMESTAMP_ENABLEMENT_VERSION.spec.key,
        property::IN_COMMIT_TIMESTAMP_ENABLEMENT_TIMESTAMP.spec.key,
    ]),
    is_active: |table| table.is_set(&property::ENABLE_IN_COMMIT_TIMESTAMPS),
    ..FeatureSpec::WRITER
};
