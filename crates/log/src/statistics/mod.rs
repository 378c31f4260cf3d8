//! Spec: [Per-file Statistics](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics).
//!
//! Statistics are JSON text, a few hundred bytes for each file. A predicate needs the bounds of a few columns of a
//! million files, so they are never parsed whole: a [`StatsExtractor`] runs over the texts once and takes what is wanted
//! into Arrow arrays.
//!
//! ```text
//! {"numRecords":3,"minValues":{"a":1,"s":{"b":"x"}},"maxValues":{…},"nullCount":{"a":0,"s":{"b":2}},"tightBounds":true}
//!
//!   text ──> scan (fast; plain or still escaped) ──> wanted values ──> bound (typed) ──> BoundsBatch
//!              └─ anything unexpected ──> shape (serde_json) ──┘
//! ```
//!
//! Whatever is wrong, missing or ambiguous in a text is unknown, never an error and never a wrong bound: statistics only
//! ever allow to skip a file.

mod bound;
mod extractor;
mod indexed;
mod scan;
mod shape;
mod wanted;

pub(crate) use bound::Reading;
pub use bound::{Side, parsed_bounds};
pub use extractor::{BoundsBatch, ColumnBounds, StatsExtractor};
pub use indexed::indexed_schema;
