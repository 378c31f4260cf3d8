//! Comparisons, in Spark's order: `NaN` equals itself and exceeds every number, `-0.0` equals `0.0`.

use super::super::bind::like_operands;
use super::super::expr::BinaryOp;
use super::super::functions::ColumnarArg;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Datum, Scalar};
use arrow_buffer::NullBuffer;
use arrow_ord::cmp;
use arrow_ord::ord::make_comparator;
use arrow_schema::{DataType, SortOptions};
use deltaic_log::{Error, ErrorKind, Result};
use std::cmp::Ordering;
use std::sync::Arc;

/// `left op right`; both have the same type.
pub(crate) fn compare(op: BinaryOp, left: &ColumnarArg, right: &ColumnarArg, rows: usize) -> Result<ColumnarArg> {
    let operands = [left.clone(), right.clone()];
    let result = match left.data_type() {
        DataType::Null => of_nulls(op, left.values().len().max(right.values().len())),
        t if t.is_nested() => nested(op, &left.to_array(rows)?, &right.to_array(rows)?)?,
        _ => kernel(op, &*datum(&normalised(left)), &*datum(&normalised(right)))?,
    };
    let result: ArrayRef = Arc::new(result);
    if left.data_type().is_nested() { Ok(ColumnarArg::Array(result)) } else { Ok(like_operands(&operands, result)) }
}

fn kernel(op: BinaryOp, left: &dyn Datum, right: &dyn Datum) -> Result<BooleanArray> {
    Ok(match op {
        BinaryOp::Eq => cmp::eq(left, right),
        BinaryOp::NotEq => cmp::neq(left, right),
        BinaryOp::Lt => cmp::lt(left, right),
        BinaryOp::LtEq => cmp::lt_eq(left, right),
        BinaryOp::Gt => cmp::gt(left, right),
        BinaryOp::GtEq => cmp::gt_eq(left, right),
        BinaryOp::NullSafeEq => cmp::not_distinct(left, right),
        other => return Err(Error::new(ErrorKind::Internal, format!("{other:?} is no comparison"))),
    }?)
}

fn of_nulls(op: BinaryOp, rows: usize) -> BooleanArray {
    let value = (op == BinaryOp::NullSafeEq).then_some(true);
    std::iter::repeat_n(value, rows).collect()
}

/// Arrays and structs: element by element, null before everything.
fn nested(op: BinaryOp, left: &ArrayRef, right: &ArrayRef) -> Result<BooleanArray> {
    let order = make_comparator(left, right, SortOptions { descending: false, nulls_first: true })?;
    let holds = |row: usize| {
        let order = order(row, row);
        match op {
            BinaryOp::Eq | BinaryOp::NullSafeEq => order == Ordering::Equal,
            BinaryOp::NotEq => order != Ordering::Equal,
            BinaryOp::Lt => order == Ordering::Less,
            BinaryOp::LtEq => order != Ordering::Greater,
            BinaryOp::Gt => order == Ordering::Greater,
            _ => order != Ordering::Less,
        }
    };
    let values = BooleanArray::from_iter((0..left.len()).map(|row| Some(holds(row))));
    if op == BinaryOp::NullSafeEq {
        return Ok(values);
    }
    let nulls = NullBuffer::union(left.nulls(), right.nulls());
    Ok(BooleanArray::new(values.values().clone(), nulls))
}

/// Floats with one `NaN` and one zero, so that the total order of the kernels is SQL's; other values as they are.
pub(crate) fn normalised(values: &ColumnarArg) -> ColumnarArg {
    match values {
        ColumnarArg::Array(array) => ColumnarArg::Array(normalised_array(array)),
        ColumnarArg::Constant(array) => ColumnarArg::Constant(normalised_array(array)),
    }
}

pub(crate) fn normalised_array(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Float32 => Arc::new(
            array
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(|v| if v.is_nan() { f32::NAN } else { v + 0.0 }),
        ),
        DataType::Float64 => Arc::new(
            array
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(|v| if v.is_nan() { f64::NAN } else { v + 0.0 }),
        ),
        _ => array.clone(),
    }
}

/// The form in which kernels take constants.
pub(crate) fn datum(values: &ColumnarArg) -> Box<dyn Datum> {
    match values {
        ColumnarArg::Array(array) => Box::new(array.clone()),
        ColumnarArg::Constant(array) => Box::new(Scalar::new(array.clone())),
    }
}
