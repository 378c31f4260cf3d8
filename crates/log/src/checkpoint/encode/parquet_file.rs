//! A checkpoint's parquet file, row group by row group.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, new_null_array};
use arrow_schema::{Field, SchemaRef};
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
    pub fn run(self) -> Result<EncodedRowGroup> {
        let Self { mut writers, schema, batches } = self;
        let mut rest = writers.as_mut_slice();
        for field in schema.fields() {
            let columns = columns_of(field, &batches);
            let leaves = compute_leaves(field, &new_null_array(field.data_type(), 0)).map_err(internal)?.len();
            let (own, others) = rest.split_at_mut(leaves);
            rest = others;
            for column in &columns {
                for (writer, leaf) in own.iter_mut().zip(compute_leaves(field, column).map_err(internal)?) {
                    writer.write(&leaf).map_err(internal)?;
                }
            }
        }
        let chunks = writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>();
        Ok(EncodedRowGroup(chunks.map_err(internal)?))
    }
}

/// A column's values in all batches. Where none has the column, it is null throughout: said once, not for each batch.
fn columns_of(field: &Field, batches: &[RecordBatch]) -> Vec<ArrayRef> {
    let of_batch = |batch: &RecordBatch| batch.column_by_name(field.name()).cloned();
    if batches.iter().all(|batch| of_batch(batch).is_none()) {
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        return vec![new_null_array(field.data_type(), rows)];
    }
    let or_null = |batch| of_batch(batch).unwrap_or_else(|| new_null_array(field.data_type(), batch.num_rows()));
    batches.iter().map(or_null).collect()
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
    let of_files = matches!(name(0), Some("add" | "remove"));
    of_files
        && match name(1) {
            Some("partitionValues" | "partitionValues_parsed" | "tags" | "clusteringProvider") => true,
            Some("defaultRowCommitVersion") => true,
            Some("stats_parsed") => matches!(name(2), Some("nullCount" | "numRecords")),
            Some("deletionVector") => matches!(name(2), Some("storageType" | "pathOrInlineDv")),
            _ => false,
        }
}

fn internal(error: ParquetError) -> Error {
    Error::new(ErrorKind::Internal, "a checkpoint could not be encoded").because(error)
}
