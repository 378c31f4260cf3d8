//! Dates and timestamps as text: the proleptic Gregorian calendar without limits of year, in Spark's spelling.

use super::time_zone::Zone;
use std::fmt::Write as _;

/// Microseconds in a day.
pub(crate) const MICROS_PER_DAY: i64 = 86_400_000_000;

/// How long the unit of a clock is, by its name in upper case.
pub(crate) fn micros_of(unit: &str) -> Option<i64> {
    Some(match unit {
        "HOUR" => 3_600_000_000,
        "MINUTE" => 60_000_000,
        "SECOND" => 1_000_000,
        "MILLISECOND" => 1_000,
        "MICROSECOND" => 1,
        _ => return None,
    })
}

/// Days since 1970-01-01 of a civil date, which must be a real one. Nothing on overflow.
pub(crate) fn days_of(year: i64, month: u32, day: u32) -> Option<i32> {
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    // Years begin in March here, so that the leap day is the last one.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    i32::try_from(era * 146_097 + day_of_era - 719_468).ok()
}

/// Year, month and day of a count of days since 1970-01-01.
pub(crate) fn civil_of(days: i32) -> (i64, u32, u32) {
    let z = i64::from(days) + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// The number of days of a month (1 to 12).
pub(crate) fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The date some months later, on the last day of the month where the day does not exist.
pub(crate) fn add_months(days: i32, months: i32) -> Option<i32> {
    let (year, month, day) = civil_of(days);
    let total = year * 12 + i64::from(month) - 1 + i64::from(months);
    let (year, month) = (total.div_euclid(12), u32::try_from(total.rem_euclid(12) + 1).ok()?);
    days_of(year, month, day.min(days_in_month(year, month)))
}

/// `2026-01-31`; years beyond four digits carry a sign.
pub(crate) fn format_date(days: i32) -> String {
    let (year, month, day) = civil_of(days);
    match year {
        0..=9_999 => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:+05}-{month:02}-{day:02}"),
    }
}

/// `2026-01-31 23:59:59[.123456]`, without trailing zeros in the fraction.
pub(crate) fn format_timestamp(local_us: i64) -> String {
    let days = i32::try_from(local_us.div_euclid(MICROS_PER_DAY)).unwrap_or_default();
    let of_day = local_us.rem_euclid(MICROS_PER_DAY);
    let (seconds, micros) = (of_day / 1_000_000, of_day % 1_000_000);
    let mut text = format_date(days);
    let _ = write!(text, " {:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if micros > 0 {
        let _ = write!(text, ".{micros:06}");
        text.truncate(text.trim_end_matches('0').len());
    }
    text
}

/// Reads `[+-]yyyy[y..][-[m]m[-[d]d]]`, and after a full date anything that follows a space or `T`.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let text = trim(text);
    let (date, _) = split_date(text)?;
    Some(date)
}

/// A timestamp as text has it: the wall clock, and the zone if it names one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ParsedTimestamp {
    pub(crate) local_us: i64,
    pub(crate) zone: Option<Zone>,
}

impl ParsedTimestamp {
    /// The instant, in the text's own zone or else in `session`.
    pub(crate) fn instant_us(&self, session: &Zone) -> Option<i64> {
        self.zone.as_ref().unwrap_or(session).to_instant(self.local_us)
    }
}

/// Reads a date as [`parse_date`] does, then optionally ` ` or `T` and `[h]h[:[m]m[:[s]s[.fraction]]]` and a zone.
/// Digits beyond microseconds are dropped.
pub(crate) fn parse_timestamp(text: &str) -> Option<ParsedTimestamp> {
    let (days, rest) = split_date(trim(text))?;
    let midnight = i64::from(days).checked_mul(MICROS_PER_DAY)?;
    let Some(time) = rest.filter(|rest| !rest.is_empty()) else {
        return Some(ParsedTimestamp { local_us: midnight, zone: None });
    };
    let (of_day, zone) = parse_time(time)?;
    let zone = match zone.trim() {
        "" => None,
        zone => Some(zone.parse().ok()?),
    };
    Some(ParsedTimestamp { local_us: midnight.checked_add(of_day)?, zone })
}

/// Spark trims all control characters and blanks.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// The date at the start of `text`, and what follows a separator after it.
fn split_date(text: &str) -> Option<(i32, Option<&str>)> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (year, rest) = digits(unsigned, 4..=7)?;
    let year = sign * year;
    if rest.is_empty() {
        return Some((days_of(year, 1, 1)?, None));
    }
    let (month, rest) = digits(rest.strip_prefix('-')?, 1..=2)?;
    let month = u32::try_from(month).ok()?;
    if rest.is_empty() {
        return Some((days_of(year, month, 1)?, None));
    }
    let (day, rest) = digits(rest.strip_prefix('-')?, 1..=2)?;
    let days = days_of(year, month, u32::try_from(day).ok()?)?;
    match rest.as_bytes().first() {
        None => Some((days, None)),
        Some(b' ' | b'T') => Some((days, Some(&rest[1..]))),
        Some(_) => None,
    }
}

/// Microseconds of the day, and the text after them.
fn parse_time(text: &str) -> Option<(i64, &str)> {
    let (hour, mut rest) = digits(text, 1..=2)?;
    let (mut minute, mut second, mut micros) = (0, 0, 0);
    if let Some(after) = rest.strip_prefix(':') {
        (minute, rest) = digits(after, 1..=2)?;
        if let Some(after) = rest.strip_prefix(':') {
            (second, rest) = digits(after, 1..=2)?;
            if let Some(after) = rest.strip_prefix('.') {
                (micros, rest) = fraction(after);
            }
        }
    }
    let real = hour < 24 && minute < 60 && second < 60;
    real.then_some((((hour * 60 + minute) * 60 + second) * 1_000_000 + micros, rest))
}

/// A run of digits of a permitted length, and what follows it.
fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<(i64, &str)> {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    lengths.contains(&end).then(|| Some((text[..end].parse().ok()?, &text[end..])))?
}

/// The digits of a fraction as microseconds, and what follows them.
fn fraction(text: &str) -> (i64, &str) {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let micros = (0..6).fold(0, |micros, i| {
        let digit = text.as_bytes()[..end].get(i).map_or(0, |b| i64::from(b - b'0'));
        micros * 10 + digit
    });
    (micros, &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_round_trip() {
        for days in [i32::MIN, -719_528, -1, 0, 59, 60, 19_000, 2_932_896, 2_932_897, i32::MAX] {
            let (year, month, day) = civil_of(days);
            assert_eq!(days_of(year, month, day), Some(days));
        }
        assert_eq!(format_date(0), "1970-01-01");
        assert_eq!(format_date(2_932_897), "+10000-01-01");
        assert_eq!(parse_date("+10000-01-01"), Some(2_932_897));
    }

    #[test]
    fn reads_what_spark_reads() {
        for (text, expected) in [
            ("2026-01-31", Some("2026-01-31")),
            (" 2026-1-3 ", Some("2026-01-03")),
            ("2026", Some("2026-01-01")),
            ("2026-02", Some("2026-02-01")),
            ("2026-01-31T99:99", Some("2026-01-31")),
            ("2026-02-30", None),
            ("26-01-31", None),
            ("2026/01/31", None),
            ("", None),
        ] {
            assert_eq!(parse_date(text).map(format_date).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn timestamps() {
        for (text, expected) in [
            ("2026-01-31", Some("2026-01-31 00:00:00")),
            ("2026-01-31 1:2:3", Some("2026-01-31 01:02:03")),
            ("2026-01-31T01:02:03.1234567", Some("2026-01-31 01:02:03.123456")),
            ("2026-01-31 01:02:03.5Z", Some("2026-01-31 01:02:03.5")),
            ("2026-01-31 01:02:03 +02:00", Some("2026-01-30 23:02:03")),
            ("2026-01-31 01:02:03 Europe/Paris", Some("2026-01-31 00:02:03")),
            ("2026-01-31 25:00:00", None),
            ("2026-01-31 01:02:03 nowhere", None),
        ] {
            let instant = parse_timestamp(text).and_then(|t| t.instant_us(&Zone::UTC));
            assert_eq!(instant.map(format_timestamp).as_deref(), expected, "{text}");
        }
        assert_eq!(format_timestamp(-1), "1969-12-31 23:59:59.999999");
    }

    #[test]
    fn months_end_on_the_last_day() {
        let day = |text| parse_date(text).unwrap();
        assert_eq!(add_months(day("2026-01-31"), 1), Some(day("2026-02-28")));
        assert_eq!(add_months(day("2024-02-29"), -12), Some(day("2023-02-28")));
    }
}
