//! Table properties.

use std::collections::BTreeMap;

use deltaic_commit::Operation;
use deltaic_log::schema::ColumnMappingMode;
use deltaic_log::table_properties::TableProperties;
use deltaic_log::table_properties::property::{self, CONSTRAINT_PREFIX};
use deltaic_log::{Context, Error, ErrorKind, Result, TableConfiguration};
use serde_json::json;

use super::Altered;
use crate::create::column_mapping::assign_ids_to_existing;
use crate::create::metadata::name_row_tracking_columns;
use crate::create::validate::{INTERNAL, check_properties};

pub(super) fn set(
    table: &TableConfiguration,
    wanted: &BTreeMap<String, String>,
    context: &Context,
) -> Result<Option<Altered>> {
    check_properties(wanted)?;
    let mut metadata = table.metadata().clone();
    for (key, value) in wanted {
        let known = property::ALL.iter().find(|spec| spec.key.eq_ignore_ascii_case(key));
        metadata.configuration.retain(|other, _| !other.eq_ignore_ascii_case(key));
        metadata.configuration.insert(known.map_or(key.as_str(), |spec| spec.key).to_owned(), value.clone());
    }
    let after = TableProperties::new(&metadata.configuration);
    match (table.column_mapping_mode(), after.get(&property::COLUMN_MAPPING_MODE)?) {
        (before, after) if before == after => {}
        (ColumnMappingMode::None, ColumnMappingMode::Name) => {
            let (schema, id_max) = assign_ids_to_existing(table.schema());
            metadata.schema_string = Some(schema.to_json());
            let key = property::COLUMN_MAPPING_MAX_COLUMN_ID.spec.key;
            metadata.configuration.insert(key.to_owned(), id_max.to_string());
        }
        _ => return Err(fixed(property::COLUMN_MAPPING_MODE.spec.key)),
    }
    name_row_tracking_columns(&mut metadata.configuration, context)?;
    if metadata == *table.metadata() {
        return Ok(None);
    }
    let tracked = |properties: &TableProperties| properties.get(&property::ENABLE_ROW_TRACKING);
    let numbers_rows = tracked(&after)? && !tracked(table.properties())?;
    let operation = Operation::new("SET TBLPROPERTIES").with_parameter("properties", json!(wanted).to_string());
    Ok(Some(Altered { numbers_rows, ..Altered::new(operation, metadata) }))
}

pub(super) fn unset(table: &TableConfiguration, keys: &[String], if_exists: bool) -> Result<Option<Altered>> {
    let mut metadata = table.metadata().clone();
    for key in keys {
        let is_constraint = key.to_lowercase().starts_with(&CONSTRAINT_PREFIX.to_lowercase());
        if is_constraint {
            let message = "constraints are dropped by their names, not as properties";
            return Err(Error::new(ErrorKind::InvalidProperty, message).with("key", key));
        }
        let maps = table.column_mapping_mode() != ColumnMappingMode::None;
        let is_mode = property::COLUMN_MAPPING_MODE.spec.key.eq_ignore_ascii_case(key);
        if maps && is_mode || INTERNAL.iter().any(|internal| internal.eq_ignore_ascii_case(key)) {
            return Err(fixed(key));
        }
        let before = metadata.configuration.len();
        metadata.configuration.retain(|other, _| !other.eq_ignore_ascii_case(key));
        if metadata.configuration.len() == before && !if_exists {
            let message = format!("the table has no property {key}: correct it, or unset it only if it exists");
            return Err(Error::new(ErrorKind::InvalidProperty, message).with("key", key));
        }
    }
    if metadata == *table.metadata() {
        return Ok(None);
    }
    let operation = Operation::new("UNSET TBLPROPERTIES")
        .with_parameter("properties", json!(keys).to_string())
        .with_parameter("ifExists", if_exists);
    Ok(Some(Altered::new(operation, metadata)))
}

fn fixed(key: &str) -> Error {
    let message = format!("the property {key} cannot be changed so on a table that is there: leave it as it is");
    Error::new(ErrorKind::InvalidProperty, message).with("key", key)
}
