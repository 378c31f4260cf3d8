//! Spec: [Identity Columns](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#identity-columns).
//!
//! Values go on from the high-water mark, which the commit then moves: two writers that began at the same mark conflict over
//! the metadata, so no value is given twice. Gaps are nobody's loss.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use deltaic_log::schema::column_metadata::Identity;
use deltaic_log::{Error, ErrorKind, Result};

/// The values of one identity column that a write gives out.
#[derive(Clone, Debug)]
pub(crate) struct IdentitySequence {
    start: i128,
    step: i128,
    /// The multiple of the step that comes next.
    next: i128,
    given: bool,
}

impl IdentitySequence {
    pub(crate) fn new(identity: &Identity) -> Self {
        let (start, step) = (i128::from(identity.start), i128::from(identity.step));
        // A mark that is none of the sequence's values, set by a user's own, is passed over.
        let after = |mark: i64| {
            let distance = (i128::from(mark) - start) * step.signum();
            (distance.div_euclid(step.abs()) + 1).max(0)
        };
        Self { start, step, next: identity.high_water_mark.map_or(0, after), given: false }
    }

    /// The next values.
    ///
    /// # Errors
    /// [`ErrorKind::ResourceLimit`] where there are no more.
    pub(crate) fn take(&mut self, rows: usize) -> Result<ArrayRef> {
        let first = self.next;
        self.next += rows as i128;
        self.given |= rows > 0;
        let value = |place: usize| i64::try_from(self.start + (first + place as i128) * self.step);
        let values = (0..rows).map(value).collect::<Result<Vec<_>, _>>().map_err(|error| {
            let message = "an identity column has given out all values that there are: begin a new one";
            Error::new(ErrorKind::ResourceLimit, message).because(error)
        })?;
        Ok(Arc::new(Int64Array::from(values)))
    }

    /// The mark after what was given; `None` where nothing was.
    pub(crate) fn high_water_mark(&self) -> Option<i64> {
        self.given.then(|| i64::try_from(self.start + (self.next - 1) * self.step).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use rstest::rstest;

    #[rstest]
    #[case(1, 1, None, &[1, 2, 3])]
    #[case(1, 1, Some(7), &[8, 9, 10])]
    #[case(100, -10, Some(90), &[80, 70, 60])]
    #[case(-5, 3, None, &[-5, -2, 1])]
    #[case(-5, 3, Some(2), &[4, 7, 10])]
    #[case(100, -10, Some(-1000), &[-1010, -1020, -1030])]
    #[case(100, -10, Some(-1001), &[-1010, -1020, -1030])]
    #[case(10, 5, Some(-100), &[10, 15, 20])]
    fn values(#[case] start: i64, #[case] step: i64, #[case] mark: Option<i64>, #[case] expected: &[i64]) {
        let identity = Identity { start, step, high_water_mark: mark, allow_explicit_insert: false };
        let mut sequence = IdentitySequence::new(&identity);
        assert_eq!(sequence.high_water_mark(), None);
        let values = [sequence.take(1).unwrap(), sequence.take(2).unwrap()];
        let values: Vec<i64> = values.iter().flat_map(|v| v.as_primitive::<Int64Type>().values().to_vec()).collect();
        assert_eq!(values, expected);
        assert_eq!(sequence.high_water_mark(), expected.last().copied());
    }

    #[test]
    fn an_end() {
        let identity = Identity { start: i64::MAX, step: 1, high_water_mark: None, allow_explicit_insert: false };
        let mut sequence = IdentitySequence::new(&identity);
        assert!(sequence.take(1).is_ok());
        assert_eq!(sequence.take(1).unwrap_err().kind(), ErrorKind::ResourceLimit);
    }
}
