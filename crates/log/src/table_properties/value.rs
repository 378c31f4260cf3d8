//! The types of the properties' values.

use super::interval;
use crate::schema::{ColumnMappingMode, ColumnPath};
use std::num::NonZeroU64;
use std::time::Duration;

/// A type that a property's text can be parsed as.
pub trait PropertyValue: Sized {
    /// What the text may be, as part of a sentence: "must be …".
    const ALLOWED: &'static str;

    /// The value of this text, or `None` where it is not allowed.
    fn parse(text: &str) -> Option<Self>;

    /// The value of a property that is neither set nor has a default, if it has one.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: PropertyValue> PropertyValue for Option<T> {
    const ALLOWED: &'static str = T::ALLOWED;

    fn parse(text: &str) -> Option<Self> {
        T::parse(text).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl PropertyValue for bool {
    const ALLOWED: &'static str = "true or false";

    fn parse(text: &str) -> Option<Self> {
        text.trim().to_lowercase().parse().ok()
    }
}

impl PropertyValue for u64 {
    const ALLOWED: &'static str = "a number that is not negative";

    fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }
}

impl PropertyValue for i64 {
    const ALLOWED: &'static str = "a number";

    fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }
}

impl PropertyValue for NonZeroU64 {
    const ALLOWED: &'static str = "a number above 0";

    fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }
}

impl PropertyValue for String {
    const ALLOWED: &'static str = "text";

    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl PropertyValue for Duration {
    const ALLOWED: &'static str = "an interval such as \"interval 30 days\", in weeks or smaller units, not negative";

    fn parse(text: &str) -> Option<Self> {
        interval::parse(text)
    }
}

impl PropertyValue for ColumnMappingMode {
    const ALLOWED: &'static str = "none, name or id";

    fn parse(text: &str) -> Option<Self> {
        choose(text, &[("none", Self::None), ("name", Self::Name), ("id", Self::Id)])
    }
}

/// The columns of `delta.dataSkippingStatsColumns`.
impl PropertyValue for Vec<ColumnPath> {
    const ALLOWED: &'static str = "column names parted by commas, in backticks where they hold other characters";

    fn parse(text: &str) -> Option<Self> {
        split_outside_backticks(text).map(|column| ColumnPath::parse(column.trim()).ok()).collect()
    }
}

/// Which checkpoints writers make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointPolicy {
    /// A V1 checkpoint, named by its version alone.
    Classic,
    /// A V2 checkpoint, with sidecars.
    V2,
}

impl PropertyValue for CheckpointPolicy {
    const ALLOWED: &'static str = "classic or v2";

    fn parse(text: &str) -> Option<Self> {
        choose(text, &[("classic", Self::Classic), ("v2", Self::V2)])
    }
}

/// How strictly concurrent commits are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsolationLevel {
    /// As if the transactions had run one after the other, in the order of their commits.
    Serializable,
    /// Only the writes are so ordered. Some engines record it; the reference one refuses it as a property.
    WriteSerializable,
    /// Reads see one version; only overlapping changes conflict.
    SnapshotIsolation,
}

impl PropertyValue for IsolationLevel {
    const ALLOWED: &'static str = "Serializable, WriteSerializable or SnapshotIsolation";

    fn parse(text: &str) -> Option<Self> {
        choose(
            text,
            &[
                ("Serializable", Self::Serializable),
                ("WriteSerializable", Self::WriteSerializable),
                ("SnapshotIsolation", Self::SnapshotIsolation),
            ],
        )
    }
}

/// How the pages of new Parquet files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompressionCodec {
    /// Not at all.
    Uncompressed,
    /// Snappy.
    Snappy,
    /// Gzip.
    Gzip,
    /// LZ4 in Hadoop's framing; deprecated.
    Lz4,
    /// LZ4 blocks.
    Lz4Raw,
    /// Zstandard.
    Zstd,
}

impl PropertyValue for CompressionCodec {
    const ALLOWED: &'static str = "uncompressed, none, snappy, gzip, lz4, lz4_raw or zstd";

    fn parse(text: &str) -> Option<Self> {
        choose(
            text,
            &[
                ("uncompressed", Self::Uncompressed),
                ("none", Self::Uncompressed),
                ("snappy", Self::Snappy),
                ("gzip", Self::Gzip),
                ("lz4", Self::Lz4),
                ("lz4_raw", Self::Lz4Raw),
                ("zstd", Self::Zstd),
            ],
        )
    }
}

/// The format of the data pages of new Parquet files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParquetFormatVersion {
    /// `1.0.0`: data page version 1.
    V1,
    /// `2.MINOR.PATCH`: data page version 2.
    V2,
}

impl PropertyValue for ParquetFormatVersion {
    const ALLOWED: &'static str = "1.0.0 or 2.MINOR.PATCH";

    fn parse(text: &str) -> Option<Self> {
        let parts: Option<Vec<u32>> = text.trim().split('.').map(|part| part.parse().ok()).collect();
        match parts?[..] {
            [1, 0, 0] => Some(Self::V1),
            [2, _, _] => Some(Self::V2),
            _ => None,
        }
    }
}

/// How many leaf columns, from the first, have statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatsColumnCount {
    /// All of them: `-1`.
    All,
    /// So many.
    First(u64),
}

impl PropertyValue for StatsColumnCount {
    const ALLOWED: &'static str = "a number, or -1 for all columns";

    fn parse(text: &str) -> Option<Self> {
        match text.trim().parse::<i64>().ok()? {
            -1 => Some(Self::All),
            count => u64::try_from(count).ok().map(Self::First),
        }
    }
}

/// A format whose metadata is kept beside Delta's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UniformFormat {
    /// Apache Iceberg.
    Iceberg,
    /// Apache Hudi.
    Hudi,
}

impl PropertyValue for Vec<UniformFormat> {
    const ALLOWED: &'static str = "iceberg, hudi, both parted by a comma, or nothing";

    fn parse(text: &str) -> Option<Self> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let known = [("iceberg", UniformFormat::Iceberg), ("hudi", UniformFormat::Hudi)];
        let formats: Self = names.map(|name| choose(name, &known)).collect::<Option<_>>()?;
        let distinct = formats.len() < 2 || (formats.len() == 2 && formats[0] != formats[1]);
        distinct.then_some(formats)
    }
}

fn choose<T: Copy>(text: &str, choices: &[(&str, T)]) -> Option<T> {
    choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(text.trim())).map(|(_, value)| *value)
}

fn split_outside_backticks(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '`';
        character == ',' && !quoted
    })
}
