//! Dates: their parts, and arithmetic with them.

use super::super::ArgType;
use super::call::Call;
use super::function::{Function, Returns, function, own};
use super::parameter::Param;
use crate::expr::calendar::{MICROS_PER_DAY, add_months, civil_of, days_in_month, days_of, micros_of};
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, Date32Array, Decimal128Array, Float64Array, Int32Array};
use arrow_schema::DataType;
use deltaic_log::{Error, ErrorKind, Result};
use std::sync::Arc;

/// The functions on dates.
pub(super) fn table() -> Vec<Function> {
    use Param::{Boolean, Date, Instant, Int, Text, WallClock};
    let part = |name, aliases, body| function(name, aliases, own(&[Date], Returns::Int, body));
    let clock = |name, body| function(name, &[], own(&[WallClock], Returns::Int, body)).stable();
    vec![
        part("year", &[], |call| of_date(call, year)),
        part("quarter", &[], |call| of_date(call, quarter)),
        part("month", &[], |call| of_date(call, month)),
        part("day", &["dayofmonth"], |call| of_date(call, day)),
        part("dayofweek", &[], |call| of_date(call, day_of_week)),
        part("weekday", &[], |call| of_date(call, weekday)),
        part("dayofyear", &[], |call| of_date(call, day_of_year)),
        part("weekofyear", &[], |call| of_date(call, week_of_year)),
        clock("hour", |call| of_clock(call, 24, 3_600)),
        clock("minute", |call| of_clock(call, 60, 60)),
        clock("second", |call| of_clock(call, 60, 1)),
        function("date_part", &["datepart"], own(&[Text, WallClock], Returns::By(part_type), date_part)).stable(),
        function("date_add", &["dateadd"], own(&[Date, Int], Returns::Date, |call| shifted(call, i32::wrapping_add))),
        function("date_sub", &[], own(&[Date, Int], Returns::Date, |call| shifted(call, i32::wrapping_sub))),
        function("datediff", &["date_diff"], own(&[Date, Date], Returns::Int, days_apart)),
        function("add_months", &[], own(&[Date, Int], Returns::Date, months_later)),
        function("months_between", &[], own(&[Instant, Instant, Boolean], Returns::Double, months_between).optional(1))
            .stable(),
        function("last_day", &[], own(&[Date], Returns::Date, last_day)),
        function("next_day", &[], own(&[Date, Text], Returns::Date, next_day)),
        function("trunc", &[], own(&[Date, Text], Returns::Date, trunc)),
        function("make_date", &[], own(&[Int, Int, Int], Returns::Date, make_date)),
        function("unix_date", &[], own(&[Date], Returns::Int, as_result)),
        function("date_from_unix_date", &[], own(&[Int], Returns::Date, as_result)),
    ]
}

/// A part of a time that may be cut to the start of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    /// A number of microseconds that divides a day.
    Micros(i64),
}

impl Unit {
    /// The unit of a name, in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "YEAR" | "YYYY" | "YY" => Self::Year,
            "QUARTER" => Self::Quarter,
            "MONTH" | "MON" | "MM" => Self::Month,
            "WEEK" => Self::Week,
            "DAY" | "DD" => Self::Day,
            other => Self::Micros(micros_of(other)?),
        })
    }

    /// The first day of the unit that a date is in.
    pub(super) fn first_day(self, days: i32) -> Option<i32> {
        let (year, month, _) = civil_of(days);
        match self {
            Self::Year => days_of(year, 1, 1),
            Self::Quarter => days_of(year, (month - 1) / 3 * 3 + 1, 1),
            Self::Month => days_of(year, month, 1),
            Self::Week => days.checked_sub(weekday(days)),
            Self::Day | Self::Micros(_) => Some(days),
        }
    }
}

fn of_date(call: &Call<'_>, part: fn(i32) -> i32) -> Result<ArrayRef> {
    Ok(Arc::new(call.primitive::<Date32Type>(0).unary::<_, arrow_array::types::Int32Type>(part)))
}

fn year(days: i32) -> i32 {
    i32::try_from(civil_of(days).0).unwrap_or_default()
}

fn quarter(days: i32) -> i32 {
    (month(days) - 1) / 3 + 1
}

fn month(days: i32) -> i32 {
    civil_of(days).1.cast_signed()
}

fn day(days: i32) -> i32 {
    civil_of(days).2.cast_signed()
}

/// Sunday is 1.
fn day_of_week(days: i32) -> i32 {
    (weekday(days) + 1) % 7 + 1
}

/// Monday is 0.
pub(super) fn weekday(days: i32) -> i32 {
    // 1970-01-01 was a Thursday.
    (days.rem_euclid(7) + 3) % 7
}

pub(super) fn day_of_year(days: i32) -> i32 {
    days_of(civil_of(days).0, 1, 1).map_or(1, |first| days - first + 1)
}

/// The ISO week: the first one of a year holds its first Thursday.
fn week_of_year(days: i32) -> i32 {
    let thursday = days.saturating_sub(weekday(days)).saturating_add(3);
    (day_of_year(thursday) - 1) / 7 + 1
}

/// The ISO year: the one of the week's Thursday.
fn week_year(days: i32) -> i32 {
    year(days.saturating_sub(weekday(days)).saturating_add(3))
}

fn of_clock(call: &Call<'_>, modulus: i64, unit_s: i64) -> Result<ArrayRef> {
    let part = |micros: i64| i32::try_from(micros.div_euclid(unit_s * 1_000_000).rem_euclid(modulus)).unwrap_or(0);
    Ok(Arc::new(call.primitive::<TimestampMicrosecondType>(0).unary::<_, arrow_array::types::Int32Type>(part)))
}

/// A part that `EXTRACT` and `date_part` name.
fn named_part(name: &str) -> Option<fn(i32) -> i32> {
    Some(match name.to_ascii_uppercase().as_str() {
        "YEAR" | "Y" | "YEARS" | "YR" | "YRS" => year,
        "YEAROFWEEK" => week_year,
        "QUARTER" | "QTR" => quarter,
        "MONTH" | "MON" | "MONS" | "MONTHS" => month,
        "WEEK" | "W" | "WEEKS" => week_of_year,
        "DAY" | "D" | "DAYS" => day,
        "DAYOFWEEK" | "DOW" => day_of_week,
        "DAYOFWEEK_ISO" | "DOW_ISO" => |days| weekday(days) + 1,
        "DOY" => day_of_year,
        _ => return None,
    })
}

/// The modulus and the seconds of a part of the day.
fn named_clock_part(name: &str) -> Option<(i64, i64)> {
    Some(match name.to_ascii_uppercase().as_str() {
        "HOUR" | "H" | "HOURS" | "HR" | "HRS" => (24, 3_600),
        "MINUTE" | "M" | "MIN" | "MINS" | "MINUTES" => (60, 60),
        _ => return None,
    })
}

fn names_second(name: &str) -> bool {
    matches!(name.to_ascii_uppercase().as_str(), "SECOND" | "S" | "SEC" | "SECONDS" | "SECS")
}

/// Seconds come with their fraction; all other parts are integers.
fn part_type(args: &[ArgType<'_>], _: &[DataType]) -> Result<DataType> {
    let invalid = |message: String| Error::new(ErrorKind::InvalidExpression, message);
    let name = args[0].constant.filter(|name| *name.data_type() == DataType::Utf8 && name.is_valid(0));
    let name = name.ok_or_else(|| invalid("the part's name must be a constant".into()))?;
    match name.as_string::<i32>().value(0) {
        name if names_second(name) => Ok(DataType::Decimal128(8, 6)),
        name if named_part(name).is_some() || named_clock_part(name).is_some() => Ok(DataType::Int32),
        name => Err(invalid(format!(
            "`{name}` is no part of a time: YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE and SECOND are"
        ))),
    }
}

fn date_part(call: &Call<'_>) -> Result<ArrayRef> {
    let (names, clocks) = (call.text(0), call.primitive::<TimestampMicrosecondType>(1));
    if call.return_type.is_integer() {
        return call.collect::<Int32Array, i32>(|row| {
            let (name, micros) = (names.value(row), clocks.value(row));
            let days = i32::try_from(micros.div_euclid(MICROS_PER_DAY)).unwrap_or_default();
            let of_day = |(modulus, unit_s): (i64, i64)| {
                i32::try_from(micros.div_euclid(unit_s * 1_000_000).rem_euclid(modulus)).unwrap_or_default()
            };
            Ok(named_part(name).map(|part| part(days)).or_else(|| named_clock_part(name).map(of_day)))
        });
    }
    let seconds =
        call.collect::<Decimal128Array, i128>(|row| Ok(Some(clocks.value(row).rem_euclid(60_000_000).into())))?;
    Ok(Arc::new(
        seconds.as_primitive::<arrow_array::types::Decimal128Type>().clone().with_data_type(call.return_type.clone()),
    ))
}

fn shifted(call: &Call<'_>, shift: fn(i32, i32) -> i32) -> Result<ArrayRef> {
    let (dates, days) = (call.primitive::<Date32Type>(0), call.int(1));
    call.collect::<Date32Array, i32>(|row| Ok(Some(shift(dates.value(row), days.value(row)))))
}

/// The library's is a rewriting for DataFusion's planner.
fn days_apart(call: &Call<'_>) -> Result<ArrayRef> {
    let (ends, starts) = (call.primitive::<Date32Type>(0), call.primitive::<Date32Type>(1));
    call.collect::<Int32Array, i32>(|row| Ok(Some(ends.value(row).wrapping_sub(starts.value(row)))))
}

/// Days since 1970 as a date, or the other way round.
fn as_result(call: &Call<'_>) -> Result<ArrayRef> {
    Ok(arrow_cast::cast(&call.args[0], call.return_type)?)
}

fn months_later(call: &Call<'_>) -> Result<ArrayRef> {
    let (dates, months) = (call.primitive::<Date32Type>(0), call.int(1));
    call.collect::<Date32Array, i32>(|row| match add_months(dates.value(row), months.value(row)) {
        Some(date) => Ok(Some(date)),
        None => Err(call.failure(row, "the date is out of range")),
    })
}

fn last_day(call: &Call<'_>) -> Result<ArrayRef> {
    let dates = call.primitive::<Date32Type>(0);
    call.collect::<Date32Array, i32>(|row| {
        let (year, month, _) = civil_of(dates.value(row));
        Ok(days_of(year, month, days_in_month(year, month)))
    })
}

/// The first day after a date that is the named day of the week.
fn next_day(call: &Call<'_>) -> Result<ArrayRef> {
    let (dates, names) = (call.primitive::<Date32Type>(0), call.text(1));
    call.collect::<Date32Array, i32>(|row| {
        let wanted = named_weekday(names.value(row)).ok_or_else(|| call.failure(row, "this is no day of the week"))?;
        let date = dates.value(row);
        let ahead = (wanted - weekday(date) + 6) % 7 + 1;
        date.checked_add(ahead).map(Some).ok_or_else(|| call.failure(row, "the date is out of range"))
    })
}

fn named_weekday(name: &str) -> Option<i32> {
    Some(match name.trim().to_ascii_uppercase().as_str() {
        "MO" | "MON" | "MONDAY" => 0,
        "TU" | "TUE" | "TUESDAY" => 1,
        "WE" | "WED" | "WEDNESDAY" => 2,
        "TH" | "THU" | "THURSDAY" => 3,
        "FR" | "FRI" | "FRIDAY" => 4,
        "SA" | "SAT" | "SATURDAY" => 5,
        "SU" | "SUN" | "SUNDAY" => 6,
        _ => return None,
    })
}

/// The first day of a week, month, quarter or year; null for other units.
fn trunc(call: &Call<'_>) -> Result<ArrayRef> {
    let (dates, units) = (call.primitive::<Date32Type>(0), call.text(1));
    call.collect::<Date32Array, i32>(|row| {
        let unit = Unit::named(units.value(row)).filter(|unit| !matches!(unit, Unit::Day | Unit::Micros(_)));
        Ok(unit.and_then(|unit| unit.first_day(dates.value(row))))
    })
}

fn make_date(call: &Call<'_>) -> Result<ArrayRef> {
    let (years, months, days) = (call.int(0), call.int(1), call.int(2));
    call.collect::<Date32Array, i32>(|row| {
        let part = |values: &Int32Array| u32::try_from(values.value(row)).ok();
        let date = part(months).zip(part(days)).and_then(|(month, day)| days_of(years.value(row).into(), month, day));
        date.map(Some).ok_or_else(|| call.failure(row, "there is no such date"))
    })
}

/// Whole months where the days agree or both are the last ones, else with a part of 31 days; rounded to 8 digits unless told not to.
fn months_between(call: &Call<'_>) -> Result<ArrayRef> {
    let zone = call.context.zone();
    let (ends, starts) = (call.primitive::<TimestampMicrosecondType>(0), call.primitive::<TimestampMicrosecondType>(1));
    call.collect::<Float64Array, f64>(|row| {
        let local = |micros| zone.to_local(micros).ok_or_else(|| call.failure(row, "the time is out of range"));
        let months = months_apart(local(ends.value(row))?, local(starts.value(row))?);
        let rounds = !call.has(2) || call.args[2].as_boolean().value(row);
        Ok(Some(if rounds { (months * 1e8).round() / 1e8 } else { months }))
    })
}

fn months_apart(end_us: i64, start_us: i64) -> f64 {
    let split = |micros: i64| {
        let days = i32::try_from(micros.div_euclid(MICROS_PER_DAY)).unwrap_or_default();
        let (year, month, day) = civil_of(days);
        let is_last = day == days_in_month(year, month);
        (year * 12 + i64::from(month), i64::from(day), is_last, micros.rem_euclid(MICROS_PER_DAY) / 1_000_000)
    };
    let (months1, day1, last1, seconds1) = split(end_us);
    let (months2, day2, last2, seconds2) = split(start_us);
    let months = (months1 - months2) as f64;
    if day1 == day2 || last1 && last2 {
        return months;
    }
    let seconds = ((day1 - day2) * 86_400 + seconds1 - seconds2) as f64;
    months + seconds / (31.0 * 86_400.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::calendar::parse_date;

    #[test]
    fn weeks_and_days() {
        for (date, week, iso_year, weekday_from_monday, of_year) in [
            ("1970-01-01", 1, 1970, 3, 1),
            ("2021-01-03", 53, 2020, 6, 3),
            ("2024-12-30", 1, 2025, 0, 365),
            ("0001-01-01", 1, 1, 0, 1),
        ] {
            let days = parse_date(date).unwrap();
            assert_eq!(
                (week_of_year(days), week_year(days), weekday(days), day_of_year(days)),
                (week, iso_year, weekday_from_monday, of_year),
                "{date}"
            );
        }
    }
}
