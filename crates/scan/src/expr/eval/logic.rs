//! `AND`, `OR`, `NOT` and `IS` in three-valued logic.

use super::super::bind::{BoundExpr, like_operands};
use super::super::context::EvalContext;
use super::super::expr::Test;
use super::super::functions::ColumnarArg;
use super::{Rows, booleans, evaluate, filtered};
use arrow_arith::boolean;
use arrow_array::{Array, BooleanArray};
use deltaic_log::Result;
use std::sync::Arc;

pub(super) fn not(operand: &ColumnarArg) -> Result<ColumnarArg> {
    let values = boolean::not(booleans(operand.values())?)?;
    Ok(like_operands(std::slice::from_ref(operand), Arc::new(values)))
}

/// `AND` (decided by false) or `OR` (decided by true): once a row is decided, later operands do not see it.
pub(super) fn connective(
    list: &[BoundExpr],
    decided_by: bool,
    rows: &Rows<'_>,
    context: &EvalContext,
) -> Result<ColumnarArg> {
    let mut result: Option<BooleanArray> = None;
    for expr in list {
        let next = match &result {
            Some(so_far) if decided(so_far, decided_by).true_count() == rows.len => break,
            Some(so_far) if expr.fallible() => undecided(expr, so_far, decided_by, rows, context)?,
            _ => booleans(&evaluate(expr, rows, context)?.to_array(rows.len)?)?.clone(),
        };
        result = Some(match result {
            None => next,
            Some(so_far) if decided_by => boolean::or_kleene(&so_far, &next)?,
            Some(so_far) => boolean::and_kleene(&so_far, &next)?,
        });
    }
    Ok(ColumnarArg::Array(Arc::new(result.unwrap_or_else(|| BooleanArray::from(vec![!decided_by; rows.len])))))
}

/// Which rows need no further operand.
fn decided(so_far: &BooleanArray, decided_by: bool) -> BooleanArray {
    let values = if decided_by { so_far.values().clone() } else { !so_far.values() };
    let known = match so_far.nulls() {
        Some(nulls) => &values & nulls.inner(),
        None => values,
    };
    BooleanArray::new(known, None)
}

/// An operand evaluated on the undecided rows only; elsewhere null, which changes nothing there.
fn undecided(
    expr: &BoundExpr,
    so_far: &BooleanArray,
    decided_by: bool,
    rows: &Rows<'_>,
    context: &EvalContext,
) -> Result<BooleanArray> {
    let open = boolean::not(&decided(so_far, decided_by))?;
    let (columns, len) = filtered(rows, &open, &[expr])?;
    let values = evaluate(expr, &Rows { columns: &columns, len }, context)?.to_array(len)?;
    let mut values = booleans(&values)?.iter();
    Ok(open.values().iter().map(|open| if open { values.next().flatten() } else { None }).collect())
}

/// `IS …`, never null.
pub(super) fn is(operand: &ColumnarArg, test: Test) -> Result<ColumnarArg> {
    let values = operand.values();
    let result = match test {
        Test::Null | Test::Unknown if values.data_type().is_null() => BooleanArray::from(vec![true; values.len()]),
        Test::Null | Test::Unknown => boolean::is_null(values)?,
        Test::True => decided(booleans(values)?, true),
        Test::False => decided(booleans(values)?, false),
    };
    Ok(like_operands(std::slice::from_ref(operand), Arc::new(result)))
}
