//! Which rows of each row group are decoded: sets of row positions as ascending ranges that neither touch nor overlap.

use deltaic_log::deletion_vector::DeletionVector;
use deltaic_log::{Error, ErrorKind, Result};
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use std::ops::Range;

/// The rows of a file that count: those of `only` (all, where it is `None`) that are not in `except`.
#[derive(Debug, Default)]
pub(super) struct LiveRows {
    pub(super) only: Option<DeletionVector>,
    pub(super) except: Option<DeletionVector>,
}

impl LiveRows {
    /// The live rows among `positions`. Memory is in proportion to the ranges, not the rows.
    pub(super) fn within(&self, positions: Range<u64>) -> Vec<Range<u64>> {
        let all = vec![positions.clone()];
        let kept = match &self.only {
            Some(only) => intersect(&all, &ranges_within(only, &positions)),
            None => all,
        };
        match &self.except {
            Some(except) => subtract(&kept, &ranges_within(except, &positions)),
            None => kept,
        }
    }

    /// Whether every row counts.
    pub(super) fn is_all(&self) -> bool {
        self.only.is_none() && self.except.as_ref().is_none_or(DeletionVector::is_empty)
    }

    /// Fails where a vector names rows that the file, of `rows` rows, does not have: it belongs to another file.
    pub(super) fn check(&self, rows: u64) -> Result<()> {
        match [&self.only, &self.except].into_iter().flatten().filter_map(DeletionVector::max).max() {
            Some(last) if last >= rows => Err(Error::new(
                ErrorKind::CorruptData,
                "a deletion vector names rows that its data file does not have: one of the two is damaged",
            )
            .with("position", last)
            .with("rows_in_file", rows)),
            _ => Ok(()),
        }
    }
}

/// The rows in both.
pub(super) fn intersect(a: &[Range<u64>], b: &[Range<u64>]) -> Vec<Range<u64>> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut both = Vec::new();
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        let (start, end) = (x.start.max(y.start), x.end.min(y.end));
        if start < end {
            both.push(start..end);
        }
        if x.end <= y.end {
            a.next()
        } else {
            b.next()
        };
    }
    both
}

/// The rows of `a` that are not in `b`.
pub(super) fn subtract(a: &[Range<u64>], b: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut left = Vec::new();
    let mut b = b.iter().peekable();
    for range in a {
        let mut start = range.start;
        while let Some(hole) = b.peek().filter(|hole| hole.start < range.end) {
            if start < hole.start {
                left.push(start..hole.start);
            }
            start = start.max(hole.end);
            if hole.end > range.end {
                break;
            }
            b.next();
        }
        if start < range.end {
            left.push(start..range.end);
        }
    }
    left
}

/// The selection of a row group that holds the rows `group`: `None` where all of them are in `rows`.
pub(super) fn selection(rows: &[Range<u64>], group: &Range<u64>) -> Option<RowSelection> {
    if rows == std::slice::from_ref(group) {
        return None;
    }
    let mut selectors = Vec::with_capacity(2 * rows.len() + 1);
    let mut at = group.start;
    for range in rows {
        selectors.push(RowSelector::skip(count(at..range.start)));
        selectors.push(RowSelector::select(count(range.clone())));
        at = range.end;
    }
    selectors.push(RowSelector::skip(count(at..group.end)));
    Some(RowSelection::from(selectors))
}

fn count(range: Range<u64>) -> usize {
    usize::try_from(range.end - range.start).unwrap_or(usize::MAX)
}

/// The vector's rows among `positions`.
fn ranges_within(vector: &DeletionVector, positions: &Range<u64>) -> Vec<Range<u64>> {
    let clipped = vector.ranges_from(positions.start).take_while(|range| range.start < positions.end);
    clipped.map(|range| range.start.max(positions.start)..range.end.min(positions.end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn ranges(rows: &BTreeSet<u64>) -> Vec<Range<u64>> {
        rows.iter().copied().collect::<DeletionVector>().ranges().collect()
    }

    fn rows(ranges: &[Range<u64>]) -> BTreeSet<u64> {
        ranges.iter().cloned().flatten().collect()
    }

    proptest! {
        #[test]
        fn agrees_with_sets(a in prop::collection::btree_set(0..60u64, 0..60), b in prop::collection::btree_set(0..60u64, 0..60)) {
            prop_assert_eq!(rows(&intersect(&ranges(&a), &ranges(&b))), a.intersection(&b).copied().collect());
            prop_assert_eq!(rows(&subtract(&ranges(&a), &ranges(&b))), a.difference(&b).copied().collect());
        }

        #[test]
        fn live_rows_and_their_selection_agree_with_sets(
            only in prop::option::of(prop::collection::btree_set(0..60u64, 0..60)),
            except in prop::option::of(prop::collection::btree_set(0..60u64, 0..60)),
            start in 0..50u64,
            len in 1..20u64,
        ) {
            let vector = |rows: &BTreeSet<u64>| rows.iter().copied().collect::<DeletionVector>();
            let live = LiveRows { only: only.as_ref().map(vector), except: except.as_ref().map(vector) };
            let counts = |row: &u64| only.as_ref().is_none_or(|o| o.contains(row)) && !except.as_ref().is_some_and(|e| e.contains(row));
            let expected: BTreeSet<u64> = (start..start + len).filter(counts).collect();
            let within = live.within(start..start + len);
            prop_assert_eq!(&rows(&within), &expected);
            match selection(&within, &(start..start + len)) {
                None => prop_assert_eq!(expected.len() as u64, len),
                Some(selection) => prop_assert_eq!(selection.row_count(), expected.len()),
            }
        }
    }

    #[test]
    fn a_vector_of_another_file_is_an_error() {
        let live = LiveRows { only: None, except: Some([9].into_iter().collect()) };
        assert!(live.check(10).is_ok());
        assert_eq!(live.check(9).unwrap_err().kind(), ErrorKind::CorruptData);
    }
}
