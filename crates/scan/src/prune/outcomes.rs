//! What a condition can come out as, for each file: three flags, combined by three-valued logic.

use arrow_array::{Array, BooleanArray};
use arrow_buffer::BooleanBuffer;

/// For each file, whether some row can come out true, false, or null. Flags err towards true.
#[derive(Clone, Debug)]
pub(super) struct Outcomes {
    pub(super) true_: BooleanBuffer,
    pub(super) false_: BooleanBuffer,
    pub(super) null: BooleanBuffer,
}

impl Outcomes {
    /// Anything is possible in any of `files` files.
    pub(super) fn unknown(files: usize) -> Self {
        let set = BooleanBuffer::new_set(files);
        Self { true_: set.clone(), false_: set.clone(), null: set }
    }

    /// Each file's rows all come out the same, as `values` says.
    pub(super) fn exact(values: &BooleanArray) -> Self {
        let valid = values.nulls().map_or_else(|| BooleanBuffer::new_set(values.len()), |nulls| nulls.inner().clone());
        Self { true_: values.values() & &valid, false_: &!values.values() & &valid, null: !&valid }
    }

    pub(super) fn not(self) -> Self {
        Self { true_: self.false_, false_: self.true_, null: self.null }
    }

    /// Any pair of outcomes may meet in a row.
    pub(super) fn and(&self, other: &Self) -> Self {
        let not_false = |outcomes: &Self| &outcomes.true_ | &outcomes.null;
        Self {
            true_: &self.true_ & &other.true_,
            false_: &self.false_ | &other.false_,
            null: &(&self.null & &not_false(other)) | &(&other.null & &not_false(self)),
        }
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        self.clone().not().and(&other.clone().not()).not()
    }

    /// `IS TRUE`.
    pub(super) fn is_true(&self) -> Self {
        Self::two_valued(self.true_.clone(), &self.false_ | &self.null)
    }

    /// `IS FALSE`.
    pub(super) fn is_false(&self) -> Self {
        Self::two_valued(self.false_.clone(), &self.true_ | &self.null)
    }

    /// `IS NULL`.
    pub(super) fn is_null(&self) -> Self {
        Self::two_valued(self.null.clone(), &self.true_ | &self.false_)
    }

    pub(super) fn two_valued(true_: BooleanBuffer, false_: BooleanBuffer) -> Self {
        let null = BooleanBuffer::new_unset(true_.len());
        Self { true_, false_, null }
    }
}
