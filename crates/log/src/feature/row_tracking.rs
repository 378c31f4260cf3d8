use super::{FeatureSpec, Heading, ReaderRequirements, Removal, RowTrackingSource, Support, Traces};
use crate::TableConfiguration;
use crate::table_properties::property;

/// Rows keep their id, and the version that wrote them last, wherever they are moved.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "rowTracking",
    requires: &["domainMetadata"],
    heading: Heading::spec("Row Tracking", "row-tracking"),
    write: Support::Full,
    removal: Removal {
        traces: Traces::RowIds,
        remedy: "add its files again without row ids, with an engine that can",
        ..Removal::with(&[
            property::ENABLE_ROW_TRACKING.spec.key,
            property::ROW_TRACKING_SUSPENDED.spec.key,
            property::MATERIALIZED_ROW_ID_COLUMN_NAME.spec.key,
            property::MATERIALIZED_ROW_COMMIT_VERSION_COLUMN_NAME.spec.key,
        ])
    },
    is_active: |table| table.is_set(&property::ENABLE_ROW_TRACKING),
    reader_requirements,
    ..FeatureSpec::WRITER
};

/// Ids are stable only while row tracking is enabled, not merely supported.
fn reader_requirements(table: &TableConfiguration, requirements: &mut ReaderRequirements) {
    let column = |name| table.properties().get(name).ok().flatten();
    requirements.row_tracking = table.is_set(&property::ENABLE_ROW_TRACKING).then(|| RowTrackingSource {
        row_id_column: column(&property::MATERIALIZED_ROW_ID_COLUMN_NAME),
        row_commit_version_column: column(&property::MATERIALIZED_ROW_COMMIT_VERSION_COLUMN_NAME),
    });
}
