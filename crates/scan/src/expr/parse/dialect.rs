//! Spark's dialect, for sqlparser.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};
use sqlparser::dialect::{Dialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// What sqlparser's own Spark dialect lacks: strings in double quotes, backslash escapes, `~`, and the right
/// precedence of `DIV`, `||` and `IS DISTINCT FROM`.
#[derive(Debug)]
pub(super) struct SparkDialect;

impl Dialect for SparkDialect {
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_'
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn supports_string_literal_concatenation(&self) -> bool {
        true
    }

    fn supports_in_empty_list(&self) -> bool {
        true
    }

    fn supports_bang_not_operator(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        parser.consume_token(&Token::Tilde).then(|| {
            let expr = Box::new(parser.parse_subexpr(self.prec_value(Precedence::MulDivModOp))?);
            Ok(Expr::UnaryOp { op: UnaryOperator::BitwiseNot, expr })
        })
    }

    fn parse_infix(&self, parser: &mut Parser, expr: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
        if parser.parse_keyword(Keyword::DIV) {
            let right = parser.parse_subexpr(precedence);
            return Some(right.map(|right| Expr::BinaryOp {
                left: Box::new(expr.clone()),
                op: BinaryOperator::MyIntegerDivide,
                right: Box::new(right),
            }));
        }
        let negated = match distinct_from(parser)? {
            Distinct::Is => false,
            Distinct::IsNot => true,
        };
        Some(parser.parse_subexpr(self.prec_value(Precedence::Is)).map(|right| {
            let (left, right) = (Box::new(expr.clone()), Box::new(right));
            if negated { Expr::IsNotDistinctFrom(left, right) } else { Expr::IsDistinctFrom(left, right) }
        }))
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        match parser.peek_token_ref().token {
            Token::StringConcat => Some(Ok(self.prec_value(Precedence::PlusMinus))),
            _ => None,
        }
    }
}

enum Distinct {
    Is,
    IsNot,
}

fn distinct_from(parser: &mut Parser) -> Option<Distinct> {
    if parser.parse_keywords(&[Keyword::IS, Keyword::DISTINCT, Keyword::FROM]) {
        Some(Distinct::Is)
    } else if parser.parse_keywords(&[Keyword::IS, Keyword::NOT, Keyword::DISTINCT, Keyword::FROM]) {
        Some(Distinct::IsNot)
    } else {
        None
    }
}
