//! Tokens: Spark's number suffixes and string escapes, and the bounds that keep parsing within its stack.

use super::dialect::SparkDialect;
use super::invalid;
use deltaic_log::{Error, ErrorKind, Result};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Word};

/// The most `AND` and `OR` in one expression: each nests the parser's tree by one.
const CONNECTIVES_MAX: usize = 2_000;
/// The most tokens between two commas, connectives or parentheses, for the same reason.
const RUN_MAX: usize = 1_000;

/// The text's tokens without white space and comments, ready for the parser.
pub(super) fn tokenize(sql: &str) -> Result<Vec<TokenWithSpan>> {
    // Escapes stay as they are: sqlparser's rules are not Spark's.
    let raw = Tokenizer::new(&SparkDialect, sql).with_unescape(false).tokenize_with_location().map_err(|error| {
        invalid(format!("the expression is no valid SQL: {}", error.message)).with("position", position(error.location))
    })?;
    let tokens = raw.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    let tokens = with_suffixes(with_strings(tokens));
    check_size(&tokens)?;
    Ok(tokens)
}

/// A place in the text, for people.
pub(super) fn position(location: Location) -> String {
    format!("line {}, column {}", location.line, location.column)
}

fn check_size(tokens: &[TokenWithSpan]) -> Result<()> {
    let (mut connectives, mut run) = (0, 0);
    for token in tokens {
        match &token.token {
            Token::Word(Word { keyword: Keyword::AND | Keyword::OR, .. }) => (connectives, run) = (connectives + 1, 0),
            Token::Comma | Token::LParen => run = 0,
            _ => run += 1,
        }
        let message = if connectives > CONNECTIVES_MAX {
            format!("the expression has more than {CONNECTIVES_MAX} AND and OR: use IN (…) for lists of values")
        } else if run > RUN_MAX {
            format!("the expression has more than {RUN_MAX} tokens in a row: split it")
        } else {
            continue;
        };
        return Err(Error::new(ErrorKind::ResourceLimit, message).with("position", position(token.span.start)));
    }
    Ok(())
}

/// Strings as they are meant: `r'…'` is taken as it stands; elsewhere escapes are resolved.
fn with_strings(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let string = matches!(token.token, Token::SingleQuotedString(_) | Token::DoubleQuotedString(_));
        let before = out.last().filter(|_| string).and_then(|last| match &last.token {
            Token::Word(word) if word.quote_style.is_none() => Some((word.value.to_ascii_uppercase(), last.span)),
            _ => None,
        });
        match before {
            Some((name, span)) if name == "R" && span.end == token.span.start => {
                out.pop();
                out.push(token);
            }
            Some((name, span)) if name == "TIMESTAMP_LTZ" => {
                out.pop();
                out.extend([TokenWithSpan::new(Token::make_keyword("TIMESTAMP"), span), unescaped(token)]);
            }
            _ => out.push(unescaped(token)),
        }
    }
    out
}

/// Resolves the escapes of strings and quoted names.
fn unescaped(mut token: TokenWithSpan) -> TokenWithSpan {
    match &mut token.token {
        Token::SingleQuotedString(text) => *text = unescape(text, '\''),
        Token::DoubleQuotedString(text) => *text = unescape(text, '"'),
        Token::Word(word) if word.quote_style.is_some() => word.value = word.value.replace("``", "`"),
        _ => {}
    }
    token
}

/// Spark's escapes: `\n` and friends, `\uXXXX`, `\UXXXXXXXX`, octal `\ooo`; `\%` and `\_` keep their backslash for `LIKE`;
/// before anything else the backslash goes. A doubled quote is one.
fn unescape(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == quote {
            rest = rest.strip_prefix(quote).unwrap_or(rest);
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some(escaped) = rest.chars().next() else {
            out.push(c);
            continue;
        };
        let (meaning, length) = escape_meaning(escaped, rest);
        if matches!(escaped, '%' | '_') {
            out.push('\\');
        }
        out.push(meaning);
        rest = &rest[length..];
    }
    out
}

/// What the text after a backslash stands for, and how many bytes of it.
fn escape_meaning(escaped: char, rest: &str) -> (char, usize) {
    let hex = |digits: usize| {
        let code = rest.get(1..=digits).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()))?;
        Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, digits + 1))
    };
    let octal = || {
        let code = rest.get(..3).filter(|code| code.bytes().all(|b| (b'0'..=b'7').contains(&b)))?;
        u8::from_str_radix(code, 8).ok().map(|code| (char::from(code), 3))
    };
    let special = match escaped {
        'u' => hex(4),
        'U' => hex(8),
        '0'..='3' => octal().or((escaped == '0').then_some(('\0', 1))),
        'b' => Some(('\u{8}', 1)),
        't' => Some(('\t', 1)),
        'n' => Some(('\n', 1)),
        'r' => Some(('\r', 1)),
        'Z' => Some(('\u{1a}', 1)),
        _ => None,
    };
    special.unwrap_or((escaped, escaped.len_utf8()))
}

/// Numbers with a suffix (`1L`, `1.5BD`) become typed literals (`BIGINT '1'`), which sqlparser knows.
fn with_suffixes(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let suffixed = match (out.last(), &token.token) {
            (Some(TokenWithSpan { token: Token::Number(digits, false), span }), Token::Word(word))
                if span.end == token.span.start && word.quote_style.is_none() =>
            {
                suffix_type(&word.value).map(|name| (name, digits.clone()))
            }
            (_, Token::Number(digits, true)) => {
                let number = TokenWithSpan::new(Token::Number(digits.clone(), false), token.span);
                out.push(number);
                Some(("BIGINT", digits.clone()))
            }
            _ => None,
        };
        match suffixed.and_then(|typed| Some((typed, out.pop()?))) {
            Some(((name, digits), number)) => {
                out.push(TokenWithSpan::new(Token::make_keyword(name), number.span));
                out.push(TokenWithSpan::new(Token::SingleQuotedString(digits), number.span));
            }
            None => out.push(token),
        }
    }
    out
}

fn suffix_type(suffix: &str) -> Option<&'static str> {
    Some(match suffix.to_ascii_uppercase().as_str() {
        "Y" => "TINYINT",
        "S" => "SMALLINT",
        "L" => "BIGINT",
        "F" => "FLOAT",
        "D" => "DOUBLE",
        "BD" => "DECIMAL",
        _ => return None,
    })
}
