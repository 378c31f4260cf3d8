//! RFC: [Interval Types](https://github.com/delta-io/delta/blob/master/protocol_rfcs/interval-types.md): SQL's literals
//! `INTERVAL '1-6' YEAR TO MONTH` and `INTERVAL '7 12:34:56.123456' DAY TO SECOND`, also in their narrowed forms.

use crate::scalar_text::fraction_micros;

/// The fields of each family, largest first, with what each is worth in the family's unit.
const YEAR_MONTH: [(&str, i64); 2] = [("YEAR", 12), ("MONTH", 1)];
const DAY_SECOND: [(&str, i64); 4] =
    [("DAY", 86_400_000_000), ("HOUR", 3_600_000_000), ("MINUTE", 60_000_000), ("SECOND", 1_000_000)];

/// The months of a year-month literal.
pub(super) fn year_month(text: &[u8]) -> Option<i32> {
    literal(text, &YEAR_MONTH)?.try_into().ok()
}

/// The microseconds of a day-second literal.
pub(super) fn day_second(text: &[u8]) -> Option<i64> {
    literal(text, &DAY_SECOND)
}

pub(super) fn format_year_month(months: i32) -> String {
    let (sign, months) = (if months < 0 { "-" } else { "" }, months.unsigned_abs());
    format!("INTERVAL '{sign}{}-{}' YEAR TO MONTH", months / 12, months % 12)
}

pub(super) fn format_day_second(micros: i64) -> String {
    let (sign, micros) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    format!("INTERVAL '{sign}{days} {hours:02}:{minutes:02}:{:02}.{fraction:06}' DAY TO SECOND", seconds % 60)
}

fn literal(text: &[u8], family: &[(&str, i64)]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.to_ascii_uppercase();
    let (digits, range) = text.strip_prefix("INTERVAL '")?.split_once("' ")?;
    let (start, end) = range.split_once(" TO ").unwrap_or((range, range));
    let place = |name| family.iter().position(|(field, _)| *field == name);
    let fields = family.get(place(start)?..=place(end)?)?;
    let (sign, digits) = digits.strip_prefix('-').map_or((1, digits), |digits| (-1, digits));
    let parts: Vec<&str> = digits.split([' ', '-', ':']).collect();
    if parts.len() != fields.len() {
        return None;
    }
    let worth = parts.iter().zip(fields).map(|(digits, (_, unit))| field_worth(digits, *unit));
    let total: i128 = worth.sum::<Option<i128>>()?;
    i64::try_from(sign * total).ok()
}

/// What one field is worth; only seconds have a fraction.
fn field_worth(text: &str, unit: i64) -> Option<i128> {
    let (count, fraction) = match text.split_once('.') {
        Some((count, digits)) if unit == 1_000_000 => (count, fraction_micros(digits.as_bytes())?),
        Some(_) => return None,
        None => (text, 0),
    };
    count.parse::<u32>().ok().map(|count| i128::from(count) * i128::from(unit) + i128::from(fraction))
}
