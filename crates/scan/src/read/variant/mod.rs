//! Spec: [Variant Data in Parquet](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#variant-data-in-parquet) and
//! [Variant Shredding](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#variant-shredding): values come out as
//! `metadata` and `value`, whether the file keeps them so or spread over typed columns.
//!
//! ```text
//! not shredded:  metadata, value ------------------------------------------> as they are, unread
//! shredded:      metadata -> dictionary -+
//!                value ------> checked --+-> unshred, row by row, encode --> metadata, value
//!                typed_value ------------+
//! ```
//!
//! The bytes are the file's: they may nest, count and point as they like. They cost at most what they are long, and what
//! breaks a rule is [`ErrorKind::CorruptData`].

mod cursor;
mod dictionary;
mod encode;
mod scalar;
mod type_id;
mod unshred;
mod value;

use super::error::corrupt_values;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray, StructArray};
use arrow_buffer::{Buffer, OffsetBuffer};
use arrow_schema::Fields;
use cursor::corrupt;
use deltaic_log::{Error, ErrorKind, Result};
use dictionary::Dictionary;
use std::sync::Arc;
use unshred::Shredded;

/// The variants of `array`, as a struct of `fields`: `metadata` and `value`.
pub(super) fn build_variant(array: &ArrayRef, fields: &Fields) -> Result<ArrayRef> {
    let stored = array.as_struct();
    let column = |name: &str| -> Result<ArrayRef> {
        match (name, stored.column_by_name("typed_value")) {
            ("value", Some(_)) => Ok(Arc::new(whole_values(stored)?)),
            _ => Ok(Arc::new(binary_column(stored, name)?.clone())),
        }
    };
    let columns = fields.iter().map(|field| column(field.name())).collect::<Result<_>>()?;
    let built = StructArray::try_new(fields.clone(), columns, stored.nulls().cloned());
    Ok(Arc::new(built.map_err(corrupt_values)?))
}

fn whole_values(stored: &StructArray) -> Result<BinaryArray> {
    let (shredded, metadata) = (Shredded::new(stored)?, binary_column(stored, "metadata")?);
    let mut dictionary: Option<Dictionary<'_>> = None;
    let (mut values, mut offsets) = (Vec::new(), vec![0]);
    for row in 0..stored.len() {
        if stored.is_valid(row) {
            if metadata.is_null(row) {
                return Err(corrupt("it has no metadata"));
            }
            // Rows that follow each other often have the same names.
            let names = match dictionary.take_if(|known| known.is_of(metadata.value(row))) {
                Some(known) => known,
                None => Dictionary::read(metadata.value(row))?,
            };
            shredded.write(row, &names, &mut values)?;
            dictionary = Some(names);
        }
        offsets.push(i32::try_from(values.len()).map_err(|_| too_large(values.len()))?);
    }
    let offsets = OffsetBuffer::new(offsets.into());
    BinaryArray::try_new(offsets, Buffer::from_vec(values), stored.nulls().cloned()).map_err(corrupt_values)
}

fn binary_column<'a>(variants: &'a StructArray, name: &str) -> Result<&'a BinaryArray> {
    let Some(column) = variants.column_by_name(name) else {
        return Err(
            Error::new(ErrorKind::CorruptData, "a variant column lacks a part in the data file").with("part", name)
        );
    };
    column.as_binary_opt().ok_or_else(|| {
        Error::new(ErrorKind::CorruptData, "a part of a variant column is not binary in the data file")
            .with("part", name)
            .with("type_in_file", column.data_type())
    })
}

fn too_large(size: usize) -> Error {
    Error::new(ErrorKind::ResourceLimit, "the variants of one batch exceed 2 GiB: read in smaller batches")
        .with("bytes", size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int32Array, ListArray};
    use arrow_schema::{DataType, Field};
    use rstest::rstest;

    /// The names "", "a" and "b", whose second offset stands still.
    const NAMES: &[u8] = b"\x01\x03\x00\x00\x01\x02ab";
    const NULL: Option<&[u8]> = Some(b"\x00");

    fn group(columns: Vec<(&str, ArrayRef)>) -> ArrayRef {
        let field = |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
        let fields = columns.iter().map(field).collect::<Fields>();
        Arc::new(StructArray::new(fields, columns.into_iter().map(|(_, column)| column).collect(), None))
    }

    fn binary(value: Option<&[u8]>) -> ArrayRef {
        Arc::new(BinaryArray::from(vec![value]))
    }

    fn int(value: Option<i32>) -> ArrayRef {
        Arc::new(Int32Array::from(vec![value]))
    }

    /// An element or a field: an integer if it has one.
    fn place(value: Option<&[u8]>, typed: Option<i32>) -> ArrayRef {
        group(vec![("value", binary(value)), ("typed_value", int(typed))])
    }

    fn list(element: ArrayRef) -> ArrayRef {
        let field = Arc::new(Field::new("element", element.data_type().clone(), false));
        Arc::new(ListArray::new(field, OffsetBuffer::from_lengths([element.len()]), element, None))
    }

    fn read(metadata: &[u8], value: Option<&[u8]>, typed: ArrayRef) -> Result<Vec<u8>> {
        let stored =
            group(vec![("metadata", binary(Some(metadata))), ("value", binary(value)), ("typed_value", typed)]);
        let part = |name| Field::new(name, DataType::Binary, false);
        let built = build_variant(&stored, &Fields::from(vec![part("metadata"), part("value")]))?;
        assert_eq!(built.as_struct().column(0).as_binary::<i32>().value(0), metadata);
        Ok(built.as_struct().column(1).as_binary::<i32>().value(0).to_owned())
    }

    #[rstest]
    #[case::typed(None, int(Some(7)), b"\x14\x07\x00\x00\x00")]
    #[case::not_typed(NULL, int(None), b"\x00")]
    #[case::missing_where_one_must_be(None, int(None), b"\x00")]
    #[case::element_missing(None, list(place(None, None)), b"\x03\x01\x00\x01\x00")]
    #[case::element_typed(None, list(place(None, Some(1))), b"\x03\x01\x00\x05\x14\x01\x00\x00\x00")]
    #[case::field_missing(None, group(vec![("a", place(None, None))]), b"\x02\x00\x00")]
    #[case::field_null(None, group(vec![("a", place(NULL, None))]), b"\x02\x01\x01\x00\x01\x00")]
    #[case::fields_of_both(
        Some(b"\x02\x01\x02\x00\x02\x0c\x05".as_slice()),
        group(vec![("a", place(NULL, None))]),
        b"\x02\x02\x01\x02\x00\x01\x03\x00\x0c\x05"
    )]
    fn parts_are_put_together(#[case] value: Option<&[u8]>, #[case] typed: ArrayRef, #[case] expected: &[u8]) {
        assert_eq!(read(NAMES, value, typed).unwrap(), expected);
    }

    /// Spark writes the dictionary of `{"": 1, "a": 2}` so; a reader that wants every offset to grow takes it for damaged.
    #[test]
    fn an_empty_key_leaves_an_offset_standing_still() {
        let typed = group(vec![("", place(None, Some(1))), ("a", place(None, Some(2)))]);
        let expected = b"\x02\x02\x00\x01\x00\x05\x0a\x14\x01\x00\x00\x00\x14\x02\x00\x00\x00";
        assert_eq!(read(NAMES, None, typed.clone()).unwrap(), expected);
        let sorted = [&[NAMES[0] | 0x10], &NAMES[1..]].concat();
        assert_eq!(read(&sorted, None, typed).unwrap(), expected);
    }

    #[rstest]
    #[case::damaged_dictionary(b"\x01\x02\x00\x02\x01ab", None, int(Some(7)))]
    #[case::no_dictionary(b"", None, int(Some(7)))]
    #[case::damaged_value(NAMES, Some(b"\xfc".as_slice()), int(None))]
    #[case::value_twice(NAMES, NULL, int(Some(7)))]
    #[case::array_twice(NAMES, NULL, list(place(NULL, None)))]
    #[case::rest_of_an_object_is_none(NAMES, NULL, group(vec![("a", place(NULL, None))]))]
    #[case::shredded_field_in_the_rest(NAMES, Some(b"\x02\x01\x01\x00\x01\x00".as_slice()), group(vec![("a", place(None, None))]))]
    #[case::shredded_field_twice(NAMES, None, group(vec![("a", place(NULL, None)), ("a", place(NULL, None))]))]
    #[case::shredded_field_without_a_name(NAMES, None, group(vec![("c", place(None, Some(1)))]))]
    #[case::field_is_no_group(NAMES, None, group(vec![("a", int(Some(1)))]))]
    #[case::no_type_of_variants(NAMES, None, Arc::new(arrow_array::UInt32Array::from(vec![1])))]
    fn damaged_variants_are_refused(#[case] metadata: &[u8], #[case] value: Option<&[u8]>, #[case] typed: ArrayRef) {
        assert_eq!(read(metadata, value, typed).unwrap_err().kind(), ErrorKind::CorruptData);
    }
}
