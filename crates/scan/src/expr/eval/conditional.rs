//! `CASE` and `coalesce`: a branch sees only the rows that take it.

use super::super::bind::BoundExpr;
use super::super::context::EvalContext;
use super::super::functions::ColumnarArg;
use super::{Rows, booleans, evaluate, filtered};
use arrow_arith::boolean;
use arrow_array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow_select::interleave::interleave;
use deltaic_log::{Error, ErrorKind, Result};

/// The rows of a result, gathered from branches that each saw some of them.
struct Gathered {
    parts: Vec<ArrayRef>,
    /// For each row: which part, and which row of it.
    places: Vec<(usize, usize)>,
    open: BooleanArray,
}

impl Gathered {
    fn new(rows: &Rows<'_>, unset: ArrayRef) -> Self {
        let open = BooleanArray::from(vec![true; rows.len]);
        Self { parts: vec![unset], places: vec![(0, 0); rows.len], open }
    }

    fn is_complete(&self) -> bool {
        self.open.true_count() == 0
    }

    /// Evaluates `expr` on the rows of `mask`.
    fn take_branch(
        &mut self,
        expr: &BoundExpr,
        mask: &BooleanArray,
        rows: &Rows<'_>,
        context: &EvalContext,
    ) -> Result<()> {
        if mask.true_count() == 0 {
            return Ok(());
        }
        let values = on_rows(expr, mask, rows, context)?;
        let part = self.parts.len();
        self.parts.push(values);
        let taken = mask.values().set_indices();
        taken.enumerate().for_each(|(i, row)| self.places[row] = (part, i));
        self.open = boolean::and_not(&self.open, mask)?;
        Ok(())
    }

    fn finish(self) -> Result<ColumnarArg> {
        let parts: Vec<&dyn Array> = self.parts.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarArg::Array(interleave(&parts, &self.places)?))
    }
}

/// An expression's values on the rows of a mask, one after another.
fn on_rows(expr: &BoundExpr, mask: &BooleanArray, rows: &Rows<'_>, context: &EvalContext) -> Result<ArrayRef> {
    if mask.true_count() == rows.len {
        return evaluate(expr, rows, context)?.to_array(rows.len);
    }
    let (columns, len) = filtered(rows, mask, &[expr])?;
    evaluate(expr, &Rows { columns: &columns, len }, context)?.to_array(len)
}

/// The open rows where a condition, which only they see, is true.
fn where_true(when: &BoundExpr, open: &BooleanArray, rows: &Rows<'_>, context: &EvalContext) -> Result<BooleanArray> {
    let values = on_rows(when, open, rows, context)?;
    let mut values = booleans(&values)?.iter();
    let taken = open.values().iter().map(|open| Some(open && values.next().flatten() == Some(true)));
    Ok(taken.collect())
}

pub(super) fn case(
    branches: &[(BoundExpr, BoundExpr)],
    otherwise: &BoundExpr,
    rows: &Rows<'_>,
    context: &EvalContext,
) -> Result<ColumnarArg> {
    let mut gathered = Gathered::new(rows, new_null_array(otherwise.data_type(), 1));
    for (when, then) in branches {
        if gathered.is_complete() {
            break;
        }
        let taken = where_true(when, &gathered.open, rows, context)?;
        gathered.take_branch(then, &taken, rows, context)?;
    }
    let rest = gathered.open.clone();
    gathered.take_branch(otherwise, &rest, rows, context)?;
    gathered.finish()
}

pub(super) fn coalesce(args: &[BoundExpr], rows: &Rows<'_>, context: &EvalContext) -> Result<ColumnarArg> {
    let Some(last) = args.last() else {
        return Err(Error::new(ErrorKind::Internal, "coalesce was bound without arguments"));
    };
    let mut gathered = Gathered::new(rows, new_null_array(last.data_type(), 1));
    for arg in args {
        if gathered.is_complete() {
            break;
        }
        let open = gathered.open.clone();
        let values = on_rows(arg, &open, rows, context)?;
        gathered.keep_present(values, &open);
    }
    gathered.finish()
}

impl Gathered {
    /// Takes over the values that are not null, of the rows of `mask`.
    fn keep_present(&mut self, values: ArrayRef, mask: &BooleanArray) {
        let part = self.parts.len();
        let nulls = values.logical_nulls();
        let mut still_open = vec![false; self.places.len()];
        for (i, row) in mask.values().set_indices().enumerate() {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(i)) {
                still_open[row] = true;
            } else {
                self.places[row] = (part, i);
            }
        }
        self.parts.push(values);
        self.open = still_open.into();
    }
}
