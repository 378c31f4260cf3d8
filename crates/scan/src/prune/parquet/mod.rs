//! Bounds from parquet files: of row groups ([`RowGroupBounds`]) and of pages ([`PageBounds`]).
//!
//! Statistics are used where the format defines what they mean: the deprecated `min` and `max`, whose order writers disagreed on, columns without a defined
//! order, and int96 tell nothing. Shortened binary bounds are bounds still.

mod column;
mod pages;
mod row_groups;

pub use column::{FileColumn, FileColumns};
pub use pages::PageBounds;
pub use row_groups::RowGroupBounds;

use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_select::take::take;
use std::collections::BTreeMap;

/// The values that the partition columns have in the file: arrays of one row, by the name in the logical schema.
pub type PartitionValues = BTreeMap<String, ArrayRef>;

/// One value for every row group or page.
fn repeated(value: &ArrayRef, times: usize) -> Option<ArrayRef> {
    (value.len() == 1).then(|| take(value, &UInt32Array::from(vec![0; times]), None).ok())?
}
