//! The types of arithmetic.

use super::super::calendar::MICROS_PER_DAY;
use super::super::display::operator_name;
use super::super::expr::BinaryOp;
use super::super::scalar::Scalar;
use super::super::sql_type::{describe, timestamp};
use super::BoundExpr;
use super::coerce::{adjusted_decimal, decimal_of_constant, decimal_shape, is_integral, is_numeric, wider};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};
use deltaic_log::{Error, ErrorKind, Result};

/// What each operand is cast to, and what comes out.
#[derive(Debug, PartialEq)]
pub(super) struct Typing {
    pub(super) left: DataType,
    pub(super) right: DataType,
    pub(super) result: DataType,
}

impl Typing {
    fn same(operands: DataType, result: DataType) -> Self {
        Self { left: operands.clone(), right: operands, result }
    }
}

/// The types of `left op right`.
pub(super) fn typing(op: BinaryOp, left: &BoundExpr, right: &BoundExpr) -> Result<Typing> {
    let (a, b) = (left.data_type(), right.data_type());
    let found = match op {
        BinaryOp::Concat => concat(a, b),
        BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor => {
            wider(a, b).filter(|t| is_integral(t) || t.is_null()).map(|t| Typing::same(or_int(t.clone()), or_int(t)))
        }
        _ => part_of_day(op, left, right).or_else(|| temporal(op, a, b)).or_else(|| numeric(op, left, right)),
    };
    found.ok_or_else(|| {
        let message = format!("`{}` cannot combine {} and {}", operator_name(op), describe(a), describe(b));
        Error::new(ErrorKind::InvalidExpression, format!("{message}: cast one of them"))
    })
}

/// A date and a constant that is no whole number of days make a timestamp.
fn part_of_day(op: BinaryOp, left: &BoundExpr, right: &BoundExpr) -> Option<Typing> {
    let sums = matches!(op, BinaryOp::Add | BinaryOp::Subtract) && left.data_type() == &DataType::Date32;
    let interval = right.constant().filter(|_| sums).and_then(|value| Scalar::from_array(value, 0).ok());
    match interval {
        Some(Scalar::DayTimeInterval(us)) if us % MICROS_PER_DAY != 0 => {
            Some(Typing { left: timestamp(), right: right.data_type().clone(), result: timestamp() })
        }
        _ => None,
    }
}

fn or_int(data_type: DataType) -> DataType {
    if data_type.is_null() { DataType::Int32 } else { data_type }
}

fn concat(a: &DataType, b: &DataType) -> Option<Typing> {
    let same = |t: DataType| Some(Typing::same(t.clone(), t));
    match (a, b) {
        (DataType::List(_), DataType::List(_)) => same(wider(a, b)?),
        (DataType::List(_) | DataType::Struct(_) | DataType::Map(..), _) => None,
        (_, DataType::List(_) | DataType::Struct(_) | DataType::Map(..)) => None,
        (DataType::Binary, DataType::Binary) => same(DataType::Binary),
        _ => same(DataType::Utf8),
    }
}

/// Dates, timestamps and intervals.
fn temporal(op: BinaryOp, a: &DataType, b: &DataType) -> Option<Typing> {
    use DataType as T;
    let months = T::Interval(IntervalUnit::YearMonth);
    let micros = T::Duration(TimeUnit::Microsecond);
    let typed = |left: &T, right: &T, result: &T| {
        Some(Typing { left: left.clone(), right: right.clone(), result: result.clone() })
    };
    match (op, a, b) {
        (BinaryOp::Add, T::Date32 | T::Timestamp(..), interval) if *interval == months => typed(a, b, a),
        (BinaryOp::Subtract, T::Date32 | T::Timestamp(..), interval) if *interval == months => typed(a, b, a),
        (BinaryOp::Add | BinaryOp::Subtract, T::Date32 | T::Timestamp(..), interval) if *interval == micros => {
            typed(a, b, a)
        }
        (BinaryOp::Add, T::Interval(_) | T::Duration(_), T::Date32 | T::Timestamp(..)) => temporal(op, b, a),
        (BinaryOp::Add | BinaryOp::Subtract, T::Date32, T::Int8 | T::Int16 | T::Int32) => {
            typed(a, &T::Int32, &T::Date32)
        }
        (BinaryOp::Add, T::Int8 | T::Int16 | T::Int32, T::Date32) => typed(&T::Int32, b, &T::Date32),
        (BinaryOp::Subtract, T::Date32, T::Date32) => typed(a, b, &micros),
        (BinaryOp::Subtract, T::Timestamp(..), T::Timestamp(..) | T::Date32)
        | (BinaryOp::Subtract, T::Date32, T::Timestamp(..)) => {
            let wide = wider(a, b)?;
            typed(&wide, &wide, &micros)
        }
        (BinaryOp::Subtract, T::Timestamp(..), T::Utf8) | (BinaryOp::Subtract, T::Utf8, T::Timestamp(..)) => {
            typed(&timestamp(), &timestamp(), &micros)
        }
        (BinaryOp::Add | BinaryOp::Subtract, _, _) if a == b && (*a == months || *a == micros) => typed(a, b, a),
        _ => None,
    }
}

fn numeric(op: BinaryOp, left: &BoundExpr, right: &BoundExpr) -> Option<Typing> {
    let (a, b) = operand_types(left, right)?;
    let decimal = matches!(a, DataType::Decimal128(..)) || matches!(b, DataType::Decimal128(..));
    let float = |t: &DataType| matches!(t, DataType::Float32 | DataType::Float64);
    if decimal && !float(&a) && !float(&b) {
        return decimal_typing(op, left, right, &a, &b);
    }
    let wide = wider(&a, &b)?;
    match op {
        BinaryOp::Divide => Some(Typing::same(DataType::Float64, DataType::Float64)),
        BinaryOp::IntegralDivide => is_integral(&wide).then(|| Typing::same(DataType::Int64, DataType::Int64)),
        _ => Some(Typing::same(wide.clone(), wide)),
    }
}

/// The operands' types as numbers: a string is read as the other's kind of number, null as the other's type.
fn operand_types(left: &BoundExpr, right: &BoundExpr) -> Option<(DataType, DataType)> {
    let (a, b) = (left.data_type(), right.data_type());
    match (a, b) {
        (DataType::Null, DataType::Null) => Some((DataType::Float64, DataType::Float64)),
        (DataType::Null, t) | (t, DataType::Null) if is_numeric(t) => Some((t.clone(), t.clone())),
        (DataType::Utf8, t) | (t, DataType::Utf8) if is_numeric(t) => wider(a, b).map(|wide| (wide.clone(), wide)),
        _ => (is_numeric(a) && is_numeric(b)).then(|| (a.clone(), b.clone())),
    }
}

/// The shape of decimal results, as SQL Server, Hive and Spark define it.
fn decimal_typing(op: BinaryOp, left: &BoundExpr, right: &BoundExpr, a: &DataType, b: &DataType) -> Option<Typing> {
    let exact = |expr: &BoundExpr, t: &DataType| match expr.constant().and_then(decimal_of_constant) {
        Some(fitted) if is_integral(t) => Some(fitted),
        _ => decimal_shape(t).map(|(precision, scale)| adjusted_decimal(precision, scale)),
    };
    let (a, b) = (exact(left, a)?, exact(right, b)?);
    let ((p1, s1), (p2, s2)) = (decimal_shape(&a)?, decimal_shape(&b)?);
    let whole = |p: i32, s: i32| p - s;
    let result = match op {
        BinaryOp::Add | BinaryOp::Subtract => {
            let scale = s1.max(s2);
            adjusted_decimal(whole(p1, s1).max(whole(p2, s2)) + scale + 1, scale)
        }
        BinaryOp::Multiply => adjusted_decimal(p1 + p2 + 1, s1 + s2),
        BinaryOp::Divide => {
            let scale = (s1 + p2 + 1).max(6);
            adjusted_decimal(whole(p1, s1) + s2 + scale, scale)
        }
        BinaryOp::Remainder => {
            let scale = s1.max(s2);
            adjusted_decimal(whole(p1, s1).min(whole(p2, s2)) + scale, scale)
        }
        BinaryOp::IntegralDivide => DataType::Int64,
        _ => return None,
    };
    Some(Typing { left: a, right: b, result })
}
