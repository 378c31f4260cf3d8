//! Spec: [Clustered Table](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#clustered-table).
//!
//! Which columns a table is clustered by stands in a metadata domain, by their physical names. Writers of rows measure them,
//! wherever they are in the schema; that rows come to lie together is another verb's work.

use deltaic_log::feature::CLUSTERING;
use deltaic_log::schema::{ColumnMappingMode, ColumnPath, DataType, PrimitiveType, StructType};
use deltaic_log::{Error, ErrorKind, Result, ResultExt, Snapshot};
use serde_json::{Value, json};

/// Where the columns stand.
pub(crate) const CLUSTERING_DOMAIN: &str = "delta.clustering";
/// With more columns than this, none of them is clustered well.
const COLUMNS_MAX: usize = 4;

/// The columns that the table is clustered by, by their physical paths.
///
/// # Errors
/// [`ErrorKind::CorruptLog`] where the domain holds none; as [`Snapshot::domains`].
pub(crate) async fn clustering_columns(snapshot: &Snapshot) -> Result<Vec<ColumnPath>> {
    if !snapshot.protocol().supports(&CLUSTERING) {
        return Ok(Vec::new());
    }
    let domains = snapshot.domains().await?;
    domains.get(CLUSTERING_DOMAIN).map_or(Ok(Vec::new()), |domain| parse(&domain.configuration))
}

/// Each column is a list of names; older writers put down a name alone.
fn parse(configuration: &str) -> Result<Vec<ColumnPath>> {
    let malformed = || {
        let message = "the metadata domain delta.clustering does not say by which columns: its writer is at fault";
        Error::new(ErrorKind::CorruptLog, message).with("domain", CLUSTERING_DOMAIN)
    };
    let json: Value = serde_json::from_str(configuration).map_err(|error| malformed().because(error))?;
    let columns = json.get("clusteringColumns").and_then(Value::as_array).ok_or_else(malformed)?;
    let column = |column: &Value| match column {
        Value::String(name) => Some(ColumnPath::from(name.as_str())),
        Value::Array(names) => names.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(ColumnPath::new),
        _ => None,
    };
    columns.iter().map(column).collect::<Option<_>>().ok_or_else(malformed)
}

/// The domain's content for these columns of a table, which a user spells.
///
/// # Errors
/// [`ErrorKind::UnknownColumn`]; [`ErrorKind::InvalidArgument`] for columns that have no bounds, and for too many.
pub(crate) fn configuration(schema: &StructType, columns: &[String], mode: ColumnMappingMode) -> Result<String> {
    if columns.len() > COLUMNS_MAX {
        let message =
            format!("a table is clustered by {COLUMNS_MAX} columns at most, not by {}: choose", columns.len());
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    let physical = |name: &String| {
        let path = ColumnPath::parse(name)?;
        let column = schema.resolve(&path)?;
        if !has_bounds(column.data_type) {
            let message = format!("no bounds are kept of {}: cluster by other columns", column.data_type);
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        schema
            .to_physical_path(&column.path, mode)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a column has no path"))
    };
    let paths = columns.iter().map(|name| physical(name).with("column", name)).collect::<Result<Vec<_>>>()?;
    let names: Vec<&[String]> = paths.iter().map(ColumnPath::names).collect();
    Ok(json!({ "clusteringColumns": names }).to_string())
}

fn has_bounds(data_type: &DataType) -> bool {
    let without = [PrimitiveType::Boolean, PrimitiveType::Binary, PrimitiveType::Void];
    data_type.as_primitive().is_some_and(|data_type| !without.contains(&data_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read() {
        for text in
            [r#"{"clusteringColumns":[["a"],["s","k"]],"domainName":"x"}"#, r#"{"clusteringColumns":["a",["s","k"]]}"#]
        {
            assert_eq!(parse(text).unwrap(), [ColumnPath::from("a"), ColumnPath::new(["s", "k"])]);
        }
        for text in ["", "{}", r#"{"clusteringColumns":[1]}"#] {
            assert_eq!(parse(text).unwrap_err().kind(), ErrorKind::CorruptLog, "{text}");
        }
    }
}
