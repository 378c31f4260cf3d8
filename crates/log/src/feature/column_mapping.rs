use super::{FeatureSpec, Heading, LegacyVersions, ReaderRequirements};
use crate::TableConfiguration;
use crate::schema::ColumnMappingMode;

/// Columns have names of their own in data files, so that they can be renamed and dropped.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "columnMapping",
    legacy: Some(LegacyVersions { reader: 2, writer: 5 }),
    heading: Heading::spec("Column Mapping", "column-mapping"),
    is_active: |table| table.column_mapping_mode() != ColumnMappingMode::None,
    reader_requirements,
    ..FeatureSpec::READER_WRITER
};

fn reader_requirements(table: &TableConfiguration, requirements: &mut ReaderRequirements) {
    requirements.column_mapping_mode = table.column_mapping_mode();
}
