//! Columns that the writer fills: generated, defaulted, numbered.
//!
//! Spec: [Generated Columns](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#generated-columns),
//! [Default Columns](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#default-columns). A default stands in for a column
//! that the input lacks as a whole: a null that is given is a value.

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use deltaic_log::feature::ComputedValues;
use deltaic_log::schema::{ColumnPath, DataType, StructField, StructType};
use deltaic_log::{Error, ErrorKind, Result, ResultExt};
use deltaic_scan::expr::{BinaryOp, BoundExpr, EvalContext, Expr, OnCastFailure, parse};
use std::sync::Arc;

use super::alignment::{Alignment, relaxed};
use super::identity::IdentitySequence;
use super::row_checks::Condition;

/// How a column that the input lacks is filled.
#[derive(Debug)]
pub(crate) enum Filler {
    /// From the row's other columns.
    Generated(Formula),
    /// From nothing.
    Default(Formula),
    Identity(IdentitySequence),
    /// With nulls.
    Null,
}

/// An expression whose results have a column's type.
#[derive(Debug)]
pub(crate) struct Formula {
    bound: BoundExpr,
    /// From the expression's own type, where that is nested.
    alignment: Option<(Arc<Schema>, Alignment)>,
}

impl Formula {
    /// # Errors
    /// [`ErrorKind::InvalidExpression`], [`ErrorKind::UnknownColumn`].
    pub(crate) fn new(sql: &str, field: &StructField, schema: &Schema, eval: &EvalContext) -> Result<Self> {
        let expr = match &field.data_type {
            DataType::Primitive(primitive) => {
                Expr::Cast { expr: Box::new(parse(sql)?), data_type: *primitive, on_failure: OnCastFailure::Error }
            }
            _ => parse(sql)?,
        };
        Self::lossless(&expr, field, schema, eval)
    }

    /// Of an expression whose values are stored as they are, or refused.
    ///
    /// # Errors
    /// As [`BoundExpr::bind`]; [`ErrorKind::InvalidArgument`] where its type never fits.
    pub(crate) fn lossless(expr: &Expr, field: &StructField, schema: &Schema, eval: &EvalContext) -> Result<Self> {
        let bound = BoundExpr::bind(expr, schema, eval)?;
        let is_as_due = *bound.data_type() == relaxed(&field.data_type).to_arrow();
        let alignment = match is_as_due {
            true => None,
            false => {
                let given = Schema::new(vec![Field::new(&field.name, bound.data_type().clone(), true)]);
                let alignment = Alignment::new(&given, &StructType::new([field.clone()]))?;
                Some((Arc::new(given), alignment))
            }
        };
        Ok(Self { bound, alignment })
    }

    pub(crate) fn evaluate(&self, rows: &RecordBatch, eval: &EvalContext) -> Result<ArrayRef> {
        let values = self.bound.evaluate(rows, eval)?;
        let Some((schema, alignment)) = &self.alignment else { return Ok(values) };
        let given = RecordBatch::try_new(schema.clone(), vec![values])?;
        let aligned = alignment.apply(&given, 0)?.into_iter().next().flatten();
        aligned.ok_or_else(|| Error::new(ErrorKind::Internal, "an expression gave no column"))
    }
}

impl Filler {
    /// For a column that the input lacks.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidExpression`], [`ErrorKind::UnknownColumn`]: the table's metadata has an expression that cannot be
    /// understood.
    pub(crate) fn new(
        field: &StructField,
        values: Option<&ComputedValues>,
        schema: &Schema,
        eval: &EvalContext,
    ) -> Result<Self> {
        let filler = match values {
            None => Ok(Self::Null),
            Some(ComputedValues::Identity(identity)) => Ok(Self::Identity(IdentitySequence::new(identity))),
            Some(ComputedValues::Generated(sql)) => Formula::new(sql, field, schema, eval).map(Self::Generated),
            Some(ComputedValues::Default(sql)) => Formula::new(sql, field, &Schema::empty(), eval).map(Self::Default),
        };
        filler.with("column", &field.name)
    }

    /// Whether other columns are needed first.
    pub(crate) fn is_generated(&self) -> bool {
        matches!(self, Self::Generated(_))
    }
}

/// As many rows as a batch has, without columns.
pub(crate) fn bare_rows(rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?)
}

/// That the values which an input brings for a generated column are those that the table would compute.
///
/// # Errors
/// As [`Condition::new`].
pub(crate) fn generated_as_due(
    field: &StructField,
    sql: &str,
    schema: &Schema,
    eval: &EvalContext,
) -> Result<Condition> {
    let column = Expr::Column(ColumnPath::from(field.name.as_str()));
    let expr = parse(sql).with("column", &field.name)?;
    let equal = Expr::binary(column, BinaryOp::NullSafeEq, expr);
    Condition::new(format!("the generated column {}", field.name), equal, schema, eval)
}
