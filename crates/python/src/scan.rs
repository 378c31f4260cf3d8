//! Scans: what Python asks to read, as the engine's scan.

use deltaic::log::schema::same_name;
use deltaic::scan::prune::partition_filter::{FilterOp, FilterValue, PartitionFilter};
use deltaic::scan::{PlannedFile, Scan};
use deltaic::{DeltaTable, Error, ErrorKind, Result};
use pyo3::prelude::*;

/// `(column, operator, text or texts)`; `None` stands for null.
pub(crate) type Filter = (String, String, FilterText);

/// The right side of a filter.
#[derive(FromPyObject)]
pub(crate) enum FilterText {
    /// One value.
    One(Option<String>),
    /// The values of `in` and `not in`.
    Many(Vec<Option<String>>),
}

/// What to read.
#[derive(Default)]
pub(crate) struct Wanted {
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) predicate: Option<String>,
    pub(crate) partitions: Vec<Filter>,
}

impl Wanted {
    /// The scan, in the order of the table's files.
    pub(crate) fn scan(self, table: &DeltaTable) -> Result<Scan> {
        let mut scan = table.scan().ordered(true);
        if let Some(columns) = self.columns {
            scan = scan.columns(columns.iter().map(|name| quoted(name)));
        }
        if let Some(predicate) = self.predicate {
            scan = scan.filter_sql(&predicate)?;
        }
        let filters = self.partitions.into_iter().map(partition_filter).collect::<Result<Vec<_>>>()?;
        scan.partition_filters(filters).build()
    }
}

/// The files of the partitions that the filters let through.
///
/// A filter on any other column is refused: which rows it lets through is not a matter of files alone.
pub(crate) async fn planned(table: &DeltaTable, partitions: Vec<Filter>) -> Result<Vec<PlannedFile>> {
    let parts = |name: &str| table.configuration().partition_fields().any(|field| same_name(&field.name, name));
    if let Some((column, ..)) = partitions.iter().find(|(column, ..)| !parts(column)) {
        let message = "the column parts no files: files are found by partition columns only";
        return Err(Error::new(ErrorKind::InvalidArgument, message).with("column", column));
    }
    Wanted { partitions, ..Wanted::default() }.scan(table)?.plan_files().await
}

fn partition_filter((column, op, value): Filter) -> Result<PartitionFilter> {
    let op: FilterOp = op.parse()?;
    // An empty text is how partition values write null.
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    let value = match value {
        FilterText::One(text) => FilterValue::One(present(text)),
        FilterText::Many(texts) => FilterValue::Many(texts.into_iter().map(present).collect()),
    };
    Ok(PartitionFilter { column, op, value })
}

/// A column's name as the scan takes it: dots within it part nothing.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
