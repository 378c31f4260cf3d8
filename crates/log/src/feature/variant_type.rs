use super::{FeatureSpec, Heading, Support};
use crate::schema::DataType;

/// Columns of values that bring their own structure.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "variantType",
    aliases: &["variantType-preview"],
    heading: Heading::spec("Variant Data Type", "variant-data-type"),
    write: Support::Full,
    is_active: |table| table.schema().contains_type(&DataType::Variant),
    ..FeatureSpec::READER_WRITER
};
