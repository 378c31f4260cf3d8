//! Changes of a table's rows, and new tables.

use std::collections::{BTreeMap, HashMap};

use deltaic::log::schema::StructType;
use deltaic::ops::create::CreateMode;
use deltaic::ops::write::{SchemaMode, WriteMode};
use deltaic::ops::{CreateBuilder, FileOptions, Input, Report, WriteBuilder};
use deltaic::{Error, ErrorKind, Result};
use pyo3::prelude::*;

use crate::errors::write_exception;
use crate::input::input;
use crate::runtime::{wait, wait_or};
use crate::table::{RawDeltaTable, builder, json_text};

/// How rows are written.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct WriteOptions {
    mode: String,
    schema_mode: Option<String>,
    partition_by: Option<Vec<String>>,
    predicate: Option<String>,
    target_file_size: Option<u64>,
    name: Option<String>,
    description: Option<String>,
    configuration: BTreeMap<String, String>,
}

impl WriteOptions {
    fn apply(self, write: WriteBuilder) -> Result<WriteBuilder> {
        let mut write = write.mode(write_mode(&self.mode)?).schema_mode(schema_mode(self.schema_mode.as_deref())?);
        if let Some(columns) = self.partition_by {
            write = write.partition_by(columns);
        }
        if let Some(predicate) = self.predicate {
            write = write.replace_where_sql(&predicate)?;
        }
        if let Some(bytes) = self.target_file_size {
            write = write.files(FileOptions::new().with_target_file_size_bytes(bytes));
        }
        if let Some(name) = self.name {
            write = write.name(name);
        }
        if let Some(text) = self.description {
            write = write.description(text);
        }
        Ok(self.configuration.into_iter().fold(write, |write, (key, value)| write.property(key, value)))
    }
}

/// Writes rows to whatever is at `location`: a table, or nothing yet. What was counted, in JSON.
#[pyfunction]
pub(crate) fn write_table(
    py: Python<'_>,
    location: &str,
    storage_options: Option<HashMap<String, String>>,
    data: &Bound<'_, PyAny>,
    options: WriteOptions,
) -> PyResult<String> {
    let (builder, input) = (builder(location, storage_options), input(data)?);
    let report = wait_or(py, write_exception, async move {
        let target = builder.target().await?;
        options.apply(WriteBuilder::new(target, input))?.execute().await
    })?;
    counted(py, &report)
}

/// Makes a table without rows.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "they are the parameters of the method of Python")]
pub(crate) fn create_table(
    py: Python<'_>,
    location: &str,
    storage_options: Option<HashMap<String, String>>,
    schema: String,
    mode: String,
    partition_by: Vec<String>,
    name: Option<String>,
    description: Option<String>,
    configuration: BTreeMap<String, String>,
) -> PyResult<()> {
    let builder = builder(location, storage_options);
    wait(py, async move {
        let schema = StructType::from_json(&schema)?;
        let mut create = CreateBuilder::new(builder.target().await?, schema)
            .mode(create_mode(&mode)?)
            .partition_by(partition_by)
            .properties(configuration);
        if let Some(name) = name {
            create = create.name(name);
        }
        if let Some(text) = description {
            create = create.description(text);
        }
        create.execute().await.map(|_| ())
    })
}

#[pymethods]
impl RawDeltaTable {
    /// Writes rows, and moves to the version that has them. What was counted, in JSON.
    fn write(&self, py: Python<'_>, data: &Bound<'_, PyAny>, options: WriteOptions) -> PyResult<String> {
        let (table, input): (_, Input) = (self.table(), input(data)?);
        let report = wait_or(py, write_exception, async move { options.apply(table.write(input))?.execute().await })?;
        self.refresh(py)?;
        counted(py, &report)
    }

    /// Deletes rows: all, or those for which a predicate is true. What was counted, in JSON.
    #[pyo3(signature = (predicate=None))]
    fn delete(&self, py: Python<'_>, predicate: Option<String>) -> PyResult<String> {
        let table = self.table();
        let report = wait(py, async move {
            let mut delete = table.delete();
            if let Some(predicate) = predicate {
                delete = delete.predicate_sql(&predicate)?;
            }
            delete.execute().await
        })?;
        self.refresh(py)?;
        counted(py, &report)
    }
}

fn counted(py: Python<'_>, report: &Report) -> PyResult<String> {
    json_text(py, serde_json::to_value(&report.metrics))
}

fn write_mode(text: &str) -> Result<WriteMode> {
    Ok(match text {
        "error" => WriteMode::ErrorIfExists,
        "append" => WriteMode::Append,
        "overwrite" => WriteMode::Overwrite,
        "ignore" => WriteMode::Ignore,
        other => return Err(no_mode("mode", other, "error, append, overwrite or ignore")),
    })
}

/// A table that is made has no rows to append to: there, `append` means that there must be no table yet.
fn create_mode(text: &str) -> Result<CreateMode> {
    Ok(match write_mode(text)? {
        WriteMode::ErrorIfExists | WriteMode::Append => CreateMode::ErrorIfExists,
        WriteMode::Overwrite => CreateMode::OrReplace,
        WriteMode::Ignore => CreateMode::IfNotExists,
    })
}

fn schema_mode(text: Option<&str>) -> Result<SchemaMode> {
    Ok(match text {
        None => SchemaMode::Strict,
        Some("merge") => SchemaMode::Merge,
        Some("overwrite") => SchemaMode::Overwrite,
        Some(other) => return Err(no_mode("schema_mode", other, "merge or overwrite")),
    })
}

fn no_mode(parameter: &'static str, value: &str, known: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{parameter} is one of {known}")).with(parameter, value)
}
