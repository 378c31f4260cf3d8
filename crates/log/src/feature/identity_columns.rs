use super::{FeatureSpec, Heading, LegacyVersions};
use crate::schema::column_metadata::key;

/// Columns that number their rows.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "identityColumns",
    legacy: Some(LegacyVersions { reader: 1, writer: 6 }),
    heading: Heading::spec("Identity Columns", "identity-columns"),
    is_active: |table| table.has_column_metadata(key::IDENTITY_STEP),
    ..FeatureSpec::WRITER
};
