//! Spec: [Deletion Vector Format](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vector-format),
//! the vector itself: a 64-bit [roaring bitmap](https://github.com/RoaringBitmap/RoaringFormatSpec#extension-for-64-bit-implementations)
//! of row positions behind Delta's magic number.
//!
//! ```text
//! i32 LE  magic 1681511377
//! u64 LE  number of 32-bit bitmaps
//! each:   u32 LE key (the positions' upper half, ascending), then a portable 32-bit bitmap (the lower halves)
//! ```

use crate::error::{Error, ErrorKind, Result};
use roaring::{RoaringBitmap, RoaringTreemap};
use std::ops::{Range, RangeInclusive};

/// The magic number of the portable format, the only one that the spec describes.
const MAGIC_PORTABLE: i32 = 1_681_511_377;
/// The magic number of the format that early writers used and that never became part of the spec.
const MAGIC_NATIVE: i32 = 1_681_511_376;
/// Magic number and number of bitmaps.
const HEADER_BYTES: usize = 4 + 8;
/// The fewest bytes that one entry takes: its key, and the cookie and container count of an empty bitmap.
const ENTRY_BYTES_MIN: usize = 4 + 8;

/// A set of row positions in one data file, counted from 0 in physical order.
///
/// ```
/// use deltaic_log::deletion_vector::DeletionVector;
/// let deleted: DeletionVector = [3, 4, 7, 5_000_000_000].into_iter().collect();
/// assert_eq!(deleted.cardinality(), 4);
/// assert!(deleted.contains(4) && !deleted.contains(5));
/// assert_eq!(deleted.ranges().collect::<Vec<_>>(), [3..5, 7..8, 5_000_000_000..5_000_000_001]);
/// assert_eq!(DeletionVector::from_bytes(&deleted.to_bytes()).unwrap(), deleted);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeletionVector {
    rows: RoaringTreemap,
}

impl DeletionVector {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many rows are deleted.
    pub fn cardinality(&self) -> u64 {
        self.rows.len()
    }

    /// Whether no row is deleted.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The last deleted position.
    pub fn max(&self) -> Option<u64> {
        self.rows.max()
    }

    /// Whether the row at `position` is deleted.
    pub fn contains(&self, position: u64) -> bool {
        self.rows.contains(position)
    }

    /// Whether every row of `positions` is deleted. True of an empty range.
    pub fn contains_range(&self, positions: Range<u64>) -> bool {
        positions.is_empty() || self.rows.contains_range(positions)
    }

    /// How many rows of `positions` are deleted.
    pub fn count_in(&self, positions: Range<u64>) -> u64 {
        self.rows.range_cardinality(positions)
    }

    /// Marks the row at `position` as deleted; false if it was already.
    pub fn insert(&mut self, position: u64) -> bool {
        self.rows.insert(position)
    }

    /// Marks all rows of `positions` as deleted.
    pub fn insert_range(&mut self, positions: Range<u64>) {
        self.rows.insert_range(positions);
    }

    /// The rows deleted here or in `other`.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self { rows: &self.rows | &other.rows }
    }

    /// The rows deleted here and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self { rows: &self.rows - &other.rows }
    }

    /// The deleted positions, ascending.
    pub fn positions(&self) -> impl Iterator<Item = u64> + '_ {
        self.rows.iter()
    }

    /// The deleted positions as ascending ranges that neither touch nor overlap: a few bytes for any number of rows.
    pub fn ranges(&self) -> Ranges<'_> {
        self.ranges_from(0)
    }

    /// [`Self::ranges`] of the positions from `start` on: found, not walked to.
    pub fn ranges_from(&self, start: u64) -> Ranges<'_> {
        let bitmaps = self.rows.bitmaps().skip_while(move |(key, _)| u64::from(*key) < start >> 32);
        let ranges = bitmaps.flat_map(move |(key, bitmap)| bitmap_ranges(key, bitmap, start));
        Ranges { bitmaps: Box::new(ranges), next: None }
    }

    /// The vector in the portable format, in the smallest encoding of each container.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut rows = self.rows.clone();
        rows.optimize();
        let mut bytes = Vec::with_capacity(4 + rows.serialized_size());
        bytes.extend_from_slice(&MAGIC_PORTABLE.to_le_bytes());
        rows.serialize_into(&mut bytes).expect("writing to memory does not fail");
        bytes
    }

    /// Reads the portable format; `bytes` must hold one vector and nothing else.
    ///
    /// Memory stays within a small multiple of `bytes.len()`: no count in the input is believed before there are bytes
    /// to back it. Fails with [`ErrorKind::CorruptData`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (magic, rest) = bytes.split_first_chunk().ok_or_else(|| corrupt("it is shorter than its header"))?;
        check_magic(*magic)?;
        let (count, mut rest) = rest.split_first_chunk().ok_or_else(|| corrupt("it is shorter than its header"))?;
        let count = u64::from_le_bytes(*count);
        if count > (bytes.len() - HEADER_BYTES) as u64 / ENTRY_BYTES_MIN as u64 {
            return Err(corrupt("it declares more bitmaps than its size allows").with("bitmaps", count));
        }
        let mut bitmaps: Vec<(u32, RoaringBitmap)> = Vec::new();
        for _ in 0..count {
            let entry = read_entry(&mut rest)?;
            if bitmaps.last().is_some_and(|(previous, _)| *previous >= entry.0) {
                return Err(corrupt("the keys of its bitmaps do not ascend"));
            }
            bitmaps.push(entry);
        }
        if !rest.is_empty() {
            return Err(corrupt("bytes are left over behind its last bitmap").with("bytes_left", rest.len()));
        }
        Ok(Self { rows: RoaringTreemap::from_bitmaps(bitmaps) })
    }
}

impl FromIterator<u64> for DeletionVector {
    fn from_iter<I: IntoIterator<Item = u64>>(positions: I) -> Self {
        Self { rows: positions.into_iter().collect() }
    }
}

impl Extend<u64> for DeletionVector {
    fn extend<I: IntoIterator<Item = u64>>(&mut self, positions: I) {
        self.rows.extend(positions);
    }
}

/// The iterator of [`DeletionVector::ranges`].
pub struct Ranges<'a> {
    bitmaps: Box<dyn Iterator<Item = RangeInclusive<u64>> + 'a>,
    next: Option<RangeInclusive<u64>>,
}

impl Iterator for Ranges<'_> {
    type Item = Range<u64>;

    /// Joins ranges that meet where one 32-bit bitmap ends and the next begins.
    fn next(&mut self) -> Option<Range<u64>> {
        let first = self.next.take().or_else(|| self.bitmaps.next())?;
        let mut last = *first.end();
        for range in self.bitmaps.by_ref() {
            if last.checked_add(1) != Some(*range.start()) {
                self.next = Some(range);
                break;
            }
            last = *range.end();
        }
        Some(*first.start()..last.saturating_add(1))
    }
}

/// The ranges of one 32-bit bitmap, as positions from `start` on.
fn bitmap_ranges(key: u32, bitmap: &RoaringBitmap, start: u64) -> impl Iterator<Item = RangeInclusive<u64>> + '_ {
    let base = u64::from(key) << 32;
    let mut rows = bitmap.iter();
    rows.advance_to(u32::try_from(start.saturating_sub(base)).unwrap_or(u32::MAX));
    std::iter::from_fn(move || {
        rows.next_range().map(|range| base + u64::from(*range.start())..=base + u64::from(*range.end()))
    })
}

fn read_entry(rest: &mut &[u8]) -> Result<(u32, RoaringBitmap)> {
    let (key, tail) = rest.split_first_chunk().ok_or_else(|| corrupt("it ends within a bitmap's key"))?;
    *rest = tail;
    let bitmap = RoaringBitmap::deserialize_from(rest)
        .map_err(|error| corrupt("it holds no valid roaring bitmap").because(error))?;
    Ok((u32::from_le_bytes(*key), bitmap))
}

fn check_magic(magic: [u8; 4]) -> Result<()> {
    match (i32::from_le_bytes(magic), i32::from_be_bytes(magic)) {
        (MAGIC_PORTABLE, _) => Ok(()),
        (MAGIC_NATIVE, _) | (_, MAGIC_NATIVE) => Err(corrupt(
            "it is in the native format, which preceded the specification; rewrite the table's deletion vectors with the \
             engine that wrote them (REORG TABLE … APPLY (PURGE))",
        )),
        (other, _) => Err(corrupt("its magic number is wrong").with("magic", other).with("expected", MAGIC_PORTABLE)),
    }
}

fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::CorruptData, format!("a deletion vector is damaged: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use std::collections::BTreeSet;

    fn vector(positions: &[u64]) -> DeletionVector {
        positions.iter().copied().collect()
    }

    /// Header and entries as a writer would frame them.
    fn raw(magic: i32, count: u64, entries: &[(u32, &[u8])]) -> Vec<u8> {
        let mut bytes = [&magic.to_le_bytes()[..], &count.to_le_bytes()].concat();
        for (key, bitmap) in entries {
            bytes.extend_from_slice(&key.to_le_bytes());
            bytes.extend_from_slice(bitmap);
        }
        bytes
    }

    fn bitmap(rows: &[u32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        rows.iter().copied().collect::<RoaringBitmap>().serialize_into(&mut bytes).unwrap();
        bytes
    }

    #[rstest]
    #[case::empty(&[])]
    #[case::first_row(&[0])]
    #[case::both_sides_of_32_bits(&[u32::MAX as u64, 1 << 32])]
    #[case::far_beyond_32_bits(&[7, (1 << 40) + 3, (1 << 62) + 1])]
    #[case::last_of_all(&[u64::MAX])]
    fn bytes_give_the_same_vector(#[case] positions: &[u64]) {
        let vector = vector(positions);
        assert_eq!(DeletionVector::from_bytes(&vector.to_bytes()).unwrap(), vector);
        assert_eq!(vector.positions().collect::<Vec<_>>(), positions);
    }

    #[test]
    fn a_long_range_takes_few_bytes() {
        let mut vector = DeletionVector::new();
        vector.insert_range(5..(1 << 32) + 5);
        assert_eq!(vector.cardinality(), 1 << 32);
        assert!(vector.ranges().eq(std::iter::once(5..(1 << 32) + 5)));
        let bytes = vector.to_bytes();
        assert!(bytes.len() < 1 << 20, "{} bytes", bytes.len());
        assert_eq!(DeletionVector::from_bytes(&bytes).unwrap(), vector);
    }

    #[rstest]
    #[case::no_bytes(vec![], "shorter than its header")]
    #[case::magic_only(MAGIC_PORTABLE.to_le_bytes().to_vec(), "shorter than its header")]
    #[case::wrong_magic(raw(7, 0, &[]), "magic number is wrong")]
    #[case::native_format(raw(MAGIC_NATIVE, 0, &[]), "native format")]
    #[case::native_format_big_endian([&MAGIC_NATIVE.to_be_bytes()[..], &[0; 40]].concat(), "native format")]
    #[case::absurd_count(raw(MAGIC_PORTABLE, u64::MAX, &[(0, &bitmap(&[1]))]), "more bitmaps than its size allows")]
    #[case::missing_bitmap(raw(MAGIC_PORTABLE, 2, &[(0, &bitmap(&[1, 2, 3, 4, 5, 6, 7, 8]))]), "ends within a bitmap's key")]
    #[case::repeated_key(raw(MAGIC_PORTABLE, 2, &[(1, &bitmap(&[1])), (1, &bitmap(&[2]))]), "do not ascend")]
    #[case::bytes_behind(raw(MAGIC_PORTABLE, 1, &[(0, &[&bitmap(&[1])[..], &[0]].concat())]), "left over")]
    #[case::absurd_container_count(raw(MAGIC_PORTABLE, 1, &[(0, &[0x3a, 0x30, 0, 0, 0xff, 0xff, 0xff, 0xff])]), "roaring")]
    #[case::truncated(raw(MAGIC_PORTABLE, 1, &[(0, &bitmap(&[1, 2, 3])[..18])]), "roaring")]
    fn hostile_bytes_give_a_named_error(#[case] bytes: Vec<u8>, #[case] message: &str) {
        let error = DeletionVector::from_bytes(&bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptData);
        assert!(error.to_string().contains(message), "{error}");
    }

    fn positions() -> impl Strategy<Value = BTreeSet<u64>> {
        let position =
            prop_oneof![0..200u64, 65_500..65_600u64, (u32::MAX as u64 - 40)..(u32::MAX as u64 + 40), any::<u64>()];
        proptest::collection::btree_set(position, 0..200)
    }

    proptest! {
        #[test]
        fn agrees_with_a_set(a in positions(), b in positions(), from in 0..300u64, len in 0..50u64) {
            let (x, y): (DeletionVector, DeletionVector) = (a.iter().copied().collect(), b.iter().copied().collect());
            prop_assert_eq!(DeletionVector::from_bytes(&x.to_bytes()).unwrap(), x.clone());
            prop_assert_eq!(x.cardinality(), a.len() as u64);
            prop_assert_eq!(x.max(), a.last().copied());
            prop_assert!(x.union(&y).positions().eq(a.union(&b).copied()));
            prop_assert!(x.difference(&y).positions().eq(a.difference(&b).copied()));
            prop_assert_eq!(x.contains_range(from..from + len), (from..from + len).all(|p| a.contains(&p)));
            prop_assert_eq!(x.count_in(from..from + len), a.range(from..from + len).count() as u64);
        }

        #[test]
        fn ranges_cover_the_positions_and_never_touch(set in proptest::collection::btree_set(0..400u64, 0..300), from in 0..400u64) {
            let base = (1u64 << 32) - 200;
            let vector: DeletionVector = set.iter().map(|p| base + p).collect();
            let ranges: Vec<_> = vector.ranges().collect();
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
            prop_assert!(ranges.into_iter().flatten().eq(vector.positions()));
            let later = vector.ranges_from(base + from).flatten();
            prop_assert!(later.eq(vector.positions().filter(|position| *position >= base + from)));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), framed in any::<bool>()) {
            let bytes = if framed { raw(MAGIC_PORTABLE, 1, &[(0, &[&[0x3a, 0x30, 0, 0][..], &bytes].concat())]) } else { bytes };
            let _ = DeletionVector::from_bytes(&bytes).map(|vector| vector.to_bytes());
        }

        #[test]
        fn a_damaged_vector_never_panics(set in positions(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let mut bytes = set.into_iter().collect::<DeletionVector>().to_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let _ = DeletionVector::from_bytes(&bytes).map(|vector| vector.ranges().count());
        }
    }
}
