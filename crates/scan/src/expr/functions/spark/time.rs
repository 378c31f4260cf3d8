//! Times: now, cut, read, written, counted, moved between zones.

use super::call::Call;
use super::date::Unit;
use super::function::{Function, Returns, function, overloaded, own};
use super::parameter::Param;
use super::pattern::{Parsed, Pattern};
use crate::expr::calendar::MICROS_PER_DAY;
use crate::expr::cast::Cast;
use crate::expr::expr::OnCastFailure;
use crate::expr::time_zone::Zone;
use arrow_array::types::{Decimal128Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow_schema::DataType;
use deltaic_log::Result;
use std::cell::RefCell;
use std::sync::Arc;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// The pattern where none is given.
const DEFAULT_PATTERN: &str = "yyyy-MM-dd HH:mm:ss";

/// The functions on times.
pub(super) fn table() -> Vec<Function> {
    let tables = [now(), text(), epoch(), zones()];
    tables.into_iter().flatten().map(Function::stable).collect()
}

fn now() -> Vec<Function> {
    use Param::{Instant, Text};
    vec![
        function("current_date", &["curdate"], own(&[], Returns::Date, current)),
        function("current_timestamp", &["now"], own(&[], Returns::Instant, current)),
        function("localtimestamp", &[], own(&[], Returns::WallClock, current)),
        function("current_timezone", &[], own(&[], Returns::Text, current_zone)),
        function("date_trunc", &[], own(&[Text, Instant], Returns::Instant, date_trunc)),
    ]
}

/// Times from and to text.
fn text() -> Vec<Function> {
    use Param::{Date, Instant, Number, Text, WallClock, WholeSeconds};
    vec![
        overloaded(
            "to_date",
            &[],
            vec![own(&[Date], Returns::Date, as_result), own(&[Text, Text], Returns::Date, read_date)],
        ),
        overloaded(
            "to_timestamp",
            &["to_timestamp_ltz"],
            vec![
                own(&[Instant], Returns::Instant, as_result),
                own(&[Number], Returns::Instant, as_result),
                own(&[Text, Text], Returns::Instant, read_instant),
            ],
        ),
        function("to_timestamp_ntz", &[], own(&[WallClock], Returns::WallClock, as_result)),
        function("date_format", &[], own(&[Instant, Text], Returns::Text, date_format)),
        function("from_unixtime", &[], own(&[WholeSeconds, Text], Returns::Text, from_unixtime).optional(1)),
    ]
}

/// Times as counts since 1970.
fn epoch() -> Vec<Function> {
    use Param::{AsDecimal, Long, Moment, Text};
    let count = |name, body| function(name, &[], own(&[Moment], Returns::Long, body));
    let seconds = |name| {
        overloaded(
            name,
            &[],
            vec![
                own(&[], Returns::Long, current_seconds),
                own(&[Moment, Text], Returns::Long, whole_seconds).optional(1),
                own(&[Text, Text], Returns::Long, unix_timestamp).optional(1),
            ],
        )
    };
    vec![
        seconds("unix_timestamp"),
        seconds("to_unix_timestamp"),
        count("unix_micros", |call| counted(call, 1)),
        count("unix_millis", |call| counted(call, 1_000)),
        count("unix_seconds", |call| counted(call, MICROS_PER_SECOND)),
        function("timestamp_micros", &[], own(&[Long], Returns::Instant, |call| instants(call, 1))),
        function("timestamp_millis", &[], own(&[Long], Returns::Instant, |call| instants(call, 1_000))),
        function("timestamp_seconds", &[], own(&[AsDecimal], Returns::Instant, seconds_exactly)),
    ]
}

/// Times in other zones.
fn zones() -> Vec<Function> {
    use Param::{Double, Instant, Int, Text, WallClock};
    vec![
        function(
            "from_utc_timestamp",
            &[],
            own(&[Instant, Text], Returns::Instant, |call| moved(call, Zone::to_local)),
        ),
        function(
            "to_utc_timestamp",
            &[],
            own(&[Instant, Text], Returns::Instant, |call| moved(call, Zone::to_instant)),
        ),
        function("convert_timezone", &[], own(&[Text, Text, WallClock], Returns::WallClock, convert_timezone)),
        function(
            "make_timestamp",
            &[],
            own(&[Int, Int, Int, Int, Int, Double, Text], Returns::Instant, make_timestamp).optional(1),
        ),
    ]
}

/// "Now", which stands still in one context, as the type of the result.
fn current(call: &Call<'_>) -> Result<ArrayRef> {
    let now: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![call.context.now_us()]).with_timezone("UTC"));
    cast(&now, call)
}

fn current_seconds(call: &Call<'_>) -> Result<ArrayRef> {
    Ok(Arc::new(Int64Array::from(vec![call.context.now_us().div_euclid(MICROS_PER_SECOND)])))
}

fn current_zone(call: &Call<'_>) -> Result<ArrayRef> {
    Ok(Arc::new(StringArray::from(vec![call.context.zone().to_string()])))
}

/// The first argument as the type of the result, by the rules of `CAST`.
fn as_result(call: &Call<'_>) -> Result<ArrayRef> {
    cast(&call.args[0], call)
}

fn cast(values: &ArrayRef, call: &Call<'_>) -> Result<ArrayRef> {
    Cast::try_new(values.data_type(), call.return_type)?.apply(values, OnCastFailure::Error, call.context.zone())
}

fn out_of_range(call: &Call<'_>, row: usize) -> deltaic_log::Error {
    call.failure(row, "the time is out of range")
}

fn micros<'a>(call: &Call<'a>, index: usize) -> &'a TimestampMicrosecondArray {
    call.primitive::<TimestampMicrosecondType>(index)
}

/// The start of the unit in the session's zone; null for a name that is no unit.
fn date_trunc(call: &Call<'_>) -> Result<ArrayRef> {
    let (units, times, zone) = (call.text(0), micros(call, 1), call.context.zone());
    call.collect::<TimestampMicrosecondArray, i64>(|row| {
        let Some(unit) = Unit::named(units.value(row)) else { return Ok(None) };
        let start = cut(times.value(row), unit, zone);
        start.map(Some).ok_or_else(|| out_of_range(call, row))
    })
}

fn cut(instant_us: i64, unit: Unit, zone: &Zone) -> Option<i64> {
    // Parts of a second are the same in every zone, and an hour that happens twice stays what it is.
    if let Unit::Micros(size @ ..=1_000_000) = unit {
        return Some(instant_us - instant_us.rem_euclid(size));
    }
    let local = zone.to_local(instant_us)?;
    if let Unit::Micros(size) = unit {
        return Some(instant_us - local.rem_euclid(size));
    }
    let day = unit.first_day(i32::try_from(local.div_euclid(MICROS_PER_DAY)).ok()?)?;
    zone.to_instant(i64::from(day) * MICROS_PER_DAY)
}

/// The patterns of an argument, each compiled once while it stays the same.
struct Patterns<'a> {
    call: &'a Call<'a>,
    index: usize,
    last: RefCell<Option<(String, Pattern)>>,
}

impl<'a> Patterns<'a> {
    fn new(call: &'a Call<'a>, index: usize) -> Self {
        Self { call, index, last: RefCell::new(None) }
    }

    fn with<T>(&self, row: usize, run: impl FnOnce(&Pattern) -> Option<T>) -> Result<Option<T>> {
        let wanted = if self.call.has(self.index) { self.call.text(self.index).value(row) } else { DEFAULT_PATTERN };
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(text, _)| text != wanted) {
            let compiled = Pattern::new(wanted).map_err(|why| self.call.failure(row, format!("the pattern: {why}")))?;
            *last = Some((wanted.to_owned(), compiled));
        }
        Ok(last.as_ref().and_then(|(_, pattern)| run(pattern)))
    }
}

fn date_format(call: &Call<'_>) -> Result<ArrayRef> {
    let (times, patterns, zone) = (micros(call, 0), Patterns::new(call, 1), call.context.zone());
    call.collect::<StringArray, String>(|row| {
        let text = patterns.with(row, |pattern| pattern.format(times.value(row), zone))?;
        text.map(Some).ok_or_else(|| out_of_range(call, row))
    })
}

fn from_unixtime(call: &Call<'_>) -> Result<ArrayRef> {
    let (seconds, patterns, zone) = (call.long(0), Patterns::new(call, 1), call.context.zone());
    call.collect::<StringArray, String>(|row| {
        // Spark lets the multiplication wrap.
        let instant = seconds.value(row).wrapping_mul(MICROS_PER_SECOND);
        let text = patterns.with(row, |pattern| pattern.format(instant, zone))?;
        text.map(Some).ok_or_else(|| out_of_range(call, row))
    })
}

/// The instants that the first argument says in the pattern of the second.
fn read<T>(
    call: &Call<'_>,
    patterns: &Patterns<'_>,
    row: usize,
    of: impl Fn(Parsed) -> Option<T>,
) -> Result<Option<T>> {
    let text = call.text(0).value(row);
    let read = patterns.with(row, |pattern| pattern.read(text).and_then(of))?;
    let mismatch = || call.failure(row, "the text is no time in this pattern: use TRY_CAST, or another pattern");
    read.map(Some).ok_or_else(mismatch)
}

fn read_instant(call: &Call<'_>) -> Result<ArrayRef> {
    let (patterns, zone) = (Patterns::new(call, 1), call.context.zone());
    call.collect::<TimestampMicrosecondArray, i64>(|row| read(call, &patterns, row, |parsed| parsed.instant_us(zone)))
}

fn read_date(call: &Call<'_>) -> Result<ArrayRef> {
    let (patterns, zone) = (Patterns::new(call, 1), call.context.zone());
    let day = |parsed: Parsed| i32::try_from(zone.to_local(parsed.instant_us(zone)?)?.div_euclid(MICROS_PER_DAY)).ok();
    call.collect::<Date32Array, i32>(|row| read(call, &patterns, row, day))
}

fn unix_timestamp(call: &Call<'_>) -> Result<ArrayRef> {
    let (patterns, zone) = (Patterns::new(call, 1), call.context.zone());
    let seconds = |parsed: Parsed| Some(parsed.instant_us(zone)?.div_euclid(MICROS_PER_SECOND));
    call.collect::<Int64Array, i64>(|row| read(call, &patterns, row, seconds))
}

/// Towards zero, unlike `unix_seconds`.
fn whole_seconds(call: &Call<'_>) -> Result<ArrayRef> {
    let times = micros(call, 0);
    call.collect::<Int64Array, i64>(|row| Ok(Some(times.value(row) / MICROS_PER_SECOND)))
}

fn counted(call: &Call<'_>, unit_us: i64) -> Result<ArrayRef> {
    let times = micros(call, 0);
    call.collect::<Int64Array, i64>(|row| Ok(Some(times.value(row).div_euclid(unit_us))))
}

fn instants(call: &Call<'_>, unit_us: i64) -> Result<ArrayRef> {
    let counts = call.long(0);
    call.collect::<TimestampMicrosecondArray, i64>(|row| {
        counts.value(row).checked_mul(unit_us).map(Some).ok_or_else(|| out_of_range(call, row))
    })
}

/// Seconds with a fraction, which must not be finer than microseconds.
fn seconds_exactly(call: &Call<'_>) -> Result<ArrayRef> {
    let values = call.primitive::<Decimal128Type>(0);
    let scale = match call.args[0].data_type() {
        DataType::Decimal128(_, scale) => u32::try_from(*scale).unwrap_or(0),
        _ => 0,
    };
    call.collect::<TimestampMicrosecondArray, i64>(|row| {
        let micros = values.value(row).checked_mul(i128::from(MICROS_PER_SECOND));
        let micros = micros.zip(10i128.checked_pow(scale)).filter(|(micros, unit)| micros % unit == 0);
        let micros = micros.and_then(|(micros, unit)| i64::try_from(micros / unit).ok());
        micros.map(Some).ok_or_else(|| out_of_range(call, row))
    })
}

/// An instant shifted by the offset of a zone.
fn moved(call: &Call<'_>, shift: fn(&Zone, i64) -> Option<i64>) -> Result<ArrayRef> {
    let (times, zones) = (micros(call, 0), call.text(1));
    call.collect::<TimestampMicrosecondArray, i64>(|row| {
        let zone = zone(zones.value(row)).ok_or_else(|| call.failure(row, "there is no such time zone"))?;
        shift(&zone, times.value(row)).map(Some).ok_or_else(|| out_of_range(call, row))
    })
}

fn convert_timezone(call: &Call<'_>) -> Result<ArrayRef> {
    let (sources, targets, clocks) = (call.text(0), call.text(1), micros(call, 2));
    call.collect::<TimestampMicrosecondArray, i64>(|row| {
        let named = |name| zone(name).ok_or_else(|| call.failure(row, "there is no such time zone"));
        let (source, target) = (named(sources.value(row))?, named(targets.value(row))?);
        let instant = source.to_instant(clocks.value(row));
        instant.and_then(|instant| target.to_local(instant)).map(Some).ok_or_else(|| out_of_range(call, row))
    })
}

fn make_timestamp(call: &Call<'_>) -> Result<ArrayRef> {
    let part = |index: usize, row: usize| call.int(index).value(row);
    call.collect::<TimestampMicrosecondArray, i64>(|row| {
        let zone = if call.has(6) { zone(call.text(6).value(row)) } else { Some(*call.context.zone()) };
        let instant = || {
            let [month, day] = [1, 2].map(|index| u32::try_from(part(index, row)).ok());
            let days = crate::expr::calendar::days_of(part(0, row).into(), month?, day?)?;
            let [hour, minute] = [3, 4].map(|index| i64::from(part(index, row)));
            let micros = second_micros(call.double(5).value(row))?;
            let real = (0..24).contains(&hour) && (0..60).contains(&minute);
            let of_day = (hour * 60 + minute) * 60 * MICROS_PER_SECOND + micros;
            zone?.to_instant(real.then_some(i64::from(days) * MICROS_PER_DAY + of_day)?)
        };
        instant().map(Some).ok_or_else(|| call.failure(row, "there is no such time"))
    })
}

/// Seconds of a minute as microseconds; 60 stands for the next minute.
fn second_micros(seconds: f64) -> Option<i64> {
    (0.0..=60.0).contains(&seconds).then_some((seconds * 1e6).round() as i64)
}

/// A zone by its name, or by one of Java's short names.
fn zone(name: &str) -> Option<Zone> {
    const SHORT: &[(&str, &str)] = &[
        ("ACT", "Australia/Darwin"),
        ("AET", "Australia/Sydney"),
        ("AGT", "America/Argentina/Buenos_Aires"),
        ("ART", "Africa/Cairo"),
        ("AST", "America/Anchorage"),
        ("BET", "America/Sao_Paulo"),
        ("BST", "Asia/Dhaka"),
        ("CAT", "Africa/Harare"),
        ("CNT", "America/St_Johns"),
        ("CST", "America/Chicago"),
        ("CTT", "Asia/Shanghai"),
        ("EAT", "Africa/Addis_Ababa"),
        ("ECT", "Europe/Paris"),
        ("IET", "America/Indiana/Indianapolis"),
        ("IST", "Asia/Kolkata"),
        ("JST", "Asia/Tokyo"),
        ("MIT", "Pacific/Apia"),
        ("NET", "Asia/Yerevan"),
        ("NST", "Pacific/Auckland"),
        ("PLT", "Asia/Karachi"),
        ("PNT", "America/Phoenix"),
        ("PRT", "America/Puerto_Rico"),
        ("PST", "America/Los_Angeles"),
        ("SST", "Pacific/Guadalcanal"),
        ("VST", "Asia/Ho_Chi_Minh"),
    ];
    let full = SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, full)| full);
    full.parse().ok()
}
