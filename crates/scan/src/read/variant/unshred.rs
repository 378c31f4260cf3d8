//! Spec: [Value Shredding](https://github.com/apache/parquet-format/blob/master/VariantShredding.md#value-shredding): a variant
//! whose parts stand in columns, put together again.
//!
//! | `value` | `typed_value` | |
//! |---|---|---|
//! | null | null | missing: a field that is not there; elsewhere, the variant null |
//! | set | null | whatever `value` is |
//! | null | set | of the column's type |
//! | set | set | an object: `value` has the fields that no column has |

use super::cursor::{Cursor, corrupt};
use super::dictionary::Dictionary;
use super::encode::{Field, finish_array, finish_object, write_scalar};
use super::scalar::{WriteRow, writer_of};
use super::type_id;
use super::value::{Value, checked};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::DataType;
use deltaic_log::{Error, ErrorKind, Result};
use std::collections::HashSet;

/// The columns of one place in a variant: `value`, `typed_value`, or both.
pub(super) struct Shredded<'a> {
    value: Option<&'a BinaryArray>,
    typed: Option<(&'a ArrayRef, Typed<'a>)>,
}

enum Typed<'a> {
    Scalar(WriteRow),
    Object(Fields<'a>),
    Array(&'a OffsetBuffer<i32>, Box<Shredded<'a>>),
}

/// The fields of an object that have columns of their own.
struct Fields<'a> {
    columns: Vec<(&'a str, Shredded<'a>)>,
    names: HashSet<&'a str>,
}

/// Whether there is a value in a row.
#[derive(PartialEq)]
enum Presence {
    Present,
    Missing,
}

impl<'a> Shredded<'a> {
    pub(super) fn new(columns: &'a StructArray) -> Result<Self> {
        let value = match columns.column_by_name("value") {
            Some(value) => Some(value.as_binary_opt().ok_or_else(|| corrupt("a `value` column is not binary"))?),
            None => None,
        };
        let typed = match columns.column_by_name("typed_value") {
            Some(typed) => Some((typed, Typed::new(typed)?)),
            None => None,
        };
        Ok(Self { value, typed })
    }

    /// Writes the variant of a row, where one must be.
    pub(super) fn write(&self, row: usize, dictionary: &Dictionary<'_>, out: &mut Vec<u8>) -> Result<()> {
        if self.write_if_present(row, dictionary, out)? == Presence::Missing {
            write_scalar(out, type_id::NULL, &[]);
        }
        Ok(())
    }

    fn write_if_present(&self, row: usize, dictionary: &Dictionary<'_>, out: &mut Vec<u8>) -> Result<Presence> {
        let value = self.value.filter(|value| value.is_valid(row)).map(|value| checked(value.value(row), dictionary));
        let typed = self.typed.as_ref().filter(|(array, _)| array.is_valid(row));
        match (value.transpose()?, typed) {
            (None, None) => return Ok(Presence::Missing),
            (Some(value), None) => out.extend_from_slice(value),
            (None, Some((array, Typed::Scalar(write)))) => write(array.as_ref(), row, out)?,
            (None, Some((_, Typed::Array(offsets, elements)))) => {
                write_array(offsets, elements, row, dictionary, out)?;
            }
            (rest, Some((_, Typed::Object(fields)))) => write_object(fields, rest, row, dictionary, out)?,
            (Some(_), Some(_)) => return Err(corrupt("a value stands both in `value` and in `typed_value`")),
        }
        Ok(Presence::Present)
    }
}

impl<'a> Typed<'a> {
    fn new(array: &'a ArrayRef) -> Result<Self> {
        match array.data_type() {
            DataType::Struct(fields) => {
                let columns = fields.iter().zip(array.as_struct().columns());
                let columns = columns.map(|(field, column)| Ok((field.name().as_str(), group(column)?)));
                let names = fields.iter().map(|field| field.name().as_str()).collect();
                Ok(Self::Object(Fields { columns: columns.collect::<Result<_>>()?, names }))
            }
            DataType::List(_) => {
                let list = array.as_list();
                Ok(Self::Array(list.offsets(), Box::new(group(list.values())?)))
            }
            other => writer_of(other).map(Self::Scalar).ok_or_else(|| {
                Error::new(ErrorKind::CorruptData, "a variant column is shredded to a type that variants do not have")
                    .with("type_in_file", other)
            }),
        }
    }
}

fn group(column: &ArrayRef) -> Result<Shredded<'_>> {
    Shredded::new(column.as_struct_opt().ok_or_else(|| corrupt("a shredded field or element is no group"))?)
}

fn write_array(
    offsets: &OffsetBuffer<i32>,
    elements: &Shredded<'_>,
    row: usize,
    dictionary: &Dictionary<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let start = out.len();
    let mut starts = Vec::new();
    for element in offsets[row]..offsets[row + 1] {
        starts.push(out.len() - start);
        elements.write(element as usize, dictionary, out)?;
    }
    finish_array(out, start, &starts)
}

fn write_object(
    shredded: &Fields<'_>,
    rest: Option<&[u8]>,
    row: usize,
    dictionary: &Dictionary<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let start = out.len();
    let mut fields = Vec::new();
    for (name, columns) in &shredded.columns {
        let offset = out.len() - start;
        if columns.write_if_present(row, dictionary, out)? == Presence::Present {
            fields.push(Field { name, id: dictionary.id(name)?, offset });
        }
    }
    if let Some(rest) = rest {
        let Value::Object(rest) = Value::read(&mut Cursor::new(rest))? else {
            return Err(corrupt("a value stands both in `value` and in `typed_value`"));
        };
        for (id, value) in rest.fields() {
            let name = dictionary.name(id)?;
            if shredded.names.contains(name) {
                return Err(corrupt("a shredded field stands in `value` too"));
            }
            fields.push(Field { name, id: id as u32, offset: out.len() - start });
            out.extend_from_slice(value?);
        }
    }
    fields.sort_unstable_by_key(|field| field.name);
    if !fields.is_sorted_by(|a, b| a.name < b.name) {
        return Err(corrupt("an object has two fields of one name"));
    }
    finish_object(out, start, &fields)
}
