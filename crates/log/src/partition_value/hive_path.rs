//! Directory names of partitions, and paths as the log's URIs.
//!
//! A partitioned table's files lie in directories `column=value`, in Hive's escaping; the log then holds their paths as
//! URIs, escaped once more (spec: [Add File and Remove File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-file-and-remove-file)).
//! So a path is decoded exactly once: `a=%2521` in the log is `a=%21` in storage, whose value is `!`. Readers take
//! values from the log alone; directory names are for people, for conversion, and for writers.

use crate::{Error, ErrorKind, Result};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The directory value that stands for null.
pub const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// What Hive escapes in directory names: control characters and what means something in a path or a URI.
const HIVE: &AsciiSet = &CONTROLS
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'\'')
    .add(b'*')
    .add(b'/')
    .add(b':')
    .add(b'=')
    .add(b'?')
    .add(b'\\')
    .add(b'{')
    .add(b'[')
    .add(b']')
    .add(b'^');

/// What a path in the log escapes: all that RFC 2396 does not allow in a path.
const URI: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b',')
    .remove(b';')
    .remove(b'/');

/// The directory of one partition value: `column=value`.
///
/// ```
/// use deltaic_log::partition_value::hive_path::{directory, parse_directory};
/// assert_eq!(directory("when", Some("11:00")), "when=11%3A00");
/// assert_eq!(directory("when", None), "when=__HIVE_DEFAULT_PARTITION__");
/// assert_eq!(parse_directory("when=11%3A00"), Some(("when".to_owned(), Some("11:00".to_owned()))));
/// ```
pub fn directory(column: &str, value: Option<&str>) -> String {
    let value = value.filter(|value| !value.is_empty());
    format!("{}={}", escape(column), value.map_or_else(|| NULL.to_owned(), escape))
}

/// The column and value of a partition's directory; `None` if the name is not of the form `column=value`.
pub fn parse_directory(name: &str) -> Option<(String, Option<String>)> {
    let (column, value) = name.split_once('=').filter(|(column, _)| !column.is_empty())?;
    let value = (!value.is_empty() && value != NULL).then(|| unescape(value));
    Some((unescape(column), value))
}

/// A path in storage as the log's URI.
pub fn encode_path(path: &str) -> String {
    utf8_percent_encode(path, URI).to_string()
}

/// The path in storage of a URI in the log. An escape of bytes that are no UTF-8 is [`ErrorKind::CorruptLog`].
///
/// ```
/// use deltaic_log::partition_value::hive_path::{decode_path, encode_path};
/// assert_eq!(decode_path("part=a%2520b/x%20y.parquet")?, "part=a%20b/x y.parquet");
/// assert_eq!(encode_path("part=a%20b/x y.parquet"), "part=a%2520b/x%20y.parquet");
/// # Ok::<(), deltaic_log::Error>(())
/// ```
pub fn decode_path(uri: &str) -> Result<String> {
    let decoded = percent_decode_str(uri).decode_utf8();
    decoded.map(|path| path.into_owned()).map_err(|error| {
        Error::new(ErrorKind::CorruptLog, "a path in the log escapes bytes that are no UTF-8")
            .with("path", uri)
            .because(error)
    })
}

/// Characters beyond ASCII stay as they are: only what Hive escapes is escaped.
fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    let mut buffer = [0; 4];
    for character in name.chars() {
        match character.is_ascii() {
            true => escaped.extend(utf8_percent_encode(character.encode_utf8(&mut buffer), HIVE)),
            false => escaped.push(character),
        }
    }
    escaped
}

/// An escape of bytes that are no UTF-8 stays as it is.
fn unescape(name: &str) -> String {
    percent_decode_str(name).decode_utf8().map_or_else(|_| name.to_owned(), |text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_once_for_hive_and_once_for_the_log() {
        let directory = directory("part", Some("bar+%21 é"));
        assert_eq!(directory, "part=bar+%2521 é");
        assert_eq!(encode_path(&directory), "part=bar+%252521%20%C3%A9");
    }

    #[test]
    fn a_path_that_is_no_text_is_refused() {
        assert_eq!(decode_path("a%FF").unwrap_err().kind(), ErrorKind::CorruptLog);
        assert_eq!(decode_path("50%").unwrap(), "50%");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(column in ".{1,9}", value in proptest::option::of(".{1,9}")) {
            let directory = directory(&column, value.as_deref());
            prop_assert_eq!(decode_path(&encode_path(&directory)).unwrap(), directory.clone());
            prop_assert_eq!(parse_directory(&directory), Some((column, value)));
        }
    }
}
