use super::{FeatureSpec, Heading, Removal};
use crate::table_properties::property;

/// Parts of variants stand in columns of their own in data files.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "variantShredding",
    aliases: &["variantShredding-preview"],
    requires: &["variantType"],
    heading: Heading::spec("Variant Shredding", "variant-shredding"),
    removal: Removal {
        is_needed: Some(|_| true),
        remedy: "its files may hold shredded variants, which only their footers tell: keep the feature",
        ..Removal::WHEN_INACTIVE
    },
    is_active: |table| table.is_set(&property::ENABLE_VARIANT_SHREDDING),
    ..FeatureSpec::READER_WRITER
};
