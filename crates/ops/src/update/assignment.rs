//! `column = expression`.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::Schema;
use arrow_select::nullif::nullif;
use deltaic_log::schema::{ColumnPath, DataType, PrimitiveType, StructField, StructType, same_name};
use deltaic_log::{Error, ErrorKind, Result, ResultExt};
use deltaic_scan::expr::{EvalContext, Expr, OnCastFailure, Scalar, parse};

use crate::data::computed::Formula;

/// What the text `column = expression` says.
///
/// # Errors
/// [`ErrorKind::InvalidExpression`].
pub(super) fn parse_assignment(text: &str) -> Result<(ColumnPath, Expr)> {
    let mut quoted = false;
    let sign = text.char_indices().find(|(_, letter)| {
        quoted ^= *letter == '`';
        *letter == '=' && !quoted
    });
    let malformed = || {
        let message = "an assignment is written as `column = expression`";
        Error::new(ErrorKind::InvalidExpression, message).with("assignment", text)
    };
    let (sign, _) = sign.ok_or_else(malformed)?;
    match parse(&text[..sign]).with("assignment", text)? {
        Expr::Column(column) => Ok((column, parse(&text[sign + 1..])?)),
        _ => Err(malformed()),
    }
}

/// A column, or a field of one, and the values that it is given.
#[derive(Debug)]
pub(super) struct Assignment {
    path: ColumnPath,
    /// The column's place in the table, then those of fields in their structs.
    places: Vec<usize>,
    formula: Formula,
}

impl Assignment {
    /// `rows` is the Arrow schema of the table's rows.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownColumn`], [`ErrorKind::InvalidExpression`]; [`ErrorKind::InvalidArgument`] where the expression's
    /// type is never that of the column.
    pub(super) fn new(
        table: &StructType,
        path: &ColumnPath,
        expr: &Expr,
        rows: &Schema,
        eval: &EvalContext,
    ) -> Result<Self> {
        let column = table.resolve(path)?;
        let places = places(table, &column.path)?;
        let field = StructField { data_type: column.data_type.clone(), ..column.field.clone() };
        let formula = Formula::lossless(&typed(expr, &field.data_type), &field, rows, eval);
        let formula = formula.with("column", &column.path)?;
        Ok(Self { path: column.path, places, formula })
    }

    /// The place of the column in the table.
    pub(super) fn place(&self) -> usize {
        self.places[0]
    }

    /// Whether both say what one value is.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.places.iter().zip(&other.places).all(|(a, b)| a == b)
    }

    pub(super) fn path(&self) -> &ColumnPath {
        &self.path
    }

    /// The values, for rows as they were.
    pub(super) fn values(&self, rows: &RecordBatch, eval: &EvalContext) -> Result<ArrayRef> {
        self.formula.evaluate(rows, eval).with("column", &self.path)
    }

    /// The column with these values in their place.
    pub(super) fn put(&self, column: &ArrayRef, values: ArrayRef) -> Result<ArrayRef> {
        put(column, &self.places[1..], values)
    }
}

/// A text that is written out is read as what the column holds: `day = '2026-08-01'`.
fn typed(expr: &Expr, data_type: &DataType) -> Expr {
    match (expr, data_type.as_primitive()) {
        (Expr::Literal(Scalar::String(_)), Some(data_type)) if data_type != PrimitiveType::String => {
            Expr::Cast { expr: Box::new(expr.clone()), data_type, on_failure: OnCastFailure::Error }
        }
        _ => expr.clone(),
    }
}

/// The places of a column that is resolved.
fn places(table: &StructType, path: &ColumnPath) -> Result<Vec<usize>> {
    let mut fields = Some(table);
    let place = |name: &String| {
        let place = fields.and_then(|fields| fields.fields.iter().position(|field| same_name(&field.name, name)));
        let found = place.zip(fields).ok_or_else(|| {
            let message = "what is in a list or map is not set by itself: set the column as a whole";
            Error::new(ErrorKind::InvalidArgument, message).with("column", path)
        });
        let (place, parent) = found?;
        fields = parent.fields[place].data_type.as_struct();
        Ok(place)
    };
    path.names().iter().map(place).collect()
}

/// A struct that was null is one with this field alone from now on.
fn put(column: &ArrayRef, places: &[usize], values: ArrayRef) -> Result<ArrayRef> {
    let Some((place, below)) = places.split_first() else { return Ok(values) };
    let parent = column.as_struct();
    let is_null = parent.nulls().filter(|nulls| nulls.null_count() > 0).map(NullBuffer::inner);
    let children = parent.columns().iter().map(|child| match is_null {
        Some(valid) => Ok(nullif(child, &arrow_array::BooleanArray::new(!valid, None))?),
        None => Ok(child.clone()),
    });
    let mut children = children.collect::<Result<Vec<_>>>()?;
    children[*place] = put(&children[*place], below, values)?;
    Ok(Arc::new(StructArray::try_new_with_length(parent.fields().clone(), children, None, parent.len())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_read() {
        for (text, expected) in [
            ("n = n + 1", Some(("n", "n + 1"))),
            ("a.b=x = 3 AND y", Some(("a.b", "x = 3 AND y"))),
            ("`a=b` = 'c=d'", Some(("`a=b`", "'c=d'"))),
            ("n", None),
            ("n + 1 = 2", None),
            ("= 2", None),
            ("n =", None),
        ] {
            let parsed = parse_assignment(text).ok().map(|(path, expr)| (path.to_string(), expr.to_string()));
            assert_eq!(parsed, expected.map(|(path, expr)| (path.to_owned(), expr.to_owned())), "{text}");
        }
    }
}
