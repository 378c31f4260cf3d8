use super::{FeatureSpec, Heading, Support};

/// Shapes on a plane and on the globe.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "geospatial",
    aliases: &["geospatial-preview"],
    heading: Heading::rfc("Geospatial types", "geospatial-types.md"),
    read: Support::Refused {
        why: "the proposal's geometry and geography types are no part of the specification",
        remedy: "store the columns as binary (WKB) with the engine that wrote them, and drop the feature",
    },
    ..FeatureSpec::READER_WRITER
};
