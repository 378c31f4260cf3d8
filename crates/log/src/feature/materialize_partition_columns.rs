use super::{FeatureSpec, Heading, Removal};
use crate::table_properties::property;

/// Partition columns stand in data files, too. Readers still take them from the log.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "materializePartitionColumns",
    heading: Heading::rfc("Materialize Partition Columns", "materialize-partition-columns.md"),
    removal: Removal::with(&[property::ENABLE_MATERIALIZE_PARTITION_COLUMNS.spec.key]),
    is_active: |table| table.is_set(&property::ENABLE_MATERIALIZE_PARTITION_COLUMNS),
    ..FeatureSpec::WRITER
};
