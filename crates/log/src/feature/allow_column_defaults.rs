use super::{FeatureSpec, Heading};
use crate::schema::column_metadata::key;

/// Values for columns that an insert leaves out.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "allowColumnDefaults",
    heading: Heading::spec("Default Columns", "default-columns"),
    is_active: |table| table.has_column_metadata(key::CURRENT_DEFAULT),
    ..FeatureSpec::WRITER
};
