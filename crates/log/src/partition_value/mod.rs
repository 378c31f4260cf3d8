//! Spec: [Partition Value Serialization](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#partition-value-serialization).
//!
//! The log holds partition values as text. One value may be spelled in two ways (a timestamp with and without its zone),
//! so values are compared typed, never as text. Null and the empty text both mean null, for every type; `"null"` is a
//! text like any other. In directory names, and nowhere else, null is `__HIVE_DEFAULT_PARTITION__`: see [`hive_path`].

mod column;
pub mod hive_path;
mod interval;
mod scalar;

pub use column::parse_column;
pub use scalar::Scalar;
