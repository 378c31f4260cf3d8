use super::{FeatureSpec, Heading, LegacyVersions, RowCheck, Support, WriterRequirements};
use crate::schema::column_metadata::key;
use crate::{Result, TableConfiguration};

/// A condition in a column's metadata that every row fulfils.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "invariants",
    legacy: Some(LegacyVersions { reader: 1, writer: 2 }),
    heading: Heading::spec("Column Invariants", "column-invariants"),
    write: Support::Full,
    is_active: |table| table.has_column_metadata(key::INVARIANTS),
    writer_requirements,
    ..FeatureSpec::WRITER
};

fn writer_requirements(table: &TableConfiguration, requirements: &mut WriterRequirements) -> Result<()> {
    for (path, field) in table.schema().fields_at_every_depth() {
        if let Some(expression) = field.invariant()? {
            requirements.row_checks.push(RowCheck { name: format!("the invariant of {path}"), expression });
        }
    }
    Ok(())
}
