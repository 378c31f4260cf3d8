//! How a table's rows are laid out in files: everything that is known before the first row comes.

use std::sync::Arc;

use arrow_schema::DataType as Arrow;
use deltaic_log::feature::WriterRequirements;
use deltaic_log::schema::{ColumnPath, DataType, StructField};
use deltaic_log::table_properties::{CompressionCodec, ParquetFormatVersion, property};
use deltaic_log::{Error, ErrorKind, Result, TableConfiguration};
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr, WriterVersion};
use parquet::schema::types::SchemaDescriptor;

use super::options::FileOptions;
use super::physical_schema::PhysicalSchema;
use super::statistics::StatisticsPlan;

/// A table's files, as they are to be written.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) options: FileOptions,
    pub(crate) physical: PhysicalSchema,
    pub(crate) parquet_schema: SchemaDescriptor,
    /// How many Parquet columns each column of a file has.
    pub(crate) leaf_counts: Vec<usize>,
    pub(crate) statistics: StatisticsPlan,
    pub(crate) writer_properties: WriterPropertiesPtr,
    pub(crate) partition_columns: Vec<PartitionColumn>,
    /// The length of the random directory that stands for those of the partition, if one does.
    pub(crate) random_prefix_length: Option<usize>,
    /// What file names end in.
    pub(crate) extension: &'static str,
    /// Where files are below the table's root.
    pub(crate) directory: &'static str,
}

/// What files are for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose<'a> {
    /// Where they are below the table's root: nothing, or a directory with a slash at its end.
    pub(crate) directory: &'static str,
    /// What they hold behind the table's columns.
    pub(crate) extra_columns: &'a [StructField],
    /// The columns, by their physical paths, that are measured wherever they are.
    pub(crate) measured_columns: &'a [ColumnPath],
}

impl<'a> Purpose<'a> {
    /// The table's own rows.
    pub(crate) fn data(measured_columns: &'a [ColumnPath]) -> Self {
        Self { directory: "", extra_columns: &[], measured_columns }
    }
}

/// A partition column.
#[derive(Clone, Debug)]
pub(crate) struct PartitionColumn {
    /// Its place among the table's columns.
    pub(crate) place: usize,
    /// Its key in `partitionValues`.
    pub(crate) key: String,
    /// Its name in directories.
    pub(crate) name: String,
    pub(crate) data_type: DataType,
}

impl Layout {
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where the table's columns cannot be written; [`ErrorKind::InvalidProperty`];
    /// [`ErrorKind::CorruptLog`].
    pub(crate) fn new(
        table: &TableConfiguration,
        requirements: &WriterRequirements,
        options: FileOptions,
        purpose: Purpose<'_>,
    ) -> Result<Self> {
        let physical = PhysicalSchema::new(table, requirements, purpose.extra_columns)?;
        let parquet_schema = ArrowSchemaConverter::new().convert(&physical.schema).map_err(unmapped)?;
        let codec = table.properties().get(&property::PARQUET_COMPRESSION_CODEC)?;
        let writer_properties = match &options.writer_properties {
            Some(given) => given.clone(),
            None => Arc::new(writer_properties(table, codec)?),
        };
        let randomize = table.properties().get(&property::RANDOMIZE_FILE_PREFIXES)?;
        let prefix_length = table.properties().get(&property::RANDOM_PREFIX_LENGTH)?.get();
        Ok(Self {
            leaf_counts: physical.schema.fields().iter().map(|field| leaf_count(field.data_type())).collect(),
            statistics: StatisticsPlan::new(table, &physical, requirements, purpose.measured_columns)?,
            extension: extension(&writer_properties),
            directory: purpose.directory,
            partition_columns: partition_columns(table),
            random_prefix_length: (randomize || requirements.random_prefixes)
                .then(|| usize::try_from(prefix_length).unwrap_or(usize::MAX).min(RANDOM_PREFIX_LENGTH_MAX)),
            options,
            physical,
            parquet_schema,
            writer_properties,
        })
    }
}

/// File systems end a name sooner or later.
const RANDOM_PREFIX_LENGTH_MAX: usize = 32;

fn partition_columns(table: &TableConfiguration) -> Vec<PartitionColumn> {
    let column = |name: &String| {
        let place = table.schema().fields.iter().position(|field| field.name == *name)?;
        let field = &table.schema().fields[place];
        let key = field.physical_name(table.column_mapping_mode()).to_owned();
        Some(PartitionColumn { place, key, name: name.clone(), data_type: field.data_type.clone() })
    };
    table.partition_columns().iter().filter_map(column).collect()
}

fn writer_properties(table: &TableConfiguration, codec: CompressionCodec) -> Result<WriterProperties> {
    let version = match table.properties().get(&property::PARQUET_FORMAT_VERSION)? {
        ParquetFormatVersion::V1 => WriterVersion::PARQUET_1_0,
        ParquetFormatVersion::V2 => WriterVersion::PARQUET_2_0,
    };
    let compression = match codec {
        CompressionCodec::Uncompressed => Compression::UNCOMPRESSED,
        CompressionCodec::Snappy => Compression::SNAPPY,
        CompressionCodec::Gzip => Compression::GZIP(GzipLevel::default()),
        CompressionCodec::Lz4 => Compression::LZ4,
        CompressionCodec::Lz4Raw => Compression::LZ4_RAW,
        CompressionCodec::Zstd => Compression::ZSTD(ZstdLevel::default()),
        other => {
            let message = format!("the table's codec {other:?} cannot be written: set another");
            return Err(Error::new(ErrorKind::InvalidProperty, message)
                .with("key", property::PARQUET_COMPRESSION_CODEC.spec.key));
        }
    };
    let created_by = concat!("deltaic version ", env!("CARGO_PKG_VERSION")).to_owned();
    Ok(WriterProperties::builder()
        .set_writer_version(version)
        .set_compression(compression)
        .set_created_by(created_by)
        .build())
}

fn extension(properties: &WriterProperties) -> &'static str {
    match properties.compression(&parquet::schema::types::ColumnPath::new(Vec::new())) {
        Compression::SNAPPY => "snappy.parquet",
        Compression::GZIP(_) => "gz.parquet",
        Compression::BROTLI(_) => "br.parquet",
        Compression::LZ4 | Compression::LZ4_RAW => "lz4.parquet",
        Compression::ZSTD(_) => "zstd.parquet",
        _ => "parquet",
    }
}

fn leaf_count(data_type: &Arrow) -> usize {
    match data_type {
        Arrow::Struct(fields) => fields.iter().map(|field| leaf_count(field.data_type())).sum(),
        Arrow::List(element) => leaf_count(element.data_type()),
        Arrow::Map(entries, _) => leaf_count(entries.data_type()),
        _ => 1,
    }
}

fn unmapped(error: parquet::errors::ParquetError) -> Error {
    Error::new(ErrorKind::InvalidArgument, "the table has a column that Parquet has no type for").because(error)
}
