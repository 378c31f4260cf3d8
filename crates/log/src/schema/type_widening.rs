//! Spec: [Type Widening](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#type-widening).
//!
//! A column's type may grow without a file being rewritten. Readers cast the values of older files; statistics and
//! partition values of such files may be in the older type, too. Which types a column had stands in its metadata.

use super::{
    ColumnPath, DecimalType, PrimitiveType, StructField, StructType, column_metadata::key, json::primitive_type,
};
use crate::{Error, ErrorKind, Result};
use serde_json::Value;

/// Spec: [Type Change Metadata](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#type-change-metadata).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeChange {
    /// The type before.
    pub from: PrimitiveType,
    /// The type after.
    pub to: PrimitiveType,
    /// Where below the field the change took place, through `element`, `key` and `value`; the root for the field itself.
    pub field_path: ColumnPath,
}

impl TypeChange {
    fn to_json(&self) -> Value {
        let mut json = serde_json::json!({"fromType": self.from.to_string(), "toType": self.to.to_string()});
        if !self.field_path.is_root() {
            json["fieldPath"] = Value::from(self.field_path.names().join("."));
        }
        json
    }
}

impl PrimitiveType {
    /// Whether values of this type can be read as `to` by a change that the protocol allows, in one step or many.
    /// A type widens to itself.
    ///
    /// ```
    /// use deltaic_log::schema::PrimitiveType::{Date, Integer, Long, Short, TimestampNtz};
    /// assert!(Short.widens_to(Long) && Date.widens_to(TimestampNtz));
    /// assert!(!Long.widens_to(Integer));
    /// ```
    pub fn widens_to(self, to: PrimitiveType) -> bool {
        use PrimitiveType::{Byte, Date, Decimal, Double, Float, Integer, Long, Short, TimestampNtz};
        match (self, to) {
            (from, to) if from == to => true,
            (Byte, Short | Integer | Long) | (Short, Integer | Long) | (Integer, Long) => true,
            (Float | Byte | Short | Integer, Double) => true,
            (Date, TimestampNtz) => true,
            (Byte | Short | Integer, Decimal(to)) => to.integer_digits() >= 10,
            (Long, Decimal(to)) => to.integer_digits() >= 20,
            (Decimal(from), Decimal(to)) => decimal_widens(from, to),
            _ => false,
        }
    }
}

fn decimal_widens(from: DecimalType, to: DecimalType) -> bool {
    to.scale >= from.scale && to.integer_digits() >= from.integer_digits()
}

impl StructField {
    /// The changes that the field's type, or a part of it that is in no nested struct, went through: oldest first.
    ///
    /// A change that this library knows no cast for is [`ErrorKind::UnsupportedProtocol`], as the specification demands.
    pub fn type_changes(&self) -> Result<Vec<TypeChange>> {
        match self.metadata.get(key::TYPE_CHANGES) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(changes)) => changes.iter().map(|change| self.type_change(change)).collect(),
            Some(Value::String(text)) => match serde_json::from_str(text) {
                Ok(Value::Array(changes)) => changes.iter().map(|change| self.type_change(change)).collect(),
                _ => Err(self.malformed(key::TYPE_CHANGES, "a list of changes")),
            },
            Some(_) => Err(self.malformed(key::TYPE_CHANGES, "a list of changes")),
        }
    }

    /// The same field, with one more change in its metadata. The type is left as it is.
    ///
    /// ```
    /// use deltaic_log::schema::{ColumnPath, PrimitiveType, StructField, TypeChange};
    /// let change = TypeChange { from: PrimitiveType::Short, to: PrimitiveType::Long, field_path: ColumnPath::root() };
    /// let field = StructField::nullable("n", PrimitiveType::Long).with_type_change(&change)?;
    /// assert_eq!(field.type_changes()?, [change]);
    /// # Ok::<(), deltaic_log::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::type_changes`], of the changes that are there already.
    pub fn with_type_change(mut self, change: &TypeChange) -> Result<Self> {
        let mut changes = self.type_changes()?;
        changes.push(change.clone());
        let changes: Vec<Value> = changes.iter().map(TypeChange::to_json).collect();
        self.metadata.insert(key::TYPE_CHANGES.to_owned(), Value::from(changes));
        Ok(self)
    }

    fn type_change(&self, change: &Value) -> Result<TypeChange> {
        let member = |name| change.get(name).and_then(Value::as_str);
        let (from_name, to_name) = member("fromType")
            .zip(member("toType"))
            .ok_or_else(|| self.malformed(key::TYPE_CHANGES, "a list of objects with fromType and toType"))?;
        let field_path = ColumnPath::new(member("fieldPath").into_iter().flat_map(|path| path.split('.')));
        let known = primitive_type(from_name).zip(primitive_type(to_name));
        match known.filter(|(from, to)| from.widens_to(*to)) {
            Some((from, to)) => Ok(TypeChange { from, to, field_path }),
            None => Err(self.unknown_change(from_name, to_name)),
        }
    }

    fn unknown_change(&self, from: &str, to: &str) -> Error {
        let message = format!(
            "a column's type was changed from {from} to {to}, which is no change of the specification's \"Type Widening\": \
             rewrite the table's older files with the engine that made the change"
        );
        Error::new(ErrorKind::UnsupportedProtocol, message).with("feature", "typeWidening").with("column", &self.name)
    }
}

impl StructType {
    /// Fails where a field, at any depth, went through a type change that this library cannot read.
    pub fn check_type_changes(&self) -> Result<()> {
        self.fields_at_every_depth().into_iter().try_for_each(|(path, field)| match field.type_changes() {
            Ok(_) => Ok(()),
            Err(error) => Err(error.with("path", path)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::schema::DataType;
    use rstest::rstest;

    fn primitive(name: &str) -> PrimitiveType {
        primitive_type(name).unwrap()
    }

    #[rstest]
    #[case("byte", "short", true)]
    #[case("short", "long", true)]
    #[case("long", "integer", false)]
    #[case("long", "double", false)]
    #[case("integer", "double", true)]
    #[case("float", "double", true)]
    #[case("integer", "float", false)]
    #[case("date", "timestamp_ntz", true)]
    #[case("date", "timestamp", false)]
    #[case("decimal(6,2)", "decimal(10,4)", true)]
    #[case("decimal(6,2)", "decimal(7,4)", false)]
    #[case("decimal(6,2)", "decimal(8,1)", false)]
    #[case("integer", "decimal(10,0)", true)]
    #[case("integer", "decimal(10,1)", false)]
    #[case("byte", "decimal(12,2)", true)]
    #[case("long", "decimal(20,0)", true)]
    #[case("long", "decimal(19,0)", false)]
    #[case("string", "binary", false)]
    fn widens(#[case] from: &str, #[case] to: &str, #[case] expected: bool) {
        assert_eq!(primitive(from).widens_to(primitive(to)), expected);
    }

    fn changed(changes: Value) -> StructField {
        StructField::nullable("e", DataType::from(PrimitiveType::Long)).with_metadata(key::TYPE_CHANGES, changes)
    }

    #[test]
    fn changes_are_read_with_their_path() {
        let list = serde_json::json!([{"fromType": "decimal(6, 2)", "toType": "decimal(10, 4)", "fieldPath": "element.value"}]);
        for spelling in [list.clone(), Value::String(list.to_string())] {
            let changes = changed(spelling).type_changes().unwrap();
            assert_eq!(changes[0].field_path, ColumnPath::new(["element", "value"]));
            assert_eq!((changes[0].from, changes[0].to), (primitive("decimal(6,2)"), primitive("decimal(10,4)")));
        }
    }

    #[rstest]
    #[case("long", "integer")]
    #[case("short", "timestamp_nanos")]
    fn unknown_changes_are_refused(#[case] from: &str, #[case] to: &str) {
        let schema = StructType::new([changed(serde_json::json!([{"fromType": from, "toType": to}]))]);
        let error = schema.check_type_changes().unwrap_err();
        assert_eq!((error.kind(), error.context("feature")), (ErrorKind::UnsupportedProtocol, Some("typeWidening")));
    }
}
