//! The same condition with less in it: constants computed, `NOT` pushed to the leaves, what decides nothing left out.

use super::bind::BoundExpr;
use super::bind::coerce::{decimal_shape, is_integral};
use super::cast::cast_values;
use super::context::EvalContext;
use super::expr::{Expr, OnCastFailure, UnaryOp};
use super::scalar::Scalar;
use super::sql_type::{arrow_type, primitive_type};
use super::time_zone::Zone;
use arrow_schema::{DataType, Schema};

/// An expression with the same value on every row, simpler where that is known without a schema.
///
/// It may raise fewer errors: what decides nothing is not evaluated. Constants that fail to evaluate are left as they are.
///
/// ```
/// use deltaic_log::ManualClock;
/// use deltaic_scan::expr::{EvalContext, parse, simplify};
/// let context = EvalContext::new(&ManualClock::default());
/// let simpler = |sql| simplify(&parse(sql).unwrap(), &context).to_string();
/// assert_eq!(simpler("NOT (a > 1 + 1 OR b IS NULL)"), "a <= 2 AND b IS NOT NULL");
/// assert_eq!(simpler("a = 1 AND 1 < 2"), "a = 1");
/// ```
pub fn simplify(expr: &Expr, context: &EvalContext) -> Expr {
    let parts = expr.clone().map_children(&mut |part| simplify(&part, context));
    let pushed = match parts {
        Expr::Unary { op: UnaryOp::Not, expr } => match negation(*expr) {
            // The pushed parts may simplify in turn.
            Expr::Unary { op, expr } => Expr::Unary { op, expr },
            pushed => pushed.map_children(&mut |part| simplify(&part, context)),
        },
        other => other,
    };
    match pushed {
        Expr::And(list) => connective(list, false),
        Expr::Or(list) => connective(list, true),
        other => folded(other, context),
    }
}

/// The conditions that must all hold, of nested conjunctions.
///
/// ```
/// use deltaic_scan::expr::{conjuncts, parse};
/// let expr = parse("a = 1 AND (b = 2 AND c = 3)").unwrap();
/// assert_eq!(conjuncts(&expr).len(), 3);
/// ```
pub fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::And(list) => list.iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

/// `NOT expr`, without the `NOT` where another form says the same in three-valued logic.
fn negation(expr: Expr) -> Expr {
    match expr {
        Expr::Unary { op: UnaryOp::Not, expr } => *expr,
        Expr::And(list) => Expr::Or(list.into_iter().map(negation).collect()),
        Expr::Or(list) => Expr::And(list.into_iter().map(negation).collect()),
        Expr::Is { expr, test, negated } => Expr::Is { expr, test, negated: !negated },
        Expr::In { expr, list, negated } => Expr::In { expr, list, negated: !negated },
        Expr::Between { expr, low, high, negated } => Expr::Between { expr, low, high, negated: !negated },
        Expr::Like { kind, expr, pattern, escape, negated } => {
            Expr::Like { kind, expr, pattern, escape, negated: !negated }
        }
        Expr::Binary { left, op, right } => match op.negated() {
            Some(op) => Expr::Binary { left, op, right },
            None => Expr::negate(Expr::Binary { left, op, right }),
        },
        other => Expr::negate(other),
    }
}

/// `AND` (decided by false) or `OR` (decided by true), flat, each condition once.
fn connective(list: Vec<Expr>, decided_by: bool) -> Expr {
    let mut kept: Vec<Expr> = Vec::with_capacity(list.len());
    let inner = list.into_iter().flat_map(|expr| match expr {
        Expr::And(list) if !decided_by => list,
        Expr::Or(list) if decided_by => list,
        other => vec![other],
    });
    for expr in inner {
        match expr {
            Expr::Literal(Scalar::Boolean(value)) if value == decided_by => return Expr::literal(decided_by),
            Expr::Literal(Scalar::Boolean(_)) => {}
            expr if kept.contains(&expr) => {}
            expr => kept.push(expr),
        }
    }
    if decided_by { Expr::any(kept) } else { Expr::all(kept) }
}

/// The value of an expression without columns, as a literal.
fn folded(expr: Expr, context: &EvalContext) -> Expr {
    if matches!(expr, Expr::Literal(_) | Expr::Column(_)) || !expr.columns().is_empty() {
        return expr;
    }
    let Ok(bound) = BoundExpr::bind(&expr, &Schema::empty(), context) else { return expr };
    let value = bound.constant().and_then(|value| Scalar::from_array(value, 0).ok());
    match (value, primitive_type(bound.data_type())) {
        (Some(Scalar::Null), Some(data_type)) if !bound.data_type().is_null() => {
            Expr::Cast { expr: Box::new(Expr::Literal(Scalar::Null)), data_type, on_failure: OnCastFailure::Error }
        }
        (Some(value), _) => Expr::Literal(value),
        (None, _) => expr,
    }
}

/// Comparisons of a widened column with a literal, as comparisons of the column itself: `CAST(i AS BIGINT) = 5L` is `i = 5`.
///
/// Only where the cast loses nothing and the literal has the same value in the column's type.
pub fn unwrap_casts(expr: &Expr, schema: &Schema, context: &EvalContext) -> Expr {
    let expr = expr.clone().map_children(&mut |part| unwrap_casts(&part, schema, context));
    let Expr::Binary { left, op, right } = &expr else { return expr };
    let unwrapped = match (&**left, &**right) {
        (Expr::Cast { expr: column, data_type, .. }, Expr::Literal(value)) => {
            narrowed(column, &arrow_type(*data_type), value, schema, context).map(|value| (column, *op, value))
        }
        (Expr::Literal(value), Expr::Cast { expr: column, data_type, .. }) => {
            narrowed(column, &arrow_type(*data_type), value, schema, context).map(|value| (column, op.flipped(), value))
        }
        _ => None,
    };
    match unwrapped {
        Some((column, op, value)) if op.is_comparison() => Expr::binary((**column).clone(), op, Expr::Literal(value)),
        _ => expr,
    }
}

/// A literal of the wide type as one of the column's type, if nothing is lost on either side.
fn narrowed(column: &Expr, wide: &DataType, value: &Scalar, schema: &Schema, context: &EvalContext) -> Option<Scalar> {
    let Expr::Column(_) = column else { return None };
    let narrow = BoundExpr::bind(column, schema, context).ok()?.data_type().clone();
    let value_type = value.data_type();
    let fits_exactly = holds_all(&narrow, wide) && (value_type == *wide || holds_all(&value_type, wide));
    if !fits_exactly || value.is_null() {
        return None;
    }
    let literal = value.to_array();
    let there = cast_values(&literal, &narrow, OnCastFailure::Null, &Zone::UTC).ok()?;
    let back = cast_values(&there, &value_type, OnCastFailure::Null, &Zone::UTC).ok()?;
    let found = Scalar::from_array(&there, 0).ok()?;
    (!found.is_null() && Scalar::from_array(&back, 0).ok()? == *value).then_some(found)
}

/// Whether every number of one exact type is a number of another.
fn holds_all(narrow: &DataType, wide: &DataType) -> bool {
    let exact = |t: &DataType| is_integral(t) || matches!(t, DataType::Decimal128(..));
    match (exact(narrow) && exact(wide), decimal_shape(narrow), decimal_shape(wide)) {
        (true, Some((p1, s1)), Some((p2, s2))) => s1 <= s2 && p1 - s1 <= p2 - s2,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::parse;
    use arrow_schema::Field;
    use deltaic_log::ManualClock;

    fn context() -> EvalContext {
        EvalContext::new(&ManualClock::default())
    }

    #[test]
    fn conditions_get_simpler() {
        for (sql, expected) in [
            ("NOT NOT a", "a"),
            ("NOT (a AND b = 1)", "NOT a OR b <> 1"),
            ("NOT (x IN (1, 2))", "x NOT IN (1, 2)"),
            ("NOT (x <=> 1)", "NOT x <=> 1"),
            ("a AND FALSE", "FALSE"),
            ("a OR TRUE", "TRUE"),
            ("a OR FALSE OR a", "a"),
            ("(a AND b) AND (b AND c)", "a AND b AND c"),
            ("x > 2 * 3", "x > 6"),
            ("x > 1 / 0", "x > 1 / 0"),
            ("x = CAST('2026-01-31' AS DATE)", "x = DATE'2026-01-31'"),
            ("1 > NULL", "CAST(NULL AS BOOLEAN)"),
        ] {
            assert_eq!(simplify(&parse(sql).unwrap(), &context()).to_string(), expected, "{sql}");
        }
    }

    #[test]
    fn casts_come_off_where_nothing_is_lost() {
        let schema = Schema::new(vec![
            Field::new("i", DataType::Int32, true),
            Field::new("d", DataType::Decimal128(5, 2), true),
            Field::new("f", DataType::Float32, true),
        ]);
        for (sql, expected) in [
            ("CAST(i AS BIGINT) = 5L", "i = 5"),
            ("5L < CAST(i AS BIGINT)", "i > 5"),
            ("CAST(i AS BIGINT) = 3000000000", "CAST(i AS BIGINT) = 3000000000L"),
            ("CAST(d AS DECIMAL(10, 3)) >= 1.500", "d >= 1.50BD"),
            ("CAST(d AS DECIMAL(10, 1)) >= 1.5", "CAST(d AS DECIMAL(10, 1)) >= 1.5BD"),
            ("CAST(f AS DOUBLE) = 1.5D", "CAST(f AS DOUBLE) = 1.5D"),
        ] {
            let unwrapped = unwrap_casts(&parse(sql).unwrap(), &schema, &context());
            let decimal_shape_aside = unwrapped.to_string().replace("DECIMAL(5, 2)'1.50'", "1.50BD");
            assert_eq!(decimal_shape_aside, expected, "{sql}");
        }
    }
}
