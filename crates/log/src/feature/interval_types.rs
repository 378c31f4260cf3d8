use super::{FeatureSpec, Heading};
use crate::schema::PrimitiveType;

/// Spans of months, and of microseconds.
pub(super) const FEATURE: FeatureSpec = FeatureSpec {
    name: "intervalTypes",
    heading: Heading::rfc("Interval Types", "interval-types.md"),
    is_active: |table| {
        let types = [PrimitiveType::IntervalYearMonth, PrimitiveType::IntervalDaySecond];
        types.into_iter().any(|interval| table.schema().contains_type(&interval.into()))
    },
    ..FeatureSpec::READER_WRITER
};
