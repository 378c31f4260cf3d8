use super::{FeatureSpec, Heading};
use crate::schema::column_metadata::key;

/// Strings that are compared in the order of a language. Readers may ignore it, but never use collated statistics.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "collations",
    aliases: &["collations-preview"],
    requires: &["domainMetadata"],
    heading: Heading::rfc("Collated String Type", "collated-string-type.md"),
    is_active: |table| table.has_column_metadata(key::COLLATIONS),
    ..FeatureSpec::WRITER
};
