use super::{FeatureSpec, Heading, Removal, Support, Traces};

/// Configuration of systems and users, by domain.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "domainMetadata",
    heading: Heading::spec("Domain Metadata", "domain-metadata"),
    write: Support::Full,
    removal: Removal {
        is_needed: Some(|_| false),
        traces: Traces::Domains,
        remedy: "remove its metadata domains",
        ..Removal::WHEN_INACTIVE
    },
    ..FeatureSpec::WRITER
};
