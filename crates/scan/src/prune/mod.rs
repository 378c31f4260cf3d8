//! Pruning: which files, row groups and pages a predicate can be true in, told from bounds of their columns alone.
//!
//! Spec: [Per-file Statistics](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics). The answer is one-sided: what is said
//! to match may hold no matching row, but what is pruned holds none. Whatever is unknown might match: a missing bound, an expression
//! that bounds say nothing about, an evaluation that fails.
//!
//! ```text
//! predicate --bind--> typed expression        bounds of N files, as columns
//!                              \             /
//!            values: the range they lie in, per file (range.rs)
//!        conditions: whether they can be true, false, null, per file (outcomes.rs)
//! ```
//!
//! Nothing here reads storage, and one evaluation serves any number of files.

mod evaluate;
mod known_files;
mod outcomes;
pub mod parquet;
pub mod partition_filter;
mod range;

pub use known_files::{KnownFiles, StatisticsColumns};

use crate::expr::{BoundExpr, ColumnPath, EvalContext, Expr};
use arrow_array::{ArrayRef, BooleanArray, Int64Array};
use arrow_schema::{Schema, SchemaRef};
use deltaic_log::Result;
use evaluate::Evaluator;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

/// What is known of the columns of a number of files (or row groups, or pages): one row for each.
///
/// Columns are named by the paths that [`PruningPredicate::required_columns`] gives. A null, or no array, means "unknown".
/// Bounds may be wide: only `min <= every value <= max` is relied upon, so truncated and outdated bounds serve as well, as long as the reader of the
/// statistics has widened what was cut. Floats may hide `NaN` above their maximum, as most writers leave it out of the statistics.
pub trait Bounds {
    /// The number of files.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A lower bound of a column's values, in the column's logical Arrow type.
    fn min(&self, column: &ColumnPath) -> Option<ArrayRef>;

    /// An upper bound of a column's values, in the column's logical Arrow type.
    fn max(&self, column: &ColumnPath) -> Option<ArrayRef>;

    /// How many rows are null in a column. Where it is not exact, only 0 and "all rows" may be given.
    fn null_count(&self, column: &ColumnPath) -> Option<Int64Array>;

    /// The number of rows, before deletion vectors.
    fn row_count(&self) -> Option<Int64Array>;

    /// The exact value that a partition column has in every row of the file, in the column's logical Arrow type; null is a value here.
    fn partition_value(&self, column: &str) -> Option<ArrayRef>;
}

/// A predicate, ready to be asked which files it might be true in.
///
/// ```
/// use arrow_array::{ArrayRef, Int64Array};
/// use arrow_schema::{DataType, Field, Schema};
/// use deltaic_log::ManualClock;
/// use deltaic_scan::expr::{ColumnPath, EvalContext, parse};
/// use deltaic_scan::prune::{Bounds, PruningPredicate};
/// use std::sync::Arc;
///
/// struct TwoFiles;
///
/// impl Bounds for TwoFiles {
///     fn len(&self) -> usize {
///         2
///     }
///     fn min(&self, _: &ColumnPath) -> Option<ArrayRef> {
///         Some(Arc::new(Int64Array::from(vec![0, 100])))
///     }
///     fn max(&self, _: &ColumnPath) -> Option<ArrayRef> {
///         Some(Arc::new(Int64Array::from(vec![99, 199])))
///     }
///     fn null_count(&self, _: &ColumnPath) -> Option<Int64Array> {
///         None
///     }
///     fn row_count(&self) -> Option<Int64Array> {
///         None
///     }
///     fn partition_value(&self, _: &str) -> Option<ArrayRef> {
///         None
///     }
/// }
///
/// let schema = Schema::new(vec![Field::new("id", DataType::Int64, true)]);
/// let context = EvalContext::new(&ManualClock::default());
/// let predicate = PruningPredicate::try_new(&parse("id > 150").unwrap(), &schema, &[], &context).unwrap();
/// assert_eq!(predicate.evaluate(&TwoFiles).unwrap(), vec![false, true].into());
/// ```
#[derive(Clone, Debug)]
pub struct PruningPredicate {
    bound: BoundExpr,
    schema: SchemaRef,
    /// For each column of the schema, whether the table is partitioned by it.
    partitioned: Vec<bool>,
    context: EvalContext,
    required: Required,
}

#[derive(Clone, Debug, Default)]
struct Required {
    columns: BTreeSet<ColumnPath>,
    partition_columns: BTreeSet<String>,
}

impl PruningPredicate {
    /// Types the predicate against the table's logical schema.
    ///
    /// Errors are those of [`BoundExpr::bind_predicate`]: a column that does not exist is an error, never "no files".
    pub fn try_new(
        predicate: &Expr,
        schema: &Schema,
        partition_columns: &[String],
        context: &EvalContext,
    ) -> Result<Self> {
        let bound = BoundExpr::bind_predicate(predicate, schema, context)?;
        let by_partition = |name: &String| partition_columns.iter().any(|column| column.eq_ignore_ascii_case(name));
        let mut this = Self {
            bound,
            schema: Arc::new(schema.clone()),
            partitioned: schema.fields().iter().map(|field| by_partition(field.name())).collect(),
            context: context.clone(),
            required: Required::default(),
        };
        let recorder = Recorder::default();
        this.evaluate(&recorder)?;
        this.required = recorder.required.into_inner();
        Ok(this)
    }

    /// The columns whose bounds the predicate can use. Others need not be fetched.
    pub fn required_columns(&self) -> impl Iterator<Item = &ColumnPath> {
        self.required.columns.iter()
    }

    /// The partition columns whose values the predicate can use.
    pub fn required_partition_columns(&self) -> impl Iterator<Item = &str> {
        self.required.partition_columns.iter().map(String::as_str)
    }

    /// For each file: true where some row might match, false where none can. Never null.
    pub fn evaluate(&self, bounds: &dyn Bounds) -> Result<BooleanArray> {
        let might_match = Evaluator::new(self, bounds).might_match(&self.bound)?;
        Ok(BooleanArray::new(might_match, None))
    }
}

/// Bounds of no files, which write down what is asked for.
#[derive(Default)]
struct Recorder {
    required: RefCell<Required>,
}

impl Recorder {
    fn column(&self, column: &ColumnPath) {
        self.required.borrow_mut().columns.insert(column.clone());
    }
}

impl Bounds for Recorder {
    fn len(&self) -> usize {
        0
    }

    fn min(&self, column: &ColumnPath) -> Option<ArrayRef> {
        self.column(column);
        None
    }

    fn max(&self, column: &ColumnPath) -> Option<ArrayRef> {
        self.column(column);
        None
    }

    fn null_count(&self, column: &ColumnPath) -> Option<Int64Array> {
        self.column(column);
        None
    }

    fn row_count(&self) -> Option<Int64Array> {
        None
    }

    fn partition_value(&self, column: &str) -> Option<ArrayRef> {
        self.required.borrow_mut().partition_columns.insert(column.to_owned());
        None
    }
}
