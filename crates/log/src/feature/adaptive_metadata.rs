use super::{FeatureSpec, Heading, Support};

/// Metadata in Iceberg's manifest trees.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "adaptiveMetadata",
    aliases: &["adaptiveMetadata-preview"],
    heading: Heading::rfc("Iceberg V4 Metadata", "iceberg-v4-metadata.md"),
    read: Support::Refused {
        why: "the list of the table's files is not in actions, but in manifest trees of a proposal that still changes",
        remedy: "drop the feature with the engine that enabled it",
    },
    ..FeatureSpec::READER_WRITER
};
