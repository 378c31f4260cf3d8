//! The columns that keep row ids and row commit versions where a file is rewritten. Spec: [Row
//! Tracking](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#row-tracking): a table that has row tracking on names
//! them; other engines refuse to read ids from one that does not, and to write to it.

use deltaic_log::action::Metadata;
use deltaic_log::ids::IdSource;
use deltaic_log::table_properties::{TableProperties, property};

/// The metadata; if it turns row tracking on, with names for the columns that have none yet. They are made of new ids, so that
/// no column of the table has them.
///
/// # Errors
/// [`deltaic_log::ErrorKind::InvalidProperty`].
pub(crate) fn named(mut metadata: Metadata, ids: &dyn IdSource) -> deltaic_log::Result<Metadata> {
    if TableProperties::new(&metadata.configuration).get(&property::ENABLE_ROW_TRACKING)? {
        for (key, prefix) in [
            (property::MATERIALIZED_ROW_ID_COLUMN_NAME.spec.key, "_row-id-col"),
            (property::MATERIALIZED_ROW_COMMIT_VERSION_COLUMN_NAME.spec.key, "_row-commit-version-col"),
        ] {
            metadata.configuration.entry(key.to_owned()).or_insert_with(|| format!("{prefix}-{}", ids.uuid()));
        }
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;
    use deltaic_log::SequentialIds;
    use rstest::rstest;

    const ROW_ID: &str = "delta.rowTracking.materializedRowIdColumnName";

    #[rstest]
    #[case::off(&[], 0)]
    #[case::turned_off(&[("delta.enableRowTracking", "false")], 1)]
    #[case::on(&[("delta.enableRowTracking", "true")], 3)]
    #[case::named_before(&[("delta.enableRowTracking", "true"), (ROW_ID, "kept")], 3)]
    fn names_are_given_once(#[case] given: &[(&str, &str)], #[case] properties: usize) {
        let configuration = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let metadata = Metadata { configuration, ..Metadata::default() };
        let named = named(metadata.clone(), &SequentialIds::new(0)).unwrap();
        assert_eq!(named.configuration.len(), properties);
        assert!(metadata.configuration.iter().all(|(key, value)| named.configuration.get(key) == Some(value)));
    }
}
