use super::{ComputedColumn, ComputedValues, FeatureSpec, Heading, LegacyVersions, Support, WriterRequirements};
use crate::schema::column_metadata::key;
use crate::{Result, TableConfiguration};

/// Columns that number their rows.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "identityColumns",
    legacy: Some(LegacyVersions { reader: 1, writer: 6 }),
    heading: Heading::spec("Identity Columns", "identity-columns"),
    write: Support::Full,
    is_active: |table| table.has_column_metadata(key::IDENTITY_STEP),
    writer_requirements,
    ..FeatureSpec::WRITER
};

fn writer_requirements(table: &TableConfiguration, requirements: &mut WriterRequirements) -> Result<()> {
    for field in &table.schema().fields {
        if let Some(identity) = field.identity()? {
            let values = ComputedValues::Identity(identity);
            requirements.computed_columns.push(ComputedColumn { column: field.name.clone(), values });
        }
    }
    Ok(())
}
