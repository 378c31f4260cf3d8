use super::{FeatureSpec, Heading, Removal};
use crate::table_properties::property;

/// Data files can be read as an Iceberg V1 table.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "icebergCompatV1",
    requires: &["columnMapping"],
    heading: Heading::spec("Iceberg Compatibility V1", "iceberg-compatibility-v1"),
    removal: Removal::with(&[property::ENABLE_ICEBERG_COMPAT_V1.spec.key]),
    is_active: |table| table.is_set(&property::ENABLE_ICEBERG_COMPAT_V1),
    ..FeatureSpec::WRITER
};
