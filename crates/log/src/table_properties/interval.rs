//! Spans of time as Spark's SQL writes them: `interval 30 days`, `interval 1 day 12 hours`.

use std::time::Duration;

/// The span that this text names; `None` if it names none.
///
/// The word `interval` may be absent. Months and years have no fixed length and are refused, as are negative numbers.
///
/// ```
/// use deltaic_log::table_properties::interval;
/// use std::time::Duration;
/// assert_eq!(interval::parse("interval 1 week"), Some(Duration::from_secs(7 * 24 * 60 * 60)));
/// assert_eq!(interval::parse("interval 1 month"), None);
/// ```
pub fn parse(text: &str) -> Option<Duration> {
    let lower = text.trim().to_lowercase();
    let mut words = lower.strip_prefix("interval ").unwrap_or(&lower).split_whitespace().peekable();
    words.peek()?;
    let mut total = Duration::ZERO;
    while let Some(count) = words.next() {
        let count = count.trim_matches('\'').parse::<u64>().ok()?;
        let micros = count.checked_mul(unit_micros(words.next()?)?)?;
        total = total.checked_add(Duration::from_micros(micros))?;
    }
    Some(total)
}

fn unit_micros(unit: &str) -> Option<u64> {
    const SECOND: u64 = 1_000_000;
    Some(match unit.strip_suffix('s').unwrap_or(unit) {
        "microsecond" => 1,
        "millisecond" => 1_000,
        "second" => SECOND,
        "minute" => 60 * SECOND,
        "hour" => 3_600 * SECOND,
        "day" => 86_400 * SECOND,
        "week" => 7 * 86_400 * SECOND,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    #[rstest]
    #[case("interval 30 days", Some(30 * 86_400_000_000))]
    #[case("INTERVAL 1 Week", Some(604_800_000_000))]
    #[case("24 hours", Some(86_400_000_000))]
    #[case("interval 1 day 2 hours 3 minutes", Some(93_780_000_000))]
    #[case("interval '5' microseconds", Some(5))]
    #[case("interval 0 days", Some(0))]
    #[case("interval -1 days", None)]
    #[case("interval 1 month", None)]
    #[case("interval 2 years", None)]
    #[case("interval", None)]
    #[case("interval 5", None)]
    #[case("", None)]
    #[case("interval 99999999999999 weeks", None)]
    fn intervals(#[case] text: &str, #[case] micros: Option<u128>) {
        assert_eq!(super::parse(text).map(|span| span.as_micros()), micros);
    }
}
