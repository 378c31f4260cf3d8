//! The schema of data files: physical names, field ids, without what the log holds.
//!
//! Spec: [Parquet type mapping](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#primitive-types),
//! [Writer Requirements for Column Mapping](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#writer-requirements-for-column-mapping).
//! Void columns stand in no file, at any depth of structs; inside of lists and maps they cannot be left out, so such tables
//! take no rows.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, StructArray};
use arrow_schema::{DataType as Arrow, Field, FieldRef, Fields, Schema, SchemaRef};
use deltaic_log::feature::WriterRequirements;
use deltaic_log::schema::{ColumnMappingMode, DataType, PrimitiveType, StructField};
use deltaic_log::{Error, ErrorKind, Result, ResultExt, TableConfiguration};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

/// What stands in data files.
#[derive(Clone, Debug)]
pub(crate) struct PhysicalSchema {
    pub(crate) schema: SchemaRef,
    /// For each column of a file: its place among the table's columns, and its type there.
    pub(crate) columns: Vec<(usize, DataType)>,
}

impl PhysicalSchema {
    /// `extra` are columns behind the table's, under the names that they have in files.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where the table's columns cannot be written; [`ErrorKind::CorruptLog`].
    pub(crate) fn new(
        table: &TableConfiguration,
        requirements: &WriterRequirements,
        extra: &[StructField],
    ) -> Result<Self> {
        let shaper = Shaper { mode: table.column_mapping_mode(), field_ids: requirements.field_ids };
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for (place, field) in table.schema().fields.iter().enumerate() {
            let is_in_files = requirements.partition_columns_in_files || !table.is_partition_column(&field.name);
            if let Some(shaped) = shaper.field(field).with("column", &field.name)?.filter(|_| is_in_files) {
                fields.push(shaped);
                columns.push((place, field.data_type.clone()));
            }
        }
        for (place, field) in extra.iter().enumerate() {
            let shaped = Field::new(&field.name, field.data_type.to_arrow(), field.nullable);
            fields.push(Arc::new(shaped));
            columns.push((table.schema().fields.len() + place, field.data_type.clone()));
        }
        if fields.is_empty() {
            let message = "no column of the table stands in data files, so there is no place for rows: add a column that is \
                           neither a partition column nor void";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(Self { schema: Arc::new(Schema::new(fields)), columns })
    }

    /// The columns of a file, of rows in the table's own types.
    pub(crate) fn shape(&self, table_columns: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let fields = self.schema.fields().iter().zip(&self.columns);
        fields.map(|(field, (place, logical))| shape(&table_columns[*place], logical, field.data_type())).collect()
    }
}

struct Shaper {
    mode: ColumnMappingMode,
    field_ids: bool,
}

impl Shaper {
    /// `None` for a void field.
    fn field(&self, field: &StructField) -> Result<Option<FieldRef>> {
        let name = field.physical_name(self.mode);
        let nested_ids = if self.field_ids { field.column_mapping_nested_ids()? } else { BTreeMap::new() };
        let Some(data_type) = self.data_type(&field.data_type, &Parts { ids: &nested_ids, at: name.to_owned() })?
        else {
            return Ok(None);
        };
        let id = if self.field_ids { field.column_mapping_id()? } else { None };
        Ok(Some(Arc::new(with_id(Field::new(name, data_type, field.nullable), id))))
    }

    fn data_type(&self, data_type: &DataType, parts: &Parts<'_>) -> Result<Option<Arrow>> {
        Ok(match data_type {
            DataType::Primitive(PrimitiveType::Void) => None,
            DataType::Struct(fields) => {
                let shaped = fields.fields.iter().filter_map(|field| self.field(field).transpose());
                let shaped = shaped.collect::<Result<Fields>>()?;
                if shaped.is_empty() {
                    return Err(unwritable("a struct of which no field stands in data files"));
                }
                Some(Arrow::Struct(shaped))
            }
            DataType::Array(array) => {
                Some(Arrow::List(self.part("element", &array.element_type, array.contains_null, parts)?))
            }
            DataType::Map(map) => {
                let key = self.part("key", &map.key_type, false, parts)?;
                let value = self.part("value", &map.value_type, map.value_contains_null, parts)?;
                let entries = Field::new("key_value", Arrow::Struct(Fields::from(vec![key, value])), false);
                Some(Arrow::Map(Arc::new(entries), false))
            }
            other => Some(other.to_arrow()),
        })
    }

    fn part(&self, step: &str, data_type: &DataType, nullable: bool, parts: &Parts<'_>) -> Result<FieldRef> {
        let below = Parts { ids: parts.ids, at: format!("{}.{step}", parts.at) };
        let shaped = self.data_type(data_type, &below)?.ok_or_else(|| unwritable("void inside of a list or map"))?;
        let id = parts.ids.get(&below.at).copied();
        Ok(Arc::new(with_id(Field::new(step, shaped, nullable), id)))
    }
}

/// The lists and maps directly below one field, whose metadata numbers them.
struct Parts<'a> {
    ids: &'a BTreeMap<String, i32>,
    at: String,
}

fn with_id(field: Field, id: Option<i32>) -> Field {
    match id {
        Some(id) => field.with_metadata(HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string())])),
        None => field,
    }
}

fn unwritable(what: &str) -> Error {
    let message = format!("the table has a column that no data file can hold, {what}: change its type");
    Error::new(ErrorKind::InvalidArgument, message)
}

/// The same values under the names and nullabilities of a file. Void fields are left out.
fn shape(array: &ArrayRef, logical: &DataType, to: &Arrow) -> Result<ArrayRef> {
    Ok(match (logical, to) {
        (DataType::Struct(fields), Arrow::Struct(shaped)) => {
            let from = array.as_struct();
            let kept = fields.fields.iter().zip(from.columns());
            let kept = kept.filter(|(field, _)| field.data_type != PrimitiveType::Void.into());
            let columns = kept.zip(shaped).map(|((field, column), to)| shape(column, &field.data_type, to.data_type()));
            let columns = columns.collect::<Result<Vec<_>>>()?;
            Arc::new(StructArray::try_new(shaped.clone(), columns, from.nulls().cloned())?)
        }
        (DataType::Array(list), Arrow::List(element)) => {
            let from = array.as_list::<i32>();
            let values = shape(from.values(), &list.element_type, element.data_type())?;
            Arc::new(ListArray::try_new(element.clone(), from.offsets().clone(), values, from.nulls().cloned())?)
        }
        (DataType::Map(map), Arrow::Map(entries, sorted)) => {
            let from = array.as_map();
            let Arrow::Struct(parts) = entries.data_type() else { return Err(misshapen(to)) };
            let key = shape(from.keys(), &map.key_type, parts[0].data_type())?;
            let value = shape(from.values(), &map.value_type, parts[1].data_type())?;
            let pairs = StructArray::try_new(parts.clone(), vec![key, value], None)?;
            let (offsets, nulls) = (from.offsets().clone(), from.nulls().cloned());
            Arc::new(MapArray::try_new(entries.clone(), offsets, pairs, nulls, *sorted)?)
        }
        _ => array.clone(),
    })
}

fn misshapen(to: &Arrow) -> Error {
    Error::new(ErrorKind::Internal, format!("a map's entries are no pairs: {to}"))
}
