//! Whether rows of an older schema can be given in a newer one.

use deltaic_log::TableConfiguration;
use deltaic_log::schema::{DataType, StructField, StructType};

/// Why rows of the table as it was (`old`) do not fit the table as it is (`new`); `None` where they do.
///
/// Columns may have been added, and types widened. A column that was dropped or renamed, changed its type otherwise, or
/// became one that must not be null, does not fit: nor does another partitioning, since the old files' partition values
/// are named after the old one.
pub(super) fn incompatibility(old: &TableConfiguration, new: &TableConfiguration) -> Option<String> {
    if old.partition_columns() != new.partition_columns() {
        return Some("the table was partitioned anew".to_owned());
    }
    fields(old.schema(), new.schema()).or_else(|| fields(old.physical_schema(), new.physical_schema()))
}

fn fields(old: &StructType, new: &StructType) -> Option<String> {
    old.fields.iter().find_map(|old| match new.fields.iter().find(|new| new.name == old.name) {
        Some(new) => field(old, new),
        None => Some(format!("column {:?} was dropped or renamed", old.name)),
    })
}

fn field(old: &StructField, new: &StructField) -> Option<String> {
    if old.nullable && !new.nullable {
        return Some(format!("column {:?} must not be null any more", old.name));
    }
    types(&old.data_type, &new.data_type).map(|why| format!("column {:?}: {why}", old.name))
}

fn types(old: &DataType, new: &DataType) -> Option<String> {
    match (old, new) {
        (DataType::Struct(old), DataType::Struct(new)) => fields(old, new),
        (DataType::Array(old), DataType::Array(new)) => types(&old.element_type, &new.element_type),
        (DataType::Map(old), DataType::Map(new)) => {
            types(&old.key_type, &new.key_type).or_else(|| types(&old.value_type, &new.value_type))
        }
        (DataType::Primitive(from), DataType::Primitive(to)) if from == to || from.widens_to(*to) => None,
        (old, new) if old == new => None,
        (old, new) => Some(format!("its type {old} became {new}")),
    }
}
