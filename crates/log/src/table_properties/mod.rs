//! Spec: [Table Properties](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#table-properties): typed, with
//! defaults, validated when used.
//!
//! A bad value in a log must not keep anybody from reading the table, so nothing is checked before it is asked for:
//! [`TableProperties::get`] fails for that one property. Each property is one constant in [`property`]; documentation,
//! defaults and validation derive from it.

pub mod interval;
pub mod property;
mod value;

pub use property::{Property, PropertySpec};
pub use value::{
    CheckpointPolicy, CompressionCodec, IsolationLevel, ParquetFormatVersion, PropertyValue, StatsColumnCount,
    UniformFormat,
};

use crate::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The properties of a table: `metaData.configuration`. Keys are compared without regard to case. Cheap to clone.
///
/// ```
/// use deltaic_log::table_properties::{TableProperties, property};
/// let configuration = [("delta.appendOnly".to_owned(), "true".to_owned())].into();
/// let properties = TableProperties::new(&configuration);
/// assert!(properties.get(&property::APPEND_ONLY)?);
/// assert_eq!(properties.get(&property::CHECKPOINT_INTERVAL)?.get(), 10);
/// # Ok::<(), deltaic_log::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableProperties {
    /// By lower-case key: the key as the log spells it, and the value.
    entries: Arc<BTreeMap<String, (String, String)>>,
}

impl TableProperties {
    /// The properties that this configuration sets. Of two keys that differ in case only, the last one in order stands.
    pub fn new(configuration: &BTreeMap<String, String>) -> Self {
        let entries = configuration.iter().map(|(key, value)| (key.to_lowercase(), (key.clone(), value.clone())));
        Self { entries: Arc::new(entries.collect()) }
    }

    /// The property's value: as set, or its default. A value that it does not allow is [`ErrorKind::InvalidProperty`],
    /// whose context holds the key, the value and what is allowed.
    pub fn get<T: PropertyValue>(&self, property: &Property<T>) -> Result<T> {
        let spec = &property.spec;
        let set = self.text(spec.key).or_else(|| spec.former_key.and_then(|key| self.text(key)));
        match set.or(spec.default) {
            Some(text) => T::parse(text).ok_or_else(|| spec.refused(text)),
            None => T::absent().ok_or_else(|| spec.refused("")),
        }
    }

    /// The text of any property, whether known or not.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.entries.get(&key.to_lowercase()).map(|(_, value)| value.as_str())
    }

    /// The table's CHECK constraints: name and SQL expression (spec: "CHECK Constraints").
    pub fn constraints(&self) -> impl Iterator<Item = (&str, &str)> {
        self.with_prefix(property::CONSTRAINT_PREFIX)
    }

    /// The keys that begin with `delta.` and that this library does not know, as the log spells them.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        let delta = self.entries.iter().filter(|(lower, _)| lower.starts_with("delta."));
        delta.filter(|(lower, _)| !property::is_known(lower)).map(|(_, (key, _))| key.as_str())
    }

    /// An error for each known property whose value is not allowed.
    pub fn problems(&self) -> Vec<Error> {
        let set = property::ALL.iter().filter_map(|spec| Some((spec, self.text(spec.key)?)));
        set.filter(|(spec, text)| !(spec.allows)(text)).map(|(spec, text)| spec.refused(text)).collect()
    }

    /// The entries whose key has this prefix: the rest of the key as the log spells it, and the value.
    fn with_prefix(&self, prefix: &'static str) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.entries.iter().filter(move |(lower, _)| lower.starts_with(&prefix.to_lowercase()));
        entries.filter_map(move |(_, (key, value))| Some((key.get(prefix.len()..)?, value.as_str())))
    }
}

impl PropertySpec {
    fn refused(&self, value: &str) -> Error {
        let message = format!("the table property {} must be {}, not {value:?}: set it anew", self.key, self.allowed);
        Error::new(ErrorKind::InvalidProperty, message)
            .with("key", self.key)
            .with("value", value)
            .with("allowed", self.allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::ColumnPath;
    use rstest::rstest;
    use std::time::Duration;

    fn set(key: &str, value: &str) -> TableProperties {
        TableProperties::new(&[(key.to_owned(), value.to_owned())].into())
    }

    #[test]
    fn keys_have_no_case_and_old_spellings_count() {
        assert!(set("DELTA.appendonly", "TRUE").get(&property::APPEND_ONLY).unwrap());
        assert!(set("delta.enableChangeDataCapture", "true").get(&property::ENABLE_CHANGE_DATA_FEED).unwrap());
    }

    #[test]
    fn defaults() {
        let none = TableProperties::default();
        assert_eq!(none.get(&property::DELETED_FILE_RETENTION_DURATION).unwrap(), Duration::from_secs(604_800));
        assert_eq!(none.get(&property::SET_TRANSACTION_RETENTION_DURATION).unwrap(), None);
        assert_eq!(none.get(&property::DATA_SKIPPING_NUM_INDEXED_COLS).unwrap(), StatsColumnCount::First(32));
        assert_eq!(none.get(&property::UNIVERSAL_FORMAT_ENABLED_FORMATS).unwrap(), []);
    }

    #[test]
    fn columns_in_backticks() {
        let columns =
            set("delta.dataSkippingStatsColumns", "a, b.c, `d,e`.f").get(&property::DATA_SKIPPING_STATS_COLUMNS);
        let expected = vec!["a".into(), ColumnPath::new(["b", "c"]), ColumnPath::new(["d,e", "f"])];
        assert_eq!(columns.unwrap(), Some(expected));
    }

    #[rstest]
    #[case("delta.checkpointInterval", "0")]
    #[case("delta.checkpointInterval", "ten")]
    #[case("delta.logRetentionDuration", "interval 1 month")]
    #[case("delta.dataSkippingNumIndexedCols", "-2")]
    #[case("delta.columnMapping.mode", "nam")]
    #[case("delta.parquet.format.version", "1.1.0")]
    #[case("delta.universalFormat.enabledFormats", "iceberg,iceberg")]
    #[case("delta.appendOnly", "1")]
    fn a_bad_value_is_an_error_on_use(#[case] key: &str, #[case] value: &str) {
        let problems = set(key, value).problems();
        assert_eq!(problems.len(), 1);
        assert_eq!((problems[0].kind(), problems[0].context("key")), (ErrorKind::InvalidProperty, Some(key)));
        assert_eq!(problems[0].context("value"), Some(value));
    }

    #[test]
    fn unknown_keys_and_constraints() {
        let configuration: BTreeMap<_, _> = [
            ("delta.newThing", "1"),
            ("delta.constraints.Positive", "x > 0"),
            ("delta.feature.deletionVectors", "supported"),
            ("user.key", "v"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        let properties = TableProperties::new(&configuration);
        assert_eq!(properties.unknown().collect::<Vec<_>>(), ["delta.newThing"]);
        assert_eq!(properties.constraints().collect::<Vec<_>>(), [("Positive", "x > 0")]);
    }
}
