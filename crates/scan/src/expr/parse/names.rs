//! Which names need no backticks.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

/// Whether a name reads as itself where an expression begins: a plain word that means nothing else to the parser.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let word = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    word && (keyword(name) == Keyword::NoKeyword || PLAIN_KEYWORDS.contains(&name.to_ascii_lowercase().as_str()))
}

fn keyword(name: &str) -> Keyword {
    match Token::make_keyword(name) {
        Token::Word(word) => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

/// Keywords of some statement that no expression begins with: common names of columns and functions.
const PLAIN_KEYWORDS: &[&str] = &[
    "abs",
    "coalesce",
    "comment",
    "concat",
    "count",
    "data",
    "date",
    "day",
    "dayofweek",
    "dayofyear",
    "description",
    "event",
    "hash",
    "hour",
    "id",
    "if",
    "instr",
    "key",
    "language",
    "last_day",
    "level",
    "location",
    "lower",
    "max",
    "md5",
    "min",
    "minute",
    "mod",
    "month",
    "name",
    "nullif",
    "number",
    "owner",
    "parameter",
    "path",
    "percent",
    "quarter",
    "rank",
    "region",
    "repeat",
    "replace",
    "result",
    "role",
    "round",
    "second",
    "size",
    "source",
    "sqrt",
    "state",
    "status",
    "sum",
    "time",
    "timestamp",
    "type",
    "upper",
    "user_id",
    "value",
    "version",
    "week",
    "year",
];
