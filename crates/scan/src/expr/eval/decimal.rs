//! Decimal arithmetic: exact, then rounded half up to the digits that the result's type has.

use super::super::bind::{Origin, like_operands};
use super::super::expr::BinaryOp;
use super::super::functions::ColumnarArg;
use super::arithmetic::{division_by_zero, first_row, overflow};
use arrow_array::cast::AsArray;
use arrow_array::types::Decimal128Type;
use arrow_array::{Array, ArrayRef, Decimal128Array, Int64Array};
use arrow_buffer::i256;
use arrow_schema::DataType;
use deltaic_log::{Error, ErrorKind, Result};
use std::sync::Arc;

/// `operands[0] op operands[1]` of decimals of any shape; `result` is a decimal, or bigint for `DIV`.
pub(super) fn binary(
    op: BinaryOp,
    operands: &[ColumnarArg; 2],
    result: &DataType,
    rows: usize,
    origin: &Origin,
) -> Result<ColumnarArg> {
    let divides = matches!(op, BinaryOp::Divide | BinaryOp::IntegralDivide | BinaryOp::Remainder);
    let divisor = operands[1].values().as_primitive::<Decimal128Type>();
    if divides && let Some(row) = first_row(operands, |_, right| divisor.value(right) == 0) {
        return Err(division_by_zero(operands, row, origin));
    }
    let compute = Computation::new(op, operands, result)?;
    let constant = operands.iter().all(|operand| matches!(operand, ColumnarArg::Constant(_)));
    let rows = if constant { 1 } else { rows };
    let values: Vec<Option<i128>> = (0..rows)
        .map(|row| match (value(&operands[0], row), value(&operands[1], row)) {
            (Some(left), Some(right)) => {
                compute.row(left, right).map(Some).ok_or_else(|| overflow(operands, row, result, origin))
            }
            _ => Ok(None),
        })
        .collect::<Result<_>>()?;
    Ok(like_operands(operands, as_array(values, result)?))
}

fn value(operand: &ColumnarArg, row: usize) -> Option<i128> {
    let row = if matches!(operand, ColumnarArg::Constant(_)) { 0 } else { row };
    let values = operand.values().as_primitive::<Decimal128Type>();
    values.is_valid(row).then(|| values.value(row))
}

fn as_array(values: Vec<Option<i128>>, result: &DataType) -> Result<ArrayRef> {
    Ok(match result {
        DataType::Int64 => {
            let narrow = |v: Option<i128>| v.and_then(|v| i64::try_from(v).ok());
            Arc::new(values.into_iter().map(narrow).collect::<Int64Array>())
        }
        _ => Arc::new(Decimal128Array::from(values).with_data_type(result.clone())),
    })
}

/// One operator with the scales of its operands and result.
struct Computation {
    op: BinaryOp,
    left_scale: i32,
    right_scale: i32,
    result_scale: i32,
    /// The first magnitude that the result cannot hold.
    bound: i256,
}

impl Computation {
    fn new(op: BinaryOp, operands: &[ColumnarArg; 2], result: &DataType) -> Result<Self> {
        let scale = |data_type: &DataType| match data_type {
            DataType::Decimal128(_, scale) => Ok(i32::from(*scale)),
            other => Err(Error::new(ErrorKind::Internal, format!("{other} is no decimal"))),
        };
        let (result_scale, bound) = match result {
            DataType::Decimal128(precision, scale) => (i32::from(*scale), power_of_ten(i32::from(*precision))),
            _ => (0, Some(i256::from_i128(i128::from(i64::MAX) + 1))),
        };
        Ok(Self {
            op,
            left_scale: scale(operands[0].data_type())?,
            right_scale: scale(operands[1].data_type())?,
            result_scale,
            bound: bound.ok_or_else(|| Error::new(ErrorKind::Internal, "a decimal has at most 38 digits"))?,
        })
    }

    /// The result for one row, nothing if it has too many digits. The divisor is not zero.
    fn row(&self, left: i128, right: i128) -> Option<i128> {
        let (left, right) = (i256::from_i128(left), i256::from_i128(right));
        let common = self.left_scale.max(self.right_scale);
        let aligned = || {
            let left = left.checked_mul(power_of_ten(common - self.left_scale)?)?;
            Some((left, right.checked_mul(power_of_ten(common - self.right_scale)?)?))
        };
        let exact = match self.op {
            BinaryOp::Add => aligned().and_then(|(a, b)| a.checked_add(b)).and_then(|sum| self.rounded(sum, common)),
            BinaryOp::Subtract => {
                aligned().and_then(|(a, b)| a.checked_sub(b)).and_then(|sum| self.rounded(sum, common))
            }
            BinaryOp::Multiply => {
                left.checked_mul(right).and_then(|product| self.rounded(product, self.left_scale + self.right_scale))
            }
            BinaryOp::Divide => quotient(left, right, self.result_scale - self.left_scale + self.right_scale),
            BinaryOp::IntegralDivide => aligned().and_then(|(a, b)| a.checked_div(b)),
            _ => aligned().and_then(|(a, b)| a.checked_rem(b)).and_then(|rest| self.rounded(rest, common)),
        }?;
        (magnitude(exact) < self.bound).then(|| exact.to_i128())?
    }

    /// From `scale` digits after the point to those of the result.
    fn rounded(&self, value: i256, scale: i32) -> Option<i256> {
        rescaled(value, self.result_scale - scale)
    }
}

/// The value with `shift` more digits after the point; with fewer, rounded half up (away from zero).
pub(crate) fn rescaled(value: i256, shift: i32) -> Option<i256> {
    if shift >= 0 {
        return value.checked_mul(power_of_ten(shift)?);
    }
    let Some(divisor) = power_of_ten(-shift) else { return Some(i256::ZERO) };
    half_up(value.checked_div(divisor)?, value.checked_rem(divisor)?, divisor)
}

/// `left / right` with `shift` more digits, rounded half up. Digits come in portions, so that nothing overflows on the way.
fn quotient(left: i256, right: i256, shift: i32) -> Option<i256> {
    const PORTION: i32 = 37;
    let (mut whole, mut rest) = (left.checked_div(right)?, left.checked_rem(right)?);
    let mut missing = shift.max(0);
    while missing > 0 {
        let power = power_of_ten(missing.min(PORTION))?;
        let widened = rest.checked_mul(power)?;
        whole = whole.checked_mul(power)?.checked_add(widened.checked_div(right)?)?;
        rest = widened.checked_rem(right)?;
        missing -= PORTION;
    }
    if shift < 0 {
        return rescaled(whole, shift);
    }
    // The quotient may be zero, so the direction of rounding comes from the operands.
    let up = magnitude(rest).checked_mul(i256::from_i128(2))? >= magnitude(right);
    let away = if (left < i256::ZERO) == (right < i256::ZERO) { i256::ONE } else { i256::MINUS_ONE };
    if up { whole.checked_add(away) } else { Some(whole) }
}

fn half_up(whole: i256, rest: i256, divisor: i256) -> Option<i256> {
    let up = magnitude(rest).checked_mul(i256::from_i128(2))? >= divisor;
    let away = if rest < i256::ZERO { i256::MINUS_ONE } else { i256::ONE };
    if up { whole.checked_add(away) } else { Some(whole) }
}

pub(crate) fn magnitude(value: i256) -> i256 {
    if value < i256::ZERO { value.wrapping_neg() } else { value }
}

/// Ten to a power from 0 to 76.
pub(crate) fn power_of_ten(exponent: i32) -> Option<i256> {
    i256::from_i128(10).checked_pow(u32::try_from(exponent).ok()?)
}
