use super::{FeatureSpec, Heading};

/// It is recorded whether a column was ever dropped or renamed.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "columnMappingUsageTracking",
    requires: &["columnMapping"],
    heading: Heading::rfc("Column Mapping Usage Tracking", "column-mapping-usage-tracking.md"),
    ..FeatureSpec::WRITER
};
