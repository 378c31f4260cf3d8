//! How a feature is dropped from a table: what has to be gone first, as data, and the protocol that is left.
//!
//! Spec: [Table Features](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#table-features). A protocol that lacks a
//! feature promises that nothing of it is left: where readers must know the feature, in none of the versions that can still be
//! read either.

use std::collections::BTreeSet;

use super::{ALL, FeatureSpec, WRITER_WITH_FEATURES};
use crate::TableConfiguration;
use crate::action::Protocol;

/// What has to be gone before a feature is dropped.
#[derive(Clone, Copy, Debug)]
pub struct Removal {
    /// The properties that turn the feature on, or belong to it: they go with it.
    pub properties: &'static [&'static str],
    /// Whether the metadata, without those properties, still needs the feature. Where absent, it does where the feature is
    /// active ([`FeatureSpec::is_active`]).
    pub is_needed: Option<fn(&TableConfiguration) -> bool>,
    /// What else must be gone of the table's state.
    pub traces: Traces,
    /// What to do where the table still needs the feature.
    pub remedy: &'static str,
}

/// What a feature leaves in a table's state beside protocol and metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traces {
    /// Nothing.
    None,
    /// Deletion vectors of live files.
    DeletionVectors,
    /// Row ids of live files.
    RowIds,
    /// Metadata domains.
    Domains,
    /// Checkpoints of the V2 spec.
    V2Checkpoints,
}

impl Removal {
    /// Of a feature that goes as soon as it is not active.
    pub(super) const WHEN_INACTIVE: Removal = Removal {
        properties: &[],
        is_needed: None,
        traces: Traces::None,
        remedy: "remove from the schema and the properties what makes use of it",
    };

    /// Of a feature that goes with its properties.
    pub(super) const fn with(properties: &'static [&'static str]) -> Self {
        Removal { properties, ..Removal::WHEN_INACTIVE }
    }
}

impl FeatureSpec {
    /// Whether a table with this metadata still needs the feature, even without [`Removal::properties`].
    pub fn is_needed(&self, table: &TableConfiguration) -> bool {
        (self.removal.is_needed.unwrap_or(self.is_active))(table)
    }
}

impl Protocol {
    /// The weakest protocol that supports everything that this one does, but for one feature. Versions that imply exactly what
    /// is left are preferred to lists of names.
    ///
    /// ```
    /// use deltaic_log::action::Protocol;
    /// use deltaic_log::feature::DELETION_VECTORS;
    /// let protocol = Protocol::weakest_with([&DELETION_VECTORS]).without_feature(&DELETION_VECTORS);
    /// assert_eq!(protocol, Protocol::weakest_with([]));
    /// ```
    pub fn without_feature(&self, feature: &FeatureSpec) -> Self {
        let rest: Vec<&FeatureSpec> =
            self.supported_features().into_iter().filter(|other| other.name != feature.name).collect();
        let by_versions = || versions().find(|protocol| names(&protocol.supported_features()) == names(&rest));
        match self.unknown_features().is_empty().then(by_versions).flatten() {
            Some(protocol) => protocol,
            None => self.stripped_of(feature).by_names(&rest),
        }
    }

    /// Lists alone, without the feature, for the weakest versions that have lists.
    fn stripped_of(&self, feature: &FeatureSpec) -> Self {
        let without = |names: &Option<Vec<String>>| {
            Some(names.iter().flatten().filter(|name| !feature.is_named(name)).cloned().collect())
        };
        Self {
            min_reader_version: 1,
            min_writer_version: WRITER_WITH_FEATURES,
            reader_features: without(&self.reader_features),
            writer_features: without(&self.writer_features),
        }
    }
}

/// The protocols that name no features, from the weakest.
fn versions() -> impl Iterator<Item = Protocol> {
    let of = |min_reader_version, min_writer_version| Protocol {
        min_reader_version,
        min_writer_version,
        reader_features: None,
        writer_features: None,
    };
    // What reader version 2 means, writers know from version 5 on.
    let legal = [(1, 1), (2, 5)].into_iter();
    legal.flat_map(move |(reader, writer)| (writer..WRITER_WITH_FEATURES).map(move |writer| of(reader, writer)))
}

fn names(features: &[&FeatureSpec]) -> BTreeSet<&'static str> {
    ALL.iter().map(|feature| feature.name).filter(|name| features.iter().any(|feature| feature.name == *name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn protocol(reader: i32, writer: i32, reader_features: &[&str], writer_features: &[&str]) -> Protocol {
        let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        Protocol {
            min_reader_version: reader,
            min_writer_version: writer,
            reader_features: if reader == 3 { names(reader_features) } else { None },
            writer_features: if writer == 7 { names(writer_features) } else { None },
        }
    }

    #[rstest]
    #[case(protocol(1, 3, &[], &[]), "invariants", protocol(1, 7, &[], &["appendOnly", "checkConstraints"]))]
    #[case(protocol(1, 2, &[], &[]), "appendOnly", protocol(1, 7, &[], &["invariants"]))]
    #[case(protocol(3, 7, &["deletionVectors"], &["deletionVectors", "appendOnly", "invariants"]), "deletionVectors", protocol(1, 2, &[], &[]))]
    #[case(protocol(3, 7, &["deletionVectors"], &["deletionVectors"]), "deletionVectors", protocol(1, 1, &[], &[]))]
    #[case(protocol(3, 7, &["deletionVectors", "v2Checkpoint"], &["deletionVectors", "v2Checkpoint"]), "v2Checkpoint", protocol(3, 7, &["deletionVectors"], &["deletionVectors"]))]
    #[case(protocol(3, 7, &["columnMapping", "v2Checkpoint"], &["columnMapping", "v2Checkpoint"]), "v2Checkpoint", protocol(2, 7, &[], &["columnMapping"]))]
    #[case(protocol(3, 7, &["variantType-preview"], &["future", "rowTracking", "domainMetadata", "variantType-preview"]), "rowTracking", protocol(3, 7, &["variantType-preview"], &["domainMetadata", "future", "variantType-preview"]))]
    #[case(protocol(1, 7, &[], &["inCommitTimestamp-preview", "future"]), "inCommitTimestamp", protocol(1, 7, &[], &["future"]))]
    fn what_is_left(#[case] from: Protocol, #[case] feature: &str, #[case] expected: Protocol) {
        let feature = FeatureSpec::named(feature).unwrap();
        let left = from.without_feature(feature);
        assert_eq!(left, expected);
        assert!(!left.supports(feature));
        for other in from.supported_features().iter().filter(|other| other.name != feature.name) {
            assert!(left.supports(other), "{} is lost", other.name);
        }
    }
}
