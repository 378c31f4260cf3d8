//! Spec: [Value encoding](https://github.com/apache/parquet-format/blob/master/VariantEncoding.md#value-encoding): writing, at
//! the end of a growing buffer.

use super::type_id;
use deltaic_log::{Error, ErrorKind, Result};

/// A field of an object whose values are written already.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) id: u32,
    /// Where its value begins, from the beginning of the first.
    pub(super) offset: usize,
}

pub(super) fn write_scalar(out: &mut Vec<u8>, type_id: u8, payload: &[u8]) {
    out.push(type_id << 2);
    out.extend_from_slice(payload);
}

pub(super) fn write_text(out: &mut Vec<u8>, text: &str) -> Result<()> {
    match u8::try_from(text.len()) {
        Ok(size @ 0..64) => {
            out.push(size << 2 | 1);
            out.extend_from_slice(text.as_bytes());
        }
        _ => write_sized(out, type_id::STRING, text.as_bytes())?,
    }
    Ok(())
}

pub(super) fn write_sized(out: &mut Vec<u8>, type_id: u8, bytes: &[u8]) -> Result<()> {
    write_scalar(out, type_id, &size_of(bytes.len())?.to_le_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// Makes an object of the values from `start` on. Its fields are sorted by name.
pub(super) fn finish_object(out: &mut Vec<u8>, start: usize, fields: &[Field<'_>]) -> Result<()> {
    let size = size_of(out.len() - start)?;
    let id_max = fields.iter().map(|field| field.id).max().unwrap_or(0);
    let (id_width, width) = (width_of(id_max), width_of(size));
    let (is_large, count) = count_of(fields.len())?;
    let mut head = vec![2 | ((width - 1) | (id_width - 1) << 2 | u8::from(is_large) << 4) << 2];
    head.extend_from_slice(&count);
    fields.iter().for_each(|field| push_number(&mut head, field.id, id_width));
    for field in fields {
        push_number(&mut head, size_of(field.offset)?, width);
    }
    push_number(&mut head, size, width);
    out.splice(start..start, head);
    Ok(())
}

/// Makes an array of the values from `start` on.
pub(super) fn finish_array(out: &mut Vec<u8>, start: usize, offsets: &[usize]) -> Result<()> {
    let size = size_of(out.len() - start)?;
    let width = width_of(size);
    let (is_large, count) = count_of(offsets.len())?;
    let mut head = vec![3 | ((width - 1) | u8::from(is_large) << 2) << 2];
    head.extend_from_slice(&count);
    for offset in offsets {
        push_number(&mut head, size_of(*offset)?, width);
    }
    push_number(&mut head, size, width);
    out.splice(start..start, head);
    Ok(())
}

fn count_of(count: usize) -> Result<(bool, Vec<u8>)> {
    Ok(match u8::try_from(count) {
        Ok(count) => (false, vec![count]),
        Err(_) => (true, size_of(count)?.to_le_bytes().to_vec()),
    })
}

fn size_of(size: usize) -> Result<u32> {
    u32::try_from(size).map_err(|_| {
        Error::new(ErrorKind::ResourceLimit, "a variant is larger than its encoding allows: 4 GiB").with("bytes", size)
    })
}

fn width_of(number: u32) -> u8 {
    match number {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xff_ffff => 3,
        _ => 4,
    }
}

fn push_number(out: &mut Vec<u8>, number: u32, width: u8) {
    out.extend_from_slice(&number.to_le_bytes()[..width.into()]);
}
