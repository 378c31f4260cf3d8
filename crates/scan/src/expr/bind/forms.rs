//! The conditional forms: calls whose arguments are evaluated only where they count.

use super::super::context::EvalContext;
use super::super::expr::{BinaryOp, Expr, OnCastFailure};
use super::super::scalar::Scalar;
use super::super::sql_type::primitive_named;
use deltaic_log::{Error, ErrorKind, Result};

/// What a conditional form means.
pub(super) enum Form {
    /// The first value that is not null.
    Coalesce(Vec<Expr>),
    /// The same as another expression.
    Rewritten(Expr),
}

/// The meaning of a call, if it is a conditional form.
pub(super) fn conditional(name: &str, args: &[Expr]) -> Result<Option<Form>> {
    let arity = |takes: &str, fits: bool| {
        let message = format!("`{name}` takes {takes} arguments, not {}", args.len());
        if fits { Ok(()) } else { Err(Error::new(ErrorKind::InvalidExpression, message)) }
    };
    Ok(Some(match name.to_ascii_lowercase().as_str() {
        "coalesce" => {
            arity("one or more", !args.is_empty())?;
            Form::Coalesce(args.to_vec())
        }
        "nvl" | "ifnull" => {
            arity("two", args.len() == 2)?;
            Form::Coalesce(args.to_vec())
        }
        "if" | "iff" => {
            arity("three", args.len() == 3)?;
            Form::Rewritten(case(args[0].clone(), args[1].clone(), args[2].clone()))
        }
        "nvl2" => {
            arity("three", args.len() == 3)?;
            let present = Expr::is_null(args[0].clone(), true);
            Form::Rewritten(case(present, args[1].clone(), args[2].clone()))
        }
        "nullif" => {
            arity("two", args.len() == 2)?;
            let equal = Expr::binary(args[0].clone(), BinaryOp::Eq, args[1].clone());
            Form::Rewritten(case(equal, Expr::Literal(Scalar::Null), args[0].clone()))
        }
        "isnull" | "isnotnull" => {
            arity("one", args.len() == 1)?;
            Form::Rewritten(Expr::is_null(args[0].clone(), name.eq_ignore_ascii_case("isnotnull")))
        }
        "struct" if !args.is_empty() => Form::Rewritten(Expr::call("named_struct", named(args))),
        "dateadd" | "date_add" | "timestampadd" if let Some(unit) = unit(args) => with_unit("timestampadd", unit, args),
        "datediff" | "date_diff" | "timestampdiff" if let Some(unit) = unit(args) => {
            with_unit("timestampdiff", unit, args)
        }
        folded => match (CASTS.contains(&folded).then(|| primitive_named(folded)).flatten(), args) {
            (Some(data_type), [expr]) => Form::Rewritten(Expr::Cast {
                expr: Box::new(expr.clone()),
                data_type,
                on_failure: OnCastFailure::Error,
            }),
            _ => return Ok(None),
        },
    }))
}

/// The fields of `struct(a, b.c, 1)` with their names: `a`, `c`, `col3`.
fn named(args: &[Expr]) -> Vec<Expr> {
    let field = |(index, value): (usize, &Expr)| {
        let name = match value {
            Expr::Column(path) => path.names().last().cloned(),
            Expr::Field { name, .. } => Some(name.clone()),
            _ => None,
        };
        let name = name.unwrap_or_else(|| format!("col{}", index + 1));
        [Expr::Literal(Scalar::String(name)), value.clone()]
    };
    args.iter().enumerate().flat_map(field).collect()
}

/// The types whose names are functions: `date(x)` is `CAST(x AS DATE)`.
const CASTS: &[&str] = &[
    "bigint",
    "binary",
    "boolean",
    "date",
    "decimal",
    "double",
    "float",
    "int",
    "smallint",
    "string",
    "timestamp",
    "tinyint",
];

/// The unit in `dateadd(MONTH, 1, day)`: a word that looks like a column.
fn unit(args: &[Expr]) -> Option<String> {
    match args {
        [Expr::Column(unit), _, _] => Some(unit.to_string()),
        _ => None,
    }
}

fn with_unit(name: &str, unit: String, args: &[Expr]) -> Form {
    let unit = Expr::Literal(Scalar::String(unit));
    Form::Rewritten(Expr::call(name, std::iter::once(unit).chain(args[1..].iter().cloned()).collect()))
}

fn case(condition: Expr, then: Expr, otherwise: Expr) -> Expr {
    Expr::Case { operand: None, branches: vec![(condition, then)], otherwise: Some(Box::new(otherwise)) }
}

/// The error for a name that the registry does not hold.
pub(super) fn no_function(name: &str, context: &EvalContext) -> Error {
    const AGGREGATES: &[&str] = &["avg", "count", "max", "mean", "min", "stddev", "sum", "variance"];
    let folded = name.to_ascii_lowercase();
    let message = if AGGREGATES.contains(&folded.as_str()) {
        format!("the aggregate `{name}` has no place in an expression over one row")
    } else if context.registry().names().is_empty() {
        format!("there is no function `{name}`: build with the feature `functions`, or register it")
    } else {
        format!(
            "there is no function `{name}`: the manual lists those there are, and an engine registers its own in the \
             FunctionRegistry"
        )
    };
    Error::new(ErrorKind::InvalidExpression, message)
}
