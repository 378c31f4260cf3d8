use super::{FeatureSpec, Heading, ReaderRequirements, Removal, Support, Traces};
use crate::TableConfiguration;
use crate::table_properties::property;

/// Rows are deleted without rewriting their file. The property gates writing only: readers always apply what they find.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "deletionVectors",
    heading: Heading::spec("Deletion Vectors", "deletion-vectors"),
    write: Support::Full,
    removal: Removal {
        traces: Traces::DeletionVectors,
        remedy: "rewrite the files that have deletion vectors without the rows that are deleted (REORG … APPLY (PURGE))",
        ..Removal::with(&[property::ENABLE_DELETION_VECTORS.spec.key])
    },
    is_active: |table| table.is_set(&property::ENABLE_DELETION_VECTORS),
    reader_requirements,
    ..FeatureSpec::READER_WRITER
};

fn reader_requirements(_: &TableConfiguration, requirements: &mut ReaderRequirements) {
    requirements.deletion_vectors = true;
}
