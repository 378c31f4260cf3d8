use super::{FeatureSpec, Heading, LegacyVersions};
use crate::schema::column_metadata::key;

/// A condition in a column's metadata that every row fulfils.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "invariants",
    legacy: Some(LegacyVersions { reader: 1, writer: 2 }),
    heading: Heading::spec("Column Invariants", "column-invariants"),
    is_active: |table| table.has_column_metadata(key::INVARIANTS),
    ..FeatureSpec::WRITER
};
