//! Strings, and binary where Spark treats it alike.

use super::call::Call;
use super::function::{Form, Function, Returns, function, library, overloaded, own};
use super::padding;
use super::parameter::Param;
use super::regex;
use crate::expr::cast::Cast;
use crate::expr::eval::arithmetic;
use crate::expr::expr::OnCastFailure;
use crate::expr::functions::ColumnarArg;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, Int32Array, StringArray, new_empty_array};
use arrow_schema::DataType;
use datafusion_expr::ScalarUDF;
use datafusion_functions::{encoding, string as core, unicode};
use datafusion_functions_nested as nested;
use datafusion_spark::function::{math as spark_math, string as spark};
use deltaic_log::Result;
use std::sync::Arc;

/// The functions on strings.
pub(super) fn table() -> Vec<Function> {
    let mut table = parts();
    table.extend(whole());
    table.extend(search());
    table.extend(encodings());
    table.extend(padding::table());
    table.extend(regex::table());
    table
}

/// What takes strings apart.
fn parts() -> Vec<Function> {
    use Param::{Bytes, Int, Text};
    let substring = |param| library(param, Returns::Argument(0), spark::substring()).optional(1);
    vec![
        overloaded("substring", &["substr"], vec![substring(&[Bytes, Int, Int]), substring(&[Text, Int, Int])]),
        overloaded(
            "left",
            &[],
            vec![own(&[Bytes, Int], Returns::Binary, left_bytes), own(&[Text, Int], Returns::Text, left)],
        ),
        function("right", &[], own(&[Text, Int], Returns::Text, right)),
        function("trim", &[], own(&[Text, Text], Returns::Text, trim).optional(1)),
        function("btrim", &[], own(&[Text, Text], Returns::Text, btrim).optional(1)),
        function("ltrim", &[], own(&[Text, Text], Returns::Text, ltrim).optional(1)),
        function("rtrim", &[], own(&[Text, Text], Returns::Text, rtrim).optional(1)),
        function("split_part", &[], library(&[Text, Text, Int], Returns::Text, core::split_part())),
        function("substring_index", &[], library(&[Text, Text, Int], Returns::Text, unicode::substr_index())),
    ]
}

/// What makes strings of whole strings.
fn whole() -> Vec<Function> {
    use Param::{Any, Array, Bytes, CommonArray, Text};
    vec![
        overloaded(
            "concat",
            &[],
            vec![
                own(&[Bytes, Bytes], Returns::Binary, joined).repeated(),
                own(&[CommonArray, CommonArray], Returns::Argument(0), joined).repeated(),
                library(&[Text], Returns::Text, spark::concat()).repeated(),
            ],
        ),
        function("concat_ws", &[], own(&[Text, Any], Returns::Text, concat_ws).repeated()),
        function("upper", &["ucase"], library(&[Text], Returns::Text, core::upper())),
        function("lower", &["lcase"], library(&[Text], Returns::Text, core::lower())),
        function("initcap", &[], own(&[Text], Returns::Text, initcap)),
        overloaded(
            "reverse",
            &[],
            vec![
                library(&[Array], Returns::Argument(0), nested::reverse::array_reverse_udf()),
                library(&[Text], Returns::Text, unicode::reverse()),
            ],
        ),
        function("replace", &[], own(&[Text, Text, Text], Returns::Text, replace).optional(1)),
        function("translate", &[], library(&[Text, Text, Text], Returns::Text, unicode::translate())),
    ]
}

/// What finds and measures.
fn search() -> Vec<Function> {
    use Param::{Bytes, Int, Text};
    vec![
        overloaded(
            "length",
            &["len", "char_length", "character_length"],
            vec![
                library(&[Bytes], Returns::Int, spark::length()),
                library(&[Text], Returns::Int, unicode::character_length()),
            ],
        ),
        overloaded("octet_length", &[], lengths(spark::length(), core::octet_length())),
        function("bit_length", &[], library(&[Text], Returns::Int, core::bit_length())),
        function("instr", &[], library(&[Text, Text], Returns::Int, unicode::strpos())),
        function("locate", &["position"], own(&[Text, Text, Int], Returns::Int, locate).optional(1)),
        overloaded(
            "startswith",
            &[],
            vec![
                own(&[Bytes, Bytes], Returns::Boolean, |call| of_bytes(call, <[u8]>::starts_with)),
                library(&[Text, Text], Returns::Boolean, core::starts_with()),
            ],
        ),
        overloaded(
            "endswith",
            &[],
            vec![
                own(&[Bytes, Bytes], Returns::Boolean, |call| of_bytes(call, <[u8]>::ends_with)),
                library(&[Text, Text], Returns::Boolean, core::ends_with()),
            ],
        ),
        overloaded(
            "contains",
            &[],
            vec![
                own(&[Bytes, Bytes], Returns::Boolean, |call| of_bytes(call, bytes_contain)),
                library(&[Text, Text], Returns::Boolean, core::contains()),
            ],
        ),
    ]
}

/// Strings as numbers and bytes.
fn encodings() -> Vec<Function> {
    use Param::{Binary, Bytes, Long, Text, WholeSeconds};
    vec![
        function("ascii", &[], own(&[Text], Returns::Int, ascii)),
        function("chr", &["char"], library(&[Long], Returns::Text, spark::char())),
        overloaded(
            "hex",
            &[],
            vec![
                library(&[Bytes], Returns::Text, spark_math::hex()),
                library(&[Param::ExactText], Returns::Text, spark_math::hex()),
                library(&[WholeSeconds], Returns::Text, spark_math::hex()),
            ],
        ),
        function("unhex", &[], library(&[Text], Returns::Binary, spark_math::unhex())),
        function("base64", &[], library(&[Binary], Returns::Text, encoding::encode()).with("base64pad")),
        function("unbase64", &[], library(&[Text], Returns::Binary, encoding::decode()).with("base64pad")),
    ]
}

fn lengths(bytes: Arc<ScalarUDF>, text: Arc<ScalarUDF>) -> Vec<Form> {
    vec![library(&[Param::Bytes], Returns::Int, bytes), library(&[Param::Text], Returns::Int, text)]
}

fn left(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, count) = (call.text(0), call.int(1));
    call.collect::<StringArray, _>(|row| {
        let (text, count) = (text.value(row), usize::try_from(count.value(row)).unwrap_or(0));
        let end = text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
        Ok(Some(&text[..end]))
    })
}

fn left_bytes(call: &Call<'_>) -> Result<ArrayRef> {
    let (bytes, count) = (call.bytes(0), call.int(1));
    call.collect::<BinaryArray, _>(|row| {
        let (bytes, count) = (bytes.value(row), usize::try_from(count.value(row)).unwrap_or(0));
        Ok(Some(&bytes[..count.min(bytes.len())]))
    })
}

fn right(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, count) = (call.text(0), call.int(1));
    call.collect::<StringArray, _>(|row| {
        let (text, count) = (text.value(row), usize::try_from(count.value(row)).unwrap_or(0));
        let start = match count.checked_sub(1) {
            None => text.len(),
            Some(before) => text.char_indices().nth_back(before).map_or(0, |(at, _)| at),
        };
        Ok(Some(&text[start..]))
    })
}

/// `trim([characters, ]text)`.
fn trim(call: &Call<'_>) -> Result<ArrayRef> {
    trimmed(call, false, |text, drop| text.trim_matches(drop))
}

fn ltrim(call: &Call<'_>) -> Result<ArrayRef> {
    trimmed(call, false, |text, drop| text.trim_start_matches(drop))
}

fn rtrim(call: &Call<'_>) -> Result<ArrayRef> {
    trimmed(call, false, |text, drop| text.trim_end_matches(drop))
}

/// `btrim(text[, characters])`.
fn btrim(call: &Call<'_>) -> Result<ArrayRef> {
    trimmed(call, true, |text, drop| text.trim_matches(drop))
}

type Trim = for<'t> fn(&'t str, &dyn Fn(char) -> bool) -> &'t str;

/// Without characters, blanks are trimmed, and nothing else that is white.
fn trimmed(call: &Call<'_>, text_first: bool, trim: Trim) -> Result<ArrayRef> {
    let both = call.has(1);
    let text = call.text(usize::from(both && !text_first));
    let characters = both.then(|| call.text(usize::from(text_first)));
    call.collect::<StringArray, _>(|row| {
        let dropped = characters.map_or(" ", |characters| characters.value(row));
        Ok(Some(trim(text.value(row), &|c| dropped.contains(c))))
    })
}

/// Binary values or arrays, one after the other.
fn joined(call: &Call<'_>) -> Result<ArrayRef> {
    let mut args = call.args.iter().cloned().map(ColumnarArg::Array);
    let Some(first) = args.next() else { return Ok(new_empty_array(call.return_type)) };
    args.try_fold(first, |left, right| arithmetic::concat(&left, &right, call.rows))?.to_array(call.rows)
}

/// The strings that are not null, and the elements of arrays, with a separator between them.
fn concat_ws(call: &Call<'_>) -> Result<ArrayRef> {
    let separator = call.text(0);
    let parts = call.args[1..].iter().map(|arg| strings(arg, call)).collect::<Result<Vec<_>>>()?;
    call.collect_with_nulls::<StringArray, _>(|row| {
        let mut pieces: Vec<String> = Vec::new();
        for part in parts.iter().filter(|part| part.is_valid(row)) {
            match part.as_list_opt::<i32>() {
                Some(list) => {
                    let items = list.value(row);
                    pieces.extend(items.as_string::<i32>().iter().flatten().map(str::to_owned));
                }
                None => pieces.push(part.as_string::<i32>().value(row).to_owned()),
            }
        }
        Ok(separator.is_valid(row).then(|| pieces.join(separator.value(row))))
    })
}

/// An argument of `concat_ws` as strings or arrays of strings.
fn strings(arg: &ArrayRef, call: &Call<'_>) -> Result<ArrayRef> {
    let target = match arg.data_type() {
        DataType::List(item) => DataType::List(Arc::new(item.as_ref().clone().with_data_type(DataType::Utf8))),
        _ => DataType::Utf8,
    };
    Cast::try_new(arg.data_type(), &target)?.apply(arg, OnCastFailure::Error, call.context.zone())
}

/// The first letter of each word large, the others small; words are parted by blanks.
fn initcap(call: &Call<'_>) -> Result<ArrayRef> {
    let text = call.text(0);
    call.collect::<StringArray, _>(|row| {
        let words = text.value(row).split(' ').map(|word| {
            let mut letters = word.chars();
            let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
            first + &letters.as_str().to_lowercase()
        });
        Ok(Some(words.collect::<Vec<_>>().join(" ")))
    })
}

/// An empty search changes nothing.
fn replace(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, search) = (call.text(0), call.text(1));
    let by = call.has(2).then(|| call.text(2));
    call.collect::<StringArray, _>(|row| {
        let (text, search) = (text.value(row), search.value(row));
        let by = by.map_or("", |by| by.value(row));
        Ok(Some(if search.is_empty() { text.to_owned() } else { text.replace(search, by) }))
    })
}

/// `locate(search, text[, position])`, counted in characters from 1; 0 where it is not found.
fn locate(call: &Call<'_>) -> Result<ArrayRef> {
    let (search, text) = (call.text(0), call.text(1));
    let from = call.has(2).then(|| call.int(2));
    call.collect::<Int32Array, _>(|row| {
        let (search, text) = (search.value(row), text.value(row));
        let from = from.map_or(1, |from| from.value(row));
        let skipped = usize::try_from(i64::from(from) - 1).ok();
        let start = skipped.and_then(|skipped| {
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.nth(skipped)
        });
        let found = start.and_then(|start| Some(start + text[start..].find(search)?));
        Ok(Some(found.map_or(0, |at| i32::try_from(text[..at].chars().count()).unwrap_or(i32::MAX - 1) + 1)))
    })
}

fn of_bytes(call: &Call<'_>, holds: fn(&[u8], &[u8]) -> bool) -> Result<ArrayRef> {
    let (whole, part) = (call.bytes(0), call.bytes(1));
    call.collect::<BooleanArray, _>(|row| Ok(Some(holds(whole.value(row), part.value(row)))))
}

fn bytes_contain(whole: &[u8], part: &[u8]) -> bool {
    part.is_empty() || whole.windows(part.len()).any(|window| window == part)
}

/// The number of the first character.
fn ascii(call: &Call<'_>) -> Result<ArrayRef> {
    let text = call.text(0);
    call.collect::<Int32Array, _>(|row| {
        let first = text.value(row).chars().next().map_or(0, u32::from);
        Ok(i32::try_from(first).ok())
    })
}
