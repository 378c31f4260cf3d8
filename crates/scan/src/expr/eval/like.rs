//! `LIKE`, `ILIKE` and `RLIKE`.

use super::super::bind::{BoundExpr, Origin, like_operands};
use super::super::expr::LikeKind;
use super::super::functions::ColumnarArg;
use super::super::scalar::Scalar;
use super::compare::datum;
use super::failure;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_string::like::like as like_kernel;
use arrow_string::regexp::{regexp_is_match, regexp_is_match_scalar};
use deltaic_log::{Error, ErrorKind, Result};
use std::sync::Arc;

/// Backslash, unless `ESCAPE` says otherwise.
const DEFAULT_ESCAPE: char = '\\';

/// What `LIKE` compares with.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    kind: LikeKind,
    escape: char,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// Known before any row is, and already in the kernel's form.
    Constant(ArrayRef),
    PerRow(Box<BoundExpr>),
}

impl Pattern {
    pub(crate) fn new(kind: LikeKind, pattern: BoundExpr, escape: Option<char>) -> Result<Self> {
        let escape = escape.unwrap_or(DEFAULT_ESCAPE);
        let source = match pattern.constant() {
            Some(value) => Source::Constant(Arc::new(translated(kind, value.as_string(), escape)?)),
            None => Source::PerRow(Box::new(pattern)),
        };
        Ok(Self { kind, escape, source })
    }

    /// The pattern's expression, where it depends on the row.
    pub(crate) fn operand(&self) -> Option<&BoundExpr> {
        match &self.source {
            Source::Constant(_) => None,
            Source::PerRow(expr) => Some(expr),
        }
    }

    pub(crate) fn kind(&self) -> LikeKind {
        self.kind
    }

    /// The text that everything which matches a constant `LIKE` begins with.
    pub(crate) fn prefix(&self) -> Option<Prefix> {
        let Source::Constant(value) = &self.source else { return None };
        let kernel_form = value.is_valid(0).then(|| value.as_string::<i32>().value(0))?;
        let parts = parts(kernel_form, DEFAULT_ESCAPE).ok()?;
        let literal = |part: &Part| if let Part::Literal(c) = part { Some(*c) } else { None };
        let text: String = parts.iter().map_while(literal).collect();
        let rest = &parts[text.chars().count()..];
        Some(Prefix { text, whole: rest.is_empty(), only: rest.iter().all(|part| *part == Part::Any) })
    }

    /// Whether some row may hold an invalid pattern.
    pub(crate) fn can_fail(&self) -> bool {
        self.operand().is_some() || self.kind == LikeKind::RLike
    }
}

/// What is known of all text that matches a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prefix {
    /// It begins with this.
    pub(crate) text: String,
    /// It is this and nothing more.
    pub(crate) whole: bool,
    /// Whatever begins with this matches.
    pub(crate) only: bool,
}

/// Whether `text` matches; `per_row` are the values of [`Pattern::operand`].
pub(super) fn like(
    text: &ColumnarArg,
    pattern: &Pattern,
    per_row: Option<&ColumnarArg>,
    rows: usize,
    origin: &Origin,
) -> Result<ColumnarArg> {
    let patterns = match (&pattern.source, per_row) {
        (Source::Constant(value), _) => ColumnarArg::Constant(value.clone()),
        (Source::PerRow(_), Some(values)) => {
            let translated = translated(pattern.kind, values.values().as_string(), pattern.escape);
            let translated = translated.map_err(|error| error.with("expression", origin))?;
            like_operands(std::slice::from_ref(values), Arc::new(translated))
        }
        (Source::PerRow(_), None) => return Err(Error::new(ErrorKind::Internal, "LIKE has no pattern")),
    };
    let text = match (pattern.kind, text) {
        (LikeKind::ILike, ColumnarArg::Array(values)) => ColumnarArg::Array(lower(values.as_string())),
        (LikeKind::ILike, ColumnarArg::Constant(value)) => ColumnarArg::Constant(lower(value.as_string())),
        _ => text.clone(),
    };
    let result = match pattern.kind {
        LikeKind::RLike => regex(&text, &patterns, rows, origin)?,
        _ => Arc::new(like_kernel(&*datum(&text), &*datum(&patterns))?),
    };
    Ok(like_operands(&[text, patterns], result))
}

fn regex(text: &ColumnarArg, patterns: &ColumnarArg, rows: usize, origin: &Origin) -> Result<ArrayRef> {
    let invalid =
        |error: arrow_schema::ArrowError| failure("the pattern is no regular expression", origin, &[]).because(error);
    Ok(match patterns {
        ColumnarArg::Constant(value) if value.is_valid(0) => {
            let regex = value.as_string::<i32>().value(0);
            Arc::new(regexp_is_match_scalar(text.values().as_string::<i32>(), regex, None).map_err(invalid)?)
        }
        _ => {
            let constant = matches!((text, patterns), (ColumnarArg::Constant(_), ColumnarArg::Constant(_)));
            let rows = if constant { 1 } else { rows };
            let (text, patterns) = (text.to_array(rows)?, patterns.to_array(rows)?);
            let (text, patterns) = (text.as_string::<i32>(), patterns.as_string::<i32>());
            let matches = regexp_is_match(text, patterns, None::<&StringArray>).map_err(invalid)?;
            let nulls = arrow_buffer::NullBuffer::union(text.nulls(), patterns.nulls());
            Arc::new(arrow_array::BooleanArray::new(matches.values().clone(), nulls))
        }
    })
}

fn lower(values: &StringArray) -> ArrayRef {
    Arc::new(values.iter().map(|value| value.map(str::to_lowercase)).collect::<StringArray>())
}

/// Patterns in the kernel's form, whose escape is the backslash.
fn translated(kind: LikeKind, patterns: &StringArray, escape: char) -> Result<StringArray> {
    if kind == LikeKind::RLike {
        return Ok(patterns.clone());
    }
    let one = |pattern: Option<&str>| {
        let Some(pattern) = pattern else { return Ok(None) };
        let pattern = if kind == LikeKind::ILike { pattern.to_lowercase() } else { pattern.to_owned() };
        Ok(Some(parts(&pattern, escape)?.into_iter().map(Part::to_kernel).collect::<String>()))
    };
    patterns.iter().map(one).collect()
}

/// A piece of a pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Part {
    /// This character.
    Literal(char),
    /// `_`: any character.
    One,
    /// `%`: any text.
    Any,
}

impl Part {
    fn to_kernel(self) -> String {
        match self {
            Self::Literal(c @ ('%' | '_' | '\\')) => format!("\\{c}"),
            Self::Literal(c) => c.to_string(),
            Self::One => "_".into(),
            Self::Any => "%".into(),
        }
    }
}

/// The pieces of a `LIKE` pattern. Only `%`, `_` and the escape itself may follow the escape.
pub(crate) fn parts(pattern: &str, escape: char) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        parts.push(match c {
            c if c == escape => match chars.next() {
                Some(escaped) if escaped == escape || escaped == '%' || escaped == '_' => Part::Literal(escaped),
                _ => return Err(bad_escape(pattern, escape)),
            },
            '_' => Part::One,
            '%' => Part::Any,
            c => Part::Literal(c),
        });
    }
    Ok(parts)
}

fn bad_escape(pattern: &str, escape: char) -> Error {
    let pattern = Scalar::from(pattern);
    let message = format!("in the pattern {pattern} the escape `{escape}` stands before no wildcard: double it");
    Error::new(ErrorKind::Evaluation, message)
}
