use super::{FeatureSpec, Heading, LegacyVersions, Removal};
use crate::table_properties::property;

/// Row-level changes are recorded. Readers of the table's state need not know: change files are no part of it.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "changeDataFeed",
    legacy: Some(LegacyVersions { reader: 1, writer: 4 }),
    heading: Heading::spec("Change Data Feed", "add-cdc-file"),
    removal: Removal::with(&[property::ENABLE_CHANGE_DATA_FEED.spec.key]),
    is_active: |table| table.is_set(&property::ENABLE_CHANGE_DATA_FEED),
    ..FeatureSpec::WRITER
};
