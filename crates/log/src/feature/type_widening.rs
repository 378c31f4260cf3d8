use super::{FeatureSpec, Heading, ReaderRequirements, Support};
use crate::TableConfiguration;
use crate::table_properties::property;

/// Column types grow without rewriting files.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "typeWidening",
    aliases: &["typeWidening-preview"],
    heading: Heading::spec("Type Widening", "type-widening"),
    write: Support::Full,
    is_active: |table| table.is_set(&property::ENABLE_TYPE_WIDENING),
    reader_requirements,
    ..FeatureSpec::READER_WRITER
};

fn reader_requirements(_: &TableConfiguration, requirements: &mut ReaderRequirements) {
    requirements.type_widening = true;
}
