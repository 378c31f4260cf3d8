//! SQL text to [`Expr`], in Spark's dialect.
//!
//! The grammar is sqlparser's; this module prepares the tokens, bounds their number and nesting (text is untrusted), and
//! keeps what an expression may be: no subqueries, no aggregates, no windows.

mod convert;
mod dialect;
mod literal;
mod names;
mod tokens;

pub(crate) use names::is_plain_name;

use super::expr::Expr;
use deltaic_log::{Error, ErrorKind, Result};
use dialect::SparkDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// The longest text that is read, in bytes.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// The deepest nesting of parentheses and prefix operators.
pub const NESTING_MAX: usize = 100;

/// Reads a SQL expression, as it stands in a `WHERE` clause, a CHECK constraint or a generated column.
///
/// Strings stand in single or double quotes, names that are no plain words in backticks. Errors are
/// [`ErrorKind::InvalidExpression`] with the `position` in the text, or [`ErrorKind::ResourceLimit`] for text that
/// is too long or nested too deeply.
///
/// ```
/// use deltaic_scan::expr::{Expr, parse};
/// let expr = parse("`order date` >= DATE'2026-01-01' AND amount IN (1, 2.5)").unwrap();
/// assert!(matches!(expr, Expr::And(_)));
/// assert!(parse("a +").is_err());
/// ```
pub fn parse(sql: &str) -> Result<Expr> {
    parse_tokens(sql).map_err(|error| error.with("expression", abbreviated(sql)))
}

fn parse_tokens(sql: &str) -> Result<Expr> {
    if sql.len() > TEXT_BYTES_MAX {
        let message = format!("the expression's text has {} bytes; at most {TEXT_BYTES_MAX} are read", sql.len());
        return Err(Error::new(ErrorKind::ResourceLimit, message));
    }
    let tokens = tokens::tokenize(sql)?;
    let mut parser = Parser::new(&SparkDialect).with_recursion_limit(NESTING_MAX).with_tokens_with_locations(tokens);
    let parsed = parser.parse_expr().map_err(syntax_error)?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        let message = format!("`{}` does not continue the expression", rest.token);
        return Err(invalid(message).with("position", tokens::position(rest.span.start)));
    }
    convert::expression(parsed, 0)
}

/// The parser's error in our words: it writes the position at the end of its message.
fn syntax_error(error: ParserError) -> Error {
    match error {
        ParserError::RecursionLimitExceeded => Error::new(
            ErrorKind::ResourceLimit,
            format!("the expression is nested too deeply: at most {NESTING_MAX} levels are read"),
        ),
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => match text.rsplit_once(" at Line: ") {
            Some((message, place)) => invalid(format!("the expression is no valid SQL: {message}"))
                .with("position", format!("line {}", place.replace(", Column: ", ", column "))),
            None => invalid(format!("the expression is no valid SQL: {text}")),
        },
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidExpression, message)
}

/// The start of a text, enough to recognise it.
pub(crate) fn abbreviated(sql: &str) -> String {
    const SHOWN: usize = 200;
    match sql.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &sql[..end]),
        None => sql.to_owned(),
    }
}
