//! How the log writes single values as text: what partition values and statistics have in common.
//!
//! Each function takes the bytes of one value and gives `None` where they are no value of the type: the callers know
//! whether that is an error (a partition value) or merely nothing known (a statistic).

use crate::schema::DecimalType;
use chrono::{DateTime, NaiveDate};

/// A decimal as it stood in text: `unscaled * 10^-scale`, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DecimalText {
    unscaled: i128,
    scale: i32,
}

/// Which way a decimal goes whose text has more digits than its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// To no way: it is no value of the type.
    Exact,
    /// To the next lower value.
    Floor,
    /// To the next higher value.
    Ceiling,
}

/// How a timestamp's text named its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    /// Not at all.
    Absent,
    /// As `Z`.
    Utc,
    /// As an offset from UTC.
    Offset,
}

impl DecimalText {
    /// Parses `-123.45`, `12E+3`, `0E-18`.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let exponent_at = text.iter().position(|b| matches!(b, b'e' | b'E'));
        let (digits, exponent) = match exponent_at {
            Some(at) => (&text[..at], integer(&text[at + 1..])?),
            None => (text, 0),
        };
        let (negative, digits) = match digits.split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, digits),
        };
        let (magnitude, fraction_digits) = magnitude(digits)?;
        let scale = i32::try_from(i64::from(fraction_digits).checked_sub(exponent)?).ok()?;
        Some(Self { unscaled: if negative { -magnitude } else { magnitude }, scale })
    }

    /// The unscaled value in a type of this shape, if it fits.
    pub(crate) fn rescale(self, to: DecimalType, rounding: Rounding) -> Option<i128> {
        if self.unscaled == 0 {
            return Some(0);
        }
        let shift = i32::from(to.scale).checked_sub(self.scale)?;
        let power = |digits: u32| 10_i128.checked_pow(digits);
        let value = match u32::try_from(shift) {
            Ok(up) => self.unscaled.checked_mul(power(up)?)?,
            Err(_) => divide(self.unscaled, power(shift.unsigned_abs()).unwrap_or(i128::MAX), rounding)?,
        };
        fits(value, to).then_some(value)
    }
}

/// Whether an unscaled value has no more digits than the type.
pub(crate) fn fits(unscaled: i128, decimal: DecimalType) -> bool {
    10_u128.checked_pow(u32::from(decimal.precision)).is_some_and(|limit| unscaled.unsigned_abs() < limit)
}

fn divide(value: i128, by: i128, rounding: Rounding) -> Option<i128> {
    let quotient = value.div_euclid(by);
    match (value.rem_euclid(by), rounding) {
        (0, _) | (_, Rounding::Floor) => Some(quotient),
        (_, Rounding::Ceiling) => quotient.checked_add(1),
        (_, Rounding::Exact) => None,
    }
}

/// The digits as one number, and how many of them stood after the point.
fn magnitude(digits: &[u8]) -> Option<(i128, u32)> {
    let (mut value, mut digit_count, mut fraction_digits, mut point) = (0_i128, 0_u32, 0_u32, false);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
                digit_count += 1;
                fraction_digits += u32::from(point);
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    (digit_count > 0).then_some((value, fraction_digits))
}

/// A whole number without loss: no detour through floating point.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let step = |value: i64, digit: &u8| {
        let digit = i64::from(digit - b'0');
        let value = value.checked_mul(10)?;
        if negative { value.checked_sub(digit) } else { value.checked_add(digit) }
    };
    digits.iter().try_fold(0, step)
}

/// A floating-point number, with `NaN` and `Infinity` as Java and SQL spell them.
pub(crate) fn float<F: std::str::FromStr>(text: &[u8]) -> Option<F> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `true` or `false`, in any case.
pub(crate) fn boolean(text: &[u8]) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case(b"true") => Some(true),
        _ if text.eq_ignore_ascii_case(b"false") => Some(false),
        _ => None,
    }
}

/// The days since the epoch of `[+-]yyyy-MM-dd`.
pub(crate) fn date(text: &[u8]) -> Option<i32> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let mut parts = digits.split(|b| *b == b'-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() < 4 {
        return None;
    }
    let year = i32::try_from(number(year)?).ok()?;
    let date = NaiveDate::from_ymd_opt(if negative { -year } else { year }, number(month)?, number(day)?)?;
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

/// The microseconds since the epoch of a date and a time of day (parted by a space or `T`), shifted to UTC by the zone
/// that the text names, and how it names it. A date alone is its midnight.
pub(crate) fn timestamp(text: &[u8]) -> Option<(i64, Zone)> {
    let Some(date_end) = text.iter().position(|b| matches!(b, b' ' | b'T')) else {
        return Some((i64::from(date(text)?).checked_mul(MICROS_PER_DAY)?, Zone::Absent));
    };
    let day = i64::from(date(&text[..date_end])?);
    let (time, zone_text) = split_zone(&text[date_end + 1..]);
    let (offset, zone) = offset_micros(zone_text)?;
    let micros = day.checked_mul(MICROS_PER_DAY)?.checked_add(time_of_day(time)?)?;
    Some((micros.checked_sub(offset)?, zone))
}

/// How many microseconds a day has.
pub(crate) const MICROS_PER_DAY: i64 = 86_400_000_000;
const MICROS_PER_SECOND: i64 = 1_000_000;

fn split_zone(time: &[u8]) -> (&[u8], &[u8]) {
    let end = time.iter().position(|b| !matches!(b, b'0'..=b'9' | b':' | b'.')).unwrap_or(time.len());
    time.split_at(end)
}

/// The microseconds since midnight of `HH:mm[:ss[.fraction]]`; digits beyond the sixth of the fraction are dropped.
fn time_of_day(text: &[u8]) -> Option<i64> {
    let mut parts = text.splitn(3, |b| *b == b':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(text) => match text.iter().position(|b| *b == b'.') {
            Some(point) => (number(&text[..point])?, fraction_micros(&text[point + 1..])?),
            None => (number(text)?, 0),
        },
    };
    let in_range = hour < 24 && minute < 60 && second < 60;
    in_range.then(|| i64::from((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + fraction)
}

/// The microseconds of a fraction's digits.
pub(crate) fn fraction_micros(digits: &[u8]) -> Option<i64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(6);
    Some(padded.fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
}

/// `Z`, `+hh:mm`, `-hhmm`, `+hh`, or nothing.
fn offset_micros(text: &[u8]) -> Option<(i64, Zone)> {
    let (sign, digits) = match text.split_first() {
        None => return Some((0, Zone::Absent)),
        Some((b'Z' | b'z', [])) => return Some((0, Zone::Utc)),
        Some((b'+', digits)) => (1, digits),
        Some((b'-', digits)) => (-1, digits),
        Some(_) => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (number(digits)?, 0),
        4 => (number(&digits[..2])?, number(&digits[2..])?),
        5 if digits[2] == b':' => (number(&digits[..2])?, number(&digits[3..])?),
        _ => return None,
    };
    let in_range = hours <= 18 && minutes < 60;
    in_range.then(|| (sign * i64::from(hours * 60 + minutes) * 60 * MICROS_PER_SECOND, Zone::Offset))
}

/// A few unsigned digits.
fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
}

/// An instant as ISO 8601 in UTC, with microseconds.
pub(crate) fn format_timestamp_utc(micros: i64) -> Option<String> {
    DateTime::from_timestamp_micros(micros).map(|time| time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

/// A wall-clock time, with microseconds where it has some.
pub(crate) fn format_timestamp_ntz(micros: i64) -> Option<String> {
    let time = DateTime::from_timestamp_micros(micros)?;
    let format = if micros % MICROS_PER_SECOND == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.6f" };
    Some(time.format(format).to_string())
}

/// A day.
pub(crate) fn format_date(days: i32) -> Option<String> {
    let date = NaiveDate::default().checked_add_signed(chrono::Duration::days(i64::from(days)))?;
    Some(date.format("%Y-%m-%d").to_string())
}

/// A decimal with all of its type's digits after the point.
pub(crate) fn format_decimal(unscaled: i128, scale: u8) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let scale = usize::from(scale);
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn decimal(text: &str, precision: u8, scale: u8, rounding: Rounding) -> Option<i128> {
        DecimalText::parse(text.as_bytes())?.rescale(DecimalType { precision, scale }, rounding)
    }

    #[rstest]
    #[case("123.45", 10, 2, Some(12345))]
    #[case("-0.05", 10, 2, Some(-5))]
    #[case(".5", 10, 2, Some(50))]
    #[case("5.", 10, 2, Some(500))]
    #[case("0E-18", 10, 2, Some(0))]
    #[case("1.2E+3", 10, 0, Some(1200))]
    #[case("1200E-2", 10, 0, Some(12))]
    #[case("1.230", 10, 2, Some(123))]
    #[case("1.234", 10, 2, None)]
    #[case("123456789", 10, 2, None)]
    #[case("99999999999999999999999999999999999999", 38, 0, Some(99_999_999_999_999_999_999_999_999_999_999_999_999))]
    #[case("100000000000000000000000000000000000000", 38, 0, None)]
    #[case("1E2147483648", 10, 0, None)]
    #[case("1E-99999999999999999999", 10, 0, None)]
    #[case("", 10, 2, None)]
    #[case("-", 10, 2, None)]
    #[case(".", 10, 2, None)]
    #[case("1.2.3", 10, 2, None)]
    #[case("1e", 10, 2, None)]
    fn decimals(#[case] text: &str, #[case] precision: u8, #[case] scale: u8, #[case] expected: Option<i128>) {
        assert_eq!(decimal(text, precision, scale, Rounding::Exact), expected);
    }

    #[rstest]
    #[case("1.234", 123, 124)]
    #[case("-1.234", -124, -123)]
    #[case("1E-40", 0, 1)]
    #[case("-1E-40", -1, 0)]
    #[case("1.23", 123, 123)]
    fn decimals_round_outwards(#[case] text: &str, #[case] floor: i128, #[case] ceiling: i128) {
        assert_eq!(decimal(text, 10, 2, Rounding::Floor), Some(floor));
        assert_eq!(decimal(text, 10, 2, Rounding::Ceiling), Some(ceiling));
    }

    #[rstest]
    #[case("1970-01-01", Some(0))]
    #[case("1969-12-31", Some(-1))]
    #[case("2000-02-29", Some(11_016))]
    #[case("1999-02-29", None)]
    #[case("0001-01-01", Some(-719_162))]
    #[case("+10000-01-01", Some(2_932_897))]
    #[case("-0001-01-01", Some(-719_893))]
    #[case("2000-1-1", Some(10_957))]
    #[case("20-01-01", None)]
    #[case("2000-01", None)]
    #[case("2000-01-01-", None)]
    #[case("99999999999-01-01", None)]
    fn dates(#[case] text: &str, #[case] expected: Option<i32>) {
        assert_eq!(date(text.as_bytes()), expected);
    }

    #[rstest]
    #[case("1970-01-01 00:00:00", Some((0, Zone::Absent)))]
    #[case("1970-01-01 00:00:00.123456", Some((123_456, Zone::Absent)))]
    #[case("1970-01-01T00:00:00.1Z", Some((100_000, Zone::Utc)))]
    #[case("1970-01-01T00:00:00.123456789Z", Some((123_456, Zone::Utc)))]
    #[case("1970-01-01T02:00:00+02:00", Some((0, Zone::Offset)))]
    #[case("1970-01-01T00:00:00.000-0830", Some((30_600_000_000, Zone::Offset)))]
    #[case("1970-01-01T01:00+01", Some((0, Zone::Offset)))]
    #[case("1970-01-02", Some((MICROS_PER_DAY, Zone::Absent)))]
    #[case("1969-12-31 23:59:59.999999", Some((-1, Zone::Absent)))]
    #[case("1970-01-01T24:00:00Z", None)]
    #[case("1970-01-01T00:60:00Z", None)]
    #[case("1970-01-01T00:00:00 UTC", None)]
    #[case("1970-01-01T00:00:00+19:00", None)]
    #[case("1970-01-01T", None)]
    #[case("1970-01-01T00", None)]
    fn timestamps(#[case] text: &str, #[case] expected: Option<(i64, Zone)>) {
        assert_eq!(timestamp(text.as_bytes()), expected);
    }

    #[rstest]
    #[case("9223372036854775807", Some(i64::MAX))]
    #[case("-9223372036854775808", Some(i64::MIN))]
    #[case("9223372036854775808", None)]
    #[case("+7", Some(7))]
    #[case("7.0", None)]
    #[case("-", None)]
    fn integers(#[case] text: &str, #[case] expected: Option<i64>) {
        assert_eq!(integer(text.as_bytes()), expected);
    }

    proptest! {
        #[test]
        fn times_are_read_as_written(micros in -60_000_000_000_000_000_i64..250_000_000_000_000_000) {
            prop_assert_eq!(timestamp(format_timestamp_utc(micros).unwrap().as_bytes()), Some((micros, Zone::Utc)));
            prop_assert_eq!(timestamp(format_timestamp_ntz(micros).unwrap().as_bytes()), Some((micros, Zone::Absent)));
        }

        #[test]
        fn decimals_are_read_as_written(unscaled in -(10_i128.pow(38) - 1)..10_i128.pow(38), scale in 0_u8..=38) {
            let text = format_decimal(unscaled, scale);
            prop_assert_eq!(decimal(&text, 38, scale, Rounding::Exact), Some(unscaled), "{}", text);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::sample::select(b"0123456789-+.:TZ Ee\xff".to_vec()), 0..30)) {
            let _ = (timestamp(&bytes), date(&bytes), integer(&bytes), float::<f64>(&bytes), boolean(&bytes));
            let _ = DecimalText::parse(&bytes).map(|text| text.rescale(DecimalType { precision: 38, scale: 9 }, Rounding::Floor));
        }
    }
}
