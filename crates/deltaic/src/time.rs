//! Times as people write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use deltaic_log::{Error, ErrorKind, Result, TimestampMs};

/// The time that `text` means: RFC 3339 (`2026-08-01T12:30:00+02:00`), a date with or without a time of day, in UTC
/// (`2026-08-01`, `2026-08-01 12:30:00.5`), or milliseconds since 1970. Fractions below a millisecond are cut.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] for anything else.
///
/// ```
/// use deltaic::{TimestampMs, parse_timestamp};
/// assert_eq!(parse_timestamp("1970-01-02")?, TimestampMs(86_400_000));
/// assert_eq!(parse_timestamp("1970-01-01T01:00:00+01:00")?, TimestampMs(0));
/// assert_eq!(parse_timestamp("1970-01-01 00:00:01.5")?, TimestampMs(1_500));
/// assert!(parse_timestamp("yesterday").is_err());
/// # Ok::<(), deltaic::Error>(())
/// ```
pub fn parse_timestamp(text: &str) -> Result<TimestampMs> {
    let text = text.trim();
    let parsed = text.parse().ok().or_else(|| with_offset(text)).or_else(|| in_utc(text));
    parsed.map(TimestampMs).ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, "the text is no time: write it as 2026-08-01T12:30:00Z or 2026-08-01")
            .with("time", text)
    })
}

fn with_offset(text: &str) -> Option<i64> {
    let parsed =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%:z"));
    parsed.ok().map(|time| time.timestamp_millis())
}

fn in_utc(text: &str) -> Option<i64> {
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let time = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let time = time.or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
    Some(time.and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_every_spelling() {
        for (text, expect) in [
            ("0", Some(0)),
            ("1785888000123", Some(1_785_888_000_123)),
            ("2026-08-01", Some(1_785_542_400_000)),
            ("2026-08-01 12:30", Some(1_785_587_400_000)),
            ("2026-08-01 12:30:00", Some(1_785_587_400_000)),
            ("2026-08-01T12:30:00.250", Some(1_785_587_400_250)),
            ("2026-08-01T12:30:00Z", Some(1_785_587_400_000)),
            ("2026-08-01T12:30:00+02:00", Some(1_785_580_200_000)),
            ("2026-08-01 12:30:00+02:00", Some(1_785_580_200_000)),
            (" 2026-08-01 ", Some(1_785_542_400_000)),
            ("2026-13-01", None),
            ("2026-02-30", None),
            ("", None),
            ("now", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(parse_timestamp(text).ok().map(|time| time.0), expect, "{text}");
        }
    }
}
