//! Expressions: SQL text to values, by Spark's rules.
//!
//! ```text
//! text --parse--> Expr (plain data) --bind, with a schema--> BoundExpr (typed) --evaluate, on a batch--> array
//! ```
//!
//! Table constraints, generated columns and predicates are defined in Spark SQL (spec: "CHECK Constraints", "Generated Columns"), so its
//! semantics in ANSI mode are the ones here: three-valued logic, implicit casts, errors instead of wrapped or silently changed values.
//! Operators and casts are ours, over Arrow kernels; functions come from a [`FunctionRegistry`] that is open to the embedding engine.

mod bind;
pub(crate) mod calendar;
mod cast;
mod context;
mod display;
mod eval;
#[expect(clippy::module_inception, reason = "the module is named after its one idea, and so is the file of its type")]
mod expr;
pub mod functions;
mod number_text;
mod parse;
mod scalar;
mod simplify;
mod sql_type;
mod time_zone;

pub use bind::BoundExpr;
pub(crate) use bind::Node;
pub(crate) use cast::cast_values;
pub use context::EvalContext;
pub use deltaic_log::schema::ColumnPath;
pub(crate) use eval::compare::compare as compare_values;
pub(crate) use eval::like::Prefix;
pub(crate) use eval::{Rows, evaluate as evaluate_rows, with_left_operand};
pub use expr::{BinaryOp, Expr, LikeKind, OnCastFailure, Test, UnaryOp};
pub use functions::{ArgType, ColumnarArg, FunctionRegistry, Invocation, ScalarFunction, Signature, Volatility};
pub use parse::{NESTING_MAX, TEXT_BYTES_MAX, parse};
pub use scalar::Scalar;
pub use simplify::{conjuncts, simplify, unwrap_casts};
pub use sql_type::{UTC, arrow_type, primitive_type};
pub use time_zone::Zone;
