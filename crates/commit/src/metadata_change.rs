//! Which changes of a table's metadata do not disturb a transaction that began before them: those after which everything that
//! it has staged means the same.

use deltaic_log::TableConfiguration;
use deltaic_log::action::Metadata;
use deltaic_log::schema::column_metadata::key;
use deltaic_log::table_properties::property;
use serde_json::Value;

/// Properties that may be turned on under a running transaction, and the one value that turns them on.
const MAY_BE_TURNED_ON: &[(&str, &str)] = &[
    (property::ENABLE_ROW_TRACKING.spec.key, "true"),
    (property::ENABLE_DELETION_VECTORS.spec.key, "true"),
    (property::ENABLE_IN_COMMIT_TIMESTAMPS.spec.key, "true"),
    (property::CHECKPOINT_POLICY.spec.key, "v2"),
];

/// Properties that may appear, and then stay.
const MAY_APPEAR: &[&str] = &[
    property::MATERIALIZED_ROW_ID_COLUMN_NAME.spec.key,
    property::MATERIALIZED_ROW_COMMIT_VERSION_COLUMN_NAME.spec.key,
    property::IN_COMMIT_TIMESTAMP_ENABLEMENT_VERSION.spec.key,
    property::IN_COMMIT_TIMESTAMP_ENABLEMENT_TIMESTAMP.spec.key,
];

/// Whether a transaction that read `before`, and changes no metadata itself, can be committed after `after`.
pub(crate) fn is_harmless(before: &TableConfiguration, after: &TableConfiguration) -> bool {
    let (old, new) = (before.metadata(), after.metadata());
    is_same_otherwise(old, new) && are_properties_harmless(old, new) && is_schema_harmless(old, new)
}

/// Every field but the two that are looked into.
fn is_same_otherwise(old: &Metadata, new: &Metadata) -> bool {
    let alike =
        Metadata { schema_string: old.schema_string.clone(), configuration: old.configuration.clone(), ..new.clone() };
    alike == *old
}

fn are_properties_harmless(old: &Metadata, new: &Metadata) -> bool {
    let kept = old.configuration.keys().all(|key| new.configuration.contains_key(key));
    let changed = new.configuration.iter().filter(|(key, value)| old.configuration.get(*key) != Some(value));
    let is_harmless = |key: &str, value: &str| {
        MAY_BE_TURNED_ON.contains(&(key, value))
            || MAY_APPEAR.contains(&key) && !old.configuration.contains_key(key)
            || key.starts_with("delta.columnMapping.") && names_columns(old, new)
    };
    kept && { changed }.all(|(key, value)| is_harmless(key, value))
}

/// Whether column mapping by name was turned on: the names in data files stay what they are.
fn names_columns(old: &Metadata, new: &Metadata) -> bool {
    let mode = |metadata: &Metadata| metadata.configuration.get(property::COLUMN_MAPPING_MODE.spec.key).cloned();
    mode(old).is_none_or(|mode| mode == "none") && mode(new).as_deref() == Some("name")
}

/// Whether the schemas differ only in how far identity columns have counted, and in the ids and names that column mapping
/// has just given.
fn is_schema_harmless(old: &Metadata, new: &Metadata) -> bool {
    let mut ignored = vec![key::IDENTITY_HIGH_WATER_MARK];
    if names_columns(old, new) {
        ignored.extend([key::COLUMN_MAPPING_ID, key::COLUMN_MAPPING_PHYSICAL_NAME, key::COLUMN_MAPPING_NESTED_IDS]);
    }
    old.schema_string == new.schema_string || without(old, &ignored) == without(new, &ignored)
}

/// The schema without these keys of its columns' metadata.
fn without(metadata: &Metadata, keys: &[&str]) -> Option<Value> {
    let mut schema: Value = serde_json::from_str(metadata.schema_string.as_deref()?).ok()?;
    strip(&mut schema, keys);
    Some(schema)
}

fn strip(value: &mut Value, keys: &[&str]) {
    match value {
        Value::Object(object) => {
            if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
                metadata.retain(|key, _| !keys.contains(&key.as_str()));
            }
            object.values_mut().for_each(|value| strip(value, keys));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| strip(value, keys)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deltaic_log::action::Protocol;
    use deltaic_log::feature::needed_by;
    use rstest::rstest;
    use serde_json::json;

    fn table(schema_metadata: Value, configuration: Value, other: Value) -> TableConfiguration {
        let fields = json!([{"name": "n", "type": "long", "nullable": true, "metadata": schema_metadata}]);
        let schema = json!({"type": "struct", "fields": fields}).to_string();
        let mut metadata = json!({"id": "x", "schemaString": schema, "configuration": configuration});
        metadata.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        let metadata: Metadata = serde_json::from_value(metadata).unwrap();
        let protocol = Protocol::weakest_with(needed_by(&metadata).unwrap());
        TableConfiguration::try_new(protocol, metadata).unwrap()
    }

    const MAPPED: fn() -> Value = || json!({"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "n"});
    const IDENTITY: fn(i64) -> Value =
        |mark| json!({"delta.identity.start": 1, "delta.identity.step": 1, "delta.identity.highWaterMark": mark});

    #[rstest]
    #[case(true, json!({}), json!({"delta.enableDeletionVectors": "true"}))]
    #[case(true, json!({}), json!({"delta.enableRowTracking": "true", "delta.rowTracking.materializedRowIdColumnName": "r"}))]
    #[case(true, json!({}), json!({"delta.checkpointPolicy": "v2"}))]
    #[case(true, json!({}), json!({"delta.enableInCommitTimestamps": "true", "delta.inCommitTimestampEnablementVersion": "3"}))]
    #[case(false, json!({"delta.enableDeletionVectors": "true"}), json!({"delta.enableDeletionVectors": "false"}))]
    #[case(false, json!({"delta.enableDeletionVectors": "true"}), json!({}))]
    #[case(false, json!({"delta.inCommitTimestampEnablementVersion": "2"}), json!({"delta.inCommitTimestampEnablementVersion": "3"}))]
    #[case(false, json!({}), json!({"delta.appendOnly": "true"}))]
    #[case(false, json!({}), json!({"my.property": "1"}))]
    fn properties(#[case] expected: bool, #[case] before: Value, #[case] after: Value) {
        let of = |configuration: Value| table(json!({}), configuration, json!({}));
        assert_eq!(is_harmless(&of(before), &of(after)), expected);
    }

    #[test]
    fn schemas() {
        let none = json!({});
        let by_name = json!({"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "1"});
        let plain = table(json!({}), none.clone(), none.clone());
        assert!(is_harmless(&plain, &table(MAPPED(), by_name.clone(), none.clone())));
        assert!(!is_harmless(&table(MAPPED(), by_name, none.clone()), &plain));
        assert!(!is_harmless(&plain, &table(json!({"comment": "new"}), none.clone(), none.clone())));
        assert!(!is_harmless(&plain, &table(json!({}), none.clone(), json!({"description": "new"}))));
        let counted = |mark| table(IDENTITY(mark), json!({}), json!({}));
        assert!(is_harmless(&counted(1), &counted(2)));
    }
}
