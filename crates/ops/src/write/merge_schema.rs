//! A table's schema, and what an input has beyond it.

use deltaic_log::schema::{ArrayType, ColumnPath, DataType, MapType, StructField, StructType, same_name};

use crate::data::alignment::relaxed;

/// The table's schema with the input's new columns behind its own, at every depth, all of which may be null; and their paths.
pub(super) fn merge(table: &StructType, input: &StructType) -> (StructType, Vec<ColumnPath>) {
    let mut merger = Merger { added: Vec::new() };
    let schema = merger.fields(table, input, &ColumnPath::root());
    (schema, merger.added)
}

struct Merger {
    added: Vec<ColumnPath>,
}

impl Merger {
    fn fields(&mut self, table: &StructType, input: &StructType, at: &ColumnPath) -> StructType {
        let mut fields = table.fields.clone();
        for given in &input.fields {
            let exact = fields.iter().position(|field| field.name == given.name);
            let found = exact.or_else(|| fields.iter().position(|field| same_name(&field.name, &given.name)));
            match found.map(|place| &mut fields[place]) {
                Some(field) => {
                    let path = at.child(field.name.as_str());
                    field.data_type = self.data_type(&field.data_type, &given.data_type, &path);
                }
                None => {
                    self.added.push(at.child(given.name.as_str()));
                    let data_type = relaxed(&given.data_type);
                    fields.push(StructField { data_type, nullable: true, ..given.clone() });
                }
            }
        }
        StructType::new(fields)
    }

    /// The table's type, with new fields where both are made of fields. Other differences are for the alignment.
    fn data_type(&mut self, table: &DataType, input: &DataType, at: &ColumnPath) -> DataType {
        match (table, input) {
            (DataType::Struct(table), DataType::Struct(input)) => self.fields(table, input, at).into(),
            (DataType::Array(table), DataType::Array(input)) => DataType::Array(Box::new(ArrayType {
                element_type: self.data_type(&table.element_type, &input.element_type, &at.child("element")),
                contains_null: table.contains_null,
            })),
            (DataType::Map(table), DataType::Map(input)) => DataType::Map(Box::new(MapType {
                key_type: self.data_type(&table.key_type, &input.key_type, &at.child("key")),
                value_type: self.data_type(&table.value_type, &input.value_type, &at.child("value")),
                value_contains_null: table.value_contains_null,
            })),
            (table, _) => table.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deltaic_log::schema::PrimitiveType::{Date, Long, String};

    #[test]
    fn new_columns_come_last_at_every_depth() {
        let inner = |fields: &[(&str, bool)]| {
            fields.iter().map(|(name, nullable)| StructField::new(*name, Long, *nullable)).collect::<StructType>()
        };
        let table = StructType::new([
            StructField::new("id", Long, false),
            StructField::nullable("List", DataType::array(inner(&[("a", false)]), true)),
        ]);
        let input = StructType::new([
            StructField::nullable("when", Date),
            StructField::nullable("list", DataType::array(inner(&[("b", false), ("A", true)]), false)),
            StructField::nullable("ID", String),
        ]);
        let (merged, added) = merge(&table, &input);
        let expected = StructType::new([
            StructField::new("id", Long, false),
            StructField::nullable("List", DataType::array(inner(&[("a", false), ("b", true)]), true)),
            StructField::nullable("when", Date),
        ]);
        assert_eq!(merged, expected);
        assert_eq!(added.iter().map(ToString::to_string).collect::<Vec<_>>(), ["when", "List.element.b"]);
        assert_eq!(merge(&merged, &table), (merged, Vec::new()));
    }
}
