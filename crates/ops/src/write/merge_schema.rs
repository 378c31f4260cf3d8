//! A table's schema, and what an input has beyond it.

use deltaic_log::Result;
use deltaic_log::schema::{
    ArrayType, ColumnPath, DataType, MapType, PrimitiveType, StructField, StructType, TypeChange, same_name,
};

use crate::data::alignment::relaxed;

/// Whether types grow with the input's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Widening {
    On,
    Off,
}

/// The table's schema with what the input has beyond it.
#[derive(Debug, PartialEq)]
pub(super) struct Merged {
    pub(super) schema: StructType,
    /// The columns that came.
    pub(super) added: Vec<ColumnPath>,
    /// The columns whose type grew.
    pub(super) widened: Vec<ColumnPath>,
}

/// New columns come behind the table's own, at every depth, and may be null; types grow where they may.
///
/// # Errors
/// As [`StructField::type_changes`].
pub(super) fn merge(table: &StructType, input: &StructType, widening: Widening) -> Result<Merged> {
    let mut merger = Merger { widening, added: Vec::new(), widened: Vec::new() };
    let schema = merger.fields(table, input, &ColumnPath::root())?;
    Ok(Merged { schema, added: merger.added, widened: merger.widened })
}

struct Merger {
    widening: Widening,
    added: Vec<ColumnPath>,
    widened: Vec<ColumnPath>,
}

/// What has changed below one field, in no nested struct.
type Changes = Vec<TypeChange>;

impl Merger {
    fn fields(&mut self, table: &StructType, input: &StructType, at: &ColumnPath) -> Result<StructType> {
        let mut fields = table.fields.clone();
        for given in &input.fields {
            let exact = fields.iter().position(|field| field.name == given.name);
            let found = exact.or_else(|| fields.iter().position(|field| same_name(&field.name, &given.name)));
            match found.map(|place| &mut fields[place]) {
                Some(field) => *field = self.field(field, given, at)?,
                None => {
                    self.added.push(at.child(given.name.as_str()));
                    let data_type = relaxed(&given.data_type);
                    fields.push(StructField { data_type, nullable: true, ..given.clone() });
                }
            }
        }
        Ok(StructType::new(fields))
    }

    fn field(&mut self, field: &StructField, given: &StructField, at: &ColumnPath) -> Result<StructField> {
        let path = at.child(field.name.as_str());
        let mut changes = Changes::new();
        let data_type =
            self.data_type(&field.data_type, &given.data_type, (&path, &ColumnPath::root()), &mut changes)?;
        if !changes.is_empty() {
            self.widened.push(path);
        }
        let merged = StructField { data_type, ..field.clone() };
        changes.iter().try_fold(merged, |field, change| field.with_type_change(change))
    }

    /// The table's type, with new fields where both are made of fields. Other differences are for the alignment.
    ///
    /// `at` and `below` are the way here from the schema and from the nearest field.
    fn data_type(
        &mut self,
        table: &DataType,
        input: &DataType,
        (at, below): (&ColumnPath, &ColumnPath),
        changes: &mut Changes,
    ) -> Result<DataType> {
        let mut part = |this: &mut Self, table: &DataType, input: &DataType, step: &str| {
            this.data_type(table, input, (&at.child(step), &below.child(step)), changes)
        };
        Ok(match (table, input) {
            (DataType::Struct(table), DataType::Struct(input)) => self.fields(table, input, at)?.into(),
            (DataType::Array(table), DataType::Array(input)) => DataType::Array(Box::new(ArrayType {
                element_type: part(self, &table.element_type, &input.element_type, "element")?,
                contains_null: table.contains_null,
            })),
            (DataType::Map(table), DataType::Map(input)) => DataType::Map(Box::new(MapType {
                key_type: part(self, &table.key_type, &input.key_type, "key")?,
                value_type: part(self, &table.value_type, &input.value_type, "value")?,
                value_contains_null: table.value_contains_null,
            })),
            (DataType::Primitive(from), DataType::Primitive(to)) if self.widens(*from, *to) => {
                changes.push(TypeChange { from: *from, to: *to, field_path: below.clone() });
                (*to).into()
            }
            (table, _) => table.clone(),
        })
    }

    /// Whole numbers grow into wider ones only: that they become others is a decision of its own.
    fn widens(&self, from: PrimitiveType, to: PrimitiveType) -> bool {
        use PrimitiveType as P;
        let is_whole = matches!(from, P::Byte | P::Short | P::Integer | P::Long);
        let stays_whole = matches!(to, P::Short | P::Integer | P::Long);
        self.widening == Widening::On && from != to && from.widens_to(to) && is_whole == stays_whole
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
        let merged = merge(&table, &input, Widening::Off).unwrap();
        let expected = StructType::new([
            StructField::new("id", Long, false),
            StructField::nullable("List", DataType::array(inner(&[("a", false), ("b", true)]), true)),
            StructField::nullable("when", Date),
        ]);
        assert_eq!(merged.schema, expected);
        assert_eq!(merged.added.iter().map(ToString::to_string).collect::<Vec<_>>(), ["when", "List.element.b"]);
        let again = merge(&merged.schema, &table, Widening::On).unwrap();
        assert_eq!(again, Merged { schema: merged.schema, added: Vec::new(), widened: Vec::new() });
    }

    #[test]
    fn types_grow_where_they_may_and_say_so() {
        use PrimitiveType::{Double, Float, Integer, Short, TimestampNtz};
        let fields = |types: [PrimitiveType; 5]| {
            let [a, b, c, d, e] = types;
            StructType::new([
                StructField::nullable("a", a),
                StructField::nullable("l", DataType::array(DataType::map(String, b, true), true)),
                StructField::nullable("s", StructType::new([StructField::nullable("c", c)])),
                StructField::nullable("d", d),
                StructField::nullable("e", e),
            ])
        };
        let table = fields([Short, Integer, Float, Date, Integer]);
        let input = fields([Long, Long, Double, TimestampNtz, Double]);
        assert_eq!(merge(&table, &input, Widening::Off).unwrap().schema, table);
        let merged = merge(&table, &input, Widening::On).unwrap();
        assert_eq!(merged.widened.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a", "l", "s.c", "d"]);
        let list = merged.schema.field("l").unwrap();
        assert_eq!(list.data_type.to_string(), "array<map<string, long>>");
        assert_eq!(list.type_changes().unwrap()[0].field_path.to_string(), "element.value");
        assert_eq!(merged.schema.field("e").unwrap().data_type, Integer.into());
        assert_eq!(merge(&merged.schema, &table, Widening::On).unwrap().schema, merged.schema);
    }
}
