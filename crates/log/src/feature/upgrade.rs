//! What writers need to know of a protocol: whether they may write at all, which protocol a table needs, and how one
//! protocol becomes a stronger one.
//!
//! Spec: [Protocol Evolution](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#protocol-evolution). Two ways to say
//! the same thing meet here: old versions imply features, new ones name them. Whoever moves from the first way to the
//! second names everything that was implied, or the table forgets its CHECK constraints.

use std::collections::BTreeMap;

use super::{ALL, FeatureKind, FeatureSpec, READER_WITH_FEATURES, Support, WRITER_WITH_FEATURES};
use crate::TableConfiguration;
use crate::action::{Metadata, Protocol};
use crate::table_properties::property::FEATURE_PREFIX;
use crate::{Error, ErrorKind, Result};

/// The features without which this metadata means nothing, in the order of [`ALL`]: those that its schema or properties make
/// use of, and those that it asks for by `delta.feature.<name>`.
///
/// # Errors
/// As [`TableConfiguration::try_new`]; [`ErrorKind::InvalidProperty`] where it asks for a feature that this library does not
/// know.
///
/// ```
/// use deltaic_log::action::Metadata;
/// let configuration = [("delta.enableRowTracking".to_owned(), "true".to_owned())].into();
/// let needed = deltaic_log::feature::needed_by(&Metadata { configuration, ..Metadata::default() })?;
/// assert_eq!(needed.iter().map(|feature| feature.name).collect::<Vec<_>>(), ["rowTracking"]);
/// # Ok::<(), deltaic_log::Error>(())
/// ```
pub fn needed_by(metadata: &Metadata) -> Result<Vec<&'static FeatureSpec>> {
    // A feature that even an empty table makes use of is never needed by metadata: it is asked for by name.
    let (table, empty) = (with_every_feature(metadata)?, with_every_feature(&Metadata::default())?);
    let asked_for = asked_for(metadata)?;
    let is_needed = |feature: &&FeatureSpec| {
        (feature.is_active)(&table) && !(feature.is_active)(&empty) || asked_for.contains(&feature.name)
    };
    Ok(ALL.iter().filter(is_needed).collect())
}

/// The metadata, of a table that supports whatever can be read.
fn with_every_feature(metadata: &Metadata) -> Result<TableConfiguration> {
    let readable = ALL.iter().filter(|feature| !matches!(feature.read, Support::Refused { .. }));
    TableConfiguration::try_new(WEAKEST.with_features(readable), metadata.clone())
}

fn asked_for(metadata: &Metadata) -> Result<Vec<&'static str>> {
    let wishes = metadata.configuration.keys().filter_map(|key| {
        let name = key.get(..FEATURE_PREFIX.len()).filter(|start| start.eq_ignore_ascii_case(FEATURE_PREFIX));
        name.map(|start| &key[start.len()..])
    });
    let known = |name| {
        let unknown = || {
            let message =
                format!("the property {FEATURE_PREFIX}{name} asks for a feature that this release does not know");
            Error::new(ErrorKind::InvalidProperty, message).with("feature", name)
        };
        FeatureSpec::named(name).map(|feature| feature.name).ok_or_else(unknown)
    };
    wishes.map(known).collect()
}

/// What a new table has that needs no feature.
const WEAKEST: Protocol =
    Protocol { min_reader_version: 1, min_writer_version: 2, reader_features: None, writer_features: None };

impl Protocol {
    /// The weakest protocol of a new table that supports these features, and those that they require.
    ///
    /// ```
    /// use deltaic_log::action::Protocol;
    /// use deltaic_log::feature::{FeatureSpec, IN_COMMIT_TIMESTAMP};
    /// let protocol = Protocol::weakest_with([&IN_COMMIT_TIMESTAMP]);
    /// assert_eq!((protocol.min_reader_version, protocol.min_writer_version), (1, 7));
    /// assert_eq!(Protocol::weakest_with([]).min_writer_version, 2);
    /// ```
    pub fn weakest_with<'a>(features: impl IntoIterator<Item = &'a FeatureSpec>) -> Self {
        WEAKEST.with_features(features)
    }

    /// The weakest protocol that supports these features, those that they require, and everything that this one supports;
    /// this one itself, where that is enough. It never drops a feature, nor lowers a version.
    pub fn with_features<'a>(&self, features: impl IntoIterator<Item = &'a FeatureSpec>) -> Self {
        let mut supported = self.supported_features();
        let before = supported.len();
        for feature in features {
            require(feature, &mut supported);
        }
        if supported.len() == before {
            return self.clone();
        }
        self.by_versions(&supported).unwrap_or_else(|| self.by_names(&supported))
    }

    /// Fails with [`ErrorKind::UnsupportedProtocol`] where this library must not write to the table.
    ///
    /// The error names every feature at fault, and what to do. A feature that the table supports but makes no use of is no
    /// obstacle, as long as it is known.
    pub fn check_writable(&self, table: &TableConfiguration) -> Result<()> {
        self.check_lists()?;
        let mut refusals: Vec<(String, String)> = Vec::new();
        for name in self.unknown_features() {
            let reason =
                format!("its feature {name} is none that this release knows: use a newer release, or drop the feature");
            refusals.push((name.to_owned(), reason));
        }
        for feature in self.supported_features() {
            if let Some((missing, _)) = self.missing_requirements(feature).next() {
                let reason =
                    format!("its feature {} requires {missing}, which its protocol lacks: add it", feature.name);
                refusals.push((feature.name.to_owned(), reason));
            }
            if let (true, Some(reason)) = ((feature.is_active)(table), why_not_written(feature)) {
                refusals.push((feature.name.to_owned(), reason));
            }
        }
        if refusals.is_empty() {
            return Ok(());
        }
        let (names, reasons): (Vec<_>, Vec<_>) = refusals.into_iter().unzip();
        let message = format!("the table cannot be written: {}", reasons.join("; "));
        Err(Error::new(ErrorKind::UnsupportedProtocol, message).with("feature", names.join(", ")))
    }

    /// What this protocol supports or demands, and `newer` does not, by name: nothing, if `newer` is an upgrade.
    pub fn dropped_by(&self, newer: &Protocol) -> Vec<String> {
        let known = self.supported_features().into_iter().filter(|feature| !newer.supports(feature));
        let unknown = self.unknown_features();
        let unknown = unknown.iter().filter(|name| !newer.unknown_features().contains(name));
        let mut dropped: Vec<String> = known.map(|feature| feature.name.to_owned()).collect();
        dropped.extend(unknown.map(|name| (*name).to_owned()));
        if newer.min_reader_version < self.min_reader_version || newer.min_writer_version < self.min_writer_version {
            dropped.push(format!("versions ({}, {})", self.min_reader_version, self.min_writer_version));
        }
        dropped
    }

    /// The features that `feature` requires, and this protocol lacks.
    fn missing_requirements<'a>(
        &'a self,
        feature: &'a FeatureSpec,
    ) -> impl Iterator<Item = (&'static str, &'static FeatureSpec)> + 'a {
        let required = feature.requires.iter().filter_map(|name| Some((*name, FeatureSpec::named(name)?)));
        required.filter(|(_, required)| !self.supports(required))
    }

    /// Whether writers can trust what the lists say.
    fn check_lists(&self) -> Result<()> {
        let (reader, writer) = (self.reader_features.as_deref(), self.writer_features.as_deref());
        let unlisted = reader.unwrap_or(&[]).iter().find(|name| !writer.unwrap_or(&[]).contains(name));
        let problem = match unlisted {
            _ if self.min_writer_version > WRITER_WITH_FEATURES => {
                "its writer version is unknown: use a newer release".to_owned()
            }
            _ if self.min_writer_version < WRITER_WITH_FEATURES && writer.is_some_and(|names| !names.is_empty()) => {
                "writer features are listed, which only writer version 7 has: its log is broken".to_owned()
            }
            Some(name) => format!("its reader feature {name} is not among its writer features: its log is broken"),
            None => return Ok(()),
        };
        Err(Error::new(ErrorKind::UnsupportedProtocol, format!("the table cannot be written: {problem}"))
            .with("minReaderVersion", self.min_reader_version)
            .with("minWriterVersion", self.min_writer_version))
    }

    /// Two versions that imply exactly these features, if there are any.
    fn by_versions(&self, features: &[&FeatureSpec]) -> Option<Self> {
        if self.min_reader_version >= READER_WITH_FEATURES || self.min_writer_version >= WRITER_WITH_FEATURES {
            return None;
        }
        let mut protocol = self.clone();
        for feature in features {
            let legacy = feature.legacy?;
            protocol.min_writer_version = protocol.min_writer_version.max(legacy.writer);
            if feature.kind == FeatureKind::ReaderWriter {
                protocol.min_reader_version = protocol.min_reader_version.max(legacy.reader);
            }
        }
        (protocol.supported_features().len() == features.len()).then_some(protocol)
    }

    /// The versions that name features, and the names: spelled as before where they were named before.
    pub(super) fn by_names(&self, features: &[&FeatureSpec]) -> Self {
        let is_for_readers = |feature: &&&FeatureSpec| feature.kind == FeatureKind::ReaderWriter;
        let mut names: BTreeMap<&str, String> = BTreeMap::new();
        let listed = self.reader_features.iter().chain(&self.writer_features).flatten();
        for name in listed {
            names.insert(FeatureSpec::named(name).map_or(name.as_str(), |feature| feature.name), name.clone());
        }
        let spelled = |feature: &&FeatureSpec| names.get(feature.name).cloned().unwrap_or(feature.name.to_owned());
        let with_unknown = |listed: &Option<Vec<String>>, mut known: Vec<String>| {
            known.extend(listed.iter().flatten().filter(|name| FeatureSpec::named(name).is_none()).cloned());
            known.sort_unstable();
            known
        };
        let for_readers: Vec<&&FeatureSpec> = features.iter().filter(is_for_readers).collect();
        let reader = match for_readers.iter().map(|feature| feature.legacy).collect::<Option<Vec<_>>>() {
            Some(legacy) => legacy.iter().map(|versions| versions.reader).max().unwrap_or(1),
            None => READER_WITH_FEATURES,
        };
        let reader = reader.max(self.min_reader_version);
        let reader_names = || with_unknown(&self.reader_features, for_readers.iter().copied().map(spelled).collect());
        Self {
            min_reader_version: reader,
            min_writer_version: WRITER_WITH_FEATURES,
            reader_features: (reader == READER_WITH_FEATURES).then(reader_names),
            writer_features: Some(with_unknown(&self.writer_features, features.iter().map(spelled).collect())),
        }
    }
}

/// Adds a feature, and all that it requires.
fn require(feature: &FeatureSpec, supported: &mut Vec<&'static FeatureSpec>) {
    let Some(known) = FeatureSpec::named(feature.name) else { return };
    if supported.iter().any(|other| other.name == known.name) {
        return;
    }
    supported.push(known);
    for required in known.requires.iter().filter_map(|name| FeatureSpec::named(name)) {
        require(required, supported);
    }
}

fn why_not_written(feature: &FeatureSpec) -> Option<String> {
    match feature.write {
        Support::Full => None,
        Support::Refused { why, remedy } | Support::ThroughCatalog { why, remedy } => {
            Some(format!("its feature {} (\"{}\") is in use, and {why}: {remedy}", feature.name, feature.heading.title))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn protocol(reader: i32, writer: i32, reader_features: &[&str], writer_features: &[&str]) -> Protocol {
        let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        Protocol {
            min_reader_version: reader,
            min_writer_version: writer,
            reader_features: if reader == 3 { names(reader_features) } else { None },
            writer_features: if writer == 7 { names(writer_features) } else { None },
        }
    }

    fn named(names: &[&str]) -> Vec<&'static FeatureSpec> {
        names.iter().map(|name| FeatureSpec::named(name).unwrap()).collect()
    }

    fn table(protocol: Protocol, configuration: Value) -> TableConfiguration {
        let metadata = json!({"id": "x", "schemaString": null, "configuration": configuration});
        TableConfiguration::try_new(protocol, serde_json::from_value(metadata).unwrap()).unwrap()
    }

    #[rstest]
    #[case(protocol(1, 2, &[], &[]), &["appendOnly"], protocol(1, 2, &[], &[]))]
    #[case(protocol(1, 2, &[], &[]), &["checkConstraints"], protocol(1, 3, &[], &[]))]
    #[case(protocol(1, 2, &[], &[]), &["changeDataFeed"], protocol(1, 7, &[], &["appendOnly", "changeDataFeed", "invariants"]))]
    #[case(protocol(1, 3, &[], &[]), &["changeDataFeed", "generatedColumns"], protocol(1, 4, &[], &[]))]
    #[case(protocol(1, 2, &[], &[]), &["rowTracking"], protocol(1, 7, &[], &["appendOnly", "domainMetadata", "invariants", "rowTracking"]))]
    #[case(protocol(1, 2, &[], &[]), &["deletionVectors"], protocol(3, 7, &["deletionVectors"], &["appendOnly", "deletionVectors", "invariants"]))]
    #[case(protocol(2, 5, &[], &[]), &["domainMetadata"], protocol(2, 7, &[], &["appendOnly", "changeDataFeed", "checkConstraints", "columnMapping", "domainMetadata", "generatedColumns", "invariants"]))]
    #[case(protocol(2, 7, &[], &["columnMapping"]), &["deletionVectors"], protocol(3, 7, &["columnMapping", "deletionVectors"], &["columnMapping", "deletionVectors"]))]
    #[case(protocol(3, 7, &["variantType-preview"], &["future", "variantType-preview"]), &["variantType", "domainMetadata"], protocol(3, 7, &["variantType-preview"], &["domainMetadata", "future", "variantType-preview"]))]
    fn upgrades(#[case] from: Protocol, #[case] features: &[&str], #[case] expected: Protocol) {
        let upgraded = from.with_features(named(features));
        assert_eq!(upgraded, expected);
        assert_eq!(from.dropped_by(&upgraded), [""; 0]);
    }

    /// Adding a feature to a table of writer version 3 must not forget its CHECK constraints: a neighbour's table accepted
    /// violating rows from then on.
    #[test]
    fn an_upgrade_names_every_implied_feature() {
        for writer in 1..=6 {
            for reader in 1..=if writer >= 5 { 2 } else { 1 } {
                let old = protocol(reader, writer, &[], &[]);
                let new = old.with_features(named(&["deletionVectors", "inCommitTimestamp"]));
                for feature in old.supported_features() {
                    assert!(new.supports(feature), "{old:?} lost {}", feature.name);
                }
                assert_eq!(new.with_features(named(&["deletionVectors"])), new);
            }
        }
    }

    #[rstest]
    #[case(protocol(1, 7, &[], &["fromTheFuture"]), json!({}), "fromTheFuture")]
    #[case(protocol(1, 7, &[], &["rowTracking"]), json!({}), "requires domainMetadata")]
    #[case(protocol(1, 8, &[], &[]), json!({}), "writer version is unknown")]
    #[case(protocol(3, 7, &["deletionVectors"], &[]), json!({}), "not among its writer features")]
    #[case(protocol(1, 3, &[], &[]), json!({"delta.constraints.c": "x > 0"}), "checkConstraints")]
    fn not_writable(#[case] protocol: Protocol, #[case] configuration: Value, #[case] message: &str) {
        let error = protocol.check_writable(&table(protocol.clone(), configuration)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedProtocol);
        assert!(error.message().contains(message), "{error}");
    }

    #[test]
    fn a_feature_that_is_not_in_use_is_no_obstacle() {
        let protocol = protocol(1, 7, &[], &["checkConstraints", "identityColumns", "appendOnly"]);
        protocol.check_writable(&table(protocol.clone(), json!({"delta.appendOnly": "true"}))).unwrap();
    }

    #[test]
    fn metadata_needs_what_it_uses_and_asks_for() {
        let configuration = json!({"delta.feature.domainMetadata": "supported", "delta.enableDeletionVectors": "true"});
        let metadata = json!({"id": "x", "schemaString": null, "configuration": configuration});
        let names = |metadata: Value| -> Result<Vec<&str>> {
            Ok(needed_by(&serde_json::from_value(metadata).unwrap())?.iter().map(|feature| feature.name).collect())
        };
        assert_eq!(names(metadata).unwrap(), ["deletionVectors", "domainMetadata"]);
        assert_eq!(names(json!({"id": "x"})).unwrap(), [""; 0]);
        let unknown = json!({"id": "x", "configuration": {"delta.feature.timeTravel": "supported"}});
        assert_eq!(names(unknown).unwrap_err().kind(), ErrorKind::InvalidProperty);
    }
}
