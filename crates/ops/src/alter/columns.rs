//! Columns.

use deltaic_commit::Operation;
use deltaic_log::schema::column_metadata::key;
use deltaic_log::schema::{ArrayType, ColumnPath, DataType, MapType, StructField, StructType};
use deltaic_log::{Error, ErrorKind, IdSource, Result, TableConfiguration};
use serde_json::{Value, json};

use super::Altered;
use crate::create::metadata::with_schema;
use crate::create::validate::check_names;

/// A column that a table gets.
///
/// ```
/// use deltaic_log::schema::{PrimitiveType, StructField};
/// use deltaic_ops::alter::NewColumn;
/// let column = NewColumn::new(StructField::nullable("zip", PrimitiveType::String)).within("address".into());
/// assert_eq!(column.parent.to_string(), "address");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewColumn {
    /// The struct that it is a field of; the root for a column of the table.
    pub parent: ColumnPath,
    /// The column, which may be null.
    pub field: StructField,
}

impl NewColumn {
    /// A column of the table.
    pub fn new(field: StructField) -> Self {
        Self { parent: ColumnPath::root(), field }
    }

    /// The same as a field of this struct. Steps into lists and maps are called `element`, `key` and `value`.
    #[must_use]
    pub fn within(self, parent: ColumnPath) -> Self {
        Self { parent, ..self }
    }
}

pub(super) fn add(table: &TableConfiguration, columns: &[NewColumn], ids: &dyn IdSource) -> Result<Altered> {
    let mut schema = table.schema().clone();
    let mut told = Vec::new();
    for NewColumn { parent, field } in columns {
        let path = parent.child(field.name.as_str());
        check(field, &path)?;
        if !parent.is_root() {
            schema.resolve(parent)?;
        }
        if schema.resolve(&path).is_ok() {
            let message = format!("the table has a column {path} already: choose another name");
            return Err(Error::new(ErrorKind::InvalidArgument, message).with("column", path));
        }
        schema = match schema_with(&DataType::from(schema), parent.names(), field) {
            Some(DataType::Struct(schema)) => *schema,
            _ => {
                let message = format!("{parent} has no fields: name a struct");
                return Err(Error::new(ErrorKind::InvalidArgument, message).with("column", parent));
            }
        };
        told.push(json!({ "column": as_told(field, &path) }));
    }
    if told.is_empty() {
        return Err(Error::new(ErrorKind::InvalidArgument, "no column is to be added: name one"));
    }
    check_names(&schema, table.column_mapping_mode())?;
    let metadata = with_schema(table.metadata().clone(), table, schema, ids)?;
    let operation = Operation::new("ADD COLUMNS").with_parameter("columns", Value::from(told).to_string());
    Ok(Altered::new(operation, metadata))
}

fn check(field: &StructField, path: &ColumnPath) -> Result<()> {
    let unfit = |message: &str| Err(Error::new(ErrorKind::InvalidArgument, message).with("column", path));
    if !field.nullable {
        return unfit("a new column is null in the rows that are there: let it be null");
    }
    let computed = [key::GENERATION_EXPRESSION, key::CURRENT_DEFAULT, key::IDENTITY_STEP];
    if computed.iter().any(|key| field.metadata.contains_key(*key)) {
        return unfit("a column that is added is not generated, numbered or given a default: leave that out");
    }
    Ok(())
}

/// As the table's history tells of it.
fn as_told(field: &StructField, path: &ColumnPath) -> Value {
    let schema: Value = serde_json::from_str(&StructType::new([field.clone()]).to_json()).unwrap_or_default();
    let mut told = schema["fields"][0].clone();
    told["name"] = path.to_string().into();
    told
}

/// The type with a new field in the struct that `steps` lead to; `None` where they lead to none.
fn schema_with(data_type: &DataType, steps: &[String], field: &StructField) -> Option<DataType> {
    let first = steps.first().map(|step| step.to_lowercase());
    let rest = steps.get(1..).unwrap_or_default();
    Some(match (data_type, first.as_deref()) {
        (DataType::Struct(fields), None) => {
            fields.fields.iter().cloned().chain([field.clone()]).collect::<StructType>().into()
        }
        (DataType::Struct(fields), Some(name)) => {
            let mut fields = fields.fields.clone();
            let exact = fields.iter().position(|field| field.name == steps[0]);
            let place = exact.or_else(|| fields.iter().position(|field| field.name.to_lowercase() == name))?;
            fields[place].data_type = schema_with(&fields[place].data_type, rest, field)?;
            StructType::new(fields).into()
        }
        (DataType::Array(array), Some("element")) => DataType::Array(Box::new(ArrayType {
            element_type: schema_with(&array.element_type, rest, field)?,
            contains_null: array.contains_null,
        })),
        (DataType::Map(map), Some("key")) => {
            DataType::Map(Box::new(MapType { key_type: schema_with(&map.key_type, rest, field)?, ..(**map).clone() }))
        }
        (DataType::Map(map), Some("value")) => DataType::Map(Box::new(MapType {
            value_type: schema_with(&map.value_type, rest, field)?,
            ..(**map).clone()
        })),
        _ => return None,
    })
}
