use super::{FeatureSpec, Heading, Support};

/// Whoever deletes old files checks the writer protocol first. Readers only acknowledge it.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "vacuumProtocolCheck",
    heading: Heading::spec("VACUUM Protocol Check", "vacuum-protocol-check"),
    write: Support::Full,
    ..FeatureSpec::READER_WRITER
};
