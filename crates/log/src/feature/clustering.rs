use super::{FeatureSpec, Heading, Support};

/// Rows that lie near each other in some columns are kept together.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "clustering",
    requires: &["domainMetadata"],
    heading: Heading::spec("Clustered Table", "clustered-table"),
    write: Support::Full,
    ..FeatureSpec::WRITER
};
