use super::{FeatureSpec, Heading, LegacyVersions, RowCheck, Support, WriterRequirements};
use crate::{Result, TableConfiguration};

/// Named conditions that every row fulfils.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "checkConstraints",
    legacy: Some(LegacyVersions { reader: 1, writer: 3 }),
    heading: Heading::spec("CHECK Constraints", "check-constraints"),
    write: Support::Full,
    is_active: |table| table.properties().constraints().next().is_some(),
    writer_requirements,
    ..FeatureSpec::WRITER
};

fn writer_requirements(table: &TableConfiguration, requirements: &mut WriterRequirements) -> Result<()> {
    let check = |(name, expression): (&str, &str)| RowCheck {
        name: format!("the constraint {name}"),
        expression: expression.to_owned(),
    };
    requirements.row_checks.extend(table.properties().constraints().map(check));
    Ok(())
}
