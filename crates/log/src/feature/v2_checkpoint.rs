use super::{FeatureSpec, Heading, Removal, Support, Traces};
use crate::table_properties::{CheckpointPolicy, property};

/// Checkpoints in several files, by unique names.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "v2Checkpoint",
    heading: Heading::spec("V2 Checkpoint Table Feature", "v2-checkpoint-table-feature"),
    write: Support::Full,
    removal: Removal { traces: Traces::V2Checkpoints, ..Removal::with(&[property::CHECKPOINT_POLICY.spec.key]) },
    is_active: |table| {
        table.properties().get(&property::CHECKPOINT_POLICY).is_ok_and(|policy| policy == CheckpointPolicy::V2)
    },
    ..FeatureSpec::READER_WRITER
};
