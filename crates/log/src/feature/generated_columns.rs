use super::{ComputedColumn, ComputedValues, FeatureSpec, Heading, LegacyVersions, Support, WriterRequirements};
use crate::schema::column_metadata::key;
use crate::{Result, TableConfiguration};

/// Columns whose values follow from others.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "generatedColumns",
    legacy: Some(LegacyVersions { reader: 1, writer: 4 }),
    heading: Heading::spec("Generated Columns", "generated-columns"),
    write: Support::Full,
    is_active: |table| table.has_column_metadata(key::GENERATION_EXPRESSION),
    writer_requirements,
    ..FeatureSpec::WRITER
};

fn writer_requirements(table: &TableConfiguration, requirements: &mut WriterRequirements) -> Result<()> {
    for field in &table.schema().fields {
        if let Some(expression) = field.generation_expression()? {
            let values = ComputedValues::Generated(expression.to_owned());
            requirements.computed_columns.push(ComputedColumn { column: field.name.clone(), values });
        }
    }
    Ok(())
}
