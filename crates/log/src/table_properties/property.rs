//! Every property that this library knows, one constant each, and [`ALL`] of them.

use super::value::{
    CheckpointPolicy, CompressionCodec, IsolationLevel, ParquetFormatVersion, PropertyValue, StatsColumnCount,
    UniformFormat,
};
use crate::schema::{ColumnMappingMode, ColumnPath};
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::time::Duration;

/// What is known of a property, apart from the type of its value.
#[derive(Clone, Copy, Debug)]
pub struct PropertySpec {
    /// The key, in the protocol's spelling.
    pub key: &'static str,
    /// A key that older writers used for the same property.
    pub former_key: Option<&'static str>,
    /// The text that stands for an absent key.
    pub default: Option<&'static str>,
    /// What values are allowed, as part of a sentence: "must be …".
    pub allowed: &'static str,
    /// What the property does.
    pub about: &'static str,
    /// Whether this text is an allowed value.
    pub allows: fn(&str) -> bool,
}

/// A property whose value is a `T`.
#[derive(Clone, Copy, Debug)]
pub struct Property<T> {
    /// What is known of it.
    pub spec: PropertySpec,
    value: PhantomData<fn() -> T>,
}

impl<T: PropertyValue> Property<T> {
    const fn new(key: &'static str, default: Option<&'static str>, about: &'static str) -> Self {
        let (allowed, allows) = (T::ALLOWED, is_allowed::<T> as fn(&str) -> bool);
        Self { spec: PropertySpec { key, former_key: None, default, allowed, about, allows }, value: PhantomData }
    }

    const fn formerly(mut self, key: &'static str) -> Self {
        self.spec.former_key = Some(key);
        self
    }
}

fn is_allowed<T: PropertyValue>(text: &str) -> bool {
    T::parse(text).is_some()
}

/// Before the name of a CHECK constraint.
pub const CONSTRAINT_PREFIX: &str = "delta.constraints.";
/// Before the name of a table feature: a wish to support it, which never stands in a log for long.
pub const FEATURE_PREFIX: &str = "delta.feature.";

/// Whether a key, in lower case, belongs to the protocol.
pub(super) fn is_known(lower_key: &str) -> bool {
    let families = [CONSTRAINT_PREFIX, FEATURE_PREFIX];
    let names = ALL.iter().flat_map(|spec| [Some(spec.key), spec.former_key]).flatten();
    families.iter().any(|prefix| lower_key.starts_with(prefix))
        || names.into_iter().any(|key| key.eq_ignore_ascii_case(lower_key))
}

macro_rules! properties {
    ($($(#[doc = $about:literal])+ $name:ident: $type:ty = $key:literal, $default:expr $(, formerly $former:literal)?;)+) => {
        $($(#[doc = $about])+ pub const $name: Property<$type> =
            Property::new($key, $default, concat!($($about),+).trim_ascii()) $(.formerly($former))?;)+

        /// What is known of every property, in the order of this module.
        pub const ALL: &[PropertySpec] = &[$($name.spec),+];
    };
}

properties! {
    /// Only appends are allowed (spec: "Append-only Tables").
    APPEND_ONLY: bool = "delta.appendOnly", Some("false");
    /// New deletion vectors may be written (spec: "Deletion Vectors").
    ENABLE_DELETION_VECTORS: bool = "delta.enableDeletionVectors", Some("false");
    /// Row-level changes are recorded (spec: "Add CDC File").
    ENABLE_CHANGE_DATA_FEED: bool = "delta.enableChangeDataFeed", Some("false"), formerly "delta.enableChangeDataCapture";
    /// Rows keep their ids (spec: "Row Tracking").
    ENABLE_ROW_TRACKING: bool = "delta.enableRowTracking", Some("false");
    /// Writers assign no row ids, although the feature is supported (spec: "Row Tracking").
    ROW_TRACKING_SUSPENDED: bool = "delta.rowTrackingSuspended", Some("false");
    /// The column of data files that holds materialised row ids (spec: "Row IDs").
    MATERIALIZED_ROW_ID_COLUMN_NAME: Option<String> = "delta.rowTracking.materializedRowIdColumnName", None;
    /// The column of data files that holds materialised row commit versions (spec: "Row Commit Versions").
    MATERIALIZED_ROW_COMMIT_VERSION_COLUMN_NAME: Option<String> =
        "delta.rowTracking.materializedRowCommitVersionColumnName", None;
    /// Column types may be widened (spec: "Type Widening").
    ENABLE_TYPE_WIDENING: bool = "delta.enableTypeWidening", Some("false");
    /// Commits carry their own time (spec: "In-Commit Timestamps").
    ENABLE_IN_COMMIT_TIMESTAMPS: bool = "delta.enableInCommitTimestamps", Some("false");
    /// The first version whose commit carries its own time, where earlier ones do not.
    IN_COMMIT_TIMESTAMP_ENABLEMENT_VERSION: Option<u64> = "delta.inCommitTimestampEnablementVersion", None;
    /// The time of that version, in milliseconds since the epoch.
    IN_COMMIT_TIMESTAMP_ENABLEMENT_TIMESTAMP: Option<i64> = "delta.inCommitTimestampEnablementTimestamp", None;
    /// Variants may be written shredded (spec: "Variant Shredding").
    ENABLE_VARIANT_SHREDDING: bool = "delta.enableVariantShredding", Some("false");
    /// How columns are found in data files (spec: "Column Mapping").
    COLUMN_MAPPING_MODE: ColumnMappingMode = "delta.columnMapping.mode", Some("none");
    /// The highest column id given out so far; never set by users.
    COLUMN_MAPPING_MAX_COLUMN_ID: u64 = "delta.columnMapping.maxColumnId", Some("0");
    /// How long commits and checkpoints are kept.
    LOG_RETENTION_DURATION: Duration = "delta.logRetentionDuration", Some("interval 30 days");
    /// How long removed files and their tombstones are kept.
    DELETED_FILE_RETENTION_DURATION: Duration = "delta.deletedFileRetentionDuration", Some("interval 1 week");
    /// How long checkpoints were kept by old writers.
    CHECKPOINT_RETENTION_DURATION: Duration = "delta.checkpointRetentionDuration", Some("interval 2 days");
    /// How long samples are kept.
    SAMPLE_RETENTION_DURATION: Duration = "delta.sampleRetentionDuration", Some("interval 7 days");
    /// How long transaction identifiers are kept; for ever if not set.
    SET_TRANSACTION_RETENTION_DURATION: Option<Duration> = "delta.setTransactionRetentionDuration", None;
    /// How much history is kept while a feature is dropped.
    DROP_FEATURE_TRUNCATE_HISTORY_RETENTION_DURATION: Duration =
        "delta.dropFeatureTruncateHistory.retentionDuration", Some("interval 24 hours");
    /// How many commits lie between checkpoints.
    CHECKPOINT_INTERVAL: NonZeroU64 = "delta.checkpointInterval", Some("10");
    /// Which checkpoints writers make (spec: "V2 Checkpoint Table Feature").
    CHECKPOINT_POLICY: CheckpointPolicy = "delta.checkpointPolicy", Some("classic");
    /// Checkpoints hold statistics as JSON text.
    CHECKPOINT_WRITE_STATS_AS_JSON: bool = "delta.checkpoint.writeStatsAsJson", Some("true");
    /// Checkpoints hold statistics as typed columns.
    CHECKPOINT_WRITE_STATS_AS_STRUCT: bool = "delta.checkpoint.writeStatsAsStruct", Some("true");
    /// Writers delete commits and checkpoints that have expired (spec: "Metadata Cleanup").
    ENABLE_EXPIRED_LOG_CLEANUP: bool = "delta.enableExpiredLogCleanup", Some("true");
    /// The table can be rolled back to any version that its log holds.
    ENABLE_FULL_RETENTION_ROLLBACK: bool = "delta.enableFullRetentionRollback", Some("true");
    /// Below this version, checkpoints are protected (RFC: "Checkpoint Protection").
    REQUIRE_CHECKPOINT_PROTECTION_BEFORE_VERSION: u64 = "delta.requireCheckpointProtectionBeforeVersion", Some("0");
    /// Small files are compacted after a write: superseded by the two below.
    AUTO_OPTIMIZE: Option<bool> = "delta.autoOptimize", None;
    /// Whether, and how, small files are compacted after a write.
    AUTO_OPTIMIZE_AUTO_COMPACT: Option<String> = "delta.autoOptimize.autoCompact", None;
    /// Rows are gathered into fewer files while they are written.
    AUTO_OPTIMIZE_OPTIMIZE_WRITE: Option<bool> = "delta.autoOptimize.optimizeWrite", None;
    /// Data files are spread over directories with random names.
    RANDOMIZE_FILE_PREFIXES: bool = "delta.randomizeFilePrefixes", Some("false");
    /// The length of those names, in characters.
    RANDOM_PREFIX_LENGTH: NonZeroU64 = "delta.randomPrefixLength", Some("2");
    /// The format of the data pages of new Parquet files.
    PARQUET_FORMAT_VERSION: ParquetFormatVersion = "delta.parquet.format.version", Some("1.0.0");
    /// How new Parquet files are compressed.
    PARQUET_COMPRESSION_CODEC: CompressionCodec = "delta.parquet.compression.codec", Some("zstd");
    /// How many leaf columns, from the first, have statistics.
    DATA_SKIPPING_NUM_INDEXED_COLS: StatsColumnCount = "delta.dataSkippingNumIndexedCols", Some("32");
    /// The columns that have statistics; wins over the count.
    DATA_SKIPPING_STATS_COLUMNS: Option<Vec<ColumnPath>> = "delta.dataSkippingStatsColumns", None;
    /// How many characters of a string its statistics keep.
    DATA_SKIPPING_STRING_PREFIX_LENGTH: Option<u64> = "delta.dataSkippingStringPrefixLength", None;
    /// How strictly concurrent commits are kept apart.
    ISOLATION_LEVEL: IsolationLevel = "delta.isolationLevel", Some("Serializable");
    /// Data files can be read as Iceberg V1 tables (spec: "Iceberg Compatibility V1").
    ENABLE_ICEBERG_COMPAT_V1: Option<bool> = "delta.enableIcebergCompatV1", None;
    /// Data files can be read as Iceberg V2 tables (spec: "Iceberg Compatibility V2").
    ENABLE_ICEBERG_COMPAT_V2: Option<bool> = "delta.enableIcebergCompatV2", None;
    /// Data files can be read as Iceberg V3 tables (RFC: "Iceberg Compatibility V3").
    ENABLE_ICEBERG_COMPAT_V3: Option<bool> = "delta.enableIcebergCompatV3", None;
    /// Column and file rules of Iceberg are upheld on writing (RFC: "Iceberg Writer Compatibility V1").
    ENABLE_ICEBERG_WRITER_COMPAT_V1: Option<bool> = "delta.enableIcebergWriterCompatV1", None;
    /// Formats whose metadata is kept beside Delta's.
    UNIVERSAL_FORMAT_ENABLED_FORMATS: Vec<UniformFormat> = "delta.universalFormat.enabledFormats", Some("");
    /// Iceberg metadata is committed together with Delta's.
    UNIVERSAL_FORMAT_ICEBERG_ATOMIC_CONVERSION: bool =
        "delta.universalFormat.iceberg.atomicConversion.supported", Some("false");
    /// Iceberg's time type is cast when a table is converted.
    CAST_ICEBERG_TIME_TYPE: bool = "delta.castIcebergTimeType", Some("false");
    /// Iceberg's bucket partitions are ignored when a table is converted.
    IGNORE_ICEBERG_BUCKET_PARTITION: bool = "delta.ignoreIcebergBucketPartition", Some("false");
    /// A manifest of symbolic links is kept for other engines.
    COMPATIBILITY_SYMLINK_FORMAT_MANIFEST: bool = "delta.compatibility.symlinkFormatManifest.enabled", Some("false");
    /// Partition columns are written into data files, too (RFC: "Materialize Partition Columns").
    ENABLE_MATERIALIZE_PARTITION_COLUMNS: Option<bool> = "delta.enableMaterializePartitionColumnsFeature", None;
    /// The same, without the table feature.
    WRITE_PARTITION_COLUMNS_TO_PARQUET: Option<bool> = "delta.writePartitionColumnsToParquet", None;
    /// A column was dropped or renamed at some time (RFC: "Column Mapping Usage Tracking").
    COLUMN_MAPPING_HAS_DROPPED_OR_RENAMED: Option<bool> = "delta.columnMapping.hasDroppedOrRenamed", None;
    /// Who decides on commits, in the preview of catalog-managed tables.
    COMMIT_COORDINATOR: Option<String> = "delta.coordinatedCommits.commitCoordinator-preview", None;
    /// Settings of that coordinator.
    COMMIT_COORDINATOR_CONF: Option<String> = "delta.coordinatedCommits.commitCoordinatorConf-preview", None;
    /// What that coordinator keeps about the table.
    COMMIT_COORDINATOR_TABLE_CONF: Option<String> = "delta.coordinatedCommits.tableConf-preview", None;
    /// Where readers and writers find the table now.
    REDIRECT_READER_WRITER: Option<String> = "delta.redirectReaderWriter-preview", None;
    /// Where writers find the table now.
    REDIRECT_WRITER_ONLY: Option<String> = "delta.redirectWriterOnly-preview", None;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_default_is_allowed_and_every_key_unique() {
        let mut keys = HashSet::new();
        for spec in ALL {
            assert!(keys.insert(spec.key.to_lowercase()), "{} is listed twice", spec.key);
            assert!(spec.default.is_none_or(spec.allows), "the default of {}", spec.key);
            assert!(spec.key.starts_with("delta.") && spec.about.ends_with(['.', ')']), "{spec:?}");
        }
    }
}
