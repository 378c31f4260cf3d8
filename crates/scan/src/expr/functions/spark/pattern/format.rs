//! Times to text.

use super::super::date::{day_of_year, weekday};
use super::names::{MONTHS, QUARTERS, WEEKDAYS, short};
use super::{Item, Pattern};
use crate::expr::calendar::{MICROS_PER_DAY, civil_of};
use crate::expr::time_zone::Zone;
use std::fmt::Write as _;

/// The fields of one time.
struct Fields<'a> {
    year: i64,
    month: u32,
    day: u32,
    days: i32,
    second_of_day: i64,
    micros: i64,
    offset_s: i64,
    instant_us: i64,
    zone: &'a Zone,
}

impl Pattern {
    /// The instant as the zone's clock shows it. Nothing if it is out of range.
    pub(in super::super) fn format(&self, instant_us: i64, zone: &Zone) -> Option<String> {
        let local_us = zone.to_local(instant_us)?;
        let days = i32::try_from(local_us.div_euclid(MICROS_PER_DAY)).ok()?;
        let of_day = local_us.rem_euclid(MICROS_PER_DAY);
        let (year, month, day) = civil_of(days);
        let fields = Fields {
            year,
            month,
            day,
            days,
            second_of_day: of_day / 1_000_000,
            micros: of_day % 1_000_000,
            offset_s: (local_us - instant_us) / 1_000_000,
            instant_us,
            zone,
        };
        let mut text = String::new();
        fields.write(&self.items, &mut text);
        Some(text)
    }
}

impl Fields<'_> {
    fn write(&self, items: &[Item], out: &mut String) {
        for item in items {
            match item {
                Item::Literal(text) => out.push_str(text),
                Item::Optional(items) => self.write(items, out),
                Item::Field(letter, count) => self.field(*letter, *count, out),
            }
        }
    }

    fn field(&self, letter: char, count: usize, out: &mut String) {
        let number = |value: i64, out: &mut String| {
            let _ = write!(out, "{value:0count$}");
        };
        let hour = self.second_of_day / 3600;
        match letter {
            'G' => out.push_str(self.era(count)),
            'y' => self.year(count, out),
            'D' => number(day_of_year(self.days).into(), out),
            'M' | 'L' if count > 2 => out.push_str(named(&MONTHS, self.month, count)),
            'M' | 'L' => number(self.month.into(), out),
            'd' => number(self.day.into(), out),
            'Q' | 'q' => self.quarter(count, out),
            'E' => out.push_str(named(&WEEKDAYS, weekday(self.days).unsigned_abs() + 1, count)),
            'F' => number(i64::from((self.day - 1) % 7 + 1), out),
            'a' => out.push_str(if hour < 12 { "AM" } else { "PM" }),
            'H' => number(hour, out),
            'k' => number((hour + 23) % 24 + 1, out),
            'K' => number(hour % 12, out),
            'h' => number((hour + 11) % 12 + 1, out),
            'm' => number(self.second_of_day / 60 % 60, out),
            's' => number(self.second_of_day % 60, out),
            'S' => out.push_str(&format!("{:06}000", self.micros)[..count.min(9)]),
            _ => self.zone(letter, count, out),
        }
    }

    fn era(&self, count: usize) -> &'static str {
        match (self.year > 0, count) {
            (true, 4) => "Anno Domini",
            (true, _) => "AD",
            (false, 4) => "Before Christ",
            (false, _) => "BC",
        }
    }

    /// The year of its era: two letters mean its last two digits; beyond the digits asked for, it has a sign.
    fn year(&self, count: usize, out: &mut String) {
        let year = if self.year > 0 { self.year } else { 1 - self.year };
        let _ = match count {
            2 => write!(out, "{:02}", year % 100),
            1 => write!(out, "{year}"),
            _ if year.checked_ilog10().is_some_and(|log| log as usize >= count) => write!(out, "+{year}"),
            _ => write!(out, "{year:0count$}"),
        };
    }

    fn quarter(&self, count: usize, out: &mut String) {
        let quarter = (self.month - 1) / 3 + 1;
        let _ = match count {
            1 | 2 => write!(out, "{quarter:0count$}"),
            3 => write!(out, "Q{quarter}"),
            _ => write!(out, "{}", named(&QUARTERS, quarter, 4)),
        };
    }

    fn zone(&self, letter: char, count: usize, out: &mut String) {
        match (letter, count) {
            ('V', _) => out.push_str(&self.zone.to_string()),
            ('z', _) => out.push_str(&self.zone.abbreviation_at(self.instant_us)),
            ('O', 1) => self.gmt(false, out),
            ('O', _) | ('Z', 4) => self.gmt(true, out),
            ('Z', 5) => self.offset(5, true, out),
            ('Z', _) => self.offset(2, false, out),
            ('X', _) => self.offset(count, true, out),
            _ => self.offset(count, false, out),
        }
    }

    /// `GMT`, `GMT+5:30` or `GMT+05:30`.
    fn gmt(&self, long: bool, out: &mut String) {
        out.push_str("GMT");
        if self.offset_s == 0 {
            return;
        }
        let (sign, hours, minutes, _) = self.split_offset();
        let _ = if long { write!(out, "{sign}{hours:02}:{minutes:02}") } else { write!(out, "{sign}{hours}") };
        if !long && minutes > 0 {
            let _ = write!(out, ":{minutes:02}");
        }
    }

    /// 1: `+01` or `+0130`; 2: `+0100`; 3: `+01:00`; 4 and 5 as 2 and 3, with seconds if there are any.
    fn offset(&self, form: usize, z_is_zero: bool, out: &mut String) {
        if z_is_zero && self.offset_s == 0 {
            out.push('Z');
            return;
        }
        let (sign, hours, minutes, seconds) = self.split_offset();
        let colon = if matches!(form, 3 | 5) { ":" } else { "" };
        let _ = write!(out, "{sign}{hours:02}");
        if form > 1 || minutes > 0 {
            let _ = write!(out, "{colon}{minutes:02}");
        }
        if form > 3 && seconds > 0 {
            let _ = write!(out, "{colon}{seconds:02}");
        }
    }

    fn split_offset(&self) -> (char, i64, i64, i64) {
        let (sign, size) = (if self.offset_s < 0 { '-' } else { '+' }, self.offset_s.abs());
        (sign, size / 3600, size / 60 % 60, size % 60)
    }
}

/// A name by its number, from 1: in full with four letters, short with fewer.
fn named(names: &[&'static str], number: u32, count: usize) -> &'static str {
    let name = usize::try_from(number).ok().and_then(|number| names.get(number.checked_sub(1)?)).copied().unwrap_or("");
    if count < 4 { short(name) } else { name }
}
