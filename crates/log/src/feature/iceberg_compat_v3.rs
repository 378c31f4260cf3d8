use super::{FeatureSpec, Heading, Removal};
use crate::table_properties::property;

/// Data files can be read as an Iceberg V3 table.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "icebergCompatV3",
    requires: &["columnMapping", "rowTracking"],
    heading: Heading::rfc("Iceberg Compatibility V3", "iceberg-compat-v3.md"),
    removal: Removal::with(&[property::ENABLE_ICEBERG_COMPAT_V3.spec.key]),
    is_active: |table| table.is_set(&property::ENABLE_ICEBERG_COMPAT_V3),
    ..FeatureSpec::WRITER
};
