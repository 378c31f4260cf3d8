//! Regular expressions in Java's syntax, as far as a linear-time engine can: no look-around, no back references.
//!
//! `\d`, `\w`, `\s` and `\b` mean ASCII, as in Java. A pattern's size is bounded, and matching takes linear time, whatever the pattern.

use super::super::ArgType;
use super::call::Call;
use super::function::{Function, Returns, function, own};
use super::parameter::Param;
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, BooleanArray, StringArray};
use arrow_schema::{DataType, Field};
use deltaic_log::Result;
use regex::{Captures, Regex, RegexBuilder};
use std::cell::RefCell;
use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;

/// The most bytes of a compiled pattern.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// The functions of regular expressions.
pub(super) fn table() -> Vec<Function> {
    use Param::{Int, Text};
    vec![
        function("regexp_like", &["regexp", "rlike"], own(&[Text, Text], Returns::Boolean, like)),
        function("regexp_replace", &[], own(&[Text, Text, Text, Int], Returns::Text, replace).optional(1)),
        function("regexp_extract", &[], own(&[Text, Text, Int], Returns::Text, extract).optional(1)),
        function("split", &[], own(&[Text, Text, Int], Returns::By(strings), split).optional(1)),
    ]
}

fn like(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, patterns) = (call.text(0), Patterns::new(call, 1));
    call.collect::<BooleanArray, bool>(|row| patterns.with(row, |regex| Ok(Some(regex.is_match(text.value(row))))))
}

/// `regexp_replace(text, pattern, replacement[, position])`; the position counts characters from 1.
fn replace(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, patterns, replacements) = (call.text(0), Patterns::new(call, 1), call.text(2));
    call.collect::<StringArray, String>(|row| {
        let text = text.value(row);
        let from = if call.has(3) { call.int(3).value(row) } else { 1 };
        let Some(before) = from.checked_sub(1).and_then(|before| usize::try_from(before).ok()) else {
            return Err(call.failure(row, "the position counts from 1"));
        };
        let Some((start, _)) = text.char_indices().nth(before).or((before == 0).then_some((0, ' '))) else {
            return Ok(Some(text.to_owned()));
        };
        patterns.with(row, |regex| {
            let template = template(replacements.value(row), regex)
                .ok_or_else(|| call.failure(row, "the replacement names a group that the pattern lacks"))?;
            let replaced = regex.replace_all(&text[start..], |captures: &Captures<'_>| expand(&template, captures));
            Ok(Some(format!("{}{replaced}", &text[..start])))
        })
    })
}

/// `regexp_extract(text, pattern[, group])`: empty where nothing matches. Without a group, the first one is meant.
fn extract(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, patterns) = (call.text(0), Patterns::new(call, 1));
    call.collect::<StringArray, String>(|row| {
        let group = if call.has(2) { call.int(2).value(row) } else { 1 };
        patterns.with(row, |regex| {
            let group = usize::try_from(group).ok().filter(|group| *group < regex.captures_len());
            let group = group.ok_or_else(|| call.failure(row, "the pattern has no such group"))?;
            let found = regex.captures(text.value(row)).and_then(|captures| captures.get(group));
            Ok(Some(found.map_or("", |found| found.as_str()).to_owned()))
        })
    })
}

fn strings(_: &[ArgType<'_>], _: &[DataType]) -> Result<DataType> {
    Ok(DataType::List(Arc::new(Field::new("element", DataType::Utf8, false))))
}

/// `split(text, pattern[, limit])`: at most `limit` parts if that is positive; an empty match before the text parts nothing off.
fn split(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, patterns) = (call.text(0), Patterns::new(call, 1));
    let element = Field::new("element", DataType::Utf8, false);
    let mut out = ListBuilder::new(StringBuilder::new()).with_field(element);
    for row in 0..call.rows {
        if call.any_null(row) {
            out.append_null();
            continue;
        }
        let limit = if call.has(2) { call.int(2).value(row) } else { -1 };
        let limit = usize::try_from(limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        patterns.with(row, |regex| {
            parts(regex, text.value(row), limit).for_each(|part| out.values().append_value(part));
            Ok(Some(()))
        })?;
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}

fn parts<'t>(regex: &Regex, text: &'t str, limit: usize) -> impl Iterator<Item = &'t str> {
    let mut parts: Vec<&str> = Vec::new();
    let mut start = 0;
    for found in regex.find_iter(text) {
        if parts.len() + 1 >= limit {
            break;
        }
        if found.is_empty() && (found.start() == 0 || found.start() == text.len()) {
            continue;
        }
        parts.push(&text[start..found.start()]);
        start = found.end();
    }
    parts.push(&text[start..]);
    parts.into_iter()
}

/// The patterns of an argument, each compiled once while it stays the same.
struct Patterns<'a> {
    call: &'a Call<'a>,
    source: &'a StringArray,
    last: RefCell<Option<(String, Regex)>>,
}

impl<'a> Patterns<'a> {
    fn new(call: &'a Call<'a>, index: usize) -> Self {
        Self { call, source: call.text(index), last: RefCell::new(None) }
    }

    fn with<T>(&self, row: usize, run: impl FnOnce(&Regex) -> Result<Option<T>>) -> Result<Option<T>> {
        let wanted = self.source.value(row);
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(pattern, _)| pattern != wanted) {
            let compiled = RegexBuilder::new(&translated(wanted)).size_limit(PATTERN_BYTES_MAX).build();
            let invalid = |error| self.call.failure(row, format!("the pattern is no regular expression: {error}"));
            *last = Some((wanted.to_owned(), compiled.map_err(invalid)?));
        }
        match &*last {
            Some((_, regex)) => run(regex),
            None => Ok(None),
        }
    }
}

/// Java's pattern in the syntax of the `regex` crate: the short classes mean ASCII.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('D') => out.push_str("[^0-9]"),
            Some('w') => out.push_str("[a-zA-Z0-9_]"),
            Some('W') => out.push_str("[^a-zA-Z0-9_]"),
            Some('s') => out.push_str(r"[ \t\n\x0B\f\r]"),
            Some('S') => out.push_str(r"[^ \t\n\x0B\f\r]"),
            Some('b') => out.push_str(r"(?-u:\b)"),
            Some('B') => out.push_str(r"(?-u:\B)"),
            Some('Z') => out.push_str(r"\n?\z"),
            Some('Q') => {
                let rest = letters.as_str();
                let (quoted, after) = rest.split_once(r"\E").unwrap_or((rest, ""));
                out.push_str(&regex::escape(quoted));
                letters = after.chars();
            }
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

/// A piece of a replacement.
enum Piece {
    Text(String),
    Group(usize),
}

/// Java's replacement: `$1`, `${name}`, and a backslash before what means itself. Nothing if it is malformed.
fn template(replacement: &str, regex: &Regex) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut letters = replacement.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => push(&mut pieces, letters.next()?),
            '$' => pieces.push(Piece::Group(group(&mut letters, regex)?)),
            other => push(&mut pieces, other),
        }
    }
    Some(pieces)
}

fn push(pieces: &mut Vec<Piece>, letter: char) {
    match pieces.last_mut() {
        Some(Piece::Text(text)) => text.push(letter),
        _ => pieces.push(Piece::Text(letter.into())),
    }
}

/// The group that `$` begins to name: `{name}`, or digits, as many as still name a group.
fn group(letters: &mut Peekable<Chars<'_>>, regex: &Regex) -> Option<usize> {
    if letters.next_if_eq(&'{').is_some() {
        let name: String = letters.by_ref().take_while(|c| *c != '}').collect();
        return regex.capture_names().position(|known| known == Some(&name));
    }
    let digit = |c: &char| c.to_digit(10).and_then(|digit| usize::try_from(digit).ok());
    let known = |group: &usize| *group < regex.captures_len();
    let mut group = letters.next().as_ref().and_then(digit).filter(known)?;
    while let Some(longer) = letters.peek().and_then(digit).map(|digit| group * 10 + digit).filter(known) {
        group = longer;
        letters.next();
    }
    Some(group)
}

fn expand(template: &[Piece], captures: &Captures<'_>) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Group(group) => captures.get(*group).map_or("", |found| found.as_str()).to_owned(),
    };
    template.iter().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str, replacement: &str, expected: Option<&str>) {
        let regex = Regex::new(&translated(pattern)).unwrap();
        let replaced = template(replacement, &regex).map(|template| {
            regex.replace_all(text, |captures: &Captures<'_>| expand(&template, captures)).into_owned()
        });
        assert_eq!(replaced.as_deref(), expected, "{pattern} {replacement}");
    }

    #[test]
    fn replacements_are_java_s() {
        check("(a)(b)", "abc", "$2$1", Some("bac"));
        check("(a)", "a", "$10", Some("a0"));
        check("(?<x>a)", "abc", "${x}!", Some("a!bc"));
        check("a", "ab", r"\\\$", Some(r"\$b"));
        check("a", "a", "$1", None);
        check("a", "a", "$", None);
        check("a", "a", r"\", None);
        check(r"\w+", "héllo", "x", Some("xéx"));
        check(r"\Q.\E+", "a..b", "-", Some("a-b"));
    }

    #[test]
    fn splits_as_java_does() {
        let joined = |pattern: &str, text, limit| {
            parts(&Regex::new(pattern).unwrap(), text, limit).collect::<Vec<_>>().join("|")
        };
        assert_eq!(joined(",", "a,b,,c,", usize::MAX), "a|b||c|");
        assert_eq!(joined(",", "a,b,c", 2), "a|b,c");
        assert_eq!(joined("", "abc", usize::MAX), "a|b|c");
    }
}
