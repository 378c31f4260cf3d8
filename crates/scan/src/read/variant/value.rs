//! Spec: [Value encoding](https://github.com/apache/parquet-format/blob/master/VariantEncoding.md#value-encoding): reading.
//!
//! Values nest as deep as whoever wrote them liked: nothing here calls itself. And offsets may lead anywhere: what the
//! values of a container take together is never more than the container has, so the work is bounded by the bytes.

use super::cursor::{Cursor, Numbers, corrupt};
use super::dictionary::Dictionary;
use super::type_id as T;
use crate::expr::calendar::MICROS_PER_DAY;
use deltaic_log::Result;

/// A value, its parts unread.
pub(super) enum Value<'a> {
    Scalar { type_id: u8, payload: &'a [u8] },
    Text(&'a [u8]),
    Object(Container<'a>),
    Array(Container<'a>),
}

/// An object or an array.
#[derive(Clone, Copy)]
pub(super) struct Container<'a> {
    count: usize,
    /// The names of an object's fields, as ids in the dictionary.
    ids: Option<Numbers<'a>>,
    offsets: Numbers<'a>,
    values: &'a [u8],
}

impl<'a> Value<'a> {
    pub(super) fn read(rest: &mut Cursor<'a>) -> Result<Self> {
        let header = rest.byte()?;
        let (basic_type, header) = (header & 0x03, header >> 2);
        match basic_type {
            0 => Self::primitive(header, rest),
            1 => Ok(Self::Text(rest.take(header.into())?)),
            2 => {
                let count = rest.number(count_width(header & 0x10 != 0))?;
                let ids = rest.numbers(count, width(header >> 2))?;
                Ok(Self::Object(Container::read(count, Some(ids), width(header), rest)?))
            }
            _ => {
                let count = rest.number(count_width(header & 0x04 != 0))?;
                Ok(Self::Array(Container::read(count, None, width(header), rest)?))
            }
        }
    }

    fn primitive(type_id: u8, rest: &mut Cursor<'a>) -> Result<Self> {
        let size = match type_id {
            T::NULL | T::TRUE | T::FALSE => 0,
            T::INT8 => 1,
            T::INT16 => 2,
            T::INT32 | T::DATE | T::FLOAT => 4,
            T::INT64 | T::DOUBLE | T::TIMESTAMP | T::TIMESTAMP_NTZ => 8,
            T::TIME_NTZ | T::TIMESTAMP_NANOS | T::TIMESTAMP_NTZ_NANOS => 8,
            T::DECIMAL4 => 5,
            T::DECIMAL8 => 9,
            T::DECIMAL16 => 17,
            T::UUID => 16,
            T::BINARY | T::STRING => rest.number(4)?,
            _ => return Err(corrupt("a value is of an unknown type")),
        };
        let payload = rest.take(size)?;
        Ok(if type_id == T::STRING { Self::Text(payload) } else { Self::Scalar { type_id, payload } })
    }
}

impl<'a> Container<'a> {
    fn read(count: usize, ids: Option<Numbers<'a>>, width: usize, rest: &mut Cursor<'a>) -> Result<Self> {
        let boundaries = count.checked_add(1).ok_or_else(|| corrupt("it counts more than there can be"))?;
        let offsets = rest.numbers(boundaries, width)?;
        let values = rest.take(offsets.last().expect("one more than there are values"))?;
        Ok(Self { count, ids, offsets, values })
    }

    /// The fields of an object, each with its id and the bytes of its value. An array has none.
    pub(super) fn fields(self) -> impl Iterator<Item = (usize, Result<&'a [u8]>)> {
        self.ids.into_iter().flat_map(Numbers::iter).zip(self.values())
    }

    /// The bytes of each value.
    fn values(self) -> impl Iterator<Item = Result<&'a [u8]>> {
        let beyond = || corrupt("a value begins behind the end");
        let starts = self.offsets.iter().take(self.count);
        starts.map(move |start| extent(self.values.get(start..).ok_or_else(beyond)?))
    }
}

/// The bytes of the value that begins here, checked as deep as it goes.
pub(super) fn checked<'a>(bytes: &'a [u8], dictionary: &Dictionary<'_>) -> Result<&'a [u8]> {
    let whole = extent(bytes)?;
    let mut pending = vec![whole];
    while let Some(bytes) = pending.pop() {
        match Value::read(&mut Cursor::new(bytes))? {
            Value::Scalar { type_id, payload } => check_scalar(type_id, payload)?,
            Value::Text(text) => drop(str::from_utf8(text).map_err(|_| corrupt("a string is no UTF-8"))?),
            Value::Array(array) => check_container(array, &mut pending)?,
            Value::Object(object) => {
                check_names(object, dictionary)?;
                check_container(object, &mut pending)?;
            }
        }
    }
    Ok(whole)
}

/// As many of `bytes` as the value at their beginning says that it has.
fn extent(bytes: &[u8]) -> Result<&[u8]> {
    let mut rest = Cursor::new(bytes);
    Value::read(&mut rest)?;
    Ok(&bytes[..bytes.len() - rest.rest().len()])
}

fn check_container<'a>(container: Container<'a>, pending: &mut Vec<&'a [u8]>) -> Result<()> {
    let mut left = container.values.len();
    for value in container.values() {
        let value = value?;
        left = left.checked_sub(value.len()).ok_or_else(|| corrupt("values overlap each other"))?;
        pending.push(value);
    }
    Ok(())
}

/// Two fields of one name are an error. Their order is left alone: some writers sort names by UTF-16, as Java does.
fn check_names(object: Container<'_>, dictionary: &Dictionary<'_>) -> Result<()> {
    let ids = object.ids.into_iter().flat_map(Numbers::iter);
    let mut names = ids.map(|id| dictionary.name(id)).collect::<Result<Vec<_>>>()?;
    let ascends = |names: &[&str]| names.is_sorted_by(|a, b| a < b);
    if !ascends(&names) {
        names.sort_unstable();
    }
    if ascends(&names) { Ok(()) } else { Err(corrupt("an object has two fields of one name")) }
}

fn check_scalar(type_id: u8, payload: &[u8]) -> Result<()> {
    match (type_id, payload) {
        (T::DECIMAL4 | T::DECIMAL8 | T::DECIMAL16, [scale, unscaled @ ..]) => check_decimal(*scale, unscaled),
        (T::TIME_NTZ, _) => match i64::from_le_bytes(payload.try_into().expect("a time has eight bytes")) {
            0..MICROS_PER_DAY => Ok(()),
            _ => Err(corrupt("a time is not within a day")),
        },
        _ => Ok(()),
    }
}

/// No decimal has more digits, before or behind the point.
pub(super) const DECIMAL_DIGITS_MAX: u8 = 38;

fn check_decimal(scale: u8, unscaled: &[u8]) -> Result<()> {
    let digits_max = match unscaled.len() {
        4 => 9,
        8 => 18,
        _ => u32::from(DECIMAL_DIGITS_MAX),
    };
    let fill = if unscaled.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
    let mut wide = [fill; 16];
    wide[..unscaled.len()].copy_from_slice(unscaled);
    let fits = i128::from_le_bytes(wide).unsigned_abs() < 10_u128.pow(digits_max);
    if fits && scale <= DECIMAL_DIGITS_MAX { Ok(()) } else { Err(corrupt("a decimal has too many digits")) }
}

fn width(minus_one: u8) -> usize {
    usize::from(minus_one & 0x03) + 1
}

fn count_width(is_large: bool) -> usize {
    if is_large { 4 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// The names "", "a" and "b", and "a" again.
    const NAMES: &[u8] = b"\x01\x04\x00\x00\x01\x02\x03aba";

    #[rstest]
    #[case::null(b"\x00")]
    #[case::short_text(b"\x09hi")]
    #[case::long_text(b"\x40\x02\x00\x00\x00hi")]
    #[case::decimal(b"\x20\x02\xff\xff\xff\xff")]
    #[case::empty_object(b"\x02\x00\x00")]
    #[case::object_with_an_empty_name(b"\x02\x02\x00\x01\x00\x01\x02\x00\x00")]
    #[case::names_in_another_order(b"\x02\x02\x02\x01\x00\x01\x02\x00\x00")]
    #[case::large_array(b"\x13\x01\x00\x00\x00\x00\x01\x00")]
    fn sound_values_are_whole(#[case] bytes: &[u8]) {
        let dictionary = Dictionary::read(NAMES).unwrap();
        assert_eq!(checked(bytes, &dictionary).unwrap(), bytes);
        assert_eq!(checked(&[bytes, b"more"].concat(), &dictionary).unwrap(), bytes);
        for size in 0..bytes.len() {
            assert!(checked(&bytes[..size], &dictionary).is_err(), "{size} bytes of it");
        }
    }

    #[rstest]
    #[case::unknown_type(b"\xfc")]
    #[case::text_is_no_utf8(b"\x05\xff")]
    #[case::text_longer_than_memory(b"\x40\xff\xff\xff\xffhi")]
    #[case::scale_beyond(b"\x20\x27\x01\x00\x00\x00")]
    #[case::too_many_digits(b"\x20\x00\x00\xca\x9a\x3b")]
    #[case::time_of_no_day(b"\x44\xff\xff\xff\xff\xff\xff\xff\xff")]
    #[case::unknown_name(b"\x02\x01\x09\x00\x01\x00")]
    #[case::one_name_twice(b"\x02\x02\x01\x03\x00\x01\x02\x00\x00")]
    #[case::value_behind_the_end(b"\x03\x02\x00\x09\x01\x00")]
    #[case::values_overlap(b"\x03\x03\x00\x00\x00\x01\x00")]
    #[case::more_values_than_memory(b"\x13\xff\xff\xff\xff\x00")]
    #[case::damage_inside(b"\x03\x01\x00\x01\xfc")]
    fn damaged_values_are_refused(#[case] bytes: &[u8]) {
        assert!(checked(bytes, &Dictionary::read(NAMES).unwrap()).is_err());
    }

    #[test]
    fn depth_takes_no_stack() {
        let mut value = vec![0x00];
        for _ in 0..10_000 {
            let size = u32::try_from(value.len()).unwrap().to_le_bytes();
            value = [&[0x0f, 1, 0, 0, 0, 0][..], &size, &value].concat();
        }
        assert_eq!(checked(&value, &Dictionary::read(NAMES).unwrap()).unwrap().len(), value.len());
    }
}
