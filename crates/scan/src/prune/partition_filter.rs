//! Filters in the form `(column, op, value)`, as users of other Delta libraries write them: values are text, whatever the column's type.
//!
//! Any column may be named, not just partition columns: the filter then selects rows like any other condition, never whole files with rows that do not match.

use crate::expr::{BinaryOp, BoundExpr, ColumnPath, EvalContext, Expr, OnCastFailure, Scalar, primitive_type};
use arrow_schema::Schema;
use deltaic_log::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How a filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FilterOp {
    /// `=`; with `null`, `IS NULL`.
    #[serde(rename = "=")]
    Eq,
    /// `!=`; with `null`, `IS NOT NULL`.
    #[serde(rename = "!=")]
    NotEq,
    /// `<`.
    #[serde(rename = "<")]
    Lt,
    /// `<=`.
    #[serde(rename = "<=")]
    LtEq,
    /// `>`.
    #[serde(rename = ">")]
    Gt,
    /// `>=`.
    #[serde(rename = ">=")]
    GtEq,
    /// `in`.
    #[serde(rename = "in")]
    In,
    /// `not in`.
    #[serde(rename = "not in")]
    NotIn,
}

impl FromStr for FilterOp {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text.trim().to_ascii_lowercase().as_str() {
            "=" | "==" => Self::Eq,
            "!=" | "<>" => Self::NotEq,
            "<" => Self::Lt,
            "<=" => Self::LtEq,
            ">" => Self::Gt,
            ">=" => Self::GtEq,
            "in" => Self::In,
            "not in" => Self::NotIn,
            other => {
                let message = format!("`{other}` is no filter operator: use =, !=, <, <=, >, >=, in or not in");
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
        })
    }
}

/// What a filter compares with: text that is read as the column's type, or null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FilterValue {
    /// One value.
    One(Option<String>),
    /// The values of `in` and `not in`.
    Many(Vec<Option<String>>),
}

/// `(column, op, value)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionFilter {
    /// The column's name; dots are part of it.
    pub column: String,
    /// The comparison.
    pub op: FilterOp,
    /// The value or values.
    pub value: FilterValue,
}

impl PartitionFilter {
    /// A filter with one value. The empty string means null, as it does in the log.
    pub fn new(column: impl Into<String>, op: FilterOp, value: impl Into<String>) -> Self {
        Self { column: column.into(), op, value: FilterValue::One(present(value.into())) }
    }

    /// A filter with several values, for `in` and `not in`.
    pub fn with_values<S: Into<String>>(
        column: impl Into<String>,
        op: FilterOp,
        values: impl IntoIterator<Item = S>,
    ) -> Self {
        let values = values.into_iter().map(|value| present(value.into())).collect();
        Self { column: column.into(), op, value: FilterValue::Many(values) }
    }

    /// The filter as an expression over a schema.
    ///
    /// ```
    /// use arrow_schema::{DataType, Field, Schema};
    /// use deltaic_log::ManualClock;
    /// use deltaic_scan::expr::EvalContext;
    /// use deltaic_scan::prune::partition_filter::{FilterOp, PartitionFilter};
    /// let schema = Schema::new(vec![Field::new("year", DataType::Int32, true)]);
    /// let context = EvalContext::new(&ManualClock::default());
    /// let filter = PartitionFilter::new("year", FilterOp::GtEq, "2025");
    /// assert_eq!(filter.to_expr(&schema, &context).unwrap().to_string(), "year >= 2025");
    /// ```
    ///
    /// Errors: [`ErrorKind::UnknownColumn`]; [`ErrorKind::InvalidArgument`] for a value that the column's type cannot hold, and for a list
    /// where one value is due or the other way round.
    pub fn to_expr(&self, schema: &Schema, context: &EvalContext) -> Result<Expr> {
        let column = Expr::Column(ColumnPath::from(self.column.as_str()));
        let value = |text: &Option<String>| self.typed(text.as_deref(), &column, schema, context);
        match (&self.value, self.op) {
            (FilterValue::Many(values), FilterOp::In | FilterOp::NotIn) => {
                let values = values.iter().map(value).collect::<Result<Vec<_>>>()?;
                Ok(member(column.clone(), values, self.op == FilterOp::NotIn))
            }
            (FilterValue::One(one), FilterOp::Eq | FilterOp::NotEq) if one.is_none() => {
                value(one)?;
                Ok(Expr::is_null(column.clone(), self.op == FilterOp::NotEq))
            }
            (FilterValue::One(one), op) => match comparison(op) {
                Some(op) => Ok(Expr::binary(column.clone(), op, value(one)?)),
                None => Err(self.misused("a list of values")),
            },
            (FilterValue::Many(_), _) => Err(self.misused("one value")),
        }
    }

    fn misused(&self, due: &str) -> Error {
        let message = format!("the filter on `{}` takes {due} for this operator", self.column);
        Error::new(ErrorKind::InvalidArgument, message).with("column", &self.column)
    }

    /// The text as a literal of the column's type.
    fn typed(&self, text: Option<&str>, column: &Expr, schema: &Schema, context: &EvalContext) -> Result<Expr> {
        let data_type = BoundExpr::bind(column, schema, context)?.data_type().clone();
        let Some(data_type) = primitive_type(&data_type) else {
            return Err(self.misused("no values, since its type has no text form,"));
        };
        let Some(text) = text else { return Ok(Expr::Literal(Scalar::Null)) };
        let cast = Expr::Cast { expr: Box::new(Expr::literal(text)), data_type, on_failure: OnCastFailure::Error };
        let bound = BoundExpr::bind(&cast, &Schema::empty(), context)?;
        match bound.constant() {
            Some(value) => Scalar::from_array(value, 0).map(Expr::Literal),
            None => {
                let message = format!("`{text}` is no value of the column `{}`", self.column);
                Err(Error::new(ErrorKind::InvalidArgument, message).with("column", &self.column))
            }
        }
    }
}

/// Filters in disjunctive normal form: a row is selected if all filters of some list hold. No lists select everything.
pub fn any_of(lists: &[Vec<PartitionFilter>], schema: &Schema, context: &EvalContext) -> Result<Expr> {
    let all = |filters: &Vec<PartitionFilter>| {
        let exprs = filters.iter().map(|filter| filter.to_expr(schema, context));
        Ok(Expr::all(exprs.collect::<Result<_>>()?))
    };
    if lists.is_empty() {
        Ok(Expr::literal(true))
    } else {
        Ok(Expr::any(lists.iter().map(all).collect::<Result<_>>()?))
    }
}

/// The log does not tell the empty string from null.
fn present(value: String) -> Option<String> {
    (!value.is_empty()).then_some(value)
}

fn comparison(op: FilterOp) -> Option<BinaryOp> {
    Some(match op {
        FilterOp::Eq => BinaryOp::Eq,
        FilterOp::NotEq => BinaryOp::NotEq,
        FilterOp::Lt => BinaryOp::Lt,
        FilterOp::LtEq => BinaryOp::LtEq,
        FilterOp::Gt => BinaryOp::Gt,
        FilterOp::GtEq => BinaryOp::GtEq,
        FilterOp::In | FilterOp::NotIn => return None,
    })
}

/// `IN` where null is a value like others: partitions of null are asked for by name.
fn member(column: Expr, values: Vec<Expr>, negated: bool) -> Expr {
    let (nulls, present): (Vec<_>, Vec<_>) =
        values.into_iter().partition(|value| *value == Expr::Literal(Scalar::Null));
    let in_list = Expr::In { expr: Box::new(column.clone()), list: present, negated };
    if nulls.is_empty() {
        return in_list;
    }
    let is_null = Expr::is_null(column, negated);
    if negated { Expr::all(vec![in_list, is_null]) } else { Expr::any(vec![in_list, is_null]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_schema::{DataType, Field};
    use deltaic_log::ManualClock;

    fn check(filter: &PartitionFilter, expected: &str) {
        let schema = Schema::new(vec![
            Field::new("y", DataType::Int32, true),
            Field::new("d", DataType::Date32, true),
            Field::new("a.b", DataType::Utf8, true),
        ]);
        let context = EvalContext::new(&ManualClock::default());
        let shown = match filter.to_expr(&schema, &context) {
            Ok(expr) => expr.to_string(),
            Err(error) => error.kind().to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn filters_are_typed_conditions() {
        check(&PartitionFilter::new("y", FilterOp::Eq, "07"), "y = 7");
        check(&PartitionFilter::new("D", FilterOp::Lt, "2026-01-31"), "D < DATE'2026-01-31'");
        check(&PartitionFilter::new("a.b", FilterOp::NotEq, "x"), "`a.b` <> 'x'");
        check(&PartitionFilter::new("y", FilterOp::Eq, ""), "y IS NULL");
        check(&PartitionFilter::new("y", FilterOp::NotEq, ""), "y IS NOT NULL");
        check(&PartitionFilter::with_values("y", FilterOp::In, ["1", "2"]), "y IN (1, 2)");
        check(&PartitionFilter::with_values("y", FilterOp::In, ["1", ""]), "y IN (1) OR y IS NULL");
        check(&PartitionFilter::with_values("y", FilterOp::NotIn, ["1", ""]), "y NOT IN (1) AND y IS NOT NULL");
    }

    #[test]
    fn mistakes_are_named() {
        check(&PartitionFilter::new("nope", FilterOp::Eq, "1"), "unknown_column");
        check(&PartitionFilter::new("y", FilterOp::Eq, "x"), "invalid_argument");
        check(&PartitionFilter::new("y", FilterOp::In, "1"), "invalid_argument");
        check(&PartitionFilter::with_values("y", FilterOp::Lt, ["1"]), "invalid_argument");
        assert!("~".parse::<FilterOp>().is_err());
    }
}
