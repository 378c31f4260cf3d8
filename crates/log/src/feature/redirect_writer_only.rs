use super::{FeatureSpec, Heading};
use crate::table_properties::property;

/// The table has moved for writers; readers stay.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "redirectWriterOnly-preview",
    heading: Heading::preview("Table Redirect"),
    is_active: |table| table.is_set_at_all(&property::REDIRECT_WRITER_ONLY),
    ..FeatureSpec::WRITER
};
