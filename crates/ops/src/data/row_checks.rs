//! What every row must be: not null where it may not be, and true to the table's conditions.
//!
//! Spec: [CHECK Constraints](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#check-constraints),
//! [Column Invariants](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#column-invariants). A condition that comes out
//! as null is not true, and the row is refused.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::NullBuffer;
use arrow_schema::Schema;
use deltaic_log::feature::RowCheck;
use deltaic_log::schema::{ColumnPath, DataType, StructType};
use deltaic_log::{Error, ErrorKind, Result, ResultExt};
use deltaic_scan::expr::{BoundExpr, EvalContext, Expr, parse};

use super::alignment::OfElement;

/// A condition, ready to be evaluated.
#[derive(Debug)]
pub(crate) struct Condition {
    name: String,
    expr: Expr,
    bound: BoundExpr,
}

impl Condition {
    /// A condition of the table's.
    ///
    /// # Errors
    /// As [`BoundExpr::bind_predicate`], with the condition's name.
    pub(crate) fn of_table(check: &RowCheck, schema: &Schema, eval: &EvalContext) -> Result<Self> {
        let expr = parse(&check.expression).with("constraint", &check.name)?;
        Self::new(check.name.clone(), expr, schema, eval)
    }

    pub(crate) fn new(name: String, expr: Expr, schema: &Schema, eval: &EvalContext) -> Result<Self> {
        let bound = BoundExpr::bind_predicate(&expr, schema, eval).with("constraint", &name)?;
        Ok(Self { name, expr, bound })
    }

    /// # Errors
    /// [`ErrorKind::InvalidRow`] for the first row for which it is not true; [`ErrorKind::Evaluation`].
    pub(crate) fn check(&self, rows: &RecordBatch, first_row: u64, eval: &EvalContext) -> Result<()> {
        let found = self.bound.evaluate_predicate(rows, eval).with("constraint", &self.name)?;
        if found.true_count() == rows.num_rows() {
            return Ok(());
        }
        let is_true = |row: usize| found.is_valid(row) && found.value(row);
        let row = (0..rows.num_rows()).find(|row| !is_true(*row)).unwrap_or(0);
        let message = format!("a row breaks {}, {}: correct the row, or leave it out", self.name, self.expr);
        Err(Error::new(ErrorKind::InvalidRow, message)
            .with("constraint", &self.name)
            .with("row", first_row + row as u64)
            .with("values", self.values(rows, row)))
    }

    fn values(&self, rows: &RecordBatch, row: usize) -> String {
        let mut shown: Vec<String> = Vec::new();
        for column in self.expr.columns() {
            let schema = rows.schema();
            let place =
                schema.fields().iter().position(|field| deltaic_log::schema::same_name(field.name(), column.top()));
            let Some(place) = place else { continue };
            let array = rows.column(place);
            let value = match array.is_null(row) {
                true => "null".to_owned(),
                false => arrow_cast::display::array_value_to_string(array, row).unwrap_or_default(),
            };
            let text = format!("{} = {value}", schema.field(place).name());
            if !shown.contains(&text) {
                shown.push(text);
            }
        }
        shown.join(", ")
    }
}

/// Fails with [`ErrorKind::InvalidRow`] where a value is null that may not be, at any depth.
pub(crate) fn check_not_null(schema: &StructType, columns: &[ArrayRef], first_row: u64) -> Result<()> {
    for (field, column) in schema.fields.iter().zip(columns) {
        let at = ColumnPath::from(field.name.as_str());
        if let Some(found) = first_null(&field.data_type, field.nullable, column, None, &at) {
            let message = format!("the column {} is null where the table allows no null: give it a value", found.path);
            return Err(Error::new(ErrorKind::InvalidRow, message)
                .with("constraint", "NOT NULL")
                .with("column", found.path)
                .with("row", first_row + found.index as u64));
        }
    }
    Ok(())
}

struct FoundNull {
    path: ColumnPath,
    index: usize,
}

/// The first null that may not be; what stands below an outer null does not count.
fn first_null(
    data_type: &DataType,
    nullable: bool,
    array: &ArrayRef,
    outer: Option<&NullBuffer>,
    at: &ColumnPath,
) -> Option<FoundNull> {
    let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
    if let (false, Some(nulls)) = (nullable, &nulls) {
        let is_found = |index: &usize| nulls.is_null(*index) && outer.is_none_or(|outer| outer.is_valid(*index));
        if let Some(index) = (0..array.len()).find(is_found) {
            return Some(FoundNull { path: at.clone(), index });
        }
    }
    match data_type {
        DataType::Struct(fields) => {
            let nulls = NullBuffer::union(outer, nulls.as_ref());
            let mut children = fields.fields.iter().zip(array.as_struct().columns());
            children.find_map(|(field, child)| {
                first_null(&field.data_type, field.nullable, child, nulls.as_ref(), &at.child(field.name.as_str()))
            })
        }
        DataType::Array(list) => {
            let array = array.as_list::<i32>();
            let found = first_null(&list.element_type, list.contains_null, array.values(), None, &at.child("element"));
            found.map(|found| FoundNull { index: array.offsets().of_element(found.index), ..found })
        }
        DataType::Map(map) => {
            let array = array.as_map();
            let key = first_null(&map.key_type, false, array.keys(), None, &at.child("key"));
            let value =
                || first_null(&map.value_type, map.value_contains_null, array.values(), None, &at.child("value"));
            key.or_else(value).map(|found| FoundNull { index: array.offsets().of_element(found.index), ..found })
        }
        _ => None,
    }
}
