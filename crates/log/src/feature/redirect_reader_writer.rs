use super::{FeatureSpec, Heading, Support};
use crate::table_properties::property;

/// The table has moved, or is about to.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "redirectReaderWriter-preview",
    heading: Heading::preview("Table Redirect"),
    is_active: |table| table.is_set_at_all(&property::REDIRECT_READER_WRITER),
    read: Support::Refused {
        why: "the table has moved, and what is left here may be out of date",
        remedy: "open the table that the property delta.redirectReaderWriter-preview names",
    },
    ..FeatureSpec::READER_WRITER
};
