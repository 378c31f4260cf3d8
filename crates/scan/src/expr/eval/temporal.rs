//! Dates, timestamps and intervals.

use super::super::bind::{Origin, like_operands};
use super::super::calendar::{MICROS_PER_DAY, add_months};
use super::super::context::EvalContext;
use super::super::expr::BinaryOp;
use super::super::functions::ColumnarArg;
use super::super::time_zone::Zone;
use super::arithmetic::overflow;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, DurationMicrosecondType, Int32Type, IntervalYearMonthType, TimestampMicrosecondType,
};
use arrow_array::{
    Array, ArrayRef, Date32Array, DurationMicrosecondArray, IntervalYearMonthArray, TimestampMicrosecondArray,
};
use arrow_schema::DataType;
use deltaic_log::{Error, ErrorKind, Result};
use std::sync::Arc;

pub(super) fn is_temporal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Timestamp(..) | DataType::Interval(_) | DataType::Duration(_))
}

/// `operands[0] op operands[1]`, one of them temporal.
pub(super) fn binary(
    op: BinaryOp,
    operands: &[ColumnarArg; 2],
    result: &DataType,
    rows: usize,
    context: &EvalContext,
    origin: &Origin,
) -> Result<ColumnarArg> {
    let types = (operands[0].data_type(), operands[1].data_type());
    let sign: i64 = if op == BinaryOp::Subtract { -1 } else { 1 };
    let zone = if matches!(types.0, DataType::Timestamp(_, None)) { &Zone::UTC } else { context.zone() };
    let compute = |a: i64, b: i64| match types {
        (DataType::Date32, DataType::Interval(_)) => {
            add_months(i32::try_from(a).ok()?, i32::try_from(sign.checked_mul(b)?).ok()?).map(i64::from)
        }
        (DataType::Date32, DataType::Duration(_)) => add_whole_days(a, sign.checked_mul(b)?),
        (DataType::Date32, DataType::Date32) => a.checked_sub(b)?.checked_mul(MICROS_PER_DAY),
        (DataType::Timestamp(..), DataType::Interval(_)) => {
            months_later(a, i32::try_from(sign.checked_mul(b)?).ok()?, zone)
        }
        _ if sign < 0 => a.checked_sub(b),
        _ => a.checked_add(b),
    };
    let constant = operands.iter().all(|operand| matches!(operand, ColumnarArg::Constant(_)));
    let rows = if constant { 1 } else { rows };
    let values: Vec<Option<i64>> = (0..rows)
        .map(|row| match (number(&operands[0], row)?, number(&operands[1], row)?) {
            (Some(a), Some(b)) => compute(a, b)
                .filter(|value| fits(*value, result))
                .map(Some)
                .ok_or_else(|| overflow(operands, row, result, origin)),
            _ => Ok(None),
        })
        .collect::<Result<_>>()?;
    Ok(like_operands(operands, as_array(values, result)?))
}

/// A date moves by whole days only: a part of a day would make it a timestamp.
fn add_whole_days(days: i64, micros: i64) -> Option<i64> {
    (micros % MICROS_PER_DAY == 0).then(|| days.checked_add(micros / MICROS_PER_DAY))?
}

/// The same wall clock some months later.
fn months_later(instant_us: i64, months: i32, zone: &Zone) -> Option<i64> {
    let local = zone.to_local(instant_us)?;
    let days = add_months(i32::try_from(local.div_euclid(MICROS_PER_DAY)).ok()?, months)?;
    let moved = i64::from(days).checked_mul(MICROS_PER_DAY)?.checked_add(local.rem_euclid(MICROS_PER_DAY))?;
    zone.to_instant(moved)
}

fn fits(value: i64, result: &DataType) -> bool {
    !matches!(result, DataType::Date32 | DataType::Interval(_)) || i32::try_from(value).is_ok()
}

fn number(operand: &ColumnarArg, row: usize) -> Result<Option<i64>> {
    let row = if matches!(operand, ColumnarArg::Constant(_)) { 0 } else { row };
    let values = operand.values();
    if values.is_null(row) {
        return Ok(None);
    }
    Ok(Some(match values.data_type() {
        DataType::Date32 => values.as_primitive::<Date32Type>().value(row).into(),
        DataType::Int32 => values.as_primitive::<Int32Type>().value(row).into(),
        DataType::Interval(_) => values.as_primitive::<IntervalYearMonthType>().value(row).into(),
        DataType::Timestamp(..) => values.as_primitive::<TimestampMicrosecondType>().value(row),
        DataType::Duration(_) => values.as_primitive::<DurationMicrosecondType>().value(row),
        other => return Err(Error::new(ErrorKind::Internal, format!("{other} is no time"))),
    }))
}

fn as_array(values: Vec<Option<i64>>, result: &DataType) -> Result<ArrayRef> {
    let narrow = |v: Option<i64>| v.and_then(|v| i32::try_from(v).ok());
    Ok(match result {
        DataType::Date32 => Arc::new(values.into_iter().map(narrow).collect::<Date32Array>()),
        DataType::Interval(_) => Arc::new(values.into_iter().map(narrow).collect::<IntervalYearMonthArray>()),
        DataType::Duration(_) => Arc::new(DurationMicrosecondArray::from(values)),
        DataType::Timestamp(..) => Arc::new(TimestampMicrosecondArray::from(values).with_data_type(result.clone())),
        other => return Err(Error::new(ErrorKind::Internal, format!("{other} is no time"))),
    })
}
