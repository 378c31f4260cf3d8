use super::{FeatureSpec, Heading, Removal, Support, WriterRequirements};
use crate::table_properties::property;
use crate::{Result, TableConfiguration};

/// Partition columns stand in data files, too. Readers still take them from the log.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "materializePartitionColumns",
    heading: Heading::rfc("Materialize Partition Columns", "materialize-partition-columns.md"),
    write: Support::Full,
    removal: Removal::with(&[property::ENABLE_MATERIALIZE_PARTITION_COLUMNS.spec.key]),
    is_active: |table| table.is_set(&property::ENABLE_MATERIALIZE_PARTITION_COLUMNS),
    writer_requirements,
    ..FeatureSpec::WRITER
};

fn writer_requirements(table: &TableConfiguration, requirements: &mut WriterRequirements) -> Result<()> {
    requirements.partition_columns_in_files |= table.is_set(&property::ENABLE_MATERIALIZE_PARTITION_COLUMNS);
    Ok(())
}
