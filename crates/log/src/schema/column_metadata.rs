//! Spec: [Column Metadata](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#column-metadata): typed access.
//!
//! A key that is absent is `None`; a key whose value has the wrong shape is [`ErrorKind::CorruptLog`], with the key and
//! the column as context. Nothing is checked before it is asked for.

use super::StructField;
use crate::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The metadata keys that the protocol gives a meaning.
pub mod key {
    /// The column's id under column mapping.
    pub const COLUMN_MAPPING_ID: &str = "delta.columnMapping.id";
    /// The column's name in data files, statistics and partition values under column mapping.
    pub const COLUMN_MAPPING_PHYSICAL_NAME: &str = "delta.columnMapping.physicalName";
    /// The ids of list elements, map keys and map values, by physical path.
    pub const COLUMN_MAPPING_NESTED_IDS: &str = "delta.columnMapping.nested.ids";
    /// The SQL expression that the column's values must equal.
    pub const GENERATION_EXPRESSION: &str = "delta.generationExpression";
    /// The SQL expression of the column's default.
    pub const CURRENT_DEFAULT: &str = "CURRENT_DEFAULT";
    /// The SQL expression that every row must fulfil, in JSON in text.
    pub const INVARIANTS: &str = "delta.invariants";
    /// Where an identity column begins.
    pub const IDENTITY_START: &str = "delta.identity.start";
    /// The distance of an identity column's values.
    pub const IDENTITY_STEP: &str = "delta.identity.step";
    /// The last value that an identity column gave out.
    pub const IDENTITY_HIGH_WATER_MARK: &str = "delta.identity.highWaterMark";
    /// Whether users may give an identity column's values themselves.
    pub const IDENTITY_ALLOW_EXPLICIT_INSERT: &str = "delta.identity.allowExplicitInsert";
    /// The types that the column had before.
    pub const TYPE_CHANGES: &str = "delta.typeChanges";
    /// The collations of the column's strings, by path: kept, and never used.
    pub const COLLATIONS: &str = "__COLLATIONS";
    /// What the user says of the column.
    pub const COMMENT: &str = "comment";
}

/// Spec: [Identity Columns](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#identity-columns).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The first value.
    pub start: i64,
    /// The distance from value to value; never 0.
    pub step: i64,
    /// The last value given out, if any was.
    pub high_water_mark: Option<i64>,
    /// Whether users may give values themselves.
    pub allow_explicit_insert: bool,
}

impl StructField {
    /// The column's id under column mapping.
    pub fn column_mapping_id(&self) -> Result<Option<i32>> {
        let id = self.long(key::COLUMN_MAPPING_ID)?;
        id.map(|id| i32::try_from(id).map_err(|_| self.malformed(key::COLUMN_MAPPING_ID, "a 32-bit integer")))
            .transpose()
    }

    /// The ids of list elements, map keys and map values below this field, by physical path: `col-1f.element.key`.
    pub fn column_mapping_nested_ids(&self) -> Result<BTreeMap<String, i32>> {
        let Some(ids) = self.metadata.get(key::COLUMN_MAPPING_NESTED_IDS) else { return Ok(BTreeMap::new()) };
        let malformed = || self.malformed(key::COLUMN_MAPPING_NESTED_IDS, "an object of 32-bit integers");
        let ids = ids.as_object().ok_or_else(malformed)?.iter();
        ids.map(|(path, id)| Some((path.clone(), i32::try_from(id.as_i64()?).ok()?)))
            .collect::<Option<_>>()
            .ok_or_else(malformed)
    }

    /// The SQL expression that the column's values must equal (spec: "Generated Columns").
    pub fn generation_expression(&self) -> Result<Option<&str>> {
        self.text(key::GENERATION_EXPRESSION)
    }

    /// The SQL expression of the column's default (spec: "Default Columns").
    pub fn current_default(&self) -> Result<Option<&str>> {
        self.text(key::CURRENT_DEFAULT)
    }

    /// What the user says of the column.
    pub fn comment(&self) -> Option<&str> {
        self.metadata.get(key::COMMENT).and_then(Value::as_str)
    }

    /// The SQL expression that must be true in every row (spec: "Column Invariants").
    ///
    /// ```
    /// use deltaic_log::schema::{PrimitiveType, StructField};
    /// let field = StructField::nullable("x", PrimitiveType::Integer)
    ///     .with_metadata("delta.invariants", r#"{"expression": {"expression": "x > 3"}}"#);
    /// assert_eq!(field.invariant()?.as_deref(), Some("x > 3"));
    /// # Ok::<(), deltaic_log::Error>(())
    /// ```
    pub fn invariant(&self) -> Result<Option<String>> {
        let Some(text) = self.text(key::INVARIANTS)? else { return Ok(None) };
        let parsed: Option<Value> = serde_json::from_str(text).ok();
        let expression =
            parsed.as_ref().and_then(|json| json.pointer("/expression/expression")).and_then(Value::as_str);
        let expected = "JSON text of the form {\"expression\": {\"expression\": \"<SQL>\"}}";
        expression.map(|sql| Some(sql.to_owned())).ok_or_else(|| self.malformed(key::INVARIANTS, expected))
    }

    /// How the column gives itself values, if it is an identity column.
    pub fn identity(&self) -> Result<Option<Identity>> {
        if !self.metadata.keys().any(|key| key.starts_with("delta.identity.")) {
            return Ok(None);
        }
        let step = self.long(key::IDENTITY_STEP)?.unwrap_or(1);
        if step == 0 {
            return Err(self.malformed(key::IDENTITY_STEP, "a number other than 0"));
        }
        Ok(Some(Identity {
            start: self.long(key::IDENTITY_START)?.unwrap_or(1),
            step,
            high_water_mark: self.long(key::IDENTITY_HIGH_WATER_MARK)?,
            allow_explicit_insert: self.flag(key::IDENTITY_ALLOW_EXPLICIT_INSERT)?.unwrap_or(false),
        }))
    }

    /// The collations of the column's strings, by path within the column, as `provider.NAME` (RFC: "Collated String Type").
    pub fn collations(&self) -> Result<BTreeMap<String, String>> {
        let Some(collations) = self.metadata.get(key::COLLATIONS) else { return Ok(BTreeMap::new()) };
        let malformed = || self.malformed(key::COLLATIONS, "an object of texts");
        let entries = collations.as_object().ok_or_else(malformed)?.iter();
        entries
            .map(|(path, name)| Some((path.clone(), name.as_str()?.to_owned())))
            .collect::<Option<_>>()
            .ok_or_else(malformed)
    }

    fn text(&self, key: &'static str) -> Result<Option<&str>> {
        let value = self.metadata.get(key).filter(|value| !value.is_null());
        value.map(|value| value.as_str().ok_or_else(|| self.malformed(key, "text"))).transpose()
    }

    fn long(&self, key: &'static str) -> Result<Option<i64>> {
        let value = self.metadata.get(key).filter(|value| !value.is_null());
        value.map(|value| value.as_i64().ok_or_else(|| self.malformed(key, "a 64-bit integer"))).transpose()
    }

    fn flag(&self, key: &'static str) -> Result<Option<bool>> {
        let value = self.metadata.get(key).filter(|value| !value.is_null());
        value.map(|value| value.as_bool().ok_or_else(|| self.malformed(key, "true or false"))).transpose()
    }

    pub(super) fn malformed(&self, key: &'static str, expected: &str) -> Error {
        let found = self.metadata.get(key).cloned().unwrap_or_default();
        Error::new(ErrorKind::CorruptLog, format!("the column metadata {key} must be {expected}, not {found}"))
            .with("key", key)
            .with("column", &self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::PrimitiveType;
    use rstest::rstest;
    use serde_json::json;

    fn column(key: &str, value: Value) -> StructField {
        StructField::nullable("x", PrimitiveType::Long).with_metadata(key, value)
    }

    #[test]
    fn identity_columns() {
        let mut field = column(key::IDENTITY_START, json!(5)).with_metadata(key::IDENTITY_STEP, -2);
        let identity = Identity { start: 5, step: -2, high_water_mark: None, allow_explicit_insert: false };
        assert_eq!(field.identity().unwrap(), Some(identity));
        field.metadata.insert(key::IDENTITY_STEP.to_owned(), json!(0));
        assert_eq!(field.identity().unwrap_err().context("key"), Some(key::IDENTITY_STEP));
        assert_eq!(column("comment", json!("no identity")).identity().unwrap(), None);
    }

    #[test]
    fn collations_and_nested_ids() {
        let collated = column(key::COLLATIONS, json!({"x.element": "spark.UTF8_LCASE"}));
        assert_eq!(collated.collations().unwrap()["x.element"], "spark.UTF8_LCASE");
        let nested = column(key::COLUMN_MAPPING_NESTED_IDS, json!({"col-1.element": 31}));
        assert_eq!(nested.column_mapping_nested_ids().unwrap()["col-1.element"], 31);
    }

    #[rstest]
    #[case(key::COLUMN_MAPPING_ID, json!("seven"))]
    #[case(key::COLUMN_MAPPING_ID, json!(5_000_000_000_i64))]
    #[case(key::COLUMN_MAPPING_NESTED_IDS, json!([1]))]
    #[case(key::INVARIANTS, json!("x > 3"))]
    #[case(key::GENERATION_EXPRESSION, json!(3))]
    #[case(key::IDENTITY_ALLOW_EXPLICIT_INSERT, json!("yes"))]
    #[case(key::COLLATIONS, json!({"x": 1}))]
    fn values_of_the_wrong_shape(#[case] key: &str, #[case] value: Value) {
        let field = column(key, value);
        let errors = [
            field.column_mapping_id().err(),
            field.column_mapping_nested_ids().err(),
            field.invariant().err(),
            field.generation_expression().err(),
            field.identity().err(),
            field.collations().err(),
        ];
        let errors: Vec<_> = errors.into_iter().flatten().collect();
        assert_eq!(errors.len(), 1);
        assert_eq!(
            (errors[0].kind(), errors[0].context("key"), errors[0].context("column")),
            (ErrorKind::CorruptLog, Some(key), Some("x"))
        );
    }
}
