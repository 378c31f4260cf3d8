use super::{FeatureSpec, Heading, Removal};
use crate::table_properties::property;

/// Data files can be read as an Iceberg V2 table.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "icebergCompatV2",
    requires: &["columnMapping"],
    heading: Heading::spec("Iceberg Compatibility V2", "iceberg-compatibility-v2"),
    removal: Removal::with(&[property::ENABLE_ICEBERG_COMPAT_V2.spec.key]),
    is_active: |table| table.is_set(&property::ENABLE_ICEBERG_COMPAT_V2),
    ..FeatureSpec::WRITER
};
