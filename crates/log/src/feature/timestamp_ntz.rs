use super::{FeatureSpec, Heading, Support};
use crate::schema::PrimitiveType;

/// Wall-clock times, which no time zone shifts.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "timestampNtz",
    heading: Heading::spec("Timestamp without timezone", "timestamp-without-timezone-timestampntz"),
    write: Support::Full,
    is_active: |table| table.schema().contains_type(&PrimitiveType::TimestampNtz.into()),
    ..FeatureSpec::READER_WRITER
};
