//! Expressions as SQL text: what is printed parses back to the same expression.

use super::calendar::{format_date, format_timestamp};
use super::expr::{BinaryOp, Expr, LikeKind, OnCastFailure, Test, UnaryOp};
use super::number_text;
use super::parse::is_plain_name;
use super::scalar::Scalar;
use super::sql_type::sql_name;
use deltaic_log::schema::ColumnPath;
use std::fmt::{Display, Formatter, Result, Write};

/// How tightly an expression holds together: a part is put in parentheses where its surroundings hold tighter.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Binding {
    Or,
    And,
    Not,
    Comparison,
    BitOr,
    BitXor,
    BitAnd,
    Sum,
    Product,
    Sign,
    Primary,
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Column(path) => column(f, path),
            Self::Literal(value) => value.fmt(f),
            Self::Field { base, name } => {
                // `a.b` would be a column path, `0.b` a number.
                if matches!(**base, Self::Column(_) | Self::Literal(_)) {
                    write!(f, "({base})")?
                } else {
                    part(f, base, Binding::Primary)?
                }
                f.write_char('.')?;
                identifier(f, name)
            }
            Self::Index { base, index } => {
                part(f, base, Binding::Primary)?;
                f.write_char('[')?;
                // Between brackets the parser stops at operators that hold less tightly than the colon of a slice.
                part(f, index, Binding::BitXor)?;
                f.write_char(']')
            }
            Self::Unary { op, expr } => unary(f, *op, expr),
            Self::Binary { left, op, right } => binary(f, left, *op, right),
            Self::And(list) => joined(f, list, " AND ", Binding::Not),
            Self::Or(list) => joined(f, list, " OR ", Binding::And),
            Self::Is { expr, test, negated } => {
                part(f, expr, Binding::BitOr)?;
                write!(f, " IS {}{}", not(*negated), test_name(*test))
            }
            Self::Like { kind, expr, pattern, escape, negated } => {
                part(f, expr, Binding::BitOr)?;
                write!(f, " {}{} ", not(*negated), like_name(*kind))?;
                // After RLIKE the parser takes a leading NULL for a keyword of its own, and drops it.
                match pattern.to_string() {
                    text if text.starts_with("NULL") => write!(f, "({text})")?,
                    _ => part(f, pattern, Binding::BitOr)?,
                }
                escape.map_or(Ok(()), |escape| {
                    f.write_str(" ESCAPE ")?;
                    string(f, &escape.to_string())
                })
            }
            Self::In { expr, list, negated } => {
                part(f, expr, Binding::BitOr)?;
                write!(f, " {}IN (", not(*negated))?;
                separated(f, list)?;
                f.write_char(')')
            }
            Self::Between { expr, low, high, negated } => {
                part(f, expr, Binding::BitOr)?;
                write!(f, " {}BETWEEN ", not(*negated))?;
                part(f, low, Binding::BitOr)?;
                f.write_str(" AND ")?;
                part(f, high, Binding::BitOr)
            }
            Self::Case { operand, branches, otherwise } => case(f, operand.as_deref(), branches, otherwise.as_deref()),
            Self::Cast { expr, data_type, on_failure } => {
                let name = if *on_failure == OnCastFailure::Null { "TRY_CAST" } else { "CAST" };
                write!(f, "{name}({expr} AS {})", sql_name(*data_type))
            }
            Self::Call { name, args } => {
                identifier(f, name)?;
                f.write_char('(')?;
                separated(f, args)?;
                f.write_char(')')
            }
        }
    }
}

fn binding(expr: &Expr) -> Binding {
    match expr {
        Expr::Or(_) => Binding::Or,
        Expr::And(_) => Binding::And,
        Expr::Unary { op: UnaryOp::Not, .. } => Binding::Not,
        Expr::Is { .. } | Expr::Like { .. } | Expr::In { .. } | Expr::Between { .. } => Binding::Comparison,
        Expr::Binary { op, .. } => operator_binding(*op),
        Expr::Unary { .. } => Binding::Sign,
        Expr::Literal(value) if starts_with_sign(value) => Binding::Sign,
        _ => Binding::Primary,
    }
}

fn operator_binding(op: BinaryOp) -> Binding {
    match op {
        BinaryOp::BitOr => Binding::BitOr,
        BinaryOp::BitXor => Binding::BitXor,
        BinaryOp::BitAnd => Binding::BitAnd,
        BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Concat => Binding::Sum,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::IntegralDivide | BinaryOp::Remainder => Binding::Product,
        _ => Binding::Comparison,
    }
}

/// The next tighter binding: what the right side of a left-associative operator needs.
fn tighter(binding: Binding) -> Binding {
    match binding {
        Binding::Or => Binding::And,
        Binding::And => Binding::Not,
        Binding::Not => Binding::Comparison,
        Binding::Comparison => Binding::BitOr,
        Binding::BitOr => Binding::BitXor,
        Binding::BitXor => Binding::BitAnd,
        Binding::BitAnd => Binding::Sum,
        Binding::Sum => Binding::Product,
        Binding::Product => Binding::Sign,
        Binding::Sign | Binding::Primary => Binding::Primary,
    }
}

fn part(f: &mut Formatter<'_>, expr: &Expr, at_least: Binding) -> Result {
    if binding(expr) < at_least { write!(f, "({expr})") } else { write!(f, "{expr}") }
}

fn unary(f: &mut Formatter<'_>, op: UnaryOp, expr: &Expr) -> Result {
    match op {
        UnaryOp::Not => {
            f.write_str("NOT ")?;
            part(f, expr, Binding::Comparison)
        }
        UnaryOp::Negate | UnaryOp::BitNot => {
            f.write_char(if op == UnaryOp::Negate { '-' } else { '~' })?;
            // `-5` would be a literal.
            if matches!(expr, Expr::Literal(_)) { write!(f, "({expr})") } else { part(f, expr, Binding::Primary) }
        }
    }
}

fn binary(f: &mut Formatter<'_>, left: &Expr, op: BinaryOp, right: &Expr) -> Result {
    let own = operator_binding(op);
    part(f, left, if op.is_comparison() { tighter(own) } else { own })?;
    write!(f, " {} ", operator_name(op))?;
    part(f, right, tighter(own))
}

/// Operands of `AND` or `OR`; fewer than two print as what they mean.
fn joined(f: &mut Formatter<'_>, list: &[Expr], separator: &str, at_least: Binding) -> Result {
    if list.is_empty() {
        return f.write_str(if separator == " AND " { "TRUE" } else { "FALSE" });
    }
    for (i, expr) in list.iter().enumerate() {
        if i > 0 {
            f.write_str(separator)?;
        }
        part(f, expr, at_least)?;
    }
    Ok(())
}

fn separated(f: &mut Formatter<'_>, list: &[Expr]) -> Result {
    for (i, expr) in list.iter().enumerate() {
        write!(f, "{}{expr}", if i > 0 { ", " } else { "" })?;
    }
    Ok(())
}

fn case(f: &mut Formatter<'_>, operand: Option<&Expr>, branches: &[(Expr, Expr)], otherwise: Option<&Expr>) -> Result {
    f.write_str("CASE")?;
    operand.map_or(Ok(()), |operand| write!(f, " {operand}"))?;
    for (when, then) in branches {
        write!(f, " WHEN {when} THEN {then}")?;
    }
    otherwise.map_or(Ok(()), |otherwise| write!(f, " ELSE {otherwise}"))?;
    f.write_str(" END")
}

fn not(negated: bool) -> &'static str {
    if negated { "NOT " } else { "" }
}

fn test_name(test: Test) -> &'static str {
    match test {
        Test::Null => "NULL",
        Test::True => "TRUE",
        Test::False => "FALSE",
        Test::Unknown => "UNKNOWN",
    }
}

fn like_name(kind: LikeKind) -> &'static str {
    match kind {
        LikeKind::Like => "LIKE",
        LikeKind::ILike => "ILIKE",
        LikeKind::RLike => "RLIKE",
    }
}

/// An operator as SQL spells it.
pub(crate) fn operator_name(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Eq => "=",
        BinaryOp::NotEq => "<>",
        BinaryOp::Lt => "<",
        BinaryOp::LtEq => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::GtEq => ">=",
        BinaryOp::NullSafeEq => "<=>",
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::IntegralDivide => "DIV",
        BinaryOp::Remainder => "%",
        BinaryOp::Concat => "||",
        BinaryOp::BitAnd => "&",
        BinaryOp::BitOr => "|",
        BinaryOp::BitXor => "^",
    }
}

/// Unlike a path that stands alone, one in SQL text has backticks around keywords too.
fn column(f: &mut Formatter<'_>, path: &ColumnPath) -> Result {
    for (level, name) in path.names().iter().enumerate() {
        if level > 0 {
            f.write_char('.')?;
        }
        identifier(f, name)?;
    }
    Ok(())
}

/// A name, in backticks where it would read as something else.
pub(super) fn identifier(f: &mut Formatter<'_>, name: &str) -> Result {
    if is_plain_name(name) { f.write_str(name) } else { write!(f, "`{}`", name.replace('`', "``")) }
}

fn string(f: &mut Formatter<'_>, text: &str) -> Result {
    f.write_char('\'')?;
    for c in text.chars() {
        match c {
            '\\' | '\'' => write!(f, "\\{c}")?,
            '\0' => f.write_str("\\0")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('\'')
}

fn starts_with_sign(value: &Scalar) -> bool {
    match value {
        Scalar::Byte(v) => *v < 0,
        Scalar::Short(v) => *v < 0,
        Scalar::Integer(v) => *v < 0,
        Scalar::Long(v) => *v < 0,
        Scalar::Float(v) => v.is_finite() && v.is_sign_negative(),
        Scalar::Double(v) => v.is_finite() && v.is_sign_negative(),
        Scalar::Decimal { unscaled, .. } => *unscaled < 0,
        _ => false,
    }
}

impl Display for Scalar {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Boolean(v) => f.write_str(if *v { "TRUE" } else { "FALSE" }),
            Self::Byte(v) => write!(f, "{v}Y"),
            Self::Short(v) => write!(f, "{v}S"),
            Self::Integer(v) => write!(f, "{v}"),
            Self::Long(v) => write!(f, "{v}L"),
            Self::Float(v) if v.is_finite() => write!(f, "{}F", number_text::float(*v)),
            Self::Float(v) => write!(f, "FLOAT'{}'", number_text::float(*v)),
            Self::Double(v) if v.is_finite() => write!(f, "{}D", number_text::double(*v)),
            Self::Double(v) => write!(f, "DOUBLE'{}'", number_text::double(*v)),
            Self::Decimal { unscaled, precision, scale } => decimal(f, *unscaled, *precision, *scale),
            Self::String(v) => string(f, v),
            Self::Binary(v) => {
                f.write_str("X'")?;
                v.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
                f.write_char('\'')
            }
            Self::Date(days) => write!(f, "DATE'{}'", format_date(*days)),
            Self::Timestamp(us) => write!(f, "TIMESTAMP'{}Z'", format_timestamp(*us)),
            Self::TimestampNtz(us) => write!(f, "TIMESTAMP_NTZ'{}'", format_timestamp(*us)),
            Self::YearMonthInterval(months) => write!(f, "INTERVAL '{months}' MONTH"),
            Self::DayTimeInterval(us) => {
                let sign = if *us < 0 { "-" } else { "" };
                let (seconds, micros) = (us.unsigned_abs() / 1_000_000, us.unsigned_abs() % 1_000_000);
                write!(f, "INTERVAL '{sign}{seconds}.{micros:06}' SECOND")
            }
        }
    }
}

/// With the suffix where the digits alone tell the type; else as a typed literal.
fn decimal(f: &mut Formatter<'_>, unscaled: i128, precision: u8, scale: u8) -> Result {
    let text = number_text::decimal(unscaled, scale);
    let told = number_text::decimal_shape(text.trim_start_matches('-')) == Some((precision, scale));
    if told { write!(f, "{text}BD") } else { write!(f, "DECIMAL({precision}, {scale})'{text}'") }
}
