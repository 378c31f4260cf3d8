//! The metadata of an older version, as the newest one can take it back: what must never count backwards does not.

use deltaic_log::action::Metadata;
use deltaic_log::feature::IN_COMMIT_TIMESTAMP;
use deltaic_log::schema::column_metadata::{Identity, key};
use deltaic_log::table_properties::property;
use deltaic_log::{Result, TableConfiguration};

/// # Errors
/// [`deltaic_log::ErrorKind::InvalidProperty`], [`deltaic_log::ErrorKind::CorruptLog`] where what counts is no number.
pub(super) fn restored(current: &TableConfiguration, target: &TableConfiguration) -> Result<Metadata> {
    let mut metadata = Metadata { id: current.metadata().id.clone(), ..target.metadata().clone() };
    for property in [&property::COLUMN_MAPPING_MAX_COLUMN_ID, &property::REQUIRE_CHECKPOINT_PROTECTION_BEFORE_VERSION] {
        let highest = current.properties().get(property)?;
        if highest > target.properties().get(property)? {
            metadata.configuration.insert(property.spec.key.to_owned(), highest.to_string());
        }
    }
    if current.is_active(&IN_COMMIT_TIMESTAMP) && target.is_active(&IN_COMMIT_TIMESTAMP) {
        // Since when commits carry their own time is a fact about the log, not about the older version.
        for key in [
            property::IN_COMMIT_TIMESTAMP_ENABLEMENT_VERSION.spec.key,
            property::IN_COMMIT_TIMESTAMP_ENABLEMENT_TIMESTAMP.spec.key,
        ] {
            metadata.configuration.remove(key);
            let known = current.properties().text(key).map(|value| (key.to_owned(), value.to_owned()));
            metadata.configuration.extend(known);
        }
    }
    let mut schema = target.schema().clone();
    let mut has_changed = false;
    for field in &mut schema.fields {
        let now = current.schema().field(&field.name).map(|field| field.identity()).transpose()?.flatten();
        let (Some(now), Some(then)) = (now, field.identity()?) else { continue };
        if let Some(mark) = furthest(&now, &then).filter(|mark| then.high_water_mark != Some(*mark)) {
            field.metadata.insert(key::IDENTITY_HIGH_WATER_MARK.to_owned(), mark.into());
            has_changed = true;
        }
    }
    if has_changed {
        metadata.schema_string = Some(schema.to_json());
    }
    Ok(metadata)
}

/// No value is given out twice.
fn furthest(now: &Identity, then: &Identity) -> Option<i64> {
    let marks = now.high_water_mark.into_iter().chain(then.high_water_mark);
    if then.step > 0 { marks.max() } else { marks.min() }
}
