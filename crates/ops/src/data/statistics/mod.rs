//! The statistics of new files.
//!
//! Spec: [Per-file Statistics](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics). What is measured,
//! and how it is spelled, is what the reference implementation does: readers of every kind know that best. Which columns:
//! those that `delta.dataSkippingStatsColumns` names, else the first `delta.dataSkippingNumIndexedCols` leaves.
//!
//! | type | bounds | spelled |
//! |---|---|---|
//! | numbers, decimals | as they are; NaN is the largest | a JSON number; `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | string | cut: see `text` | text |
//! | date, timestamp | milliseconds, cut downwards | ISO 8601, `Z` for instants |
//! | all others | none | |
//!
//! Nulls are counted in every leaf; a value whose struct is null is null.

mod bounds;
mod collector;
mod plan;
mod text;

pub(crate) use collector::Collector;
pub(crate) use plan::StatisticsPlan;
