//! Which columns have statistics, as a table's properties choose them.

use crate::schema::{ColumnPath, StructField, StructType};
use crate::table_properties::{StatsColumnCount, property};
use crate::{Result, TableConfiguration};

/// The columns that writers keep statistics of, under their physical names, in the order of the schema and without partition
/// columns: those that `delta.dataSkippingStatsColumns` lists, else the first leaves, as many as
/// `delta.dataSkippingNumIndexedCols` says. A struct is listed with all that is in it.
///
/// # Errors
/// [`ErrorKind::InvalidProperty`](crate::ErrorKind::InvalidProperty) where one of the two properties has no valid value.
///
/// ```
/// use deltaic_log::{TableConfiguration, action::{Metadata, Protocol}, statistics::indexed_schema};
/// # let field = |name: &str| format!(r#"{{\"name\":\"{name}\",\"type\":\"long\",\"nullable\":true,\"metadata\":{{}}}}"#);
/// # let schema = format!(r#"{{\"type\":\"struct\",\"fields\":[{},{},{}]}}"#, field("a"), field("b"), field("c"));
/// let protocol: Protocol = serde_json::from_str(r#"{"minReaderVersion":1,"minWriterVersion":2}"#).unwrap();
/// let metadata: Metadata = serde_json::from_str(&format!(r#"{{"id":"x","partitionColumns":["a"],"schemaString":"{schema}",
///     "configuration":{{"delta.dataSkippingNumIndexedCols":"1"}}}}"#)).unwrap();
/// let indexed = indexed_schema(&TableConfiguration::try_new(protocol, metadata)?)?;
/// assert_eq!(indexed.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["b"]);
/// # Ok::<(), deltaic_log::Error>(())
/// ```
pub fn indexed_schema(table: &TableConfiguration) -> Result<StructType> {
    let columns = table.schema().fields.iter().zip(&table.physical_schema().fields);
    let data = columns.filter(|(logical, _)| !table.is_partition_column(&logical.name));
    let data: StructType = data.map(|(_, physical)| physical.clone()).collect();
    let properties = table.properties();
    if let Some(chosen) = properties.get(&property::DATA_SKIPPING_STATS_COLUMNS)? {
        // A column that was dropped since is listed still.
        let physical = |path: &ColumnPath| {
            let logical = table.schema().resolve(path).ok()?.path;
            table.schema().to_physical_path(&logical, table.column_mapping_mode())
        };
        let chosen: Vec<_> = chosen.iter().filter_map(physical).collect();
        return Ok(listed(&data, &ColumnPath::root(), &chosen));
    }
    Ok(match properties.get(&property::DATA_SKIPPING_NUM_INDEXED_COLS)? {
        StatsColumnCount::All => data,
        StatsColumnCount::First(count) => first(&data, &mut usize::try_from(count).unwrap_or(usize::MAX)),
    })
}

fn listed(schema: &StructType, parent: &ColumnPath, chosen: &[ColumnPath]) -> StructType {
    let keep = |field: &StructField| {
        let path = parent.child(field.name.as_str());
        if chosen.iter().any(|chosen| path.names().starts_with(chosen.names())) {
            return Some(field.clone());
        }
        let inner = listed(field.data_type.as_struct()?, &path, chosen);
        (!inner.fields.is_empty()).then(|| StructField { data_type: inner.into(), ..field.clone() })
    };
    schema.fields.iter().filter_map(keep).collect()
}

/// As many leaves as are `left`.
fn first(schema: &StructType, left: &mut usize) -> StructType {
    let mut fields = Vec::new();
    for field in &schema.fields {
        if *left == 0 {
            break;
        }
        match field.data_type.as_struct() {
            Some(inner) => fields.push(StructField { data_type: first(inner, left).into(), ..field.clone() }),
            None => {
                *left -= 1;
                fields.push(field.clone());
            }
        }
    }
    fields.into_iter().collect()
}
