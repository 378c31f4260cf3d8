//! The change data feed.

use arrow_array::RecordBatchIterator;
use deltaic::scan::change_data_feed::{ChangeBound, ChangeRange};
use deltaic::{DeltaTable, Error, ErrorKind, Result, Version, parse_timestamp};
use pyo3::prelude::*;

use crate::arrow::RecordBatchReader;
use crate::errors::exception;
use crate::runtime::wait;
use crate::table::RawDeltaTable;

#[pymethods]
impl RawDeltaTable {
    /// The rows that were changed, read as they are asked for.
    #[expect(clippy::too_many_arguments, reason = "they are the parameters of the method of Python")]
    fn load_cdf(
        &self,
        py: Python<'_>,
        starting_version: u64,
        ending_version: Option<u64>,
        starting_timestamp: Option<&str>,
        ending_timestamp: Option<&str>,
        columns: Option<Vec<String>>,
        predicate: Option<String>,
        allow_out_of_range: bool,
    ) -> PyResult<RecordBatchReader> {
        let start = bound(Some(starting_version), starting_timestamp).map_err(|error| exception(py, &error))?;
        let end = bound(ending_version, ending_timestamp).map_err(|error| exception(py, &error))?;
        let range = ChangeRange { start: start.unwrap_or(ChangeBound::Version(Version(starting_version))), end };
        let table = self.table();
        let (changes, is_empty) = wait(py, async move {
            match changes(&table, range, columns.as_deref(), predicate.as_deref()).await {
                Err(error) if allow_out_of_range && error.kind() == ErrorKind::VersionNotFound => {
                    let newest = ChangeRange::from_version(table.version());
                    Ok((changes(&table, newest, columns.as_deref(), predicate.as_deref()).await?, true))
                }
                planned => Ok((planned?, false)),
            }
        })?;
        if is_empty {
            let none = RecordBatchIterator::new(std::iter::empty(), changes.schema().clone());
            return Ok(RecordBatchReader::of_reader(Box::new(none)));
        }
        RecordBatchReader::of_stream(py, changes.stream(Default::default()))
    }
}

type Changes = deltaic::scan::change_data_feed::Changes;

async fn changes(
    table: &DeltaTable,
    range: ChangeRange,
    columns: Option<&[String]>,
    predicate: Option<&str>,
) -> Result<Changes> {
    let mut builder = table.changes_builder(range);
    if let Some(columns) = columns {
        builder = builder.columns(columns);
    }
    if let Some(predicate) = predicate {
        builder = builder.filter_sql(predicate)?;
    }
    builder.plan().await
}

/// A time goes before a version: the first version is there by default.
fn bound(version: Option<u64>, timestamp: Option<&str>) -> std::result::Result<Option<ChangeBound>, Error> {
    match timestamp {
        Some(text) => Ok(Some(ChangeBound::Timestamp(parse_timestamp(text)?))),
        None => Ok(version.map(|version| ChangeBound::Version(Version(version)))),
    }
}
