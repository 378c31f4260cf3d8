use super::{FeatureSpec, Heading, Removal, Support};

/// Whoever deletes old files checks the writer protocol first. Readers only acknowledge it.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "vacuumProtocolCheck",
    heading: Heading::spec("VACUUM Protocol Check", "vacuum-protocol-check"),
    write: Support::Full,
    removal: Removal { is_needed: Some(|_| false), ..Removal::WHEN_INACTIVE },
    ..FeatureSpec::READER_WRITER
};
