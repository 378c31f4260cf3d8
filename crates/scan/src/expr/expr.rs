//! Expressions as plain data.

use super::scalar::Scalar;
use deltaic_log::schema::{ColumnPath, PrimitiveType};
use serde::{Deserialize, Serialize};

/// An expression: columns, literals and what can be computed from them, row by row.
///
/// Plain data without types: binding it to a schema ([`BoundExpr::bind`](super::BoundExpr::bind)) gives it a meaning.
/// `Display` prints SQL text that [`parse`](super::parse()) turns into the same expression, and serde carries that text.
///
/// ```
/// use deltaic_scan::expr::{Expr, parse};
/// let expr = parse("price * 2 > 10 AND name LIKE 'a%'").unwrap();
/// assert_eq!(expr.to_string(), "price * 2 > 10 AND name LIKE 'a%'");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Expr {
    /// A column or nested field.
    Column(ColumnPath),
    /// A constant.
    Literal(Scalar),
    /// `base.name` on a computed struct.
    Field {
        /// The struct.
        base: Box<Expr>,
        /// The field's name.
        name: String,
    },
    /// `base[index]`: an element of an array (from 0), the value of a map's key.
    Index {
        /// The array or map.
        base: Box<Expr>,
        /// The position or key.
        index: Box<Expr>,
    },
    /// An operator before its operand.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// The operand.
        expr: Box<Expr>,
    },
    /// An operator between two operands.
    Binary {
        /// The left operand.
        left: Box<Expr>,
        /// The operator.
        op: BinaryOp,
        /// The right operand.
        right: Box<Expr>,
    },
    /// `a AND b AND …`: true if all are. At least two operands.
    And(Vec<Expr>),
    /// `a OR b OR …`: true if any is. At least two operands.
    Or(Vec<Expr>),
    /// `expr IS [NOT] NULL | TRUE | FALSE | UNKNOWN`.
    Is {
        /// The operand.
        expr: Box<Expr>,
        /// What it may be.
        test: Test,
        /// `NOT`.
        negated: bool,
    },
    /// `expr [NOT] LIKE pattern [ESCAPE c]`, and its relatives.
    Like {
        /// Which relative.
        kind: LikeKind,
        /// The text.
        expr: Box<Expr>,
        /// The pattern.
        pattern: Box<Expr>,
        /// The character that makes the next one literal: backslash unless given.
        escape: Option<char>,
        /// `NOT`.
        negated: bool,
    },
    /// `expr [NOT] IN (list)`.
    In {
        /// The operand.
        expr: Box<Expr>,
        /// The candidates.
        list: Vec<Expr>,
        /// `NOT`.
        negated: bool,
    },
    /// `expr [NOT] BETWEEN low AND high`, both ends included.
    Between {
        /// The operand.
        expr: Box<Expr>,
        /// The smallest value inside.
        low: Box<Expr>,
        /// The largest value inside.
        high: Box<Expr>,
        /// `NOT`.
        negated: bool,
    },
    /// `CASE [operand] WHEN … THEN … [ELSE …] END`.
    Case {
        /// What the branches compare with; without it they are conditions.
        operand: Option<Box<Expr>>,
        /// `WHEN .0 THEN .1`.
        branches: Vec<(Expr, Expr)>,
        /// `ELSE`; null without it.
        otherwise: Option<Box<Expr>>,
    },
    /// `CAST(expr AS data_type)` or `TRY_CAST(…)`.
    Cast {
        /// The operand.
        expr: Box<Expr>,
        /// The target.
        data_type: PrimitiveType,
        /// What becomes of a value that does not fit.
        on_failure: OnCastFailure,
    },
    /// `name(args)`: a function of the registry, or one of the conditional forms.
    Call {
        /// The function's name, in any case.
        name: String,
        /// The arguments.
        args: Vec<Expr>,
    },
}

/// Operators before their operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `NOT`.
    Not,
    /// `-`.
    Negate,
    /// `~`.
    BitNot,
}

/// Operators between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `=`.
    Eq,
    /// `<>`.
    NotEq,
    /// `<`.
    Lt,
    /// `<=`.
    LtEq,
    /// `>`.
    Gt,
    /// `>=`.
    GtEq,
    /// `<=>`, also `IS NOT DISTINCT FROM`: equality under which null equals null, never null itself.
    NullSafeEq,
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`: never an integer.
    Divide,
    /// `DIV`: the integral part of the quotient.
    IntegralDivide,
    /// `%`: the remainder, with the sign of the dividend.
    Remainder,
    /// `||`.
    Concat,
    /// `&`.
    BitAnd,
    /// `|`.
    BitOr,
    /// `^`.
    BitXor,
}

impl BinaryOp {
    /// Whether the result is a truth value.
    pub fn is_comparison(self) -> bool {
        use BinaryOp as B;
        matches!(self, B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq | B::NullSafeEq)
    }

    /// The comparison with its operands exchanged; other operators as they are.
    #[must_use]
    pub fn flipped(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::LtEq => Self::GtEq,
            Self::Gt => Self::Lt,
            Self::GtEq => Self::LtEq,
            other => other,
        }
    }

    /// The comparison that is true exactly where this one is false, if there is one operator for it.
    pub fn negated(self) -> Option<Self> {
        Some(match self {
            Self::Eq => Self::NotEq,
            Self::NotEq => Self::Eq,
            Self::Lt => Self::GtEq,
            Self::LtEq => Self::Gt,
            Self::Gt => Self::LtEq,
            Self::GtEq => Self::Lt,
            _ => return None,
        })
    }
}

/// What `IS` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// `IS NULL`, of any type.
    Null,
    /// `IS TRUE`.
    True,
    /// `IS FALSE`.
    False,
    /// `IS UNKNOWN`: null, of a Boolean.
    Unknown,
}

/// The relatives of `LIKE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LikeKind {
    /// `LIKE`: `%` stands for any text, `_` for any character.
    Like,
    /// `ILIKE`: the same without regard to case.
    ILike,
    /// `RLIKE`: a regular expression that matches anywhere.
    RLike,
}

/// What becomes of a value that a cast cannot convert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnCastFailure {
    /// `CAST`: the evaluation fails.
    Error,
    /// `TRY_CAST`: null.
    Null,
}

impl Expr {
    /// A top-level column; dots are part of the name.
    pub fn column(name: &str) -> Self {
        Self::Column(ColumnPath::from(name))
    }

    /// A constant.
    pub fn literal(value: impl Into<Scalar>) -> Self {
        Self::Literal(value.into())
    }

    /// `left op right`.
    pub fn binary(left: Expr, op: BinaryOp, right: Expr) -> Self {
        Self::Binary { left: Box::new(left), op, right: Box::new(right) }
    }

    /// `NOT expr`.
    #[must_use]
    pub fn negate(expr: Expr) -> Self {
        Self::Unary { op: UnaryOp::Not, expr: Box::new(expr) }
    }

    /// `expr IS [NOT] NULL`.
    #[must_use]
    pub fn is_null(expr: Expr, negated: bool) -> Self {
        Self::Is { expr: Box::new(expr), test: Test::Null, negated }
    }

    /// All of `exprs`: `TRUE` for none, the one itself for one.
    pub fn all(mut exprs: Vec<Expr>) -> Self {
        match exprs.len() {
            0 => Self::literal(true),
            1 => exprs.swap_remove(0),
            _ => Self::And(exprs),
        }
    }

    /// Any of `exprs`: `FALSE` for none, the one itself for one.
    pub fn any(mut exprs: Vec<Expr>) -> Self {
        match exprs.len() {
            0 => Self::literal(false),
            1 => exprs.swap_remove(0),
            _ => Self::Or(exprs),
        }
    }

    /// `name(args)`.
    pub fn call(name: impl Into<String>, args: Vec<Expr>) -> Self {
        Self::Call { name: name.into(), args }
    }

    /// The direct parts of the expression, in order.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Self::Column(_) | Self::Literal(_) => vec![],
            Self::Field { base: expr, .. }
            | Self::Unary { expr, .. }
            | Self::Is { expr, .. }
            | Self::Cast { expr, .. } => vec![expr],
            Self::Index { base: a, index: b }
            | Self::Binary { left: a, right: b, .. }
            | Self::Like { expr: a, pattern: b, .. } => vec![a, b],
            Self::And(list) | Self::Or(list) | Self::Call { args: list, .. } => list.iter().collect(),
            Self::In { expr, list, .. } => std::iter::once(&**expr).chain(list).collect(),
            Self::Between { expr, low, high, .. } => vec![expr, low, high],
            Self::Case { operand, branches, otherwise } => operand
                .iter()
                .map(|operand| &**operand)
                .chain(branches.iter().flat_map(|(when, then)| [when, then]))
                .chain(otherwise.iter().map(|otherwise| &**otherwise))
                .collect(),
        }
    }

    /// The same expression with `f` applied to each direct part.
    #[must_use]
    pub fn map_children(self, f: &mut dyn FnMut(Expr) -> Expr) -> Self {
        let list = |list: Vec<Expr>, f: &mut dyn FnMut(Expr) -> Expr| list.into_iter().map(f).collect();
        let boxed = |expr: Box<Expr>, f: &mut dyn FnMut(Expr) -> Expr| Box::new(f(*expr));
        match self {
            Self::Column(_) | Self::Literal(_) => self,
            Self::Field { base, name } => Self::Field { base: boxed(base, f), name },
            Self::Index { base, index } => Self::Index { base: boxed(base, f), index: boxed(index, f) },
            Self::Unary { op, expr } => Self::Unary { op, expr: boxed(expr, f) },
            Self::Binary { left, op, right } => Self::Binary { left: boxed(left, f), op, right: boxed(right, f) },
            Self::And(exprs) => Self::And(list(exprs, f)),
            Self::Or(exprs) => Self::Or(list(exprs, f)),
            Self::Is { expr, test, negated } => Self::Is { expr: boxed(expr, f), test, negated },
            Self::Like { kind, expr, pattern, escape, negated } => {
                Self::Like { kind, expr: boxed(expr, f), pattern: boxed(pattern, f), escape, negated }
            }
            Self::In { expr, list: items, negated } => Self::In { expr: boxed(expr, f), list: list(items, f), negated },
            Self::Between { expr, low, high, negated } => {
                Self::Between { expr: boxed(expr, f), low: boxed(low, f), high: boxed(high, f), negated }
            }
            Self::Case { operand, branches, otherwise } => Self::Case {
                operand: operand.map(|operand| boxed(operand, f)),
                branches: branches.into_iter().map(|(when, then)| (f(when), f(then))).collect(),
                otherwise: otherwise.map(|otherwise| boxed(otherwise, f)),
            },
            Self::Cast { expr, data_type, on_failure } => Self::Cast { expr: boxed(expr, f), data_type, on_failure },
            Self::Call { name, args } => Self::Call { name, args: list(args, f) },
        }
    }

    /// Every column that the expression names, each once, in order of first use.
    ///
    /// ```
    /// let expr = deltaic_scan::expr::parse("b = 1 OR a.x = b").unwrap();
    /// let names: Vec<_> = expr.columns().iter().map(|c| c.to_string()).collect();
    /// assert_eq!(names, ["b", "a.x"]);
    /// ```
    pub fn columns(&self) -> Vec<&ColumnPath> {
        let mut found = Vec::new();
        self.collect_columns(&mut found);
        found
    }

    fn collect_columns<'a>(&'a self, found: &mut Vec<&'a ColumnPath>) {
        match self {
            Self::Column(path) if !found.contains(&path) => found.push(path),
            other => other.children().into_iter().for_each(|child| child.collect_columns(found)),
        }
    }
}

impl From<Expr> for String {
    fn from(expr: Expr) -> Self {
        expr.to_string()
    }
}

impl TryFrom<String> for Expr {
    type Error = deltaic_log::Error;

    fn try_from(sql: String) -> Result<Self, Self::Error> {
        super::parse(&sql)
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl From<$type> for Scalar {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from!(bool => Boolean, i8 => Byte, i16 => Short, i32 => Integer, i64 => Long, f32 => Float, f64 => Double,
      &str => String, String => String, Vec<u8> => Binary);
