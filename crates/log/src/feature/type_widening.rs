use super::{FeatureSpec, Heading, ReaderRequirements, Removal};
use crate::TableConfiguration;
use crate::schema::column_metadata::key;
use crate::table_properties::property;

/// Column types grow without rewriting files.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "typeWidening",
    aliases: &["typeWidening-preview"],
    heading: Heading::spec("Type Widening", "type-widening"),
    removal: Removal {
        is_needed: Some(has_type_changes),
        remedy: "rewrite the files that hold columns in their former types, and remove `delta.typeChanges` from the schema",
        ..Removal::with(&[property::ENABLE_TYPE_WIDENING.spec.key])
    },
    is_active: |table| table.is_set(&property::ENABLE_TYPE_WIDENING),
    reader_requirements,
    ..FeatureSpec::READER_WRITER
};

fn reader_requirements(_: &TableConfiguration, requirements: &mut ReaderRequirements) {
    requirements.type_widening = true;
}

fn has_type_changes(table: &TableConfiguration) -> bool {
    table.has_column_metadata(key::TYPE_CHANGES)
}
