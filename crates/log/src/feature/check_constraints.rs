use super::{FeatureSpec, Heading, LegacyVersions};

/// Named conditions that every row fulfils.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "checkConstraints",
    legacy: Some(LegacyVersions { reader: 1, writer: 3 }),
    heading: Heading::spec("CHECK Constraints", "check-constraints"),
    is_active: |table| table.properties().constraints().next().is_some(),
    ..FeatureSpec::WRITER
};
