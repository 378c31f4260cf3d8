//! Strings and binary made longer: `lpad`, `rpad`, `repeat`. A result is bounded, whatever length a row asks for.

use super::call::Call;
use super::function::{Function, Returns, function, overloaded, own};
use super::parameter::Param;
use arrow_array::{ArrayRef, BinaryArray, StringArray};
use deltaic_log::Result;

/// The most bytes that a padded or repeated value has.
const BYTES_MAX: usize = 64 << 20;

/// The functions that make values longer.
pub(super) fn table() -> Vec<Function> {
    use Param::{Bytes, Int, Text};
    vec![
        overloaded(
            "lpad",
            &[],
            vec![
                own(&[Bytes, Int, Bytes], Returns::Binary, |call| padded_bytes(call, Side::Left)).optional(1),
                own(&[Text, Int, Text], Returns::Text, |call| padded_text(call, Side::Left)).optional(1),
            ],
        ),
        overloaded(
            "rpad",
            &[],
            vec![
                own(&[Bytes, Int, Bytes], Returns::Binary, |call| padded_bytes(call, Side::Right)).optional(1),
                own(&[Text, Int, Text], Returns::Text, |call| padded_text(call, Side::Right)).optional(1),
            ],
        ),
        function("repeat", &[], own(&[Text, Int], Returns::Text, repeat)),
    ]
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
}

impl Side {
    fn join<T>(self, value: impl Iterator<Item = T>, padding: impl Iterator<Item = T>) -> Vec<T> {
        match self {
            Self::Left => padding.chain(value).collect(),
            Self::Right => value.chain(padding).collect(),
        }
    }
}

/// The library pads strings as PostgreSQL does; Spark measures and pads by characters, and pads with nothing when the padding is empty.
fn padded_text(call: &Call<'_>, side: Side) -> Result<ArrayRef> {
    let (text, length) = (call.text(0), call.int(1));
    let padding = call.has(2).then(|| call.text(2));
    call.collect::<StringArray, String>(|row| {
        let (text, wanted) = (text.value(row), bounded(call, row, length.value(row))?);
        let padding = padding.map_or(" ", |padding| padding.value(row));
        let missing = wanted.saturating_sub(text.chars().count());
        let value = text.chars().take(wanted);
        Ok(Some(side.join(value, padding.chars().cycle().take(missing)).into_iter().collect()))
    })
}

fn padded_bytes(call: &Call<'_>, side: Side) -> Result<ArrayRef> {
    let (bytes, length) = (call.bytes(0), call.int(1));
    let padding = call.has(2).then(|| call.bytes(2));
    call.collect::<BinaryArray, Vec<u8>>(|row| {
        let (bytes, wanted) = (bytes.value(row), bounded(call, row, length.value(row))?);
        let padding = padding.map_or(&[0][..], |padding| padding.value(row));
        let missing = wanted.saturating_sub(bytes.len());
        Ok(Some(side.join(bytes.iter().take(wanted).copied(), padding.iter().cycle().take(missing).copied())))
    })
}

fn repeat(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, count) = (call.text(0), call.int(1));
    call.collect::<StringArray, String>(|row| {
        let (text, count) = (text.value(row), usize::try_from(count.value(row)).unwrap_or(0));
        let bytes = text.len().saturating_mul(count);
        if bytes > BYTES_MAX {
            return Err(call.failure(row, format!("{bytes} bytes are more than a value may have: repeat less often")));
        }
        Ok(Some(text.repeat(count)))
    })
}

/// A length that a row asks for; a negative one means 0.
fn bounded(call: &Call<'_>, row: usize, length: i32) -> Result<usize> {
    let length = usize::try_from(length).unwrap_or(0);
    if length > BYTES_MAX / 4 {
        return Err(call.failure(row, format!("a value cannot be padded to {length}: pad to less")));
    }
    Ok(length)
}
