//! Patterns of dates and times, such as `yyyy-MM-dd HH:mm:ss`: Spark's, which are Java's with fewer letters.
//!
//! <https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html>

mod format;
mod names;
mod read;

pub(super) use read::Parsed;

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    items: Vec<Item>,
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq)]
enum Item {
    /// Text that means itself.
    Literal(String),
    /// A letter, repeated.
    Field(char, usize),
    /// `[…]`: written always, read if it is there.
    Optional(Vec<Item>),
}

/// The deepest nesting of `[…]`.
const NESTING_MAX: usize = 16;

impl Pattern {
    /// Compiles a pattern, or says what is wrong with it.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let mut letters = text.chars().peekable();
        let items = items(&mut letters, 0)?;
        match letters.next() {
            None => Ok(Self { items }),
            Some(_) => Err("`]` closes what no `[` opened".into()),
        }
    }
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// The pieces up to the end, or to the `]` of this depth.
fn items(letters: &mut Letters<'_>, depth: usize) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    while let Some(letter) = letters.peek().copied() {
        match letter {
            '[' if depth == NESTING_MAX => return Err("optional sections are nested too deeply".into()),
            '[' => {
                letters.next();
                items.push(Item::Optional(self::items(letters, depth + 1)?));
                letters.next_if_eq(&']');
            }
            ']' => return if depth > 0 { Ok(items) } else { Err("`]` closes what no `[` opened".into()) },
            '\'' => items.push(Item::Literal(quoted(letters)?)),
            '#' | '{' | '}' => return Err(format!("`{letter}` is reserved: quote it")),
            letter if letter.is_ascii_alphabetic() => items.push(field(letters, letter)?),
            letter => {
                letters.next();
                items.push(Item::Literal(letter.into()));
            }
        }
    }
    Ok(items)
}

/// Text in quotes; two quotes are one.
fn quoted(letters: &mut Letters<'_>) -> Result<String, String> {
    letters.next();
    let mut text = String::new();
    loop {
        match letters.next() {
            Some('\'') if letters.next_if_eq(&'\'').is_some() => text.push('\''),
            Some('\'') if text.is_empty() => return Ok("'".into()),
            Some('\'') => return Ok(text),
            Some(other) => text.push(other),
            None => return Err("a quote is not closed".into()),
        }
    }
}

fn field(letters: &mut Letters<'_>, letter: char) -> Result<Item, String> {
    let mut count = 0;
    while letters.next_if_eq(&letter).is_some() {
        count += 1;
    }
    let most = match letter {
        'G' | 'E' | 'M' | 'L' | 'Q' | 'q' | 'z' | 'O' => 4,
        'y' => 6,
        'D' => 3,
        'd' | 'h' | 'H' | 'k' | 'K' | 'm' | 's' | 'V' => 2,
        'a' | 'F' => 1,
        'S' => 9,
        'X' | 'x' | 'Z' => 5,
        'Y' | 'w' | 'W' | 'u' | 'e' | 'c' => return Err(format!("`{letter}` counts by weeks: use EXTRACT")),
        _ => return Err(format!("`{letter}` has no meaning: quote it")),
    };
    let least = if letter == 'V' { 2 } else { 1 };
    let fits = (least..=most).contains(&count) && !(letter == 'O' && matches!(count, 2 | 3));
    if fits { Ok(Item::Field(letter, count)) } else { Err(format!("`{letter}` cannot stand {count} times")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::calendar::{format_timestamp, parse_timestamp};
    use crate::expr::time_zone::Zone;

    fn formatted(time: &str, zone: &str, pattern: &str) -> String {
        let zone: Zone = zone.parse().unwrap();
        let instant = parse_timestamp(time).unwrap().instant_us(&Zone::UTC).unwrap();
        Pattern::new(pattern).unwrap().format(instant, &zone).unwrap()
    }

    fn read(text: &str, pattern: &str) -> Option<String> {
        let parsed = Pattern::new(pattern).unwrap().read(text)?;
        parsed.instant_us(&Zone::UTC).map(format_timestamp)
    }

    #[test]
    fn writes() {
        for (zone, pattern, expected) in [
            ("UTC", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-02-29T12:34:56.789Z"),
            ("+05:30", "HH:mm XXX Z O OOOO x", "18:04 +05:30 +0530 GMT+5:30 GMT+05:30 +0530"),
            ("Europe/Berlin", "VV z", "Europe/Berlin CET"),
            ("UTC", "E EEEE d MMM MMMM D QQQ QQQQ", "Thu Thursday 29 Feb February 60 Q1 1st quarter"),
            ("UTC", "h a K k '' 'it''s' [yy]", "12 PM 0 12 ' it's 24"),
        ] {
            assert_eq!(formatted("2024-02-29 12:34:56.789", zone, pattern), expected);
        }
    }

    #[test]
    fn reads() {
        for (text, pattern, expected) in [
            ("29.02.2024", "dd.MM.yyyy", Some("2024-02-29 00:00:00")),
            ("20240229", "yyyyMMdd", Some("2024-02-29 00:00:00")),
            ("29 feb 24", "dd MMM yy", Some("2024-02-29 00:00:00")),
            ("2024-060", "yyyy-DDD", Some("2024-02-29 00:00:00")),
            ("2024-02-30", "yyyy-MM-dd", None),
            ("2024-02-29 x", "yyyy-MM-dd", None),
            ("01:02:03 PM", "hh:mm:ss a", Some("1970-01-01 13:02:03")),
            ("12:30 +0200", "HH:mm Z", Some("1970-01-01 10:30:00")),
            ("2024-02-29", "yyyy-MM-dd[ HH:mm]", Some("2024-02-29 00:00:00")),
            ("24:00", "HH:mm", None),
            ("1.5", "s.SSS", Some("1970-01-01 00:00:01.5")),
        ] {
            assert_eq!(read(text, pattern).as_deref(), expected, "{text} {pattern}");
        }
    }

    #[test]
    fn patterns_that_mean_nothing_are_refused() {
        for pattern in ["u", "YYYY", "n", "MMMMM", "yyyyyyy", "yyyy b", "'", "]", "{", "V", "OO", &"[".repeat(40)] {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
    }
}
