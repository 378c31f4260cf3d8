//! A checkpoint's parquet file, row group by row group.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, new_null_array};
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;

use crate::error::{Error, ErrorKind, Result};

/// Encodes one parquet file of a checkpoint. Row groups are encoded apart, on any thread and side by side; then they are
/// appended in their order, and the file's bytes come out piece by piece.
pub struct CheckpointFileEncoder {
    writer: SerializedFileWriter<Vec<u8>>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    row_groups_begun: usize,
}

/// A row group on its way into a file.
pub struct EncodedRowGroup(Vec<ArrowColumnChunk>);

/// A row group's rows, to be encoded: a job for the CPU pool.
pub struct RowGroupJob {
    writers: Vec<ArrowColumnWriter>,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl CheckpointFileEncoder {
    /// An empty file with these columns.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] where parquet has no type for a column, which it has for all of a checkpoint's.
    pub fn new(schema: &SchemaRef) -> Result<Self> {
        let parquet_schema =
            ArrowSchemaConverter::new().schema_root("spark_schema").convert(schema).map_err(internal)?;
        let properties = properties(&parquet_schema);
        let writer = SerializedFileWriter::new(Vec::new(), parquet_schema.root_schema_ptr(), properties);
        let writer = writer.map_err(internal)?;
        let factory = ArrowRowGroupWriterFactory::new(&writer, schema.clone());
        Ok(Self { writer, factory, schema: schema.clone(), row_groups_begun: 0 })
    }

    /// The next row group. Columns are found by name; a column that a batch lacks is null.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn row_group(&mut self, batches: Vec<RecordBatch>) -> Result<RowGroupJob> {
        let writers = self.factory.create_column_writers(self.row_groups_begun).map_err(internal)?;
        self.row_groups_begun += 1;
        Ok(RowGroupJob { writers, schema: self.schema.clone(), batches })
    }

    /// Appends a row group, in the order in which they were begun, and gives the bytes of the file that are new.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`].
    pub fn append(&mut self, row_group: EncodedRowGroup) -> Result<Vec<u8>> {
        let mut writer = self.writer.next_row_group().map_err(internal)?;
        for chunk in row_group.0 {
            chunk.append_to_row_group(&mut writer).map_err(internal)?;
        }
        writer.close().map_err(internal)?;
        self.writer.flush().map_err(|error| internal(error.into()))?;
        Ok(std::mem::take(self.writer.inner_mut()))
    }

    /// The bytes of the file that are left: its footer.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`].
    pub fn finish(self) -> Result<Vec<u8>> {
        self.writer.into_inner().map_err(internal)
    }
}

impl RowGroupJob {
    /// Encodes the row group, on this thread.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`].
    pub fn run(mut self) -> Result<EncodedRowGroup> {
        for batch in &self.batches {
            let mut writers = self.writers.iter_mut();
            for field in self.schema.fields() {
                let column: ArrayRef = match batch.column_by_name(field.name()) {
                    Some(column) => column.clone(),
                    None => new_null_array(field.data_type(), batch.num_rows()),
                };
                for leaf in compute_leaves(field, &column).map_err(internal)? {
                    let writer = writers.next().expect("there is a writer for each leaf of the schema");
                    writer.write(&leaf).map_err(internal)?;
                }
            }
        }
        let chunks = self.writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>();
        Ok(EncodedRowGroup(chunks.map_err(internal)?))
    }
}

/// Snappy, as every reader of checkpoints knows it. A dictionary where values repeat: elsewhere it would be built in vain.
fn properties(schema: &SchemaDescriptor) -> WriterPropertiesPtr {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("deltaic ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    for column in schema.columns().iter().filter(|column| repeats(column.path().parts())) {
        properties = properties.set_column_dictionary_enabled(column.path().clone(), true);
    }
    Arc::new(properties.build())
}

fn repeats(path: &[String]) -> bool {
    let name = |at: usize| path.get(at).map(String::as_str);
    match (name(0), name(1), name(2)) {
        (Some("add"), Some("stats_parsed"), Some("nullCount" | "numRecords")) => true,
        (Some("add" | "remove"), Some("partitionValues" | "partitionValues_parsed" | "tags"), _) => true,
        (Some("add" | "remove"), Some("defaultRowCommitVersion" | "clusteringProvider"), _) => true,
        (Some("add" | "remove"), Some("deletionVector"), Some("storageType" | "pathOrInlineDv")) => true,
        _ => false,
    }
}

fn internal(error: ParquetError) -> Error {
    Error::new(ErrorKind::Internal, "a checkpoint could not be encoded").because(error)
}
