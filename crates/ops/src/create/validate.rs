//! Whether a table can be as it is asked for. What can be told before a row is there is told here.

use std::collections::BTreeMap;

use arrow_schema::Schema;
use deltaic_log::schema::column_metadata::key;
use deltaic_log::schema::{ColumnMappingMode, DataType, PrimitiveType, StructField, StructType, near_names};
use deltaic_log::table_properties::TableProperties;
use deltaic_log::table_properties::property::{self, CONSTRAINT_PREFIX, FEATURE_PREFIX};
use deltaic_log::{Context, Error, ErrorKind, Result, ResultExt};
use deltaic_scan::expr::{BoundExpr, EvalContext, parse};

use super::metadata::TableSpec;
use crate::clustering;

/// What Parquet files of other engines cannot have in a column's name, unless column mapping gives it another there.
const SPECIAL: &[char] = &[' ', ',', ';', '{', '}', '(', ')', '\n', '\t', '='];

/// # Errors
/// [`ErrorKind::InvalidArgument`], [`ErrorKind::InvalidProperty`], [`ErrorKind::InvalidExpression`],
/// [`ErrorKind::UnknownColumn`].
pub(crate) fn validate(
    spec: &TableSpec,
    partition_columns: &[String],
    mode: ColumnMappingMode,
    context: &Context,
) -> Result<()> {
    check_names(&spec.schema, mode)?;
    check_partitioning(&spec.schema, partition_columns)?;
    check_properties(&spec.properties)?;
    clustering::configuration(&spec.schema, &spec.cluster_by, ColumnMappingMode::None)?;
    if !spec.cluster_by.is_empty() && !partition_columns.is_empty() {
        let message = "a table has partition columns or clustering columns, not both: choose";
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    let eval = EvalContext::new(&*context.clock);
    let schema = spec.schema.to_arrow();
    spec.schema.fields.iter().try_for_each(|field| check_expressions(field, &schema, &eval))?;
    spec.constraints.iter().try_for_each(|(name, sql)| {
        BoundExpr::bind_predicate(&parse(sql)?, &schema, &eval).map(|_| ()).with("constraint", name)
    })
}

/// # Errors
/// [`ErrorKind::InvalidArgument`] where two columns have one name, or one has a name that it cannot have.
pub(crate) fn check_names(schema: &StructType, mode: ColumnMappingMode) -> Result<()> {
    let unfit = |message: String, path| Err(Error::new(ErrorKind::InvalidArgument, message).with("column", path));
    schema.check_unique_names().map_err(|error| {
        Error::new(ErrorKind::InvalidArgument, error.message())
            .with("column", error.context("column").unwrap_or_default())
    })?;
    for (path, field) in schema.fields_at_every_depth() {
        if field.name.is_empty() {
            return unfit("a column has no name: give it one".to_owned(), path);
        }
        if mode == ColumnMappingMode::None && field.name.contains(SPECIAL) {
            let message = format!(
                "the column name {:?} has a character that data files cannot have in names: choose another, or set {} to name",
                field.name,
                property::COLUMN_MAPPING_MODE.spec.key
            );
            return unfit(message, path);
        }
    }
    Ok(())
}

fn check_partitioning(schema: &StructType, partition_columns: &[String]) -> Result<()> {
    let unfit = |message: &str, name: &str| Err(Error::new(ErrorKind::InvalidArgument, message).with("column", name));
    for (place, name) in partition_columns.iter().enumerate() {
        if partition_columns[..place].contains(name) {
            return unfit("a partition column is named twice: name it once", name);
        }
        match schema.field(name).map(|field| &field.data_type) {
            Some(DataType::Primitive(PrimitiveType::Void)) => {
                return unfit("a void column has no values to part rows by: choose another", name);
            }
            Some(DataType::Primitive(_)) => {}
            _ => return unfit("only columns without parts can be partition columns: choose another", name),
        }
    }
    if !schema.fields.is_empty() && partition_columns.len() == schema.fields.len() {
        return unfit("every column is a partition column, so that no file would hold any: leave one out", "");
    }
    Ok(())
}

/// Properties that the table keeps itself.
pub(crate) const INTERNAL: &[&str] = &[
    property::COLUMN_MAPPING_MAX_COLUMN_ID.spec.key,
    property::MATERIALIZED_ROW_ID_COLUMN_NAME.spec.key,
    property::MATERIALIZED_ROW_COMMIT_VERSION_COLUMN_NAME.spec.key,
    property::IN_COMMIT_TIMESTAMP_ENABLEMENT_VERSION.spec.key,
    property::IN_COMMIT_TIMESTAMP_ENABLEMENT_TIMESTAMP.spec.key,
];

/// Whether a user may set these properties.
///
/// # Errors
/// [`ErrorKind::InvalidProperty`].
pub(crate) fn check_properties(wanted: &BTreeMap<String, String>) -> Result<()> {
    let properties = TableProperties::new(wanted);
    if let Some(key) = properties.unknown().next() {
        let known = property::ALL.iter().map(|spec| (spec.key.to_owned(), spec.key));
        let near = near_names(key, known);
        let hint = if near.is_empty() { String::new() } else { format!(" (did you mean {}?)", near.join(" or ")) };
        let message =
            format!("no table property of the protocol is called {key}{hint}: correct it, or leave `delta.` out");
        return Err(Error::new(ErrorKind::InvalidProperty, message).with("key", key));
    }
    let starts = |key: &str, prefix: &str| key.to_lowercase().starts_with(&prefix.to_lowercase());
    for (key, value) in wanted {
        if starts(key, CONSTRAINT_PREFIX) {
            let message = "constraints are given by name and condition, not as properties";
            return Err(Error::new(ErrorKind::InvalidProperty, message).with("key", key));
        }
        if starts(key, FEATURE_PREFIX) && !["supported", "enabled"].contains(&value.as_str()) {
            let message = format!("the property {key} asks for a feature by the value \"supported\", and no other");
            return Err(Error::new(ErrorKind::InvalidProperty, message).with("key", key).with("value", value));
        }
        if INTERNAL.iter().any(|internal| internal.eq_ignore_ascii_case(key)) {
            let message = format!("the property {key} is kept by the table itself: leave it out");
            return Err(Error::new(ErrorKind::InvalidProperty, message).with("key", key));
        }
    }
    properties.problems().into_iter().next().map_or(Ok(()), Err)
}

fn check_expressions(field: &StructField, schema: &Schema, eval: &EvalContext) -> Result<()> {
    let bind = |sql: &str, schema: &Schema| BoundExpr::bind(&parse(sql)?, schema, eval).map(|_| ());
    if let Some(sql) = field.generation_expression()? {
        let expr = parse(sql).with("column", &field.name)?;
        if expr.columns().iter().any(|path| deltaic_log::schema::same_name(path.top(), &field.name)) {
            let message = "a generated column cannot be computed from itself: leave it out of its expression";
            return Err(Error::new(ErrorKind::InvalidExpression, message).with("column", &field.name));
        }
        bind(sql, schema).with("column", &field.name)?;
    }
    if let Some(sql) = field.current_default()? {
        bind(sql, &Schema::empty()).with("column", &field.name)?;
    }
    if field.invariant()?.is_some() {
        let message = "invariants of columns have given way to constraints: give the table a constraint";
        return Err(Error::new(ErrorKind::InvalidArgument, message).with("column", &field.name));
    }
    let is_long = field.data_type == PrimitiveType::Long.into();
    let computed = [key::GENERATION_EXPRESSION, key::CURRENT_DEFAULT, key::IDENTITY_STEP];
    match (field.identity()?, computed.iter().filter(|key| field.metadata.contains_key(**key)).count()) {
        (Some(_), _) if !is_long => {
            let message = format!("an identity column has the type long, not {}: change it", field.data_type);
            Err(Error::new(ErrorKind::InvalidArgument, message).with("column", &field.name))
        }
        (_, 2..) => {
            let message = "a column is generated, numbered or has a default, but only one of these: choose";
            Err(Error::new(ErrorKind::InvalidArgument, message).with("column", &field.name))
        }
        _ => Ok(()),
    }
}
