use super::{FeatureSpec, Heading, Support};

/// Configuration of systems and users, by domain.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "domainMetadata",
    heading: Heading::spec("Domain Metadata", "domain-metadata"),
    write: Support::Full,
    ..FeatureSpec::WRITER
};
