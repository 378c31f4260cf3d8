//! Spec: [Metadata encoding](https://github.com/apache/parquet-format/blob/master/VariantEncoding.md#metadata-encoding): the
//! names of fields, which a value's objects give by number.
//!
//! ```text
//! header | how many | offset ... offset | names
//! ```

use super::cursor::{Cursor, Numbers, corrupt};
use deltaic_log::Result;
use std::cell::OnceCell;

const VERSION: u8 = 1;

/// The names of a variant's fields. A name may be empty, and may stand there more than once.
pub(super) struct Dictionary<'a> {
    bytes: &'a [u8],
    count: usize,
    offsets: Numbers<'a>,
    names: &'a str,
    /// All ids in the order of their names, and of the ids themselves where names are the same.
    by_name: OnceCell<Vec<u32>>,
}

impl<'a> Dictionary<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut rest = Cursor::new(bytes);
        let header = rest.byte()?;
        if header & 0x0f != VERSION {
            return Err(corrupt("the version of its dictionary is not 1"));
        }
        let width = usize::from(header >> 6) + 1;
        let count = rest.number(width)?;
        let boundaries = count.checked_add(1).ok_or_else(|| corrupt("it counts more than there can be"))?;
        let offsets = rest.numbers(boundaries, width)?;
        let size = check_offsets(offsets)?;
        let names = str::from_utf8(rest.take(size)?).map_err(|_| corrupt("a field's name is no UTF-8"))?;
        let dictionary = Self { bytes, count, offsets, names, by_name: OnceCell::new() };
        dictionary.check_names(header & 0x10 != 0)?;
        Ok(dictionary)
    }

    /// Whether it was read from these bytes.
    pub(super) fn is_of(&self, bytes: &[u8]) -> bool {
        self.bytes == bytes
    }

    pub(super) fn name(&self, id: usize) -> Result<&'a str> {
        let unknown = || corrupt("a field's id is not in the dictionary");
        let (start, end) = self.offsets.get(id).zip(self.offsets.get(id + 1)).ok_or_else(unknown)?;
        self.names.get(start..end).ok_or_else(|| corrupt("a field's name is no UTF-8"))
    }

    /// The first id of the name.
    pub(super) fn id(&self, name: &str) -> Result<u32> {
        let name_of = |id: u32| self.name(id as usize).expect("all names were read when the dictionary was");
        let ids = self.by_name.get_or_init(|| {
            let mut ids: Vec<u32> = (0..).take(self.count).collect();
            ids.sort_by_key(|id| name_of(*id));
            ids
        });
        let found = ids.get(ids.partition_point(|id| name_of(*id) < name));
        found
            .copied()
            .filter(|id| name_of(*id) == name)
            .ok_or_else(|| corrupt("a shredded field is not in the dictionary"))
    }

    fn check_names(&self, sorted: bool) -> Result<()> {
        let mut before = None;
        for id in 0..self.count {
            let name = self.name(id)?;
            if sorted && before.is_some_and(|before| before >= name) {
                return Err(corrupt("its dictionary is not as sorted as it says"));
            }
            before = Some(name);
        }
        Ok(())
    }
}

/// How long the names are together. Offsets begin at zero and never go back; behind an empty name they stand still.
fn check_offsets(offsets: Numbers<'_>) -> Result<usize> {
    if offsets.get(0) != Some(0) || !offsets.iter().is_sorted() {
        return Err(corrupt("the offsets of its dictionary go back"));
    }
    Ok(offsets.last().expect("one more than there are names"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn names_may_be_empty_and_may_repeat() {
        let dictionary = Dictionary::read(b"\x01\x04\x00\x01\x01\x02\x04ababc").unwrap();
        let names: Vec<_> = (0..4).map(|id| dictionary.name(id).unwrap()).collect();
        assert_eq!(names, ["a", "", "b", "ab"]);
        assert_eq!(["", "a", "ab", "b"].map(|name| dictionary.id(name).unwrap()), [1, 0, 3, 2]);
        assert!(dictionary.id("c").is_err() && dictionary.name(4).is_err());
        assert_eq!(Dictionary::read(b"\x01\x02\x00\x01\x02aa").unwrap().id("a").unwrap(), 0);
    }

    #[test]
    fn offsets_are_as_wide_as_the_header_says() {
        for (width, header) in [(1, 0x01), (2, 0x41), (3, 0x81), (4, 0xc1)] {
            let number = |n: u32| n.to_le_bytes()[..width].to_vec();
            let bytes = [vec![header], number(1), number(0), number(2), b"xy".to_vec()].concat();
            assert_eq!(Dictionary::read(&bytes).unwrap().name(0).unwrap(), "xy");
        }
    }

    #[rstest]
    #[case::nothing(b"")]
    #[case::no_count(b"\x01")]
    #[case::another_version(b"\x02\x00\x00")]
    #[case::first_offset_not_zero(b"\x01\x01\x01\x02ab")]
    #[case::offsets_go_back(b"\x01\x02\x00\x02\x01ab")]
    #[case::names_end_too_early(b"\x01\x01\x00\x05ab")]
    #[case::fewer_offsets_than_counted(b"\x01\x09\x00\x01a")]
    #[case::more_names_than_memory(b"\xc1\xff\xff\xff\xff\x00\x00\x00\x00")]
    #[case::no_utf8(b"\x01\x01\x00\x01\xff")]
    #[case::cut_inside_a_character("\x01\x02\x00\x01\x02é".as_bytes())]
    #[case::not_sorted(b"\x11\x02\x00\x01\x02ba")]
    #[case::sorted_with_a_name_twice(b"\x11\x02\x00\x01\x02aa")]
    fn damaged_dictionaries_are_refused(#[case] bytes: &[u8]) {
        assert!(Dictionary::read(bytes).is_err());
    }
}
