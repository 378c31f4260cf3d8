//! `IN` a list of constants: one look-up a row, however long the list.

use super::compare::normalised_array;
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::NullBuffer;
use arrow_row::{RowConverter, SortField};
use arrow_schema::DataType;
use arrow_select::concat::concat;
use deltaic_log::Result;
use std::collections::HashSet;

/// The constants of an `IN` list, all of one type.
#[derive(Debug)]
pub(crate) struct Set {
    converter: RowConverter,
    members: HashSet<Box<[u8]>>,
    has_null: bool,
    is_empty: bool,
    values: Vec<ArrayRef>,
}

impl Set {
    pub(crate) fn try_new(data_type: &DataType, constants: &[ArrayRef]) -> Result<Self> {
        let converter = RowConverter::new(vec![SortField::new(data_type.clone())])?;
        let null = |value: &ArrayRef| value.is_null(0) || value.data_type().is_null();
        let values: Vec<_> = constants.iter().filter(|value| !null(value)).cloned().collect();
        let has_null = values.len() < constants.len();
        let mut members = HashSet::new();
        if !values.is_empty() {
            let parts: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
            let rows = converter.convert_columns(&[normalised_array(&concat(&parts)?)])?;
            members = rows.iter().map(|row| row.data().into()).collect();
        }
        Ok(Self { converter, members, has_null, is_empty: constants.is_empty(), values })
    }

    /// The constants that are not null, arrays of one row.
    pub(crate) fn values(&self) -> &[ArrayRef] {
        &self.values
    }

    /// Whether the list holds `NULL`: what it does not contain is then unknown.
    pub(crate) fn has_null(&self) -> bool {
        self.has_null
    }

    /// For each value: true, false, or null where the list cannot tell.
    pub(crate) fn contains(&self, values: &ArrayRef) -> Result<BooleanArray> {
        if values.data_type().is_null() {
            return Ok(std::iter::repeat_n(self.is_empty.then_some(false), values.len()).collect());
        }
        let rows = self.converter.convert_columns(&[normalised_array(values)])?;
        let found: Vec<bool> = rows.iter().map(|row| self.members.contains(row.data())).collect();
        let known = |row: usize| self.is_empty || (values.is_valid(row) && (found[row] || !self.has_null));
        let nulls: NullBuffer = (0..values.len()).map(known).collect::<Vec<_>>().into();
        Ok(BooleanArray::new(found.into(), Some(nulls)))
    }
}
