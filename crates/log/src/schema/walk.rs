//! Walks over a schema: its leaves, and all of its fields.

use super::{ColumnPath, DataType, StructField, StructType};

impl StructType {
    /// The columns that statistics can speak of, depth first: every field that is no struct, reached through structs only.
    ///
    /// ```
    /// use deltaic_log::schema::{DataType, PrimitiveType, StructField, StructType};
    /// let inner = StructType::new([StructField::nullable("b", PrimitiveType::Date)]);
    /// let list = DataType::array(PrimitiveType::Long, true);
    /// let schema = StructType::new([StructField::nullable("a", inner), StructField::nullable("c", list)]);
    /// let paths: Vec<_> = schema.leaves().into_iter().map(|(path, _)| path.to_string()).collect();
    /// assert_eq!(paths, ["a.b", "c"]);
    /// ```
    pub fn leaves(&self) -> Vec<(ColumnPath, &StructField)> {
        let mut fields = Vec::new();
        collect(self, &ColumnPath::root(), Descend::Structs, &mut fields);
        fields.retain(|(_, field)| field.data_type.as_struct().is_none());
        fields
    }

    /// Every field at every depth, parents first, also those inside of lists and maps.
    pub fn fields_at_every_depth(&self) -> Vec<(ColumnPath, &StructField)> {
        let mut fields = Vec::new();
        collect(self, &ColumnPath::root(), Descend::Everywhere, &mut fields);
        fields
    }

    /// Whether this type stands anywhere in the schema, at any depth.
    pub fn contains_type(&self, wanted: &DataType) -> bool {
        self.fields.iter().any(|field| field.data_type.contains_type(wanted))
    }
}

impl DataType {
    fn contains_type(&self, wanted: &DataType) -> bool {
        self == wanted
            || match self {
                Self::Struct(fields) => fields.contains_type(wanted),
                Self::Array(array) => array.element_type.contains_type(wanted),
                Self::Map(map) => map.key_type.contains_type(wanted) || map.value_type.contains_type(wanted),
                Self::Primitive(_) | Self::Variant => false,
            }
    }

    /// The part of a list or map that a path's step names: `element`, `key` or `value`.
    pub(super) fn step(&self, name: &str) -> Option<&DataType> {
        match (self, name) {
            (Self::Array(array), "element") => Some(&array.element_type),
            (Self::Map(map), "key") => Some(&map.key_type),
            (Self::Map(map), "value") => Some(&map.value_type),
            _ => None,
        }
    }
}

/// Into what a walk descends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Descend {
    Structs,
    Everywhere,
}

type Found<'a> = Vec<(ColumnPath, &'a StructField)>;

fn collect<'a>(schema: &'a StructType, at: &ColumnPath, descend: Descend, found: &mut Found<'a>) {
    for field in &schema.fields {
        let path = at.child(&field.name);
        found.push((path.clone(), field));
        collect_type(&field.data_type, &path, descend, found);
    }
}

fn collect_type<'a>(data_type: &'a DataType, at: &ColumnPath, descend: Descend, found: &mut Found<'a>) {
    if let DataType::Struct(fields) = data_type {
        return collect(fields, at, descend, found);
    }
    for step in ["element", "key", "value"].into_iter().filter(|_| descend == Descend::Everywhere) {
        if let Some(part) = data_type.step(step) {
            collect_type(part, &at.child(step), descend, found);
        }
    }
}
