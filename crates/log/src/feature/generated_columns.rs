use super::{FeatureSpec, Heading, LegacyVersions};
use crate::schema::column_metadata::key;

/// Columns whose values follow from others.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "generatedColumns",
    legacy: Some(LegacyVersions { reader: 1, writer: 4 }),
    heading: Heading::spec("Generated Columns", "generated-columns"),
    is_active: |table| table.has_column_metadata(key::GENERATION_EXPRESSION),
    ..FeatureSpec::WRITER
};
