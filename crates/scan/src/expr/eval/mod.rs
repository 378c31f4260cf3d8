//! Evaluation on Arrow kernels: three-valued logic, and errors only on rows that the expression reaches.

pub(crate) mod access;
pub(crate) mod arithmetic;
pub(crate) mod compare;
mod conditional;
pub(crate) mod decimal;
pub(crate) mod like;
mod logic;
pub(crate) mod membership;
mod temporal;

pub(crate) use arithmetic::is_bitwise;

use super::bind::{BoundExpr, Node, like_operands};
use super::context::EvalContext;
use super::functions::{ColumnarArg, Invocation};
use super::scalar::Scalar;
use arrow_array::{Array, ArrayRef, BooleanArray, NullArray};
use arrow_schema::DataType;
use deltaic_log::{Error, ErrorKind, Result};
use std::sync::Arc;

/// The rows to evaluate: columns in the order of the bound schema.
pub(crate) struct Rows<'a> {
    pub(crate) columns: &'a [ArrayRef],
    pub(crate) len: usize,
}

/// The results of an expression over rows.
pub(crate) fn evaluate(expr: &BoundExpr, rows: &Rows<'_>, context: &EvalContext) -> Result<ColumnarArg> {
    let of = |operand: &BoundExpr| evaluate(operand, rows, context);
    match &expr.node {
        Node::Column(index) => column(rows, *index, expr.data_type()),
        Node::Constant(value) => Ok(ColumnarArg::Constant(value.clone())),
        Node::Field { base, index } => access::field(&of(base)?, *index),
        Node::Element { base, index, origin } => access::element(&of(base)?, &of(index)?, rows.len, origin),
        Node::MapValue { base, key } => access::map_value(&of(base)?, &of(key)?, rows.len),
        Node::Not(operand) => logic::not(&of(operand)?),
        Node::Negate { expr, origin } => arithmetic::negate(&of(expr)?, origin),
        Node::BitNot(operand) => arithmetic::bit_not(&of(operand)?),
        Node::Arithmetic { op, left, right, origin } => {
            let operands = [of(left)?, of(right)?];
            arithmetic::binary(*op, &operands, expr.data_type(), rows.len, context, origin)
        }
        Node::Compare { op, left, right } => compare::compare(*op, &of(left)?, &of(right)?, rows.len),
        Node::And(list) => logic::connective(list, false, rows, context),
        Node::Or(list) => logic::connective(list, true, rows, context),
        Node::Is { expr, test } => logic::is(&of(expr)?, *test),
        Node::Like { expr, pattern, origin } => {
            let text = of(expr)?;
            let pattern_values = pattern.operand().map(of).transpose()?;
            like::like(&text, pattern, pattern_values.as_ref(), rows.len, origin)
        }
        Node::In { expr, set } => {
            let values = of(expr)?;
            Ok(like_operands(std::slice::from_ref(&values), Arc::new(set.contains(values.values())?)))
        }
        Node::Case { branches, otherwise } => conditional::case(branches, otherwise, rows, context),
        Node::Coalesce(args) => conditional::coalesce(args, rows, context),
        Node::Cast { expr, cast, on_failure, origin } => {
            let values = of(expr)?;
            let cast = cast.apply(values.values(), *on_failure, context.zone());
            Ok(like_operands(&[values], cast.map_err(|error| error.with("expression", origin))?))
        }
        Node::Call { function, args, origin } => {
            let args = args.iter().map(of).collect::<Result<Vec<_>>>()?;
            let call = Invocation { rows: rows.len, return_type: expr.data_type(), context };
            let result = function.evaluate(&args, &call).map_err(|error| error.with("expression", origin))?;
            checked_result(result, expr.data_type(), rows.len, function.name())
        }
    }
}

fn column(rows: &Rows<'_>, index: usize, expected: &DataType) -> Result<ColumnarArg> {
    match rows.columns.get(index) {
        Some(values) if values.data_type() == expected => Ok(ColumnarArg::Array(values.clone())),
        found => {
            let found = found.map_or("nothing".to_owned(), |values| values.data_type().to_string());
            let message = format!("column {index} holds {found} where the bound schema has {expected}");
            Err(Error::new(ErrorKind::InvalidArgument, message))
        }
    }
}

/// Functions are open to others: their results are checked before kernels rely on them.
fn checked_result(result: ColumnarArg, expected: &DataType, rows: usize, name: &str) -> Result<ColumnarArg> {
    let length = if matches!(result, ColumnarArg::Constant(_)) { 1 } else { rows };
    if result.values().len() == length && result.data_type() == expected {
        return Ok(result);
    }
    let message = format!(
        "the function `{name}` returned {} values of type {} where {length} of type {expected} were due",
        result.values().len(),
        result.data_type()
    );
    Err(Error::new(ErrorKind::Internal, message))
}

/// The results of an arithmetic expression whose left operand has these values, and whose right one is a constant.
pub(crate) fn with_left_operand(expr: &BoundExpr, left: ArrayRef, context: &EvalContext) -> Result<ColumnarArg> {
    let Node::Arithmetic { op, right, origin, .. } = &expr.node else {
        return Err(Error::new(ErrorKind::Internal, "only arithmetic has a left operand"));
    };
    let no_columns = Rows { columns: &[], len: left.len() };
    let right = evaluate(right, &no_columns, context)?;
    let rows = left.len();
    arithmetic::binary(*op, &[ColumnarArg::Array(left), right], expr.data_type(), rows, context, origin)
}

/// The rows where `mask` is true; only the columns that `exprs` read are copied.
pub(crate) fn filtered(rows: &Rows<'_>, mask: &BooleanArray, exprs: &[&BoundExpr]) -> Result<(Vec<ArrayRef>, usize)> {
    let len = mask.true_count();
    let mut used = Vec::new();
    exprs.iter().for_each(|expr| expr.used_columns(&mut used));
    let columns = rows.columns.iter().enumerate().map(|(index, values)| {
        if used.contains(&index) {
            arrow_select::filter::filter(values, mask)
        } else {
            Ok(Arc::new(NullArray::new(len)) as ArrayRef)
        }
    });
    Ok((columns.collect::<Result<_, _>>()?, len))
}

/// As Booleans.
pub(crate) fn booleans(values: &ArrayRef) -> Result<&BooleanArray> {
    values
        .as_any()
        .downcast_ref::<BooleanArray>()
        .ok_or_else(|| Error::new(ErrorKind::Internal, format!("a condition came out as {}", values.data_type())))
}

/// An evaluation error: what went wrong, in which expression, on which values.
pub(crate) fn failure(message: impl Into<String>, origin: &str, values: &[Option<Scalar>]) -> Error {
    let shown: Vec<_> = values.iter().map(|value| value.as_ref().map_or("?".to_owned(), Scalar::to_string)).collect();
    Error::new(ErrorKind::Evaluation, message).with("expression", origin).with("values", shown.join(", "))
}

/// The value of an operand on a row, for messages.
pub(crate) fn value_at(operand: &ColumnarArg, row: usize) -> Option<Scalar> {
    let row = if matches!(operand, ColumnarArg::Constant(_)) { 0 } else { row };
    Scalar::from_array(operand.values(), row).ok()
}
