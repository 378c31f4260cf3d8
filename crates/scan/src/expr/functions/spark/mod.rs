//! Spark's scalar functions.
//!
//! Each is a row of a table: a name, what its parameters take, the type of its result, and what computes it: a function of `datafusion-spark`,
//! `datafusion-functions` or `datafusion-functions-nested`, or one of ours where they have none or another meaning.
//!
//! ```text
//! table row --resolve, by the types of the arguments--> form --evaluate, on arrays--> array of the promised type
//! ```

mod call;
mod collection;
mod date;
mod function;
mod hash;
mod interval;
mod library;
mod math;
mod murmur3;
mod padding;
mod parameter;
mod pattern;
mod regex;
mod rounding;
mod text;
mod time;
mod xxhash64;

use super::ScalarFunction;
use std::sync::Arc;

/// All functions.
pub(super) fn functions() -> Vec<Arc<dyn ScalarFunction>> {
    let tables = [
        math::table(),
        text::table(),
        hash::table(),
        date::table(),
        time::table(),
        interval::table(),
        collection::table(),
    ];
    tables.into_iter().flatten().map(|function| Arc::new(function) as Arc<dyn ScalarFunction>).collect()
}
