use super::{FeatureSpec, Heading, Support};

/// A catalog, not storage, decides which commits count.
pub const FEATURE: FeatureSpec = FeatureSpec {
    name: "catalogManaged",
    aliases: &["catalogOwned-preview"],
    requires: &["inCommitTimestamp", "vacuumProtocolCheck"],
    heading: Heading::spec("Catalog-managed tables", "catalog-managed-tables"),
    read: Support::ThroughCatalog {
        why: "its commits are known to the catalog that manages the table, not to storage alone",
        remedy: "open the table through that catalog, which hands in the commits",
    },
    write: Support::ThroughCatalog {
        why: "its commits are ratified by the catalog that manages the table, not by storage",
        remedy: "commit with that catalog's committer",
    },
    ..FeatureSpec::READER_WRITER
};
