//! From bounds of columns to the outcomes of the whole predicate, operation by operation.

use super::outcomes::Outcomes;
use super::range::{Range, has_nan, trusted_min};
use super::{Bounds, PruningPredicate};
use crate::expr::{
    BinaryOp, BoundExpr, ColumnPath, ColumnarArg, LikeKind, Node, OnCastFailure, Prefix, Rows, Scalar, Test,
    Volatility, evaluate_rows, with_left_operand,
};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, NullArray, new_null_array};
use arrow_buffer::BooleanBuffer;
use arrow_ord::cmp;
use arrow_schema::{DataType, TimeUnit};
use arrow_select::concat::concat;
use deltaic_log::{Error, ErrorKind, Result};
use std::sync::Arc;

/// Lists longer than this are compared by their smallest and largest value alone.
const LIST_MAX: usize = 200;

/// Evaluates one predicate over the bounds of some files.
pub(super) struct Evaluator<'a> {
    predicate: &'a PruningPredicate,
    bounds: &'a dyn Bounds,
    files: usize,
}

/// A column or nested field: positions from the outside in.
type Leaf = Vec<usize>;

impl<'a> Evaluator<'a> {
    pub(super) fn new(predicate: &'a PruningPredicate, bounds: &'a dyn Bounds) -> Self {
        Self { predicate, bounds, files: bounds.len() }
    }

    /// Where every condition of a conjunction can be true.
    pub(super) fn might_match(&self, condition: &BoundExpr) -> Result<BooleanBuffer> {
        let mut conditions = Vec::new();
        flatten(condition, &mut conditions);
        // A row in which all hold has no NaN where one of them caps the column.
        let capped: Vec<Leaf> = conditions.iter().filter_map(|condition| capped_column(condition)).collect();
        let mut might_match = BooleanBuffer::new_set(self.files);
        for condition in conditions {
            might_match = &might_match & &self.outcomes(condition, &capped)?.true_;
        }
        Ok(might_match)
    }

    fn outcomes(&self, condition: &BoundExpr, capped: &[Leaf]) -> Result<Outcomes> {
        if let Some(values) = self.exact(condition)? {
            return Ok(Outcomes::exact(values.to_array(self.files)?.as_boolean()));
        }
        let of = |operand: &BoundExpr| self.outcomes(operand, &[]);
        Ok(match &condition.node {
            Node::Not(operand) => of(operand)?.not(),
            Node::And(list) => self.fold(list, Outcomes::and)?,
            Node::Or(list) => self.fold(list, Outcomes::or)?,
            Node::Is { expr, test: Test::True } => of(expr)?.is_true(),
            Node::Is { expr, test: Test::False } => of(expr)?.is_false(),
            Node::Is { expr, test: Test::Unknown } => of(expr)?.is_null(),
            Node::Is { expr, test: Test::Null } => self.is_null(expr)?,
            Node::Compare { op, left, right } => match (self.range(left, capped)?, self.range(right, capped)?) {
                (Some(left), Some(right)) => left.compare(*op, &right)?,
                _ => self.unknown(),
            },
            Node::In { expr, set } => match self.range(expr, capped)? {
                Some(range) => self.is_in(&range, set.values(), set.has_null())?,
                None => self.unknown(),
            },
            Node::Like { expr, pattern, .. } if pattern.kind() == LikeKind::Like => match pattern.prefix() {
                Some(prefix) => self.has_prefix(expr, &prefix)?,
                None => self.unknown(),
            },
            Node::Call { function, args, .. } if function.name().eq_ignore_ascii_case("startswith") => {
                self.starts_with(args)?
            }
            Node::Column(_) | Node::Field { .. } => self.boolean_column(condition)?,
            _ => self.unknown(),
        })
    }

    fn unknown(&self) -> Outcomes {
        Outcomes::unknown(self.files)
    }

    fn fold(&self, list: &[BoundExpr], combine: fn(&Outcomes, &Outcomes) -> Outcomes) -> Result<Outcomes> {
        let mut outcomes = list.iter().map(|expr| self.outcomes(expr, &[]));
        let first = outcomes.next().unwrap_or_else(|| Ok(self.unknown()))?;
        outcomes.try_fold(first, |so_far, next| Ok(combine(&so_far, &next?)))
    }

    fn is_null(&self, expr: &BoundExpr) -> Result<Outcomes> {
        if expr.data_type() == &DataType::Boolean && !matches!(expr.node, Node::Column(_) | Node::Field { .. }) {
            return Ok(self.outcomes(expr, &[])?.is_null());
        }
        Ok(match self.nullness(expr)? {
            Some((null, present)) => Outcomes::two_valued(null, present),
            None => self.unknown(),
        })
    }

    /// Where an expression may be null, and where it may hold a value. Works for columns of any type.
    fn nullness(&self, expr: &BoundExpr) -> Result<Option<(BooleanBuffer, BooleanBuffer)>> {
        match self.path(expr) {
            Some(path) if self.exact(expr)?.is_none() => self.column_nullness(&path).map(Some),
            _ => Ok(self.range(expr, &[])?.map(|range| (range.null, range.present))),
        }
    }

    fn boolean_column(&self, column: &BoundExpr) -> Result<Outcomes> {
        let Some(range) = self.range(column, &[])? else { return Ok(self.unknown()) };
        let constant = |value: bool| Range::exact(ColumnarArg::Constant(Scalar::from(value).to_array()), self.files);
        range.compare(BinaryOp::Eq, &constant(true)?)
    }

    fn is_in(&self, range: &Range, values: &[ArrayRef], has_null: bool) -> Result<Outcomes> {
        let equal = |value: &ArrayRef| {
            range.compare(BinaryOp::Eq, &Range::exact(ColumnarArg::Constant(value.clone()), self.files)?)
        };
        let mut outcomes = match values.split_first() {
            // With nothing in the list but null, nothing is in it.
            None => Outcomes { true_: BooleanBuffer::new_unset(self.files), ..self.unknown() },
            Some(_) if values.len() > LIST_MAX => self.within(range, values)?,
            Some((first, rest)) => {
                rest.iter().try_fold(equal(first)?, |so_far, value| Ok::<_, Error>(so_far.or(&equal(value)?)))?
            }
        };
        if has_null {
            outcomes.null = &outcomes.null | &outcomes.false_;
        }
        Ok(outcomes)
    }

    /// Between the smallest and the largest of many values; whether it is one of them stays open.
    fn within(&self, range: &Range, values: &[ArrayRef]) -> Result<Outcomes> {
        let parts: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
        let order = arrow_ord::sort::sort(&concat(&parts)?, None)?;
        let end = |row: usize| Range::exact(ColumnarArg::Constant(order.slice(row, 1)), self.files);
        let above = range.compare(BinaryOp::GtEq, &end(0)?)?;
        let below = range.compare(BinaryOp::LtEq, &end(order.len() - 1)?)?;
        Ok(Outcomes { true_: &above.true_ & &below.true_, false_: range.present.clone(), null: range.null.clone() })
    }

    fn starts_with(&self, args: &[BoundExpr]) -> Result<Outcomes> {
        match args {
            [text, prefix] if text.data_type() == &DataType::Utf8 => match prefix.constant() {
                Some(value) if value.data_type() == &DataType::Utf8 && value.is_valid(0) => {
                    let text_of = value.as_string::<i32>().value(0).to_owned();
                    self.has_prefix(text, &Prefix { text: text_of, whole: false, only: true })
                }
                _ => Ok(self.unknown()),
            },
            _ => Ok(self.unknown()),
        }
    }

    fn has_prefix(&self, text: &BoundExpr, prefix: &Prefix) -> Result<Outcomes> {
        let Some(range) = self.range(text, &[])? else { return Ok(self.unknown()) };
        let wanted = ColumnarArg::Constant(Scalar::from(prefix.text.as_str()).to_array());
        let exact = Range::exact(wanted.clone(), self.files)?;
        if prefix.whole {
            return range.compare(BinaryOp::Eq, &exact);
        }
        let starts = |bound: &ColumnarArg| -> Result<BooleanArray> {
            let bound = bound.to_array(self.files)?;
            let wanted = wanted.values().as_string::<i32>().value(0);
            Ok(bound.as_string::<i32>().iter().map(|bound| Some(bound?.starts_with(wanted))).collect())
        };
        let surely = |values: &BooleanArray, wanted: bool| -> BooleanBuffer {
            values.iter().map(|value| value == Some(wanted)).collect()
        };
        let (min_starts, max_starts) = (starts(&range.min)?, starts(&range.max)?);
        // Strings with a prefix lie together: before them all values are less, after them all are greater.
        let before = range.compare(BinaryOp::GtEq, &exact)?.true_;
        let after = &surely(&min_starts, false) & &range.exceeds(&wanted)?;
        let all = &surely(&min_starts, true) & &surely(&max_starts, true);
        let false_ = if prefix.only { &range.present & &!&all } else { range.present.clone() };
        Ok(Outcomes { true_: &before & &!&after, false_, null: range.null })
    }

    /// The range of an expression's values; nothing where bounds tell nothing.
    fn range(&self, expr: &BoundExpr, capped: &[Leaf]) -> Result<Option<Range>> {
        if let Some(values) = self.exact(expr)? {
            return Range::exact(values, self.files).map(Some);
        }
        match &expr.node {
            Node::Column(_) | Node::Field { .. } => self.column_range(expr, capped),
            Node::Cast { expr: operand, cast, on_failure, .. }
                if self.monotone(operand.data_type(), expr.data_type()) =>
            {
                let Some(range) = self.range(operand, capped)? else { return Ok(None) };
                let zone = self.predicate.context.zone();
                // An end that does not fit is unknown.
                let end = |end: &ColumnarArg| -> Result<ColumnarArg> {
                    Ok(ColumnarArg::Array(cast.apply(&end.to_array(self.files)?, OnCastFailure::Null, zone)?))
                };
                let lossy = *on_failure == OnCastFailure::Null;
                Ok(Some(Range {
                    min: end(&range.min)?,
                    max: end(&range.max)?,
                    null: if lossy { BooleanBuffer::new_set(self.files) } else { range.null },
                    hidden_nan: range.hidden_nan && has_nan(expr.data_type()),
                    present: range.present,
                }))
            }
            Node::Arithmetic { op: BinaryOp::Add | BinaryOp::Subtract, left, right, .. } => {
                self.sum(expr, left, right, capped)
            }
            _ => Ok(None),
        }
    }

    /// A sum or difference with a constant on the right: both ends move alike. Overflow at an end makes it unknown.
    fn sum(&self, whole: &BoundExpr, left: &BoundExpr, right: &BoundExpr, capped: &[Leaf]) -> Result<Option<Range>> {
        let moves_alike = matches!(
            left.data_type(),
            DataType::Int8
                | DataType::Int16
                | DataType::Int32
                | DataType::Int64
                | DataType::Decimal128(..)
                | DataType::Date32
        );
        if right.constant().is_none_or(|value| value.is_null(0)) || !moves_alike || !self.monotone_sum(whole) {
            return Ok(None);
        }
        let Some(range) = self.range(left, capped)? else { return Ok(None) };
        let end = |end: &ColumnarArg| -> Result<ColumnarArg> {
            let shifted = with_left_operand(whole, end.to_array(self.files)?, &self.predicate.context);
            Ok(shifted.unwrap_or_else(|_| ColumnarArg::Constant(new_null_array(whole.data_type(), 1))))
        };
        Ok(Some(Range { min: end(&range.min)?, max: end(&range.max)?, ..range }))
    }

    fn monotone_sum(&self, whole: &BoundExpr) -> bool {
        !matches!(whole.data_type(), DataType::Timestamp(..) | DataType::Duration(_))
    }

    /// Whether a cast keeps the order of all values that it can convert.
    fn monotone(&self, from: &DataType, to: &DataType) -> bool {
        use DataType as T;
        let number = |t: &DataType| t.is_numeric();
        let fixed_zone = self.predicate.context.zone().is_fixed();
        let instant = |t: &DataType| matches!(t, T::Timestamp(TimeUnit::Microsecond, Some(_)));
        match (from, to) {
            _ if number(from) && number(to) => true,
            (T::Date32, T::Timestamp(..)) => fixed_zone || !instant(to),
            (T::Timestamp(..), T::Date32 | T::Timestamp(..)) => fixed_zone || !(instant(from) || instant(to)),
            (T::Timestamp(_, Some(_)), to) => number(to),
            (from, T::Timestamp(_, Some(_))) => number(from),
            _ => false,
        }
    }

    fn column_range(&self, column: &BoundExpr, capped: &[Leaf]) -> Result<Option<Range>> {
        let Some(path) = self.path(column) else { return Ok(None) };
        let (null, present) = self.column_nullness(&path)?;
        let fitting = |bound: Option<ArrayRef>| -> Result<ArrayRef> {
            let bound = bound.filter(|bound| bound.data_type() == column.data_type());
            let bound = bound.unwrap_or_else(|| new_null_array(column.data_type(), self.files));
            self.checked(bound)
        };
        let is_capped = leaf(column).is_some_and(|leaf| capped.contains(&leaf));
        let range = Range {
            min: ColumnarArg::Array(trusted_min(fitting(self.bounds.min(&path))?)),
            max: ColumnarArg::Array(fitting(self.bounds.max(&path))?),
            null,
            present,
            hidden_nan: has_nan(column.data_type()),
        };
        Ok(Some(if is_capped { range.without_nan() } else { range }))
    }

    fn column_nullness(&self, path: &ColumnPath) -> Result<(BooleanBuffer, BooleanBuffer)> {
        let count = |counts: Option<Int64Array>| -> Result<Int64Array> {
            let counts = counts.unwrap_or_else(|| Int64Array::new_null(self.files));
            Ok(self.checked(Arc::new(counts))?.as_primitive().clone())
        };
        let (nulls, rows) = (count(self.bounds.null_count(path))?, count(self.bounds.row_count())?);
        let zero = Int64Array::new_scalar(0);
        let surely = |holds: BooleanArray| -> BooleanBuffer { holds.iter().map(|holds| holds == Some(true)).collect() };
        let none_null = surely(cmp::eq(&nulls, &zero)?);
        let all_null = surely(cmp::gt_eq(&nulls, &rows)?);
        Ok((!&none_null, !&all_null))
    }

    fn checked(&self, column: ArrayRef) -> Result<ArrayRef> {
        if column.len() == self.files {
            return Ok(column);
        }
        let message = format!("the bounds of a column have {} rows for {} files", column.len(), self.files);
        Err(Error::new(ErrorKind::Internal, message))
    }

    /// The names of a column or nested field that has bounds, as the schema spells them.
    fn path(&self, column: &BoundExpr) -> Option<ColumnPath> {
        let leaf = leaf(column)?;
        if self.predicate.partitioned.get(*leaf.first()?).copied().unwrap_or(false) {
            return None;
        }
        let mut fields = self.predicate.schema.fields();
        let mut names = Vec::with_capacity(leaf.len());
        for (depth, index) in leaf.iter().enumerate() {
            let field = fields.get(*index)?;
            names.push(field.name().clone());
            match field.data_type() {
                DataType::Struct(inner) => fields = inner,
                _ if depth + 1 == leaf.len() => {}
                _ => return None,
            }
        }
        Some(ColumnPath::new(names))
    }

    /// The values of an expression over constants and partition columns only: one for each file, by the real evaluation.
    /// Nothing where the expression reads other columns, or a file's values are not known or do not evaluate.
    fn exact(&self, expr: &BoundExpr) -> Result<Option<ColumnarArg>> {
        if let Some(value) = expr.constant() {
            return Ok(Some(ColumnarArg::Constant(value.clone())));
        }
        let mut used = Vec::new();
        expr.used_columns(&mut used);
        let partitioned = |index: &usize| self.predicate.partitioned.get(*index).copied().unwrap_or(false);
        if !used.iter().all(partitioned) || is_volatile(expr) {
            return Ok(None);
        }
        let Some(columns) = self.partition_columns(&used)? else { return Ok(None) };
        let rows = Rows { columns: &columns, len: self.files };
        Ok(evaluate_rows(expr, &rows, &self.predicate.context).ok())
    }

    fn partition_columns(&self, used: &[usize]) -> Result<Option<Vec<ArrayRef>>> {
        let mut columns = Vec::with_capacity(self.predicate.partitioned.len());
        for (index, field) in self.predicate.schema.fields().iter().enumerate() {
            columns.push(match used.contains(&index).then(|| self.bounds.partition_value(field.name())) {
                None => Arc::new(NullArray::new(self.files)) as ArrayRef,
                Some(None) => return Ok(None),
                Some(Some(values)) => self.checked(values)?,
            });
        }
        Ok(Some(columns))
    }
}

/// The conditions of nested conjunctions.
fn flatten<'a>(condition: &'a BoundExpr, conditions: &mut Vec<&'a BoundExpr>) {
    match &condition.node {
        Node::And(list) => list.iter().for_each(|condition| flatten(condition, conditions)),
        _ => conditions.push(condition),
    }
}

/// The column that a condition keeps from being `NaN`: it is at most, or equals, a constant that is not.
fn capped_column(condition: &BoundExpr) -> Option<Leaf> {
    let Node::Compare { op, left, right } = &condition.node else { return None };
    let (column, op, cap) = match (left.constant(), right.constant()) {
        (None, Some(cap)) => (left, *op, cap),
        (Some(cap), None) => (right, op.flipped(), cap),
        _ => return None,
    };
    let number = match Scalar::from_array(cap, 0).ok()? {
        Scalar::Float(v) => !v.is_nan(),
        Scalar::Double(v) => !v.is_nan(),
        _ => false,
    };
    (number && matches!(op, BinaryOp::Lt | BinaryOp::LtEq | BinaryOp::Eq)).then(|| leaf(uncast(column)))?
}

/// The expression beneath casts between floats, which keep `NaN`.
fn uncast(expr: &BoundExpr) -> &BoundExpr {
    match &expr.node {
        Node::Cast { expr: operand, .. } if has_nan(expr.data_type()) && has_nan(operand.data_type()) => {
            uncast(operand)
        }
        _ => expr,
    }
}

/// The positions of a column or a field within one.
fn leaf(expr: &BoundExpr) -> Option<Leaf> {
    match &expr.node {
        Node::Column(index) => Some(vec![*index]),
        Node::Field { base, index } => {
            let mut path = leaf(base)?;
            path.push(*index);
            Some(path)
        }
        _ => None,
    }
}

fn is_volatile(expr: &BoundExpr) -> bool {
    let itself = matches!(&expr.node, Node::Call { function, .. } if function.volatility() == Volatility::Volatile);
    itself || expr.operands().into_iter().any(is_volatile)
}
