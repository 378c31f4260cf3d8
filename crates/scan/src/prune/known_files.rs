//! What is known of data files by what the log says of them: partition values and statistics.

use std::collections::BTreeMap;

use arrow_array::{ArrayRef, Int64Array};
use deltaic_log::schema::{StructField, same_name};
use deltaic_log::statistics::{BoundsBatch, ColumnBounds};
use deltaic_log::{Result, TableConfiguration};

use super::{Bounds, PruningPredicate};
use crate::expr::ColumnPath;

/// The columns whose statistics a predicate can use, under their logical names and as the log spells them.
///
/// ```
/// use deltaic_log::{ManualClock, TableConfiguration, action::{Metadata, Protocol}};
/// use deltaic_scan::expr::{EvalContext, parse};
/// use deltaic_scan::prune::{PruningPredicate, StatisticsColumns};
/// let schema = r#"{"type":"struct","fields":[{"name":"n","type":"long","nullable":true,"metadata":{}}]}"#;
/// let metadata = Metadata { schema_string: Some(schema.to_owned()), ..Metadata::default() };
/// let table = TableConfiguration::try_new(Protocol::weakest_with([]), metadata)?;
/// let eval = EvalContext::new(&ManualClock::default());
/// let predicate = PruningPredicate::try_new(&parse("N > 1")?, &table.schema().to_arrow(), &[], &eval)?;
/// let columns = StatisticsColumns::of([&predicate], &table)?;
/// assert_eq!(columns.physical()[0].to_string(), "n");
/// # Ok::<(), deltaic_log::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct StatisticsColumns(BTreeMap<ColumnPath, ColumnPath>);

impl StatisticsColumns {
    /// Those that these predicates ask for.
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::UnknownColumn`].
    pub fn of<'a>(
        predicates: impl IntoIterator<Item = &'a PruningPredicate>,
        table: &TableConfiguration,
    ) -> Result<Self> {
        let mut columns = BTreeMap::new();
        for column in predicates.into_iter().flat_map(PruningPredicate::required_columns) {
            let logical = table.schema().resolve(column)?.path;
            if let Some(physical) = table.schema().to_physical_path(&logical, table.column_mapping_mode()) {
                columns.insert(column.clone(), physical);
            }
        }
        Ok(Self(columns))
    }

    /// The columns, logical and physical.
    pub fn iter(&self) -> impl Iterator<Item = (&ColumnPath, &ColumnPath)> {
        self.0.iter()
    }

    /// The columns as the log spells them, to read their statistics.
    pub fn physical(&self) -> Vec<ColumnPath> {
        self.0.values().cloned().collect()
    }

    /// How the log spells a column.
    pub fn physical_path(&self, column: &ColumnPath) -> Option<&ColumnPath> {
        self.0.get(column)
    }
}

/// Files of which some statistics, and each partition column's values, are at hand.
///
/// `partition_values` gives a partition column's values, one for each file, as what [`Bounds::partition_value`] says.
#[derive(Clone, Copy, Debug)]
pub struct KnownFiles<'a, P> {
    /// How many files there are.
    pub files: usize,
    /// The table, as the predicate was typed against it.
    pub table: &'a TableConfiguration,
    /// The columns whose statistics are at hand.
    pub columns: &'a StatisticsColumns,
    /// The statistics, where they are read.
    pub statistics: Option<&'a BoundsBatch>,
    /// The values of a partition column.
    pub partition_values: P,
}

impl<P> KnownFiles<'_, P> {
    fn column(&self, column: &ColumnPath) -> Option<&ColumnBounds> {
        let physical = self.columns.physical_path(column)?;
        self.statistics?.columns.iter().find(|bounds| bounds.path == *physical)
    }
}

impl<P: Fn(&StructField) -> Option<ArrayRef>> Bounds for KnownFiles<'_, P> {
    fn len(&self) -> usize {
        self.files
    }

    fn min(&self, column: &ColumnPath) -> Option<ArrayRef> {
        Some(self.column(column)?.min.clone())
    }

    fn max(&self, column: &ColumnPath) -> Option<ArrayRef> {
        Some(self.column(column)?.max.clone())
    }

    fn null_count(&self, column: &ColumnPath) -> Option<Int64Array> {
        Some(self.column(column)?.null_count.clone())
    }

    fn row_count(&self) -> Option<Int64Array> {
        Some(self.statistics?.num_records.clone())
    }

    fn partition_value(&self, column: &str) -> Option<ArrayRef> {
        let field = self.table.partition_fields().find(|field| same_name(&field.name, column))?;
        (self.partition_values)(field)
    }
}
