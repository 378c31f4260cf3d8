//! From an input's batch to rows that the table takes: aligned, filled, checked.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::builder::BooleanBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow_schema::{DataType as Arrow, Schema, SchemaRef};
use arrow_select::nullif::nullif;
use deltaic_log::feature::{ComputedColumn, ComputedValues, WriterRequirements};
use deltaic_log::schema::{StructField, StructType, same_name};
use deltaic_log::{Error, ErrorKind, Result, ResultExt, TableConfiguration};
use deltaic_scan::expr::{EvalContext, Expr, parse};

use super::alignment::{Alignment, relaxed, relaxed_fields};
use super::computed::{Filler, bare_rows, generated_as_due};
use super::row_checks::{Condition, check_not_null};

/// What is done with each batch of an input. Batches come in order: rows are counted, and numbered.
#[derive(Debug)]
pub(crate) struct RowPipeline {
    alignment: Alignment,
    /// By column of the table; unused where the input brings the column.
    fillers: Vec<Filler>,
    conditions: Vec<Condition>,
    schema: StructType,
    /// The table's columns, all of which may be null.
    arrow: SchemaRef,
    partition_places: Vec<usize>,
    rows: u64,
    eval: EvalContext,
}

impl RowPipeline {
    /// `extra` are conditions of this write, each with its name.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownColumn`], [`ErrorKind::InvalidArgument`] where the input does not fit the table;
    /// [`ErrorKind::InvalidExpression`] where one of the table's expressions cannot be understood.
    pub(crate) fn new(
        table: &TableConfiguration,
        requirements: &WriterRequirements,
        input: &Schema,
        extra: Vec<(String, Expr)>,
        eval: EvalContext,
    ) -> Result<Self> {
        let schema = table.schema();
        let arrow: SchemaRef = Arc::new(relaxed_fields(schema).to_arrow());
        let alignment = Alignment::new(input, schema)?;
        let (mut fillers, mut conditions) = (Vec::new(), Vec::new());
        for (place, field) in schema.fields.iter().enumerate() {
            let computed = requirements.computed(&field.name);
            if alignment.has(place) {
                conditions.extend(given(field, computed, &arrow, &eval)?);
                fillers.push(Filler::Null);
            } else {
                fillers.push(Filler::new(field, computed, &arrow, &eval)?);
            }
        }
        for check in &requirements.row_checks {
            conditions.push(Condition::of_table(check, &arrow, &eval)?);
        }
        for (name, expr) in extra {
            conditions.push(Condition::new(name, expr, &arrow, &eval)?);
        }
        let is_partition = |place: &usize| table.is_partition_column(&schema.fields[*place].name);
        let partition_places = (0..schema.fields.len()).filter(is_partition).collect();
        Ok(Self { alignment, fillers, conditions, schema: schema.clone(), arrow, partition_places, rows: 0, eval })
    }

    /// For rows of the table, of whose columns (by their places) some are `assigned` new values: generated columns that depend
    /// on those are computed anew, unless they are assigned themselves. The input lacks them; see [`Self::takes`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where a column that the table numbers is assigned; [`ErrorKind::InvalidExpression`].
    pub(crate) fn of_changed_rows(
        table: &TableConfiguration,
        requirements: &WriterRequirements,
        assigned: &BTreeSet<usize>,
        eval: EvalContext,
    ) -> Result<Self> {
        let fields = &table.schema().fields;
        let is_assigned = |name: &str| assigned.iter().any(|place| same_name(&fields[*place].name, name));
        let (mut kept, mut computed_columns) = (Vec::new(), Vec::new());
        for (place, field) in fields.iter().enumerate() {
            let computed = requirements.computed(&field.name);
            let is_stale = match computed {
                Some(ComputedValues::Identity(_)) if assigned.contains(&place) => {
                    let message = format!("the table numbers the column {} itself: leave it as it is", field.name);
                    return Err(Error::new(ErrorKind::InvalidArgument, message).with("column", &field.name));
                }
                Some(ComputedValues::Generated(sql)) if !assigned.contains(&place) => {
                    let expr = parse(sql).with("column", &field.name)?;
                    expr.columns().iter().any(|path| is_assigned(path.top()))
                }
                _ => false,
            };
            if !is_stale {
                kept.push(StructField::nullable(field.name.clone(), relaxed(&field.data_type)));
            }
            // The other columns were in the table before: nobody brings them.
            if let Some(values) = computed.filter(|_| is_stale || assigned.contains(&place)) {
                computed_columns.push(ComputedColumn { column: field.name.clone(), values: values.clone() });
            }
        }
        let requirements = WriterRequirements { computed_columns, ..requirements.clone() };
        Self::new(table, &requirements, &StructType::new(kept).to_arrow(), Vec::new(), eval)
    }

    /// Whether the input brings the column at this place of the table.
    pub(crate) fn takes(&self, place: usize) -> bool {
        self.alignment.has(place)
    }

    /// How many rows came.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The marks that identity columns have come to, by column.
    pub(crate) fn high_water_marks(&self) -> Vec<(String, i64)> {
        let marks = self.schema.fields.iter().zip(&self.fillers).filter_map(|(field, filler)| match filler {
            Filler::Identity(sequence) => Some((field.name.clone(), sequence.high_water_mark()?)),
            _ => None,
        });
        marks.collect()
    }

    /// The table's columns, in its own types, for the rows of one batch.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRow`] for the first row that the table does not take; [`ErrorKind::Evaluation`].
    pub(crate) fn process(&mut self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let first_row = self.rows;
        self.rows += batch.num_rows() as u64;
        let aligned = self.alignment.apply(batch, first_row)?;
        let mut columns = self.filled(aligned, batch.num_rows())?;
        for place in &self.partition_places {
            columns[*place] = without_empty(&columns[*place])?;
        }
        check_not_null(&self.schema, &columns, first_row)?;
        if !self.conditions.is_empty() {
            let rows = RecordBatch::try_new(self.arrow.clone(), columns.clone())?;
            self.conditions.iter().try_for_each(|condition| condition.check(&rows, first_row, &self.eval))?;
        }
        Ok(columns)
    }

    fn filled(&mut self, aligned: Vec<Option<ArrayRef>>, rows: usize) -> Result<Vec<ArrayRef>> {
        let is_generated: Vec<bool> = self.fillers.iter().map(Filler::is_generated).collect();
        let mut columns = Vec::with_capacity(aligned.len());
        for ((column, filler), field) in aligned.into_iter().zip(&mut self.fillers).zip(self.arrow.fields()) {
            columns.push(match (column, filler) {
                (Some(column), _) => column,
                (None, Filler::Identity(sequence)) => sequence.take(rows).with("column", field.name())?,
                (None, Filler::Default(formula)) => {
                    formula.evaluate(&bare_rows(rows)?, &self.eval).with("column", field.name())?
                }
                (None, Filler::Null | Filler::Generated(_)) => new_null_array(field.data_type(), rows),
            });
        }
        if is_generated.contains(&true) {
            // Generated columns depend on no other generated ones.
            let others = RecordBatch::try_new(self.arrow.clone(), columns.clone())?;
            for ((column, filler), field) in columns.iter_mut().zip(&self.fillers).zip(&self.schema.fields) {
                if let Filler::Generated(formula) = filler {
                    *column = formula.evaluate(&others, &self.eval).with("column", &field.name)?;
                }
            }
        }
        Ok(columns)
    }
}

/// What the values of a computed column must be where the input brings them.
fn given(
    field: &StructField,
    computed: Option<&ComputedValues>,
    arrow: &Schema,
    eval: &EvalContext,
) -> Result<Option<Condition>> {
    match computed {
        Some(ComputedValues::Generated(sql)) => generated_as_due(field, sql, arrow, eval).map(Some),
        Some(ComputedValues::Identity(identity)) if !identity.allow_explicit_insert => {
            let message = format!("the table numbers the column {} itself: leave it out of the input", field.name);
            Err(Error::new(ErrorKind::InvalidArgument, message).with("column", &field.name))
        }
        _ => Ok(None),
    }
}

/// In partition values, nothing is null: an empty text has no other spelling.
fn without_empty(column: &ArrayRef) -> Result<ArrayRef> {
    let lengths: Vec<bool> = match column.data_type() {
        Arrow::Utf8 => column.as_string::<i32>().offsets().lengths().map(|length| length == 0).collect(),
        Arrow::Binary => column.as_binary::<i32>().offsets().lengths().map(|length| length == 0).collect(),
        _ => return Ok(column.clone()),
    };
    let mut is_empty = BooleanBuilder::with_capacity(lengths.len());
    is_empty.append_slice(&lengths);
    Ok(nullif(column, &is_empty.finish())?)
}
