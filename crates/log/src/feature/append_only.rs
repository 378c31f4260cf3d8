use super::{FeatureSpec, Heading, LegacyVersions, Removal, Support};
use crate::table_properties::property;

/// Rows are never changed or removed.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "appendOnly",
    legacy: Some(LegacyVersions { reader: 1, writer: 2 }),
    heading: Heading::spec("Append-only Tables", "append-only-tables"),
    write: Support::Full,
    removal: Removal::with(&[property::APPEND_ONLY.spec.key]),
    is_active: |table| table.is_set(&property::APPEND_ONLY),
    ..FeatureSpec::WRITER
};
