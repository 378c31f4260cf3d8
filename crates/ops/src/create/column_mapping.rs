//! Spec: [Writer Requirements for Column Mapping](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#writer-requirements-for-column-mapping).

use deltaic_log::IdSource;
use deltaic_log::schema::column_metadata::key;
use deltaic_log::schema::{ArrayType, DataType, MapType, StructField, StructType};
use serde_json::Value;

/// The schema whose fields, at every depth, have ids and physical names: those that they have, or new ones, above `id_max`.
/// And the highest id then.
pub(crate) fn assign_ids(schema: &StructType, id_max: u64, ids: &dyn IdSource) -> (StructType, u64) {
    let known = schema.fields_at_every_depth().into_iter().filter_map(|(_, field)| field.column_mapping_id().ok()?);
    let known = known.filter_map(|id| u64::try_from(id).ok()).max().unwrap_or(0);
    let mut assigner = Assigner { id_max: id_max.max(known), ids: Some(ids) };
    let schema = assigner.fields(schema);
    (schema, assigner.id_max)
}

/// As [`assign_ids`], of a table that has data files: columns are called in them as they are called.
pub(crate) fn assign_ids_to_existing(schema: &StructType) -> (StructType, u64) {
    let mut assigner = Assigner { id_max: 0, ids: None };
    let schema = assigner.fields(schema);
    (schema, assigner.id_max)
}

struct Assigner<'a> {
    id_max: u64,
    /// Where new names come from; without it, the names in files are those of the columns.
    ids: Option<&'a dyn IdSource>,
}

impl Assigner<'_> {
    fn fields(&mut self, schema: &StructType) -> StructType {
        schema.fields.iter().map(|field| self.field(field)).collect()
    }

    fn field(&mut self, field: &StructField) -> StructField {
        let mut field = field.clone();
        if !field.metadata.contains_key(key::COLUMN_MAPPING_ID) {
            self.id_max += 1;
            field.metadata.insert(key::COLUMN_MAPPING_ID.to_owned(), Value::from(self.id_max));
        }
        let own = Value::from(field.name.clone());
        let name = || self.ids.map_or(own, |ids| Value::from(format!("col-{}", ids.uuid())));
        field.metadata.entry(key::COLUMN_MAPPING_PHYSICAL_NAME).or_insert_with(name);
        field.data_type = self.data_type(&field.data_type);
        field
    }

    fn data_type(&mut self, data_type: &DataType) -> DataType {
        match data_type {
            DataType::Struct(fields) => self.fields(fields).into(),
            DataType::Array(array) => DataType::Array(Box::new(ArrayType {
                element_type: self.data_type(&array.element_type),
                contains_null: array.contains_null,
            })),
            DataType::Map(map) => DataType::Map(Box::new(MapType {
                key_type: self.data_type(&map.key_type),
                value_type: self.data_type(&map.value_type),
                value_contains_null: map.value_contains_null,
            })),
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deltaic_log::SequentialIds;
    use deltaic_log::schema::PrimitiveType::Long;

    #[test]
    fn every_field_gets_an_id_and_keeps_it() {
        let inner = StructType::new([StructField::nullable("b", Long)]);
        let schema = StructType::new([
            StructField::nullable("a", DataType::array(inner.clone(), true)),
            StructField::nullable("m", DataType::map(Long, inner, true)),
        ]);
        let ids = SequentialIds::new(1);
        let (assigned, id_max) = assign_ids(&schema, 7, &ids);
        assert_eq!(id_max, 11);
        let found: Vec<_> = assigned
            .fields_at_every_depth()
            .iter()
            .map(|(path, field)| (path.to_string(), field.column_mapping_id().unwrap()))
            .collect();
        let expected = [("a", 8), ("a.element.b", 9), ("m", 10), ("m.value.b", 11)];
        assert_eq!(found, expected.map(|(path, id)| (path.to_owned(), Some(id))));
        assert_eq!(assign_ids(&assigned, 0, &ids), (assigned, 11));
    }
}
