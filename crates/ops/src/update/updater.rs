//! From rows as they were to rows as they are to be.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use deltaic_log::schema::ColumnPath;
use deltaic_log::{Error, ErrorKind, Result, TableConfiguration};
use deltaic_scan::expr::{EvalContext, Expr};

use super::assignment::Assignment;
use crate::data::alignment::relaxed_fields;
use crate::data::row_pipeline::RowPipeline;

/// An update, ready to be applied.
#[derive(Debug)]
pub(crate) struct Updater {
    assignments: Vec<Assignment>,
    /// The table's columns.
    rows: SchemaRef,
    /// Those of them that go into the pipeline, and their places: the others it computes.
    taken: SchemaRef,
    taken_places: Vec<usize>,
    pipeline: RowPipeline,
    eval: EvalContext,
}

impl Updater {
    /// # Errors
    /// As [`Assignment::new`] and [`RowPipeline::of_changed_rows`]; [`ErrorKind::InvalidArgument`] where a column is set twice,
    /// or none is.
    pub(super) fn new(table: &TableConfiguration, set: &[(ColumnPath, Expr)], eval: &EvalContext) -> Result<Self> {
        let rows: SchemaRef = Arc::new(relaxed_fields(table.schema()).to_arrow());
        let assignment = |(path, expr): &(ColumnPath, Expr)| Assignment::new(table.schema(), path, expr, &rows, eval);
        let assignments = set.iter().map(assignment).collect::<Result<Vec<_>>>()?;
        check_distinct(&assignments)?;
        let places: BTreeSet<usize> = assignments.iter().map(Assignment::place).collect();
        let pipeline = RowPipeline::of_changed_rows(table, &table.writer_requirements()?, &places, eval.clone())?;
        let taken_places: Vec<usize> = (0..rows.fields().len()).filter(|place| pipeline.takes(*place)).collect();
        let taken = Arc::new(rows.project(&taken_places)?);
        Ok(Self { assignments, rows, taken, taken_places, pipeline, eval: eval.clone() })
    }

    /// The table's columns after the update. All expressions see the rows as they were.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRow`], [`ErrorKind::Evaluation`].
    pub(crate) fn apply(&mut self, mut columns: Vec<ArrayRef>) -> Result<Vec<ArrayRef>> {
        let before = RecordBatch::try_new(self.rows.clone(), columns.clone())?;
        for assignment in &self.assignments {
            let values = assignment.values(&before, &self.eval)?;
            let column = &mut columns[assignment.place()];
            *column = assignment.put(column, values)?;
        }
        let taken = self.taken_places.iter().map(|place| columns[*place].clone()).collect();
        self.pipeline.process(&RecordBatch::try_new(self.taken.clone(), taken)?)
    }
}

fn check_distinct(assignments: &[Assignment]) -> Result<()> {
    if assignments.is_empty() {
        let message = "nothing is to be set: say which column becomes what";
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    for (place, assignment) in assignments.iter().enumerate() {
        if assignments[..place].iter().any(|earlier| earlier.overlaps(assignment)) {
            let message = format!("the column {} is set twice: set it once", assignment.path());
            return Err(Error::new(ErrorKind::InvalidArgument, message).with("column", assignment.path()));
        }
    }
    Ok(())
}
