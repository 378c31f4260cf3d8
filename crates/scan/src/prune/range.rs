//! The range that an expression's values lie in, for each file, and what comparisons of ranges can come out as.

use super::outcomes::Outcomes;
use crate::expr::{BinaryOp, ColumnarArg, Scalar, compare_values};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Float32Array, Float64Array};
use arrow_buffer::BooleanBuffer;
use arrow_schema::DataType;
use deltaic_log::Result;
use std::sync::Arc;

/// What is known of an expression's values in each file.
#[derive(Clone, Debug)]
pub(super) struct Range {
    /// No value is below; null where unknown.
    pub(super) min: ColumnarArg,
    /// No value is above, save `NaN` where `hidden_nan` says so; null where unknown.
    pub(super) max: ColumnarArg,
    /// Whether some row may be null.
    pub(super) null: BooleanBuffer,
    /// Whether some row may hold a value.
    pub(super) present: BooleanBuffer,
    /// Whether values may be `NaN` although the maximum does not say so.
    pub(super) hidden_nan: bool,
}

impl Range {
    /// One known value for each file, perhaps null.
    pub(super) fn exact(values: ColumnarArg, files: usize) -> Result<Self> {
        let array = values.to_array(files)?;
        let null = match array.logical_nulls() {
            Some(nulls) => !nulls.inner(),
            None => BooleanBuffer::new_unset(files),
        };
        Ok(Self { min: values.clone(), max: values, present: !&null, null, hidden_nan: false })
    }

    /// What `self op other` can come out as.
    pub(super) fn compare(&self, op: BinaryOp, other: &Self) -> Result<Outcomes> {
        Ok(match op {
            BinaryOp::Eq => self.equal(other)?,
            BinaryOp::NotEq => self.equal(other)?.not(),
            BinaryOp::Lt => self.less(other)?,
            BinaryOp::GtEq => self.less(other)?.not(),
            BinaryOp::Gt => other.less(self)?,
            BinaryOp::LtEq => other.less(self)?.not(),
            _ => self.null_safe_equal(other)?,
        })
    }

    fn equal(&self, other: &Self) -> Result<Outcomes> {
        let apart = &self.under(other)? | &other.under(self)?;
        let hidden = self.hidden_nan || other.hidden_nan;
        let single = &self.surely(&self.min, BinaryOp::Eq, &self.max)?
            & &(&self.surely(&self.max, BinaryOp::Eq, &other.min)?
                & &self.surely(&other.min, BinaryOp::Eq, &other.max)?);
        let single = if hidden { BooleanBuffer::new_unset(single.len()) } else { single };
        Ok(self.outcomes(other, &!&apart, &!&single))
    }

    fn less(&self, other: &Self) -> Result<Outcomes> {
        let never = self.surely(&self.min, BinaryOp::GtEq, &other.max)?;
        let never = if other.hidden_nan { BooleanBuffer::new_unset(never.len()) } else { never };
        Ok(self.outcomes(other, &!&never, &!&self.below(other)?))
    }

    fn null_safe_equal(&self, other: &Self) -> Result<Outcomes> {
        let equal = self.equal(other)?;
        let one_null = &(&self.null & &other.present) | &(&self.present & &other.null);
        Ok(Outcomes::two_valued(&equal.true_ | &(&self.null & &other.null), &equal.false_ | &one_null))
    }

    /// Where no value can equal one of `other`, since all but a hidden `NaN` are less, and `other` has none to meet it.
    fn under(&self, other: &Self) -> Result<BooleanBuffer> {
        let under = self.surely(&self.max, BinaryOp::Lt, &other.min)?;
        match nan_of(other.max.data_type()) {
            Some(_) if self.hidden_nan && other.hidden_nan => Ok(BooleanBuffer::new_unset(under.len())),
            Some(nan) if self.hidden_nan => Ok(&under & &self.surely(&other.max, BinaryOp::Lt, &nan)?),
            _ => Ok(under),
        }
    }

    /// Where every value, a hidden `NaN` included, is less than every value of `other`.
    fn below(&self, other: &Self) -> Result<BooleanBuffer> {
        let below = self.surely(&self.max, BinaryOp::Lt, &other.min)?;
        if !self.hidden_nan {
            return Ok(below);
        }
        Ok(BooleanBuffer::new_unset(below.len()))
    }

    /// Where every value is greater than `other`.
    pub(super) fn exceeds(&self, other: &ColumnarArg) -> Result<BooleanBuffer> {
        self.surely(&self.min, BinaryOp::Gt, other)
    }

    /// Where a comparison of bounds holds for certain: unknown bounds tell nothing.
    fn surely(&self, left: &ColumnarArg, op: BinaryOp, right: &ColumnarArg) -> Result<BooleanBuffer> {
        let files = self.null.len();
        let holds = compare_values(op, left, right, files)?.to_array(files)?;
        let holds = holds.as_boolean();
        Ok(match holds.nulls() {
            Some(nulls) => holds.values() & nulls.inner(),
            None => holds.values().clone(),
        })
    }

    /// The outcomes of a comparison that is null where either side is.
    fn outcomes(&self, other: &Self, true_: &BooleanBuffer, false_: &BooleanBuffer) -> Outcomes {
        let present = &self.present & &other.present;
        Outcomes { true_: &present & true_, false_: &present & false_, null: &self.null | &other.null }
    }

    /// The same range where no value is `NaN`.
    pub(super) fn without_nan(mut self) -> Self {
        self.hidden_nan = false;
        self
    }
}

fn nan_of(data_type: &DataType) -> Option<ColumnarArg> {
    match data_type {
        DataType::Float32 => Some(ColumnarArg::Constant(Scalar::Float(f32::NAN).to_array())),
        DataType::Float64 => Some(ColumnarArg::Constant(Scalar::Double(f64::NAN).to_array())),
        _ => None,
    }
}

/// Whether values of the type can be `NaN`.
pub(super) fn has_nan(data_type: &DataType) -> bool {
    nan_of(data_type).is_some()
}

/// Lower bounds that are `NaN` tell nothing: some writers compare as IEEE 754 does.
pub(super) fn trusted_min(min: ArrayRef) -> ArrayRef {
    match min.data_type() {
        DataType::Float32 => {
            let values = min.as_primitive::<arrow_array::types::Float32Type>();
            Arc::new(values.iter().map(|v| v.filter(|v| !v.is_nan())).collect::<Float32Array>())
        }
        DataType::Float64 => {
            let values = min.as_primitive::<arrow_array::types::Float64Type>();
            Arc::new(values.iter().map(|v| v.filter(|v| !v.is_nan())).collect::<Float64Array>())
        }
        _ => min,
    }
}
