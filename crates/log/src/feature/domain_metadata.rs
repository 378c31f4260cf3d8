use super::{FeatureSpec, Heading};

/// Configuration of systems and users, by domain.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "domainMetadata",
    heading: Heading::spec("Domain Metadata", "domain-metadata"),
    ..FeatureSpec::WRITER
};
