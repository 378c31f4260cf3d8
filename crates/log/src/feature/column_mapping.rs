use super::{FeatureSpec, Heading, LegacyVersions, ReaderRequirements, Removal, Support, WriterRequirements};
use crate::schema::ColumnMappingMode;
use crate::{Result, TableConfiguration};

/// Columns have names of their own in data files, so that they can be renamed and dropped.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "columnMapping",
    legacy: Some(LegacyVersions { reader: 2, writer: 5 }),
    heading: Heading::spec("Column Mapping", "column-mapping"),
    write: Support::Full,
    removal: Removal {
        remedy: "rewrite its files under the columns' own names, which turns column mapping off",
        ..Removal::WHEN_INACTIVE
    },
    is_active: |table| table.column_mapping_mode() != ColumnMappingMode::None,
    reader_requirements,
    writer_requirements,
    ..FeatureSpec::READER_WRITER
};

fn reader_requirements(table: &TableConfiguration, requirements: &mut ReaderRequirements) {
    requirements.column_mapping_mode = table.column_mapping_mode();
}

/// Ids are written in both modes: a table may come to be read by them. Logical names do not belong into paths.
fn writer_requirements(table: &TableConfiguration, requirements: &mut WriterRequirements) -> Result<()> {
    let is_mapped = table.column_mapping_mode() != ColumnMappingMode::None;
    requirements.field_ids = is_mapped;
    requirements.random_prefixes = is_mapped;
    Ok(())
}
