use super::{FeatureSpec, Heading, Support};

/// Times in nanoseconds.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "timestampNanos",
    requires: &["timestampNtz"],
    heading: Heading::rfc("Nanosecond Timestamps", "nanosecond-timestamps.md"),
    read: Support::Refused {
        why: "the proposal's types are no part of the specification, and microseconds would lose digits",
        remedy: "cast the columns to timestamp or timestamp_ntz with the engine that wrote them, and drop the feature",
    },
    ..FeatureSpec::READER_WRITER
};
