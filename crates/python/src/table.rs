//! A table, as Python holds it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use deltaic::log::HistoryEntry;
use deltaic::log::partition_value::hive_path::decode_path;
use deltaic::{DeltaTable, DeltaTableBuilder, Error, ErrorKind, Result, StorageOptions, Version, parse_timestamp};
use futures::TryStreamExt;
use pyo3::prelude::*;
use serde_json::{Map, Value, json};

use crate::arrow::{ArrowTable, RecordBatchReader};
use crate::errors::exception;
use crate::runtime::wait;
use crate::scan::{Filter, Wanted, planned};

/// A table at one of its versions, which moves when it is told to.
#[pyclass(frozen, module = "deltaic._internal")]
pub(crate) struct RawDeltaTable(RwLock<DeltaTable>);

impl RawDeltaTable {
    pub(crate) fn new(table: DeltaTable) -> Self {
        Self(RwLock::new(table))
    }

    /// The table as it is now; what others do to this object later does not change it.
    pub(crate) fn table(&self) -> DeltaTable {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, table: DeltaTable) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = table;
    }

    /// Moves to the newest version.
    pub(crate) fn refresh(&self, py: Python<'_>) -> PyResult<()> {
        let mut table = self.table();
        self.set(wait(py, async move { table.refresh().await.map(|()| table) })?);
        Ok(())
    }
}

/// The builder of the table at `location`, reached with these options.
pub(crate) fn builder(location: &str, options: Option<HashMap<String, String>>) -> DeltaTableBuilder {
    DeltaTable::builder(location)
        .with_storage_options(options.unwrap_or_default().into_iter().collect::<StorageOptions>())
}

/// Whether there is a table, one that needs more than this library has included.
#[pyfunction]
#[pyo3(signature = (location, options=None))]
pub(crate) fn is_deltatable(
    py: Python<'_>,
    location: &str,
    options: Option<HashMap<String, String>>,
) -> PyResult<bool> {
    let builder = builder(location, options);
    wait(py, async move {
        match builder.target().await {
            Ok(target) => Ok(target.snapshot().is_some()),
            Err(error) if error.kind() == ErrorKind::UnsupportedProtocol => Ok(true),
            Err(error) => Err(error),
        }
    })
}

#[pymethods]
impl RawDeltaTable {
    #[new]
    #[pyo3(signature = (location, version=None, options=None))]
    fn open(
        py: Python<'_>,
        location: &str,
        version: Option<u64>,
        options: Option<HashMap<String, String>>,
    ) -> PyResult<Self> {
        let mut builder = builder(location, options);
        if let Some(version) = version {
            builder = builder.with_version(Version(version));
        }
        wait(py, builder.open()).map(Self::new)
    }

    /// The table at this version, which does not move when this object does.
    fn copy(&self) -> Self {
        Self::new(self.table())
    }

    fn version(&self) -> u64 {
        self.table().version().0
    }

    fn uri(&self) -> String {
        self.table().url().to_string()
    }

    fn metadata(&self, py: Python<'_>) -> PyResult<String> {
        json_text(py, serde_json::to_value(self.table().metadata()))
    }

    fn protocol(&self, py: Python<'_>) -> PyResult<String> {
        json_text(py, serde_json::to_value(self.table().protocol()))
    }

    fn schema(&self) -> String {
        self.table().schema().to_json()
    }

    fn update_incremental(&self, py: Python<'_>) -> PyResult<()> {
        self.refresh(py)
    }

    fn load_version(&self, py: Python<'_>, version: u64) -> PyResult<()> {
        let mut table = self.table();
        self.set(wait(py, async move { table.load_version(Version(version)).await.map(|()| table) })?);
        Ok(())
    }

    fn load_timestamp(&self, py: Python<'_>, timestamp: &str) -> PyResult<()> {
        let timestamp = parse_timestamp(timestamp).map_err(|error| exception(py, &error))?;
        let mut table = self.table();
        self.set(wait(py, async move { table.load_timestamp(timestamp).await.map(|()| table) })?);
        Ok(())
    }

    /// The paths of the files, as the log has them, unescaped.
    fn files(&self, py: Python<'_>, partitions: Vec<Filter>) -> PyResult<Vec<String>> {
        let table = self.table();
        wait(py, async move {
            planned(&table, partitions).await?.iter().map(|file| decode_path(file.file().path())).collect()
        })
    }

    /// Where the files are: paths of local ones, URIs of others.
    fn file_uris(&self, py: Python<'_>, partitions: Vec<Filter>) -> PyResult<Vec<String>> {
        let table = self.table();
        wait(py, async move {
            let files = planned(&table, partitions).await?;
            files.iter().map(|file| place_of(&file.read.location)).collect()
        })
    }

    /// The values of each partition that has files, in JSON.
    fn partitions(&self, py: Python<'_>, partitions: Vec<Filter>) -> PyResult<String> {
        let table = self.table();
        let found = wait(py, async move { partition_values(&table, partitions).await })?;
        json_text(py, serde_json::to_value(found))
    }

    /// What each version did, newest first, in JSON.
    #[pyo3(signature = (limit=None))]
    fn history(&self, py: Python<'_>, limit: Option<usize>) -> PyResult<String> {
        let table = self.table();
        let entries = wait(py, async move { table.history(limit).await })?;
        json_text(py, entries.into_iter().map(history_entry).collect())
    }

    /// How many rows there are.
    fn count(&self, py: Python<'_>) -> PyResult<u64> {
        let table = self.table();
        wait(py, async move {
            if let Some(rows) = table.num_rows().await? {
                return Ok(rows);
            }
            let scan = table.scan().columns(Vec::<String>::new()).build()?;
            scan.stream().try_fold(0, |sum, batch| futures::future::ok(sum + batch.num_rows() as u64)).await
        })
    }

    /// The version that an application has written last.
    fn transaction_version(&self, py: Python<'_>, app_id: String) -> PyResult<Option<i64>> {
        let table = self.table();
        wait(py, async move { Ok(table.snapshot().transactions().await?.get(&app_id).map(|known| known.version)) })
    }

    /// The rows, read as they are asked for.
    #[pyo3(signature = (columns, predicate, partitions))]
    fn scan(
        &self,
        py: Python<'_>,
        columns: Option<Vec<String>>,
        predicate: Option<String>,
        partitions: Vec<Filter>,
    ) -> PyResult<RecordBatchReader> {
        let scan = Wanted { columns, predicate, partitions }.scan(&self.table());
        RecordBatchReader::of_stream(py, scan.map_err(|error| exception(py, &error))?.stream())
    }

    /// The rows, in memory.
    #[pyo3(signature = (columns, predicate, partitions))]
    fn read(
        &self,
        py: Python<'_>,
        columns: Option<Vec<String>>,
        predicate: Option<String>,
        partitions: Vec<Filter>,
    ) -> PyResult<ArrowTable> {
        let table = self.table();
        let (schema, batches) = wait(py, async move {
            let scan = Wanted { columns, predicate, partitions }.scan(&table)?;
            Ok((scan.schema().clone(), scan.stream().try_collect().await?))
        })?;
        Ok(ArrowTable::new(schema, batches))
    }
}

/// A value as JSON text.
pub(crate) fn json_text(py: Python<'_>, value: serde_json::Result<Value>) -> PyResult<String> {
    value.map(|value| value.to_string()).map_err(|error| {
        exception(py, &Error::new(ErrorKind::Internal, "the value has no form in JSON").because(error))
    })
}

/// Where a file is: the path of a local one, the URI of another.
pub(crate) fn place_of(location: &url::Url) -> Result<String> {
    match location.to_file_path() {
        Ok(path) if location.scheme() == "file" => Ok(path.to_string_lossy().into_owned()),
        _ => decode_path(location.as_str()),
    }
}

async fn partition_values(
    table: &DeltaTable,
    partitions: Vec<Filter>,
) -> Result<BTreeSet<BTreeMap<String, Option<String>>>> {
    let configuration = table.configuration();
    let mode = configuration.column_mapping_mode();
    let fields: Vec<_> =
        configuration.partition_fields().map(|field| (field.name.clone(), field.physical_name(mode))).collect();
    let values_of = |file: &deltaic::scan::PlannedFile| {
        let file = file.file();
        let value = |physical: &str| file.partition_value(physical).map(ToOwned::to_owned);
        fields.iter().map(|(name, physical)| (name.clone(), value(physical))).collect()
    };
    Ok(planned(table, partitions).await?.iter().map(values_of).collect())
}

fn history_entry(entry: HistoryEntry) -> serde_json::Result<Value> {
    let mut fields = match serde_json::to_value(&entry.commit_info)? {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    fields.insert("timestamp".to_owned(), json!(entry.timestamp));
    fields.insert("version".to_owned(), json!(entry.version));
    Ok(Value::Object(fields))
}
