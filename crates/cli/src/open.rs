//! From arguments to a table.

use deltaic::{DeltaTable, Result, parse_timestamp};

use crate::arguments::{AsOf, Table};

/// The table that the arguments name, at its newest version.
pub(crate) async fn newest(table: &Table) -> Result<DeltaTable> {
    DeltaTable::open_with(&table.table, table.storage_options()).await
}

/// The table that the arguments name, at the version or time that they ask for.
pub(crate) async fn at(table: &Table, as_of: &AsOf) -> Result<DeltaTable> {
    let mut builder = DeltaTable::builder(&table.table).with_storage_options(table.storage_options());
    if let Some(version) = as_of.version {
        builder = builder.with_version(version);
    }
    if let Some(time) = &as_of.timestamp {
        builder = builder.with_timestamp(parse_timestamp(time)?);
    }
    builder.open().await
}
