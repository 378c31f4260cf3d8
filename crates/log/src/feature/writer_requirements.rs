//! What a table's features ask of whoever writes rows, together, as plain data.
//!
//! Expressions are SQL text here: what they mean is known one crate further on.

use super::ALL;
use crate::schema::column_metadata::Identity;
use crate::{Result, TableConfiguration};
use serde::{Deserialize, Serialize};

/// What rows, data files and statistics must be like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WriterRequirements {
    /// Conditions that every row fulfils. That columns which may not be null are not is demanded of every table.
    pub row_checks: Vec<RowCheck>,
    /// Columns whose values the writer makes where the input has none.
    pub computed_columns: Vec<ComputedColumn>,
    /// Whether data files carry the field ids of the schema's columns.
    pub field_ids: bool,
    /// Whether data files hold the partition columns, too.
    pub partition_columns_in_files: bool,
    /// Whether statistics say if their bounds are exact.
    pub tight_bounds: bool,
    /// Whether files lie in directories with random names, whatever the table's properties say.
    pub random_prefixes: bool,
    /// Whether changes that adds and removes do not tell are recorded in files of their own.
    pub change_data: bool,
}

/// A condition that is true for every row: neither false nor null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCheck {
    /// What the condition is called in errors.
    pub name: String,
    /// The condition, in SQL.
    pub expression: String,
}

/// A column that the writer may have to fill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComputedColumn {
    /// The logical name of a top-level column.
    pub column: String,
    /// Where its values come from.
    pub values: ComputedValues,
}

/// Where the values of a computed column come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ComputedValues {
    /// From this SQL expression over the row's other columns; values that the input brings must equal it.
    Generated(String),
    /// From this SQL expression, in rows of an input that lacks the column.
    Default(String),
    /// From a sequence.
    Identity(Identity),
}

impl WriterRequirements {
    /// What the features that the table supports require, in the order of [`ALL`].
    pub(crate) fn of(table: &TableConfiguration) -> Result<Self> {
        let mut requirements = Self::default();
        for feature in ALL.iter().filter(|feature| table.protocol().supports(feature)) {
            (feature.writer_requirements)(table, &mut requirements)?;
        }
        Ok(requirements)
    }

    /// How the values of this column come about, where the writer makes them.
    ///
    /// ```
    /// use deltaic_log::feature::{ComputedColumn, ComputedValues, WriterRequirements};
    /// let values = ComputedValues::Generated("a + 1".to_owned());
    /// let computed = ComputedColumn { column: "b".to_owned(), values: values.clone() };
    /// let requirements = WriterRequirements { computed_columns: vec![computed], ..Default::default() };
    /// assert_eq!((requirements.computed("b"), requirements.computed("a")), (Some(&values), None));
    /// ```
    pub fn computed(&self, column: &str) -> Option<&ComputedValues> {
        self.computed_columns.iter().find(|computed| computed.column == column).map(|computed| &computed.values)
    }
}
