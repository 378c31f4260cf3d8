//! Spec: [Schema Serialization Format](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format).
//!
//! The schema of a table is JSON text inside of the log's JSON. Writers differ in small ways, so the decoder takes more
//! than the encoder gives: the SQL names of the types (`int`, `bigint`), `decimal` without its shape, every spelling of
//! the interval types, and absent `nullable`, `containsNull` and `metadata`. A user-defined type is read as the SQL type
//! that it wraps. Anything else is an error that names the field.

use super::{
    ArrayType, ColumnMetadata, ColumnPath, DataType, DecimalType, MapType, PrimitiveType, StructField, StructType,
};
use crate::{Error, ErrorKind, Result, ResultExt};
use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

impl StructType {
    /// The schema that this `schemaString` holds.
    ///
    /// Nesting beyond 128 levels of JSON is refused as [`ErrorKind::ResourceLimit`]; anything that is no schema is
    /// [`ErrorKind::CorruptLog`], with the path of the field at fault as the context `column`.
    ///
    /// ```
    /// use deltaic_log::schema::{PrimitiveType, StructField, StructType};
    /// let json = r#"{"type":"struct","fields":[{"name":"a","type":"long","nullable":true,"metadata":{}}]}"#;
    /// let schema = StructType::from_json(json)?;
    /// assert_eq!(schema, StructType::new([StructField::nullable("a", PrimitiveType::Long)]));
    /// assert_eq!(schema.to_json(), json);
    /// # Ok::<(), deltaic_log::Error>(())
    /// ```
    pub fn from_json(json: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(json).map_err(not_json)?;
        match data_type(&value, &ColumnPath::root())? {
            DataType::Struct(schema) => Ok(*schema),
            other => {
                Err(Error::new(ErrorKind::CorruptLog, format!("the table's schema must be a struct, not {other}")))
            }
        }
    }

    /// The schema as a `schemaString`: compact, in the protocol's own names.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a schema holds text, booleans and JSON values only, which always serialise")
    }
}

fn not_json(error: serde_json::Error) -> Error {
    let kind = match error.to_string().contains("recursion limit") {
        true => ErrorKind::ResourceLimit,
        false => ErrorKind::CorruptLog,
    };
    Error::new(kind, "the table's schemaString cannot be parsed").because(error)
}

fn corrupt(message: impl Into<String>, path: &ColumnPath) -> Error {
    Error::new(ErrorKind::CorruptLog, message)
        .with("column", if path.is_root() { "<schema>".to_owned() } else { path.to_string() })
}

fn data_type(value: &Value, path: &ColumnPath) -> Result<DataType> {
    match value {
        Value::String(name) => {
            named_type(name).ok_or_else(|| corrupt(format!("the schema has no type named {name:?}"), path))
        }
        Value::Object(object) => match text(object, "type", path)? {
            "struct" => Ok(struct_type(object, path)?.into()),
            "array" => array_type(object, path),
            "map" => map_type(object, path),
            "udt" => data_type(member(object, "sqlType", path)?, path),
            name => named_type(name).ok_or_else(|| corrupt(format!("the schema has no type named {name:?}"), path)),
        },
        other => Err(corrupt(format!("a type must be a name or an object, not {other}"), path)),
    }
}

fn struct_type(object: &Map<String, Value>, path: &ColumnPath) -> Result<StructType> {
    match member(object, "fields", path)? {
        Value::Array(fields) => fields.iter().map(|field| struct_field(field, path)).collect(),
        other => Err(corrupt(format!("a struct's \"fields\" must be an array, not {other}"), path)),
    }
}

fn struct_field(value: &Value, parent: &ColumnPath) -> Result<StructField> {
    let Value::Object(object) = value else {
        return Err(corrupt(format!("a struct's field must be an object, not {value}"), parent));
    };
    let name = text(object, "name", parent)?;
    let path = parent.child(name);
    Ok(StructField {
        name: name.to_owned(),
        data_type: data_type(member(object, "type", &path)?, &path)?,
        nullable: flag(object, "nullable", &path)?,
        metadata: metadata(object, &path)?,
    })
}

fn array_type(object: &Map<String, Value>, path: &ColumnPath) -> Result<DataType> {
    Ok(DataType::Array(Box::new(ArrayType {
        element_type: data_type(member(object, "elementType", path)?, &path.child("element"))?,
        contains_null: flag(object, "containsNull", path)?,
    })))
}

fn map_type(object: &Map<String, Value>, path: &ColumnPath) -> Result<DataType> {
    Ok(DataType::Map(Box::new(MapType {
        key_type: data_type(member(object, "keyType", path)?, &path.child("key"))?,
        value_type: data_type(member(object, "valueType", path)?, &path.child("value"))?,
        value_contains_null: flag(object, "valueContainsNull", path)?,
    })))
}

fn member<'a>(object: &'a Map<String, Value>, key: &str, path: &ColumnPath) -> Result<&'a Value> {
    object.get(key).ok_or_else(|| corrupt(format!("the schema lacks {key:?}"), path))
}

fn text<'a>(object: &'a Map<String, Value>, key: &str, path: &ColumnPath) -> Result<&'a str> {
    let value = member(object, key, path)?;
    value.as_str().ok_or_else(|| corrupt(format!("{key:?} must be text, not {value}"), path))
}

/// A Boolean that says whether nulls may occur. Absent, they may: that is the reading that loses nothing.
fn flag(object: &Map<String, Value>, key: &str, path: &ColumnPath) -> Result<bool> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(true),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(corrupt(format!("{key:?} must be true or false, not {other}"), path)),
    }
}

fn metadata(object: &Map<String, Value>, path: &ColumnPath) -> Result<ColumnMetadata> {
    match object.get("metadata") {
        None | Some(Value::Null) => Ok(ColumnMetadata::new()),
        Some(Value::Object(metadata)) => Ok(metadata.clone()),
        Some(other) => Err(corrupt(format!("\"metadata\" must be an object, not {other}"), path)),
    }
}

fn named_type(name: &str) -> Option<DataType> {
    match name {
        "variant" => Some(DataType::Variant),
        _ => primitive_type(name).map(DataType::Primitive),
    }
}

/// The primitive type of this name: the protocol's, or one of the SQL names that writers are known to have used.
pub(super) fn primitive_type(name: &str) -> Option<PrimitiveType> {
    use PrimitiveType as P;
    Some(match name {
        "string" => P::String,
        "long" | "bigint" => P::Long,
        "integer" | "int" => P::Integer,
        "short" | "smallint" => P::Short,
        "byte" | "tinyint" => P::Byte,
        "float" | "real" => P::Float,
        "double" => P::Double,
        "boolean" | "bool" => P::Boolean,
        "binary" => P::Binary,
        "date" => P::Date,
        "timestamp" | "timestamp_ltz" => P::Timestamp,
        "timestamp_ntz" => P::TimestampNtz,
        "void" | "null" => P::Void,
        _ => return decimal(name).or_else(|| interval(name)).or_else(|| sized_text(name)),
    })
}

/// `decimal`, `decimal(p)` or `decimal(p,s)`, with SQL's defaults 10 and 0.
fn decimal(name: &str) -> Option<PrimitiveType> {
    let Some(shape) = arguments(name, "decimal") else {
        return (name == "decimal").then_some(PrimitiveType::Decimal(DecimalType { precision: 10, scale: 0 }));
    };
    let (precision, scale) = shape.split_once(',').unwrap_or((shape, "0"));
    DecimalType::new(precision.trim().parse().ok()?, scale.trim().parse().ok()?).map(PrimitiveType::Decimal)
}

/// `char(n)` and `varchar(n)`: text, whose length writers check.
fn sized_text(name: &str) -> Option<PrimitiveType> {
    let length = arguments(name, "char").or_else(|| arguments(name, "varchar"))?;
    length.trim().parse::<u32>().ok().map(|_| PrimitiveType::String)
}

fn arguments<'a>(name: &'a str, function: &str) -> Option<&'a str> {
    name.strip_prefix(function)?.strip_prefix('(')?.strip_suffix(')')
}

/// The interval types' canonical names, and the narrowed spellings of SQL that mean the same two types.
fn interval(name: &str) -> Option<PrimitiveType> {
    const YEAR_MONTH: [&str; 2] = ["year", "month"];
    const DAY_SECOND: [&str; 4] = ["day", "hour", "minute", "second"];
    let range = name.strip_prefix("interval ")?;
    let (start, end) = range.split_once(" to ").unwrap_or((range, range));
    let spans = |fields: &[&str]| {
        let place = |unit| fields.iter().position(|field| *field == unit);
        place(start).zip(place(end)).is_some_and(|(start, end)| start < end || range == fields[start])
    };
    if spans(&YEAR_MONTH) {
        Some(PrimitiveType::IntervalYearMonth)
    } else {
        spans(&DAY_SECOND).then_some(PrimitiveType::IntervalDaySecond)
    }
}

impl Serialize for DataType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Primitive(primitive) => serializer.collect_str(primitive),
            Self::Variant => serializer.serialize_str("variant"),
            Self::Struct(fields) => fields.serialize(serializer),
            Self::Array(array) => {
                let mut map = serializer.serialize_map(Some(3))?;
                map.serialize_entry("type", "array")?;
                map.serialize_entry("elementType", &array.element_type)?;
                map.serialize_entry("containsNull", &array.contains_null)?;
                map.end()
            }
            Self::Map(types) => {
                let mut map = serializer.serialize_map(Some(4))?;
                map.serialize_entry("type", "map")?;
                map.serialize_entry("keyType", &types.key_type)?;
                map.serialize_entry("valueType", &types.value_type)?;
                map.serialize_entry("valueContainsNull", &types.value_contains_null)?;
                map.end()
            }
        }
    }
}

impl Serialize for StructType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("StructType", 2)?;
        object.serialize_field("type", "struct")?;
        object.serialize_field("fields", &self.fields)?;
        object.end()
    }
}

impl Serialize for StructField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("StructField", 4)?;
        object.serialize_field("name", &self.name)?;
        object.serialize_field("type", &self.data_type)?;
        object.serialize_field("nullable", &self.nullable)?;
        object.serialize_field("metadata", &self.metadata)?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for DataType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        data_type(&Value::deserialize(deserializer)?, &ColumnPath::root()).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for StructType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match DataType::deserialize(deserializer)? {
            DataType::Struct(schema) => Ok(*schema),
            other => Err(de::Error::custom(format_args!("expected a struct, found {other}"))),
        }
    }
}

impl<'de> Deserialize<'de> for PrimitiveType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        primitive_type(&name).ok_or_else(|| de::Error::custom(format_args!("no primitive type is named {name:?}")))
    }
}

impl Serialize for PrimitiveType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::str::FromStr for DataType {
    type Err = Error;

    /// The type that a JSON text holds: a name, bare or quoted, or an object.
    fn from_str(json: &str) -> Result<Self> {
        if let Some(named) = named_type(json.trim()) {
            return Ok(named);
        }
        let value = serde_json::from_str(json).map_err(not_json)?;
        data_type(&value, &ColumnPath::root()).with("type", json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::test_schema::any_schema;
    use proptest::prelude::*;
    use rstest::rstest;

    fn field(data_type: &str) -> String {
        format!(r#"{{"type":"struct","fields":[{{"name":"a","type":{data_type},"nullable":true,"metadata":{{}}}}]}}"#)
    }

    #[rstest]
    #[case(r#""long""#, "long")]
    #[case(r#""bigint""#, "long")]
    #[case(r#""int""#, "integer")]
    #[case(r#""decimal""#, "decimal(10,0)")]
    #[case(r#""decimal(5)""#, "decimal(5,0)")]
    #[case(r#""decimal(38, 18)""#, "decimal(38,18)")]
    #[case(r#""varchar(20)""#, "string")]
    #[case(r#""timestamp_ntz""#, "timestamp_ntz")]
    #[case(r#""null""#, "void")]
    #[case(r#""variant""#, "variant")]
    #[case(r#"{"type":"variant"}"#, "variant")]
    #[case(r#""interval month""#, "interval year to month")]
    #[case(r#""interval year to month""#, "interval year to month")]
    #[case(r#""interval hour to second""#, "interval day to second")]
    #[case(r#"{"type":"array","elementType":"date"}"#, "array<date>")]
    #[case(r#"{"type":"map","keyType":"string","valueType":{"type":"struct","fields":[]}}"#, "map<string, struct<>>")]
    #[case(
        r#"{"type":"udt","class":"x.Vector","sqlType":{"type":"array","elementType":"double","containsNull":false}}"#,
        "array<double>"
    )]
    fn every_spelling_of_a_type(#[case] json: &str, #[case] expected: &str) {
        let schema = StructType::from_json(&field(json)).unwrap();
        assert_eq!(schema.fields[0].data_type.to_string(), expected);
        assert_eq!(StructType::from_json(&schema.to_json()).unwrap(), schema);
    }

    #[rstest]
    #[case("nothing at all", "", "cannot be parsed")]
    #[case(r#""long""#, "", "must be a struct")]
    #[case(r#"{"type":"struct"}"#, "<schema>", "lacks \"fields\"")]
    #[case(&field(r#""longish""#), "a", "no type named \"longish\"")]
    #[case(&field(r#""decimal(39,0)""#), "a", "no type named")]
    #[case(&field(r#""decimal(2,3)""#), "a", "no type named")]
    #[case(&field(r#""interval month to day""#), "a", "no type named")]
    #[case(&field(r#""interval second to day""#), "a", "no type named")]
    #[case(&field(r#"{"type":"array","elementType":{"type":"map","keyType":"date"}}"#), "a.element", "lacks \"valueType\"")]
    #[case(&field(r#"{"type":"struct","fields":[{"name":"b c","type":7}]}"#), "a.`b c`", "must be a name or an object")]
    fn an_error_names_the_field(#[case] json: &str, #[case] column: &str, #[case] message: &str) {
        let error = StructType::from_json(json).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptLog);
        assert_eq!(error.context("column").unwrap_or_default(), column);
        assert!(error.message().contains(message), "{error}");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = format!("{}\"date\"{}", r#"{"type":"array","elementType":"#.repeat(10_000), "}".repeat(10_000));
        assert_eq!(StructType::from_json(&field(&deep)).unwrap_err().kind(), ErrorKind::ResourceLimit);
    }

    #[test]
    fn metadata_is_kept_as_it_is() {
        let json = r#"{"type":"struct","fields":[{"name":"a","type":"string","nullable":false,"metadata":{"__COLLATIONS":{"a":"icu.UNICODE"},"n":[1,2.5,null]}}]}"#;
        assert_eq!(StructType::from_json(json).unwrap().to_json(), json);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(schema in any_schema()) {
            prop_assert_eq!(StructType::from_json(&schema.to_json()).unwrap(), schema);
        }

        #[test]
        fn no_text_panics(text in ".{0,200}") {
            let _ = StructType::from_json(&text);
        }
    }
}
