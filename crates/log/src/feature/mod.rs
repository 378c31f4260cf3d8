//! Spec: [Table Features](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#table-features), as data.
//!
//! A feature is one file here and one line in [`ALL`]: its name, its place in the specification, how far this library
//! supports it, when it is active, and what it asks of readers. No other module branches on a feature's name: they ask
//! [`crate::TableConfiguration`] for what all of a table's features require together.

mod adaptive_metadata;
mod allow_column_defaults;
mod append_only;
mod catalog_managed;
mod change_data_feed;
mod check_constraints;
mod checkpoint_protection;
mod clustering;
mod collations;
mod column_mapping;
mod column_mapping_usage_tracking;
mod coordinated_commits;
mod deletion_vectors;
mod domain_metadata;
mod generated_columns;
mod geospatial;
mod iceberg_compat_v1;
mod iceberg_compat_v2;
mod iceberg_compat_v3;
mod iceberg_writer_compat_v1;
mod identity_columns;
mod in_commit_timestamp;
mod interval_types;
mod invariants;
mod materialize_partition_columns;
mod protocol;
mod redirect_reader_writer;
mod redirect_writer_only;
mod removal;
mod requirements;
mod row_tracking;
mod table;
mod timestamp_nanos;
mod timestamp_ntz;
mod type_widening;
mod upgrade;
mod v2_checkpoint;
mod vacuum_protocol_check;
mod variant_shredding;
mod variant_type;

pub use append_only::FEATURE as APPEND_ONLY;
pub use catalog_managed::FEATURE as CATALOG_MANAGED;
pub use change_data_feed::FEATURE as CHANGE_DATA_FEED;
pub use checkpoint_protection::FEATURE as CHECKPOINT_PROTECTION;
pub use column_mapping::FEATURE as COLUMN_MAPPING;
pub use deletion_vectors::FEATURE as DELETION_VECTORS;
pub use domain_metadata::FEATURE as DOMAIN_METADATA;
pub use in_commit_timestamp::FEATURE as IN_COMMIT_TIMESTAMP;
pub use removal::{Removal, Traces};
pub use requirements::{ColumnSource, FieldSource, Origin, PartSource, ReaderRequirements, RowTrackingSource, Shape};
pub use row_tracking::FEATURE as ROW_TRACKING;
pub use table::render_table;
pub use upgrade::needed_by;
pub use v2_checkpoint::FEATURE as V2_CHECKPOINT;

use crate::TableConfiguration;
use protocol::{READER_WITH_FEATURES, WRITER_WITH_FEATURES};

/// Every table feature that this library knows: those of the specification in its order, then the proposed ones.
pub const ALL: &[FeatureSpec] = &[
    append_only::FEATURE,
    invariants::FEATURE,
    check_constraints::FEATURE,
    generated_columns::FEATURE,
    allow_column_defaults::FEATURE,
    change_data_feed::FEATURE,
    column_mapping::FEATURE,
    identity_columns::FEATURE,
    deletion_vectors::FEATURE,
    row_tracking::FEATURE,
    timestamp_ntz::FEATURE,
    domain_metadata::FEATURE,
    v2_checkpoint::FEATURE,
    catalog_managed::FEATURE,
    iceberg_compat_v1::FEATURE,
    iceberg_compat_v2::FEATURE,
    clustering::FEATURE,
    vacuum_protocol_check::FEATURE,
    in_commit_timestamp::FEATURE,
    type_widening::FEATURE,
    variant_type::FEATURE,
    variant_shredding::FEATURE,
    collations::FEATURE,
    materialize_partition_columns::FEATURE,
    iceberg_compat_v3::FEATURE,
    iceberg_writer_compat_v1::FEATURE,
    checkpoint_protection::FEATURE,
    column_mapping_usage_tracking::FEATURE,
    interval_types::FEATURE,
    timestamp_nanos::FEATURE,
    geospatial::FEATURE,
    adaptive_metadata::FEATURE,
    coordinated_commits::FEATURE,
    redirect_reader_writer::FEATURE,
    redirect_writer_only::FEATURE,
];

/// What a table feature is, as data.
#[derive(Clone, Copy, Debug)]
pub struct FeatureSpec {
    /// The name in the protocol's lists.
    pub name: &'static str,
    /// Names of previews that mean the same to this library.
    pub aliases: &'static [&'static str],
    /// Who must know the feature.
    pub kind: FeatureKind,
    /// The versions that imply the feature without naming it, if any do.
    pub legacy: Option<LegacyVersions>,
    /// The features that must be supported together with it.
    pub requires: &'static [&'static str],
    /// Where it is specified.
    pub heading: Heading,
    /// How far this library reads tables that support it.
    pub read: Support,
    /// How far this library commits to tables that make use of it.
    pub write: Support,
    /// Whether a table that supports the feature makes use of it (spec: "Active Features").
    pub is_active: fn(&TableConfiguration) -> bool,
    /// How the feature is dropped.
    pub removal: Removal,
    /// Adds what readers must do for a table that supports the feature.
    pub reader_requirements: fn(&TableConfiguration, &mut ReaderRequirements),
}

/// Who must know a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    /// Writers alone: readers may ignore it.
    Writer,
    /// Readers and writers.
    ReaderWriter,
}

/// The least versions that imply a feature without naming it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegacyVersions {
    /// Of `minReaderVersion`; for a writer feature, any will do.
    pub reader: i32,
    /// Of `minWriterVersion`.
    pub writer: i32,
}

/// A heading of the specification, or a proposal for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading {
    /// The title.
    pub title: &'static str,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Spec { anchor: &'static str },
    Rfc { file: &'static str },
    Preview,
}

/// How far this library supports a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Support {
    /// As the specification demands.
    Full,
    /// As the specification demands, but only where a catalog hands in the commits: never by path alone.
    ThroughCatalog {
        /// Why not by path.
        why: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Not at all: such a table is refused.
    Refused {
        /// Why.
        why: &'static str,
        /// What to do.
        remedy: &'static str,
    },
}

impl FeatureSpec {
    /// A feature that readers need not know; files fill in the rest with struct update.
    const WRITER: FeatureSpec = FeatureSpec {
        name: "",
        aliases: &[],
        kind: FeatureKind::Writer,
        legacy: None,
        requires: &[],
        heading: Heading { title: "", place: Place::Preview },
        read: Support::Full,
        write: Support::NOT_WRITTEN,
        is_active: when_supported,
        removal: Removal::WHEN_INACTIVE,
        reader_requirements: no_requirements,
    };

    /// A feature that readers must know; files fill in the rest with struct update.
    const READER_WRITER: FeatureSpec = FeatureSpec { kind: FeatureKind::ReaderWriter, ..FeatureSpec::WRITER };

    /// The feature of this name, or of a preview's name that means the same.
    ///
    /// ```
    /// use deltaic_log::feature::FeatureSpec;
    /// assert_eq!(FeatureSpec::named("variantType-preview").map(|feature| feature.name), Some("variantType"));
    /// assert!(FeatureSpec::named("timeTravel").is_none());
    /// ```
    pub fn named(name: &str) -> Option<&'static FeatureSpec> {
        ALL.iter().find(|feature| feature.is_named(name))
    }

    /// Whether this is the feature's name, or a preview's that means the same.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

impl Support {
    /// What a feature's `write` is until whatever it asks of writers is upheld.
    const NOT_WRITTEN: Support = Support::Refused {
        why: "this release does not uphold what it asks of writers",
        remedy: "write with another engine, or turn the feature off",
    };
}

impl Heading {
    const fn spec(title: &'static str, anchor: &'static str) -> Self {
        Self { title, place: Place::Spec { anchor } }
    }

    const fn rfc(title: &'static str, file: &'static str) -> Self {
        Self { title, place: Place::Rfc { file } }
    }

    const fn preview(title: &'static str) -> Self {
        Self { title, place: Place::Preview }
    }

    /// Where to read it; `None` for a preview that was never specified in public.
    pub fn url(&self) -> Option<String> {
        let repository = "https://github.com/delta-io/delta/blob/master";
        match self.place {
            Place::Spec { anchor } => Some(format!("{repository}/PROTOCOL.md#{anchor}")),
            Place::Rfc { file } => Some(format!("{repository}/protocol_rfcs/{file}")),
            Place::Preview => None,
        }
    }
}

fn when_supported(_: &TableConfiguration) -> bool {
    true
}

fn no_requirements(_: &TableConfiguration, _: &mut ReaderRequirements) {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::path::Path;

    #[test]
    fn every_feature_has_its_own_file_and_every_file_its_feature() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/feature");
        let shared = ["mod", "protocol", "removal", "requirements", "table", "upgrade"];
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<String> = files
            .filter(|path| !shared.iter().any(|name| path.file_stem().is_some_and(|stem| stem == *name)))
            .map(|path| {
                let text = std::fs::read_to_string(&path).unwrap();
                let name = text.split("name: \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
                let stem = path.file_stem().unwrap().to_string_lossy().replace('_', "");
                assert_eq!(stem, name.trim_end_matches("-preview").to_lowercase(), "file and feature differ");
                name
            })
            .collect();
        let mut expected: Vec<&str> = ALL.iter().map(|feature| feature.name).collect();
        names.sort();
        expected.sort();
        assert_eq!(names, expected);
    }

    #[test]
    fn names_are_unique_and_references_known() {
        let mut names = HashSet::new();
        for feature in ALL {
            assert!(
                std::iter::once(&feature.name).chain(feature.aliases).all(|name| names.insert(*name)),
                "{}",
                feature.name
            );
            assert!(feature.requires.iter().all(|name| FeatureSpec::named(name).is_some()), "{}", feature.name);
            assert!(!feature.heading.title.is_empty() && !feature.name.is_empty());
        }
    }

    #[test]
    fn every_feature_has_its_row() {
        let table = render_table();
        assert_eq!(table.lines().count(), ALL.len() + 2);
        assert!(table.contains(
            "| `catalogManaged`, `catalogOwned-preview` | readers and writers | through its catalog | no | \
             [Catalog-managed tables](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#catalog-managed-tables) |"
        ));
    }
}
