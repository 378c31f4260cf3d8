//! Text to times: the whole text must match, every field must be in its range, and the date must exist.

use super::names::{MONTHS, QUARTERS, short};
use super::{Item, Pattern};
use crate::expr::calendar::{MICROS_PER_DAY, days_of};
use crate::expr::time_zone::Zone;

/// What a text said; the rest is the start of 1970.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Parsed {
    year: Option<i64>,
    before_christ: bool,
    month: Option<u32>,
    quarter: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<i32>,
    hour: Option<i64>,
    half_day_hour: Option<i64>,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    micros: i64,
    zone: Option<Zone>,
}

impl Pattern {
    /// The fields of a text that matches the pattern.
    pub(in super::super) fn read(&self, text: &str) -> Option<Parsed> {
        let mut parsed = Parsed::default();
        let rest = read(&self.items, text, &mut parsed)?;
        rest.is_empty().then_some(parsed)
    }
}

impl Parsed {
    /// The instant, in the text's own zone or else in `session`.
    pub(in super::super) fn instant_us(&self, session: &Zone) -> Option<i64> {
        self.zone.as_ref().unwrap_or(session).to_instant(self.local_us()?)
    }

    fn local_us(&self) -> Option<i64> {
        let seconds = (self.hour()? * 60 + self.minute) * 60 + self.second;
        i64::from(self.days()?).checked_mul(MICROS_PER_DAY)?.checked_add(seconds * 1_000_000 + self.micros)
    }

    fn days(&self) -> Option<i32> {
        let year = self.year.unwrap_or(1970);
        let year = if self.before_christ { 1 - year } else { year };
        let month = self.month.or(self.quarter.map(|quarter| quarter * 3 - 2)).unwrap_or(1);
        let Some(day_of_year) = self.day_of_year else {
            return days_of(year, month, self.day.unwrap_or(1));
        };
        let (first, next) = (days_of(year, 1, 1)?, days_of(year + 1, 1, 1)?);
        let days = first.checked_add(day_of_year - 1)?;
        (day_of_year > 0 && days < next).then_some(days)
    }

    fn hour(&self) -> Option<i64> {
        let from_half = |hour| hour + if self.afternoon == Some(true) { 12 } else { 0 };
        let hour = self.hour.or(self.half_day_hour.map(from_half)).unwrap_or(0);
        (self.afternoon.is_none_or(|afternoon| afternoon == (hour >= 12))).then_some(hour)
    }
}

/// Reads the items, and returns what follows them.
fn read<'t>(items: &[Item], mut text: &'t str, parsed: &mut Parsed) -> Option<&'t str> {
    for (index, item) in items.iter().enumerate() {
        text = match item {
            Item::Literal(literal) => strip(text, literal)?,
            Item::Optional(items) => {
                let mut attempt = *parsed;
                match read(items, text, &mut attempt) {
                    Some(rest) => {
                        *parsed = attempt;
                        rest
                    }
                    None => text,
                }
            }
            Item::Field(letter, count) => field(*letter, *count, fixed_digits(&items[index + 1..]), text, parsed)?,
        };
    }
    Some(text)
}

/// How many digits the fields right after this one need.
fn fixed_digits(items: &[Item]) -> usize {
    items
        .iter()
        .map_while(|item| match item {
            Item::Field('S', _) => Some(1),
            Item::Field(letter, count) if "yDdMLhHkKmsQq".contains(*letter) && *count < 3 || *letter == 'y' => {
                Some(*count)
            }
            _ => None,
        })
        .sum()
}

fn field<'t>(letter: char, count: usize, reserved: usize, text: &'t str, parsed: &mut Parsed) -> Option<&'t str> {
    let mut rest = text;
    let mut number = |range: std::ops::RangeInclusive<i64>| {
        let (value, after) = if count == 1 { digits(text, 1, 19, reserved)? } else { digits(text, count, count, 0)? };
        rest = after;
        range.contains(&value).then_some(value)
    };
    match letter {
        'y' => return year(count, reserved, text, parsed),
        'D' => parsed.day_of_year = Some(i32::try_from(number(1..=366)?).ok()?),
        'M' | 'L' if count > 2 => {
            let (month, after) = name(text, &MONTHS, count)?;
            parsed.month = Some(month);
            rest = after;
        }
        'M' | 'L' => parsed.month = Some(u32::try_from(number(1..=12)?).ok()?),
        'd' => parsed.day = Some(u32::try_from(number(1..=31)?).ok()?),
        'Q' | 'q' if count > 2 => return quarter(count, text, parsed),
        'Q' | 'q' => parsed.quarter = Some(u32::try_from(number(1..=4)?).ok()?),
        'H' => parsed.hour = Some(number(0..=23)?),
        'k' => parsed.hour = Some(number(1..=24)? % 24),
        'K' => parsed.half_day_hour = Some(number(0..=11)?),
        'h' => parsed.half_day_hour = Some(number(1..=12)? % 12),
        'm' => parsed.minute = number(0..=59)?,
        's' => parsed.second = number(0..=59)?,
        'S' => return fraction(count, text, parsed),
        'a' => {
            let (half, after) =
                strip(text, "AM").map(|rest| (false, rest)).or(strip(text, "PM").map(|rest| (true, rest)))?;
            parsed.afternoon = Some(half);
            rest = after;
        }
        'G' => return era(count, text, parsed),
        'V' | 'z' | 'O' | 'X' | 'x' | 'Z' => return zone(letter, text, parsed),
        _ => return None,
    }
    Some(rest)
}

/// Two letters: a year from 2000 to 2099. More: as many digits, or more after a sign.
fn year<'t>(count: usize, reserved: usize, text: &'t str, parsed: &mut Parsed) -> Option<&'t str> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) if count != 2 => (-1, rest),
        _ => (1, text),
    };
    let plus = unsigned.strip_prefix('+').filter(|_| count > 2);
    let (year, rest) = match (count, plus) {
        (2, _) => digits(unsigned, 2, 2, 0).map(|(year, rest)| (2000 + year, rest))?,
        (1, _) => digits(unsigned, 1, 9, reserved)?,
        (_, Some(unsigned)) => digits(unsigned, count + 1, 9, reserved)?,
        _ => digits(unsigned, count, count, 0)?,
    };
    parsed.year = Some(sign * year);
    Some(rest)
}

fn quarter<'t>(count: usize, text: &'t str, parsed: &mut Parsed) -> Option<&'t str> {
    let (quarter, rest) = if count == 3 {
        let (quarter, rest) = digits(strip(text, "Q")?, 1, 1, 0)?;
        (u32::try_from(quarter).ok().filter(|quarter| (1..=4).contains(quarter))?, rest)
    } else {
        name(text, &QUARTERS, 4)?
    };
    parsed.quarter = Some(quarter);
    Some(rest)
}

/// Up to as many digits as there are letters; those beyond microseconds are dropped.
fn fraction<'t>(count: usize, text: &'t str, parsed: &mut Parsed) -> Option<&'t str> {
    let length = text.bytes().take(count).take_while(u8::is_ascii_digit).count();
    let digits = text.get(..length).filter(|digits| !digits.is_empty())?;
    parsed.micros = format!("{digits:0<9}")[..6].parse().ok()?;
    Some(&text[length..])
}

fn era<'t>(count: usize, text: &'t str, parsed: &mut Parsed) -> Option<&'t str> {
    let (ad, bc) = if count == 4 { ("Anno Domini", "Before Christ") } else { ("AD", "BC") };
    let (before, rest) = strip(text, ad).map(|rest| (false, rest)).or(strip(text, bc).map(|rest| (true, rest)))?;
    parsed.before_christ = before;
    Some(rest)
}

/// A zone runs to the next blank. An offset needs no `GMT` where the letter is `X`, `x` or `Z`.
fn zone<'t>(letter: char, text: &'t str, parsed: &mut Parsed) -> Option<&'t str> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "+-:/_".contains(c))).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let offset = name.starts_with(['+', '-', 'Z']);
    (offset || !matches!(letter, 'X' | 'x' | 'Z')).then_some(())?;
    parsed.zone = Some(name.parse().ok()?);
    Some(rest)
}

/// A run of digits of a permitted length that leaves `reserved` of them to the fields that follow.
fn digits(text: &str, least: usize, most: usize, reserved: usize) -> Option<(i64, &str)> {
    let run = text.bytes().take_while(u8::is_ascii_digit).count();
    let length = run.saturating_sub(reserved).clamp(least, most);
    (length <= run).then(|| Some((text[..length].parse().ok()?, &text[length..])))?
}

/// The number, from 1, of a name in any case.
fn name<'t>(text: &'t str, names: &[&str], count: usize) -> Option<(u32, &'t str)> {
    names.iter().zip(1..).find_map(|(name, number)| {
        let name = if count < 4 { short(name) } else { name };
        Some((number, strip(text, name)?))
    })
}

/// What follows a prefix in any case.
fn strip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}
