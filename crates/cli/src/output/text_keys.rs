//! Maps for JSON, whose keys are always text.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, RecordBatch, StringArray, StructArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema};

use super::cells::json_text;

/// The batch whose maps have keys of text: a nested key is JSON itself, any other is written as in a table.
pub(super) fn with_text_keys(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| converted(field, column));
    let (fields, columns): (Vec<_>, Vec<_>) = columns.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

/// A field, and an array of it.
type Column = (FieldRef, ArrayRef);

fn converted(field: &FieldRef, column: &ArrayRef) -> Result<Column, ArrowError> {
    let column: ArrayRef = match field.data_type() {
        DataType::Struct(fields) => {
            let structs = column.as_struct();
            let children = fields.iter().zip(structs.columns()).map(|(field, child)| converted(field, child));
            let (fields, children): (Vec<_>, Vec<_>) = children.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
            match fields.is_empty() {
                true => column.clone(),
                false => Arc::new(StructArray::try_new(fields.into(), children, structs.nulls().cloned())?),
            }
        }
        DataType::List(element) => {
            let lists = column.as_list::<i32>();
            let (element, values) = converted(element, lists.values())?;
            Arc::new(ListArray::try_new(element, lists.offsets().clone(), values, lists.nulls().cloned())?)
        }
        DataType::Map(entries, sorted) => map(entries, *sorted, column.as_map())?,
        _ => column.clone(),
    };
    let data_type = column.data_type().clone();
    Ok((
        Arc::new(Field::new(field.name(), data_type, field.is_nullable()).with_metadata(field.metadata().clone())),
        column,
    ))
}

fn map(entries: &FieldRef, sorted: bool, map: &MapArray) -> Result<ArrayRef, ArrowError> {
    let (key, value) = map.entries_fields();
    let (key, keys) = text(&Arc::new(key.clone()), map.keys())?;
    let (value, values) = converted(&Arc::new(value.clone()), map.values())?;
    let pairs = StructArray::try_new(vec![key, value].into(), vec![keys, values], None)?;
    let entries = Arc::new(Field::new(entries.name(), pairs.data_type().clone(), false));
    Ok(Arc::new(MapArray::try_new(entries, map.offsets().clone(), pairs, map.nulls().cloned(), sorted)?))
}

fn text(field: &FieldRef, keys: &ArrayRef) -> Result<Column, ArrowError> {
    let (field, keys) = converted(field, keys)?;
    let text = match keys.data_type() {
        DataType::Utf8 => keys,
        nested if nested.is_nested() => json_text(&field, &keys)?,
        _ => {
            let formatter = ArrayFormatter::try_new(&keys, &FormatOptions::new())?;
            Arc::new((0..keys.len()).map(|row| Some(formatter.value(row).to_string())).collect::<StringArray>())
        }
    };
    Ok((Arc::new(Field::new(field.name(), DataType::Utf8, false)), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::builder::{Int32Builder, MapBuilder};
    use arrow_json::LineDelimitedWriter;

    fn numbered() -> ArrayRef {
        let mut builder = MapBuilder::new(None, Int32Builder::new(), Int32Builder::new());
        builder.keys().append_value(-7);
        builder.values().append_value(1);
        builder.append(true).unwrap();
        builder.append(false).unwrap();
        Arc::new(builder.finish())
    }

    fn check(column: ArrayRef, expect: &str) {
        let batch = RecordBatch::try_from_iter_with_nullable([("c", column, true)]).unwrap();
        let mut text = Vec::new();
        LineDelimitedWriter::new(&mut text).write(&with_text_keys(&batch).unwrap()).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), expect);
    }

    #[test]
    fn keys_become_text_at_every_depth() {
        check(numbered(), "{\"c\":{\"-7\":1}}\n{}\n");
        let field = |name: &str, column: &ArrayRef| Arc::new(Field::new(name, column.data_type().clone(), true));
        let inner = numbered();
        let outer = StructArray::from(vec![(field("s", &inner), inner)]);
        check(Arc::new(outer), "{\"c\":{\"s\":{\"-7\":1}}}\n{\"c\":{}}\n");
    }
}
