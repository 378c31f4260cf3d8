use super::{ComputedColumn, ComputedValues, FeatureSpec, Heading, Support, WriterRequirements};
use crate::schema::column_metadata::key;
use crate::{Result, TableConfiguration};

/// Values for columns that an insert leaves out.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "allowColumnDefaults",
    heading: Heading::spec("Default Columns", "default-columns"),
    write: Support::Full,
    is_active: |table| table.has_column_metadata(key::CURRENT_DEFAULT),
    writer_requirements,
    ..FeatureSpec::WRITER
};

fn writer_requirements(table: &TableConfiguration, requirements: &mut WriterRequirements) -> Result<()> {
    for field in &table.schema().fields {
        if let Some(expression) = field.current_default()? {
            let values = ComputedValues::Default(expression.to_owned());
            requirements.computed_columns.push(ComputedColumn { column: field.name.clone(), values });
        }
    }
    Ok(())
}
