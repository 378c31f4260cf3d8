use super::{FeatureSpec, Heading, LegacyVersions, Removal, Support, WriterRequirements};
use crate::table_properties::property;
use crate::{Result, TableConfiguration};

/// Row-level changes are recorded. Readers of the table's state need not know: change files are no part of it.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "changeDataFeed",
    legacy: Some(LegacyVersions { reader: 1, writer: 4 }),
    heading: Heading::spec("Change Data Feed", "add-cdc-file"),
    write: Support::Full,
    removal: Removal::with(&[property::ENABLE_CHANGE_DATA_FEED.spec.key]),
    is_active: |table| table.is_set(&property::ENABLE_CHANGE_DATA_FEED),
    writer_requirements,
    ..FeatureSpec::WRITER
};

fn writer_requirements(table: &TableConfiguration, requirements: &mut WriterRequirements) -> Result<()> {
    requirements.change_data = table.is_set(&property::ENABLE_CHANGE_DATA_FEED);
    Ok(())
}
