//! Live files as rows of a checkpoint: from commits, and from an older checkpoint in whatever columns its writer chose.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, MapArray, StringViewArray, StructArray, new_null_array};
use arrow_schema::{DataType, Field, FieldRef, Fields};
use serde::Serialize;

use super::conform::{conform, conform_struct, has_all};
use super::{CheckpointSchema, actions, stats_json, stats_parsed};
use crate::action::Add;
use crate::error::Result;
use crate::partition_value::{Scalar, parse_column};
use crate::schema::StructField;

/// Makes the column `add` of a checkpoint. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct AddEncoder {
    schema: CheckpointSchema,
    /// What a commit's actions have: all but typed columns, and always the JSON text.
    plain: FieldRef,
}

impl AddEncoder {
    pub(crate) fn new(schema: &CheckpointSchema) -> Self {
        let is_typed = |field: &FieldRef| field.name().ends_with("_parsed") || field.name() == "stats";
        let plain = schema.add().iter().filter(|field| !is_typed(field)).cloned();
        let stats = Arc::new(Field::new("stats", DataType::Utf8View, true));
        let plain = DataType::Struct(plain.chain([stats]).collect());
        Self { schema: schema.clone(), plain: Arc::new(Field::new("add", plain, true)) }
    }

    /// The fields of `add` that an older checkpoint is asked for.
    pub(crate) fn schema(&self) -> &CheckpointSchema {
        &self.schema
    }

    /// The rows of actions.
    ///
    /// # Errors
    /// None that a table could cause.
    pub(crate) fn of_actions(&self, adds: Vec<Add>) -> Result<StructArray> {
        #[derive(Serialize)]
        struct Row {
            add: Add,
        }
        let rows: Vec<Row> = adds.into_iter().map(|add| Row { add }).collect();
        let column = actions::column(&rows, &self.plain)?;
        self.of_columns(column.as_struct())
    }

    /// The rows of a column `add`, whose writer may have chosen other columns, types and forms of statistics.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptLog`](crate::ErrorKind::CorruptLog) where a column is of a type that it cannot be of.
    pub(crate) fn of_columns(&self, add: &StructArray) -> Result<StructArray> {
        let fields = self.schema.add();
        let columns = fields.iter().map(|field| match field.name().as_str() {
            // Whatever is in a checkpoint has been in the table before.
            "dataChange" => Ok(Arc::new(BooleanArray::from(vec![false; add.len()])) as ArrayRef),
            "partitionValues" => partition_map(add, field),
            "stats" => self.stats(add),
            "stats_parsed" => self.stats_parsed(add, field),
            "partitionValues_parsed" => self.partition_values(add, field),
            name => match add.column_by_name(name) {
                Some(column) => conform(column, field.data_type()),
                None => Ok(new_null_array(field.data_type(), add.len())),
            },
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(StructArray::try_new_with_length(fields.clone(), columns, add.nulls().cloned(), add.len())?)
    }

    fn stats(&self, add: &StructArray) -> Result<ArrayRef> {
        let texts = texts_of(add)?;
        let Some(parsed) = add.column_by_name("stats_parsed").and_then(|parsed| parsed.as_struct_opt()) else {
            return Ok(Arc::new(texts));
        };
        if (0..add.len()).all(|row| texts.is_valid(row) || parsed.is_null(row)) {
            return Ok(Arc::new(texts));
        }
        let parsed = conform_struct(parsed, &self.own_stats_fields(parsed))?;
        let text = |row: usize| match texts.is_valid(row) {
            true => Some(std::borrow::Cow::Borrowed(texts.value(row))),
            false => stats_json::text(&parsed, row).map(std::borrow::Cow::Owned),
        };
        Ok(Arc::new((0..add.len()).map(text).collect::<StringViewArray>()))
    }

    /// The fields of typed statistics as found, timestamps and texts in the types that are worked with.
    fn own_stats_fields(&self, parsed: &StructArray) -> Fields {
        parsed.fields().iter().map(worked_with).collect()
    }

    fn stats_parsed(&self, add: &StructArray, field: &FieldRef) -> Result<ArrayRef> {
        let DataType::Struct(fields) = field.data_type() else {
            return Ok(new_null_array(field.data_type(), add.len()));
        };
        let texts = texts_of(add)?;
        let parsed = add.column_by_name("stats_parsed").and_then(|parsed| parsed.as_struct_opt());
        let parsed = parsed.filter(|parsed| {
            let is_complete = has_all(parsed.fields(), fields);
            (0..add.len()).all(|row| texts.is_null(row) || is_complete && parsed.is_valid(row))
        });
        Ok(Arc::new(match parsed {
            Some(parsed) => conform_struct(parsed, fields)?,
            None => stats_parsed::parse(texts.iter(), self.schema.indexed(), fields)?,
        }))
    }

    fn partition_values(&self, add: &StructArray, field: &FieldRef) -> Result<ArrayRef> {
        let DataType::Struct(fields) = field.data_type() else {
            return Ok(new_null_array(field.data_type(), add.len()));
        };
        let found = add.column_by_name("partitionValues_parsed").and_then(|found| found.as_struct_opt());
        if let Some(found) = found.filter(|found| found.fields() == fields && found.null_count() == add.null_count()) {
            return Ok(Arc::new(found.clone()));
        }
        let map = self.schema.add().iter().find(|field| field.name() == "partitionValues");
        let map = partition_map(add, map.expect("every checkpoint has it"))?;
        let values = self.schema.partitions().fields.iter().map(|column| parse_values(map.as_map(), column));
        let columns = values.collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, add.nulls().cloned(), add.len())?))
    }
}

fn texts_of(add: &StructArray) -> Result<StringViewArray> {
    Ok(match add.column_by_name("stats") {
        Some(stats) => conform(stats, &DataType::Utf8View)?.as_string_view().clone(),
        None => StringViewArray::new_null(add.len()),
    })
}

fn worked_with(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(worked_with).collect()),
        other => match StructField::from_arrow(&Field::new("", other.clone(), true)) {
            Ok(known) => known.data_type.to_arrow(),
            Err(_) => other.clone(),
        },
    };
    Arc::new(Field::new(field.name(), data_type, true))
}

/// The map of partition values, which is empty where there are none: readers do not expect it to be null.
fn partition_map(add: &StructArray, field: &FieldRef) -> Result<ArrayRef> {
    let found = match add.column_by_name("partitionValues") {
        Some(found) => conform(found, field.data_type())?,
        None => new_null_array(field.data_type(), add.len()),
    };
    let map = found.as_map();
    if map.null_count() == 0 || (0..map.len()).any(|row| map.is_null(row) && map.value_length(row) != 0) {
        return Ok(found);
    }
    let DataType::Map(entry, is_sorted) = field.data_type() else { return Ok(found) };
    let (offsets, entries) = (map.offsets().clone(), map.entries().clone());
    Ok(Arc::new(MapArray::try_new(entry.clone(), offsets, entries, None, *is_sorted)?))
}

/// One partition column's values, of every row; null where a text is none of its type.
fn parse_values(map: &MapArray, column: &StructField) -> Result<ArrayRef> {
    let (keys, values) = (map.keys().as_string::<i32>(), map.values().as_string::<i32>());
    let offsets = map.value_offsets();
    let value = |row: usize| {
        let mut entries = usize::try_from(offsets[row]).ok()?..usize::try_from(offsets[row + 1]).ok()?;
        let entry = entries.find(|entry| keys.value(*entry) == column.name)?;
        (map.is_valid(row) && values.is_valid(entry)).then(|| values.value(entry))
    };
    match parse_column((0..map.len()).map(value), &column.data_type) {
        Ok(parsed) => Ok(parsed),
        Err(_) => {
            let sound = |text: &&str| Scalar::parse(text, &column.data_type).is_ok();
            parse_column((0..map.len()).map(|row| value(row).filter(sound)), &column.data_type)
        }
    }
}
