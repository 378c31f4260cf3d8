use super::{FeatureSpec, Heading};

/// Rows that lie near each other in some columns are kept together.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "clustering",
    requires: &["domainMetadata"],
    heading: Heading::spec("Clustered Table", "clustered-table"),
    ..FeatureSpec::WRITER
};
