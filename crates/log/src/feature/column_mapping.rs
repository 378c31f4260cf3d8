use super::{FeatureSpec, Heading, LegacyVersions, ReaderRequirements, Removal};
use crate::TableConfiguration;
use crate::schema::ColumnMappingMode;

/// Columns have names of their own in data files, so that they can be renamed and dropped.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "columnMapping",
    legacy: Some(LegacyVersions { reader: 2, writer: 5 }),
    heading: Heading::spec("Column Mapping", "column-mapping"),
    removal: Removal {
        remedy: "rewrite its files under the columns' own names, which turns column mapping off",
        ..Removal::WHEN_INACTIVE
    },
    is_active: |table| table.column_mapping_mode() != ColumnMappingMode::None,
    reader_requirements,
    ..FeatureSpec::READER_WRITER
};

fn reader_requirements(table: &TableConfiguration, requirements: &mut ReaderRequirements) {
    requirements.column_mapping_mode = table.column_mapping_mode();
}
