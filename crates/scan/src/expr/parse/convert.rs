//! sqlparser's tree to ours. The tree is consumed, and chains of `AND` and `OR` become lists, so depth stays bounded.

use super::super::expr::{BinaryOp, Expr, LikeKind, OnCastFailure, Test, UnaryOp};
use super::super::scalar::Scalar;
use super::{invalid, literal, tokens};
use deltaic_log::schema::ColumnPath;
use deltaic_log::{Error, ErrorKind, Result};
use sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, CastKind, CeilFloorKind, DateTimeField, Expr as Sql, Function, FunctionArg,
    FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectNamePart, Spanned, Subscript,
    TrimWhereField, UnaryOperator, Value, ValueWithSpan,
};

/// The deepest expression that is built: evaluation recurses over it.
const DEPTH_MAX: usize = 256;

/// Our form of a parsed expression, `depth` levels down.
pub(super) fn expression(sql: Sql, depth: usize) -> Result<Expr> {
    if depth > DEPTH_MAX {
        let message = format!("the expression is deeper than {DEPTH_MAX} operators: split it");
        return Err(Error::new(ErrorKind::ResourceLimit, message));
    }
    let at = sql.span().start;
    node(sql, depth + 1)
        .map_err(|error| if at.line == 0 { error } else { error.with("position", tokens::position(at)) })
}

fn node(sql: Sql, depth: usize) -> Result<Expr> {
    let one = |sql: Box<Sql>| expression(*sql, depth);
    let boxed = |sql: Box<Sql>| one(sql).map(Box::new);
    Ok(match sql {
        Sql::Identifier(ident) => Expr::Column(ColumnPath::new([ident.value])),
        Sql::CompoundIdentifier(idents) => Expr::Column(ColumnPath::new(idents.into_iter().map(|ident| ident.value))),
        Sql::CompoundFieldAccess { root, access_chain } => access(*root, access_chain, depth)?,
        Sql::Nested(inner) => one(inner)?,
        Sql::Value(value) => Expr::Literal(scalar(value)?),
        Sql::TypedString(typed) => literal::typed(&typed.data_type, &text(typed.value)?)?,
        Sql::Interval(interval) => Expr::Literal(literal::interval(&interval)?),
        Sql::UnaryOp { op, expr } => unary(op, *expr, depth)?,
        Sql::BinaryOp { op: BinaryOperator::And, .. } => Expr::And(chain(sql, &BinaryOperator::And, depth)?),
        Sql::BinaryOp { op: BinaryOperator::Or, .. } => Expr::Or(chain(sql, &BinaryOperator::Or, depth)?),
        Sql::BinaryOp { left, op, right } => Expr::binary(one(left)?, binary_op(&op)?, one(right)?),
        Sql::IsDistinctFrom(a, b) => Expr::negate(Expr::binary(one(a)?, BinaryOp::NullSafeEq, one(b)?)),
        Sql::IsNotDistinctFrom(a, b) => Expr::binary(one(a)?, BinaryOp::NullSafeEq, one(b)?),
        Sql::IsNull(expr) => Expr::is_null(one(expr)?, false),
        Sql::IsNotNull(expr) => Expr::is_null(one(expr)?, true),
        Sql::IsTrue(expr) => is(one(expr)?, Test::True, false),
        Sql::IsNotTrue(expr) => is(one(expr)?, Test::True, true),
        Sql::IsFalse(expr) => is(one(expr)?, Test::False, false),
        Sql::IsNotFalse(expr) => is(one(expr)?, Test::False, true),
        Sql::IsUnknown(expr) => is(one(expr)?, Test::Unknown, false),
        Sql::IsNotUnknown(expr) => is(one(expr)?, Test::Unknown, true),
        Sql::InList { expr, list, negated } => {
            Expr::In { expr: boxed(expr)?, list: expressions(list, depth)?, negated }
        }
        Sql::Between { expr, negated, low, high } => {
            Expr::Between { expr: boxed(expr)?, low: boxed(low)?, high: boxed(high)?, negated }
        }
        Sql::Like { negated, any: true, expr, pattern, escape_char } => {
            like_any(one(expr)?, *pattern, escape(escape_char)?, negated, depth)?
        }
        Sql::Like { negated, any: false, expr, pattern, escape_char } => Expr::Like {
            kind: LikeKind::Like,
            expr: boxed(expr)?,
            pattern: boxed(pattern)?,
            escape: escape(escape_char)?,
            negated,
        },
        Sql::ILike { negated, any: false, expr, pattern, escape_char } => Expr::Like {
            kind: LikeKind::ILike,
            expr: boxed(expr)?,
            pattern: boxed(pattern)?,
            escape: escape(escape_char)?,
            negated,
        },
        Sql::RLike { negated, expr, pattern, .. } => {
            Expr::Like { kind: LikeKind::RLike, expr: boxed(expr)?, pattern: boxed(pattern)?, escape: None, negated }
        }
        Sql::Case { operand, conditions, else_result, .. } => Expr::Case {
            operand: operand.map(boxed).transpose()?,
            branches: conditions.into_iter().map(|when| branch(when, depth)).collect::<Result<_>>()?,
            otherwise: else_result.map(boxed).transpose()?,
        },
        Sql::Cast { kind, expr, data_type, array: false, format: None } => Expr::Cast {
            expr: boxed(expr)?,
            data_type: literal::primitive(&data_type)?,
            on_failure: match kind {
                CastKind::TryCast | CastKind::SafeCast => OnCastFailure::Null,
                CastKind::Cast | CastKind::DoubleColon => OnCastFailure::Error,
            },
        },
        Sql::Function(function) => call(function, depth)?,
        other => special_form(other, depth)?,
    })
}

/// The forms that SQL writes like functions with words between their arguments: they become plain calls.
fn special_form(sql: Sql, depth: usize) -> Result<Expr> {
    let one = |sql: Box<Sql>| expression(*sql, depth);
    Ok(match sql {
        Sql::Extract { field, expr, .. } => extract(&field, one(expr)?),
        Sql::Ceil { expr, field } => Expr::call("ceil", rounding_args(one(expr)?, field)?),
        Sql::Floor { expr, field } => Expr::call("floor", rounding_args(one(expr)?, field)?),
        Sql::Position { expr, r#in } => Expr::call("position", vec![one(expr)?, one(r#in)?]),
        Sql::Substring { expr, substring_from, substring_for, .. } => {
            let start = substring_from.map(one).transpose()?.unwrap_or_else(|| Expr::literal(1));
            let mut args = vec![one(expr)?, start];
            args.extend(substring_for.map(one).transpose()?);
            Expr::call("substring", args)
        }
        Sql::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
            let mut args = vec![one(expr)?, one(overlay_what)?, one(overlay_from)?];
            args.extend(overlay_for.map(one).transpose()?);
            Expr::call("overlay", args)
        }
        Sql::Trim { trim_where, trim_what, expr, trim_characters } => {
            let mut characters = expressions(trim_characters.unwrap_or_default(), depth)?;
            let what = trim_what.map(one).transpose()?;
            // With a comma the characters come first: trim(characters, text).
            match (what, characters.pop()) {
                (None, Some(second)) => trim(trim_where, Some(one(expr)?), second),
                (what, _) => trim(trim_where, what, one(expr)?),
            }
        }
        Sql::AtTimeZone { .. } => {
            return Err(unsupported("AT TIME ZONE", "call from_utc_timestamp or to_utc_timestamp"));
        }
        Sql::Exists { .. } | Sql::Subquery(_) | Sql::InSubquery { .. } | Sql::AllOp { .. } | Sql::AnyOp { .. } => {
            return Err(unsupported("a subquery", "an expression sees one row of one table"));
        }
        Sql::Wildcard(_) | Sql::QualifiedWildcard(..) => {
            return Err(unsupported("`*`", "name the columns"));
        }
        Sql::Lambda(_) => return Err(unsupported("a lambda", "use functions without lambdas")),
        other => return Err(unsupported(&format!("`{}`", super::abbreviated(&other.to_string())), "rewrite it")),
    })
}

fn unsupported(what: &str, instead: &str) -> Error {
    invalid(format!("{what} has no place in an expression: {instead}"))
}

fn expressions(list: Vec<Sql>, depth: usize) -> Result<Vec<Expr>> {
    list.into_iter().map(|sql| expression(sql, depth)).collect()
}

/// The operands of a chain `a AND b AND c`, which leans to the left, without recursion along it.
fn chain(sql: Sql, joint: &BinaryOperator, depth: usize) -> Result<Vec<Expr>> {
    let (mut operands, mut rest) = (Vec::new(), sql);
    let first = loop {
        match rest {
            Sql::BinaryOp { left, op, right } if op == *joint => {
                operands.push(*right);
                rest = *left;
            }
            first => break first,
        }
    };
    operands.push(first);
    operands.into_iter().rev().map(|sql| expression(sql, depth)).collect()
}

fn unary(op: UnaryOperator, expr: Sql, depth: usize) -> Result<Expr> {
    let op = match op {
        UnaryOperator::Minus => match negative_literal(&expr)? {
            Some(literal) => return Ok(literal),
            None => UnaryOp::Negate,
        },
        UnaryOperator::Plus => return expression(expr, depth),
        UnaryOperator::Not | UnaryOperator::BangNot => UnaryOp::Not,
        UnaryOperator::BitwiseNot => UnaryOp::BitNot,
        other => return Err(unsupported(&format!("the operator `{other}`"), "rewrite it")),
    };
    Ok(Expr::Unary { op, expr: Box::new(expression(expr, depth)?) })
}

/// `expr LIKE ANY (patterns)`: like one of them.
fn like_any(expr: Expr, patterns: Sql, escape: Option<char>, negated: bool, depth: usize) -> Result<Expr> {
    let patterns = match patterns {
        Sql::Tuple(patterns) => patterns,
        other => vec![other],
    };
    let like = |pattern| {
        let (kind, expr) = (LikeKind::Like, Box::new(expr.clone()));
        Ok(Expr::Like { kind, expr, pattern: Box::new(expression(pattern, depth)?), escape, negated })
    };
    Ok(Expr::any(patterns.into_iter().map(like).collect::<Result<_>>()?))
}

/// `-5` is one literal: the smallest number of a type has no positive counterpart.
fn negative_literal(expr: &Sql) -> Result<Option<Expr>> {
    match expr {
        Sql::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) => {
            literal::number(&format!("-{digits}")).map(|scalar| Some(Expr::Literal(scalar)))
        }
        Sql::TypedString(typed) => match &typed.value.value {
            Value::SingleQuotedString(digits) if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
                let negative = literal::typed(&typed.data_type, &format!("-{digits}"))?;
                Ok(is_number(&negative).then_some(negative))
            }
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

fn is_number(expr: &Expr) -> bool {
    use Scalar as S;
    matches!(
        expr,
        Expr::Literal(
            S::Byte(_) | S::Short(_) | S::Integer(_) | S::Long(_) | S::Float(_) | S::Double(_) | S::Decimal { .. }
        )
    )
}

fn binary_op(op: &BinaryOperator) -> Result<BinaryOp> {
    use BinaryOperator as O;
    Ok(match op {
        O::Eq => BinaryOp::Eq,
        O::NotEq => BinaryOp::NotEq,
        O::Lt => BinaryOp::Lt,
        O::LtEq => BinaryOp::LtEq,
        O::Gt => BinaryOp::Gt,
        O::GtEq => BinaryOp::GtEq,
        O::Spaceship => BinaryOp::NullSafeEq,
        O::Plus => BinaryOp::Add,
        O::Minus => BinaryOp::Subtract,
        O::Multiply => BinaryOp::Multiply,
        O::Divide => BinaryOp::Divide,
        O::MyIntegerDivide => BinaryOp::IntegralDivide,
        O::Modulo => BinaryOp::Remainder,
        O::StringConcat => BinaryOp::Concat,
        O::BitwiseAnd => BinaryOp::BitAnd,
        O::BitwiseOr => BinaryOp::BitOr,
        O::BitwiseXor => BinaryOp::BitXor,
        other => return Err(unsupported(&format!("the operator `{other}`"), "rewrite it")),
    })
}

fn is(expr: Expr, test: Test, negated: bool) -> Expr {
    Expr::Is { expr: Box::new(expr), test, negated }
}

fn branch(when: CaseWhen, depth: usize) -> Result<(Expr, Expr)> {
    Ok((expression(when.condition, depth)?, expression(when.result, depth)?))
}

/// `root.a[0].b`: names straight after a column make its path longer.
fn access(root: Sql, chain: Vec<AccessExpr>, depth: usize) -> Result<Expr> {
    let path_so_far = matches!(root, Sql::Identifier(_) | Sql::CompoundIdentifier(_));
    let mut expr = expression(root, depth)?;
    for (i, step) in chain.into_iter().enumerate() {
        if depth + i > DEPTH_MAX {
            return Err(Error::new(ErrorKind::ResourceLimit, "the expression reaches too deep into nested columns"));
        }
        expr = match (step, expr) {
            (AccessExpr::Dot(Sql::Identifier(Ident { value, .. })), Expr::Column(path)) if path_so_far => {
                Expr::Column(path.child(value))
            }
            (AccessExpr::Dot(Sql::Identifier(Ident { value, .. })), base) => {
                Expr::Field { base: Box::new(base), name: value }
            }
            (AccessExpr::Subscript(Subscript::Index { index }), base) => {
                Expr::Index { base: Box::new(base), index: Box::new(expression(index, depth)?) }
            }
            (AccessExpr::Dot(other), _) => return Err(unsupported(&format!("`.{other}`"), "name a field")),
            (AccessExpr::Subscript(other), _) => return Err(unsupported(&format!("`[{other}]`"), "give one index")),
        };
    }
    Ok(expr)
}

fn scalar(value: ValueWithSpan) -> Result<Scalar> {
    Ok(match value.value {
        Value::Number(digits, _) => literal::number(&digits)?,
        Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => Scalar::String(text),
        Value::HexStringLiteral(digits) => literal::hex(&digits)?,
        Value::Boolean(value) => Scalar::Boolean(value),
        Value::Null => Scalar::Null,
        other => return Err(unsupported(&format!("the literal `{other}`"), "write it in another form")),
    })
}

fn text(value: ValueWithSpan) -> Result<String> {
    match value.value {
        Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => Ok(text),
        other => Err(unsupported(&format!("`{other}` after a type"), "write the value in quotes")),
    }
}

fn escape(value: Option<ValueWithSpan>) -> Result<Option<char>> {
    let Some(value) = value else { return Ok(None) };
    let text = text(value)?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(escape), None) => Ok(Some(escape)),
        _ => Err(invalid(format!("ESCAPE takes one character, not '{text}'"))),
    }
}

fn call(function: Function, depth: usize) -> Result<Expr> {
    let Function { name, parameters, args, filter, null_treatment, over, within_group, .. } = function;
    let [ObjectNamePart::Identifier(name)] = name.0.as_slice() else {
        return Err(invalid(format!("`{name}` is no function: functions have plain names")));
    };
    let plain = filter.is_none() && null_treatment.is_none() && within_group.is_empty();
    if over.is_some() || !plain || parameters != FunctionArguments::None {
        return Err(unsupported(&format!("the aggregate or window `{name}`"), "an expression sees one row"));
    }
    let args = match args {
        FunctionArguments::None => vec![],
        FunctionArguments::Subquery(_) => return Err(unsupported("a subquery", "an expression sees one row")),
        FunctionArguments::List(list) => arguments(list, depth)?,
    };
    Ok(Expr::call(name.value.clone(), args))
}

fn arguments(list: FunctionArgumentList, depth: usize) -> Result<Vec<Expr>> {
    if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return Err(unsupported("an aggregate", "an expression sees one row"));
    }
    let argument = |arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => expression(expr, depth),
        other => Err(unsupported(&format!("the argument `{other}`"), "give plain values")),
    };
    list.args.into_iter().map(argument).collect()
}

/// `EXTRACT(YEAR FROM x)` is `date_part('YEAR', x)`.
fn extract(field: &DateTimeField, expr: Expr) -> Expr {
    Expr::call("date_part", vec![Expr::literal(field.to_string()), expr])
}

/// `ceil(x)` or `ceil(x, digits)`.
fn rounding_args(expr: Expr, field: CeilFloorKind) -> Result<Vec<Expr>> {
    match field {
        CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => Ok(vec![expr]),
        CeilFloorKind::Scale(digits) => Ok(vec![expr, Expr::Literal(scalar(digits)?)]),
        CeilFloorKind::DateTimeField(field) => Err(unsupported(&format!("rounding to {field}"), "call date_trunc")),
    }
}

/// `TRIM([BOTH | LEADING | TRAILING] [what] FROM text)`: Spark's functions take the characters first, save `btrim`.
fn trim(side: Option<TrimWhereField>, what: Option<Expr>, text: Expr) -> Expr {
    let name = match side {
        Some(TrimWhereField::Leading) => "ltrim",
        Some(TrimWhereField::Trailing) => "rtrim",
        Some(TrimWhereField::Both) | None if what.is_some() => {
            return Expr::call("btrim", [text].into_iter().chain(what).collect());
        }
        Some(TrimWhereField::Both) | None => "trim",
    };
    Expr::call(name, what.into_iter().chain([text]).collect())
}
