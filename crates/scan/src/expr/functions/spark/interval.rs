//! `dateadd(unit, amount, time)` and `datediff(unit, start, end)`: the unit is a word, which binding turns into a string.

use super::call::Call;
use super::function::{Function, Returns, function, own};
use super::parameter::Param;
use crate::expr::calendar::{MICROS_PER_DAY, add_months, civil_of, micros_of};
use crate::expr::time_zone::Zone;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{ArrayRef, Int64Array, TimestampMicrosecondArray};
use deltaic_log::Result;

/// The functions that count in units.
pub(super) fn table() -> Vec<Function> {
    use Param::{Instant, Int, Text};
    vec![
        function("timestampadd", &[], own(&[Text, Int, Instant], Returns::Instant, later)).stable(),
        function("timestampdiff", &[], own(&[Text, Instant, Instant], Returns::Long, between)).stable(),
    ]
}

/// A length of time: on the calendar, or on the clock.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Length {
    Months(i32),
    Days(i32),
    Micros(i64),
}

impl Length {
    fn named(unit: &str) -> Option<Self> {
        Some(match unit.to_ascii_uppercase().as_str() {
            "YEAR" => Self::Months(12),
            "QUARTER" => Self::Months(3),
            "MONTH" => Self::Months(1),
            "WEEK" => Self::Days(7),
            "DAY" | "DAYOFYEAR" => Self::Days(1),
            other => Self::Micros(micros_of(other)?),
        })
    }

    /// The instant `amount` lengths later, by the calendar of the zone. Nothing on overflow.
    fn after(self, instant_us: i64, amount: i32, zone: &Zone) -> Option<i64> {
        let on_calendar = |shift: &dyn Fn(i32) -> Option<i32>| {
            let local = zone.to_local(instant_us)?;
            let day = shift(i32::try_from(local.div_euclid(MICROS_PER_DAY)).ok()?)?;
            zone.to_instant(i64::from(day).checked_mul(MICROS_PER_DAY)?.checked_add(local.rem_euclid(MICROS_PER_DAY))?)
        };
        match self {
            Self::Months(months) => on_calendar(&|day| add_months(day, months.checked_mul(amount)?)),
            Self::Days(days) => on_calendar(&|day| day.checked_add(days.checked_mul(amount)?)),
            Self::Micros(micros) => instant_us.checked_add(micros.checked_mul(amount.into())?),
        }
    }

    /// How many whole lengths lie between two instants. Nothing on overflow.
    fn between(self, start_us: i64, end_us: i64, zone: &Zone) -> Option<i64> {
        match self {
            Self::Micros(micros) => Some(end_us.checked_sub(start_us)? / micros),
            Self::Days(days) => {
                let apart = zone.to_local(end_us)?.checked_sub(zone.to_local(start_us)?)?;
                Some(apart / (i64::from(days) * MICROS_PER_DAY))
            }
            Self::Months(months) => {
                Some(whole_months(zone.to_local(start_us)?, zone.to_local(end_us)?)? / i64::from(months))
            }
        }
    }
}

/// Whole months from one wall clock to another, towards zero.
fn whole_months(start_us: i64, end_us: i64) -> Option<i64> {
    let split = |micros: i64| {
        let (year, month, day) = civil_of(i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok()?);
        Some((year * 12 + i64::from(month), (day, micros.rem_euclid(MICROS_PER_DAY))))
    };
    let ((from, from_rest), (to, to_rest)) = (split(start_us)?, split(end_us)?);
    let months = to - from;
    Some(if months > 0 && to_rest < from_rest {
        months - 1
    } else if months < 0 && to_rest > from_rest {
        months + 1
    } else {
        months
    })
}

fn length(call: &Call<'_>, row: usize) -> Result<Length> {
    let unit = Length::named(call.text(0).value(row));
    unit.ok_or_else(|| {
        call.failure(row, "this is no unit: YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE and SECOND are")
    })
}

fn later(call: &Call<'_>) -> Result<ArrayRef> {
    let (amounts, times, zone) = (call.int(1), call.primitive::<TimestampMicrosecondType>(2), call.context.zone());
    call.collect::<TimestampMicrosecondArray, i64>(|row| {
        let later = length(call, row)?.after(times.value(row), amounts.value(row), zone);
        later.map(Some).ok_or_else(|| call.failure(row, "the time is out of range"))
    })
}

fn between(call: &Call<'_>) -> Result<ArrayRef> {
    let times = |index: usize| call.primitive::<TimestampMicrosecondType>(index);
    let (starts, ends, zone) = (times(1), times(2), call.context.zone());
    call.collect::<Int64Array, i64>(|row| {
        let count = length(call, row)?.between(starts.value(row), ends.value(row), zone);
        count.map(Some).ok_or_else(|| call.failure(row, "the time is out of range"))
    })
}
