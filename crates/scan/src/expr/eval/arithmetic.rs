//! Arithmetic that never wraps: overflow and division by zero are errors, as in ANSI mode.

use super::super::bind::{Origin, like_operands};
use super::super::context::EvalContext;
use super::super::expr::BinaryOp;
use super::super::functions::ColumnarArg;
use super::super::sql_type::describe;
use super::compare::datum;
use super::{decimal, failure, temporal, value_at};
use arrow_arith::{bitwise, numeric};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalYearMonthType,
};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType};
use arrow_select::interleave::interleave;
use deltaic_log::{Error, ErrorKind, Result};
use std::sync::Arc;

/// Whether the operator works on bits.
pub(crate) fn is_bitwise(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor)
}

/// `operands[0] op operands[1]`, whose types binding chose.
pub(super) fn binary(
    op: BinaryOp,
    operands: &[ColumnarArg; 2],
    result: &DataType,
    rows: usize,
    context: &EvalContext,
    origin: &Origin,
) -> Result<ColumnarArg> {
    let [left, right] = operands;
    let values: ArrayRef = match left.data_type() {
        _ if op == BinaryOp::Concat => return concat(left, right, rows),
        _ if is_bitwise(op) => bits(op, left, right, rows)?,
        DataType::Decimal128(..) => return decimal::binary(op, operands, result, rows, origin),
        t if temporal::is_temporal(t) || temporal::is_temporal(right.data_type()) => {
            return temporal::binary(op, operands, result, rows, context, origin);
        }
        _ => numbers(op, operands, origin)?,
    };
    Ok(like_operands(operands, values))
}

/// Two numbers of the same type.
fn numbers(op: BinaryOp, operands: &[ColumnarArg; 2], origin: &Origin) -> Result<ArrayRef> {
    let divides = matches!(op, BinaryOp::Divide | BinaryOp::IntegralDivide | BinaryOp::Remainder);
    if divides && operands[0].data_type().is_floating() {
        refuse_zero_divisor(operands, origin)?;
    }
    apply(op, &operands[0], &operands[1]).map_err(|error| located(op, operands, origin, error))
}

fn apply(op: BinaryOp, left: &ColumnarArg, right: &ColumnarArg) -> Result<ArrayRef, ArrowError> {
    let (left, right) = (datum(left), datum(right));
    match op {
        BinaryOp::Add => numeric::add(&*left, &*right),
        BinaryOp::Subtract => numeric::sub(&*left, &*right),
        BinaryOp::Multiply => numeric::mul(&*left, &*right),
        BinaryOp::Divide | BinaryOp::IntegralDivide => numeric::div(&*left, &*right),
        _ => numeric::rem(&*left, &*right),
    }
}

/// Kernels let floats divide by zero; ANSI does not.
fn refuse_zero_divisor(operands: &[ColumnarArg; 2], origin: &Origin) -> Result<()> {
    let zero = |row: usize| match operands[1].data_type() {
        DataType::Float32 => operands[1].values().as_primitive::<Float32Type>().value(row) == 0.0,
        _ => operands[1].values().as_primitive::<Float64Type>().value(row) == 0.0,
    };
    match first_row(operands, |left, right| zero(right) && operands[0].values().is_valid(left)) {
        Some(row) => Err(division_by_zero(operands, row, origin)),
        None => Ok(()),
    }
}

/// The first row, by the positions of its operands, where both are present and `test` holds.
pub(super) fn first_row(operands: &[ColumnarArg; 2], test: impl Fn(usize, usize) -> bool) -> Option<usize> {
    let place = |operand: &ColumnarArg, row| if matches!(operand, ColumnarArg::Constant(_)) { 0 } else { row };
    let length = |operand: &ColumnarArg| match operand {
        ColumnarArg::Constant(_) => None,
        ColumnarArg::Array(values) => Some(values.len()),
    };
    let rows = length(&operands[0]).or_else(|| length(&operands[1])).unwrap_or(1);
    (0..rows).find(|row| {
        let (left, right) = (place(&operands[0], *row), place(&operands[1], *row));
        operands[0].values().is_valid(left) && operands[1].values().is_valid(right) && test(left, right)
    })
}

pub(super) fn division_by_zero(operands: &[ColumnarArg; 2], row: usize, origin: &Origin) -> Error {
    let values = [value_at(&operands[0], row), value_at(&operands[1], row)];
    failure("division by zero: guard it with NULLIF(divisor, 0)", origin, &values)
}

pub(super) fn overflow(operands: &[ColumnarArg], row: usize, result: &DataType, origin: &Origin) -> Error {
    let values: Vec<_> = operands.iter().map(|operand| value_at(operand, row)).collect();
    failure(format!("the result exceeds {}: cast the operands to a wider type", describe(result)), origin, &values)
}

/// The kernel's error, with the values of the first row that raises it.
fn located(op: BinaryOp, operands: &[ColumnarArg; 2], origin: &Origin, error: ArrowError) -> Error {
    let one = |operand: &ColumnarArg, row| ColumnarArg::Array(operand.values().slice(row, 1));
    let row =
        first_row(operands, |left, right| apply(op, &one(&operands[0], left), &one(&operands[1], right)).is_err());
    match (row, error) {
        (Some(row), ArrowError::DivideByZero) => division_by_zero(operands, row, origin),
        (Some(row), ArrowError::ArithmeticOverflow(_)) => overflow(operands, row, operands[0].data_type(), origin),
        (_, error) => Error::from(error).with("expression", origin),
    }
}

pub(super) fn negate(operand: &ColumnarArg, origin: &Origin) -> Result<ColumnarArg> {
    if operand.data_type().is_null() {
        return Ok(operand.clone());
    }
    let negated = match operand.data_type() {
        DataType::Interval(_) => checked_negation::<IntervalYearMonthType>(operand.values()),
        _ => numeric::neg(operand.values()),
    };
    let values = negated.map_err(|_| {
        let values = operand.values();
        let fails = |row: &usize| numeric::neg(&values.slice(*row, 1)).is_err();
        let row = (0..values.len()).find(fails).unwrap_or(0);
        overflow(std::slice::from_ref(operand), row, operand.data_type(), origin)
    })?;
    Ok(like_operands(std::slice::from_ref(operand), values))
}

fn checked_negation<T: ArrowPrimitiveType<Native = i32>>(values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let negated = values
        .as_primitive::<T>()
        .try_unary::<_, T, _>(|v| v.checked_neg().ok_or_else(|| ArrowError::ArithmeticOverflow(format!("-({v})"))))?;
    Ok(Arc::new(negated))
}

macro_rules! by_integer {
    ($data_type:expr, $type:ident => $body:expr) => {
        match $data_type {
            DataType::Int8 => Ok({
                type $type = Int8Type;
                $body
            }),
            DataType::Int16 => Ok({
                type $type = Int16Type;
                $body
            }),
            DataType::Int32 => Ok({
                type $type = Int32Type;
                $body
            }),
            DataType::Int64 => Ok({
                type $type = Int64Type;
                $body
            }),
            other => Err(Error::new(ErrorKind::Internal, format!("{other} is no integer"))),
        }
    };
}

pub(super) fn bit_not(operand: &ColumnarArg) -> Result<ColumnarArg> {
    let values = operand.values();
    let flipped: ArrayRef = by_integer!(values.data_type(), T => {
        Arc::new(bitwise::bitwise_not(values.as_primitive::<T>())?) as ArrayRef
    })?;
    Ok(like_operands(std::slice::from_ref(operand), flipped))
}

fn bits(op: BinaryOp, left: &ColumnarArg, right: &ColumnarArg, rows: usize) -> Result<ArrayRef> {
    let constant = matches!((left, right), (ColumnarArg::Constant(_), ColumnarArg::Constant(_)));
    let rows = if constant { 1 } else { rows };
    let (left, right) = (left.to_array(rows)?, right.to_array(rows)?);
    by_integer!(left.data_type(), T => {
        let (left, right) = (left.as_primitive::<T>(), right.as_primitive::<T>());
        let result = match op {
            BinaryOp::BitAnd => bitwise::bitwise_and(left, right),
            BinaryOp::BitOr => bitwise::bitwise_or(left, right),
            _ => bitwise::bitwise_xor(left, right),
        };
        Arc::new(result?) as ArrayRef
    })
}

/// `||` of strings, bytes or arrays.
pub(crate) fn concat(left: &ColumnarArg, right: &ColumnarArg, rows: usize) -> Result<ColumnarArg> {
    let constant = matches!((left, right), (ColumnarArg::Constant(_), ColumnarArg::Constant(_)));
    let rows = if constant { 1 } else { rows };
    let (a, b) = (left.to_array(rows)?, right.to_array(rows)?);
    let joined = match a.data_type() {
        DataType::List(_) => concat_lists(&a, &b)?,
        _ => arrow_string::concat_elements::concat_elements_dyn(&a, &b)?,
    };
    Ok(like_operands(&[left.clone(), right.clone()], joined))
}

fn concat_lists(left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
    let (a, b) = (left.as_list::<i32>(), right.as_list::<i32>());
    let nulls = arrow_buffer::NullBuffer::union(a.nulls(), b.nulls());
    let range = |list: &arrow_array::ListArray, row: usize| {
        let offsets = list.value_offsets();
        let at = |i: usize| usize::try_from(offsets[i]).unwrap_or_default();
        at(row)..at(row + 1)
    };
    let (mut places, mut lengths) = (Vec::new(), Vec::with_capacity(a.len()));
    for row in 0..a.len() {
        let before = places.len();
        if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
            places.extend(range(a, row).map(|i| (0, i)).chain(range(b, row).map(|i| (1, i))));
        }
        lengths.push(places.len() - before);
    }
    let DataType::List(item) = left.data_type() else {
        return Err(Error::new(ErrorKind::Internal, "only lists are joined as lists"));
    };
    let items = interleave(&[a.values().as_ref(), b.values().as_ref()], &places)?;
    let list = arrow_array::ListArray::try_new(item.clone(), OffsetBuffer::from_lengths(lengths), items, nulls)?;
    Ok(Arc::new(list))
}
