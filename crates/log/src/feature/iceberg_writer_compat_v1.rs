use super::{FeatureSpec, Heading};
use crate::table_properties::property;

/// What writers change can be written back as Iceberg.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "icebergWriterCompatV1",
    requires: &["icebergCompatV2"],
    heading: Heading::rfc("Iceberg Writer Compatibility V1", "iceberg-writer-compat-v1.md"),
    is_active: |table| table.is_set(&property::ENABLE_ICEBERG_WRITER_COMPAT_V1),
    ..FeatureSpec::WRITER
};
