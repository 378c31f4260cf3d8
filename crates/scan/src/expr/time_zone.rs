//! Time zones: where a wall clock and an instant meet.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use deltaic_log::{Error, ErrorKind, Result};
use std::fmt;
use std::str::FromStr;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A time zone: a fixed offset, or a region with its history of rules.
///
/// ```
/// use deltaic_scan::expr::Zone;
/// let zone: Zone = "+02:00".parse().unwrap();
/// assert_eq!(zone.to_local(0), Some(7_200_000_000));
/// assert!("Mars/Olympus".parse::<Zone>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Kind);

impl Default for Zone {
    /// Universal time.
    fn default() -> Self {
        Self::UTC
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Fixed { seconds: i32 },
    Region(chrono_tz::Tz),
}

impl Zone {
    /// Universal time.
    pub const UTC: Zone = Zone(Kind::Fixed { seconds: 0 });

    /// Whether wall clock and instant are the same.
    pub fn is_utc(&self) -> bool {
        *self == Self::UTC
    }

    /// Whether the offset is the same at all times.
    pub fn is_fixed(&self) -> bool {
        matches!(self.0, Kind::Fixed { .. })
    }

    /// The wall clock at an instant; both in microseconds. Nothing on overflow.
    pub fn to_local(&self, instant_us: i64) -> Option<i64> {
        instant_us.checked_add(self.offset_us_at(instant_us))
    }

    /// The instant of a wall clock; both in microseconds. Nothing on overflow.
    ///
    /// An hour that happens twice means the first one; one that is skipped moves on by the gap, as in java.time.
    pub fn to_instant(&self, local_us: i64) -> Option<i64> {
        match self.0 {
            Kind::Fixed { seconds } => local_us.checked_sub(i64::from(seconds) * MICROS_PER_SECOND),
            Kind::Region(region) => local_us.checked_sub(region_offset_us(region, local_us)),
        }
    }

    /// The short name of the zone's time at an instant, such as `CET` or `CEST`; of an offset, the offset.
    #[cfg(feature = "functions")]
    pub(crate) fn abbreviation_at(&self, instant_us: i64) -> String {
        match self.0 {
            Kind::Fixed { .. } => self.to_string(),
            Kind::Region(region) => region.offset_from_utc_datetime(&naive(instant_us)).to_string(),
        }
    }

    fn offset_us_at(&self, instant_us: i64) -> i64 {
        match self.0 {
            Kind::Fixed { seconds } => i64::from(seconds) * MICROS_PER_SECOND,
            Kind::Region(region) => {
                let utc = naive(instant_us);
                i64::from(region.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * MICROS_PER_SECOND
            }
        }
    }
}

/// The offset of a region at a wall clock.
fn region_offset_us(region: chrono_tz::Tz, local_us: i64) -> i64 {
    let seconds = match region.offset_from_local_datetime(&naive(local_us)) {
        chrono::MappedLocalTime::Single(offset) => offset.fix().local_minus_utc(),
        chrono::MappedLocalTime::Ambiguous(first, second) => {
            first.fix().local_minus_utc().max(second.fix().local_minus_utc())
        }
        // Skipped: the offset before the gap, a day earlier, moves the clock on by the gap's length.
        chrono::MappedLocalTime::None => {
            let before = naive(local_us.saturating_sub(86_400 * MICROS_PER_SECOND));
            region.offset_from_utc_datetime(&before).fix().local_minus_utc()
        }
    };
    i64::from(seconds) * MICROS_PER_SECOND
}

/// The calendar time, held within what the zone rules cover.
fn naive(micros: i64) -> NaiveDateTime {
    const EDGE: i64 = 200_000 * 31_556_952 * MICROS_PER_SECOND;
    DateTime::from_timestamp_micros(micros.clamp(-EDGE, EDGE)).map(|t| t.naive_utc()).unwrap_or_default()
}

impl FromStr for Zone {
    type Err = Error;

    /// Takes `Z`, `UTC`, `GMT`, `UT`, these with an offset, `±h[h][:mm[:ss]]`, `±hhmm`, and region names (`Europe/Paris`).
    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let rest = ["UTC", "GMT", "UT"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
        if rest.is_empty() && !text.is_empty() || matches!(text, "Z" | "z") {
            return Ok(Self::UTC);
        }
        if let Some(seconds) = offset_seconds(rest) {
            return Ok(Self(Kind::Fixed { seconds }));
        }
        region(text).map(|region| Self(Kind::Region(region))).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("`{text}` is no time zone: give an offset such as +01:00 or a region such as Europe/Paris"),
            )
        })
    }
}

/// A region of the time zone database, in any case.
fn region(name: &str) -> Option<chrono_tz::Tz> {
    let exact = name.parse().ok();
    exact.or_else(|| chrono_tz::TZ_VARIANTS.iter().find(|region| region.name().eq_ignore_ascii_case(name)).copied())
}

/// `±h`, `±hh`, `±hhmm`, `±h:mm`, `±hh:mm[:ss]`, up to 18 hours.
fn offset_seconds(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.strip_prefix(['+', '-'])?;
    let mut parts = [0i32; 3];
    if digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()) {
        parts[0] = digits[..2].parse().ok()?;
        parts[1] = digits[2..].parse().ok()?;
    } else {
        for (i, part) in digits.split(':').enumerate() {
            let right_size = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            *parts.get_mut(i)? = right_size.then(|| part.parse().ok())??;
        }
    }
    let [hours, minutes, seconds] = parts;
    let total = hours * 3600 + minutes * 60 + seconds;
    (minutes < 60 && seconds < 60 && total <= 18 * 3600).then_some(sign * total)
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Fixed { seconds: 0 } => f.write_str("UTC"),
            Kind::Fixed { seconds } => {
                let (sign, abs) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
                write!(f, "{sign}{:02}:{:02}", abs / 3600, abs / 60 % 60)?;
                if abs % 60 == 0 { Ok(()) } else { write!(f, ":{:02}", abs % 60) }
            }
            Kind::Region(region) => f.write_str(region.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_regions() {
        for (text, shown) in [
            ("Z", "UTC"),
            ("UTC", "UTC"),
            ("GMT+1", "+01:00"),
            ("-8:30", "-08:30"),
            ("+0530", "+05:30"),
            ("+18:00", "+18:00"),
            ("america/los_angeles", "America/Los_Angeles"),
        ] {
            assert_eq!(text.parse::<Zone>().unwrap().to_string(), shown);
        }
        for bad in ["", "+19:00", "+1:99", "Nowhere/City", "+", "+1:2:3:4"] {
            assert!(bad.parse::<Zone>().is_err(), "{bad}");
        }
    }

    #[test]
    fn gaps_move_on_and_overlaps_take_the_first() {
        let paris: Zone = "Europe/Paris".parse().unwrap();
        let local = |text: &str| super::super::calendar::parse_timestamp(text).unwrap().local_us;
        // 2026-03-29 02:30 does not exist in Paris: it is 03:30 summer time, 01:30Z.
        assert_eq!(paris.to_instant(local("2026-03-29 02:30:00")), Some(local("2026-03-29 01:30:00")));
        // 2026-10-25 02:30 happens twice; the first is summer time, 00:30Z.
        assert_eq!(paris.to_instant(local("2026-10-25 02:30:00")), Some(local("2026-10-25 00:30:00")));
    }
}
