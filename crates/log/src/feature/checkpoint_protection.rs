use super::{FeatureSpec, Heading, Removal, Support};
use crate::table_properties::property;

/// Old checkpoints may be removed only by who understands all that lies before them.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "checkpointProtection",
    heading: Heading::rfc("Checkpoint Protection", "checkpoint-protection.md"),
    write: Support::Full,
    removal: Removal::with(&[property::REQUIRE_CHECKPOINT_PROTECTION_BEFORE_VERSION.spec.key]),
    is_active: |table| {
        table.properties().get(&property::REQUIRE_CHECKPOINT_PROTECTION_BEFORE_VERSION).is_ok_and(|v| v > 0)
    },
    ..FeatureSpec::WRITER
};
