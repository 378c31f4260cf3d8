use super::{FeatureSpec, Heading};
use crate::table_properties::property;

/// Parts of variants stand in columns of their own in data files.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "variantShredding",
    aliases: &["variantShredding-preview"],
    requires: &["variantType"],
    heading: Heading::spec("Variant Shredding", "variant-shredding"),
    is_active: |table| table.is_set(&property::ENABLE_VARIANT_SHREDDING),
    ..FeatureSpec::READER_WRITER
};
