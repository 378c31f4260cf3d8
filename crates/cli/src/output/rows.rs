//! Rows in the format that the user chose.

use std::io::{IsTerminal, Write};

use arrow_array::RecordBatch;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_json::writer::{LineDelimited, WriterBuilder};
use arrow_schema::{ArrowError, SchemaRef};
use deltaic::{Error, ErrorKind};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::cells::{flattened, text_rows};
use super::destination::Destination;
use super::text::grid;
use super::text_keys::with_text_keys;
use crate::arguments::{Format, Output};
use crate::failure::{Failure, Outcome};

/// Writes batches of one schema to the destination that the user chose.
pub(crate) struct RowWriter(Sink);

enum Sink {
    Table(TableSink),
    Json(arrow_json::Writer<Destination, LineDelimited>),
    Csv(arrow_csv::Writer<Destination>),
    Parquet(Box<ArrowWriter<Destination>>),
    ArrowFile(FileWriter<Destination>),
    ArrowStream(StreamWriter<Destination>),
}

impl RowWriter {
    /// Opens the destination; a file is created under a name for the time being.
    pub(crate) fn open(output: &Output, schema: SchemaRef) -> Outcome<Self> {
        let format = output.format();
        if matches!(format, Format::Parquet | Format::Arrow)
            && output.output.is_none()
            && std::io::stdout().is_terminal()
        {
            return Err(Failure::Table(Error::new(
                ErrorKind::InvalidArgument,
                "the format is not for a terminal: write to a file with --output, or to a pipe",
            )));
        }
        let out = Destination::open(output.output.as_deref())?;
        let sink = match format {
            Format::Table => Sink::Table(TableSink { out, header: names(&schema), rows: Vec::new(), is_begun: false }),
            Format::Json => Sink::Json(WriterBuilder::new().with_explicit_nulls(true).build(out)),
            Format::Csv => Sink::Csv(csv_with_header(out, &schema)?),
            Format::Parquet => {
                let level = ZstdLevel::try_new(3).map_err(from_parquet)?;
                let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
                Sink::Parquet(Box::new(
                    ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(from_parquet)?,
                ))
            }
            Format::Arrow if output.output.is_some() => {
                Sink::ArrowFile(FileWriter::try_new(out, &schema).map_err(from_arrow)?)
            }
            Format::Arrow => Sink::ArrowStream(StreamWriter::try_new(out, &schema).map_err(from_arrow)?),
        };
        Ok(Self(sink))
    }

    /// Writes the rows of a batch.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Outcome {
        match &mut self.0 {
            Sink::Table(sink) => sink.write(batch),
            Sink::Json(writer) => with_text_keys(batch).and_then(|batch| writer.write(&batch)).map_err(from_arrow),
            Sink::Csv(writer) => flattened(batch).and_then(|flat| writer.write(&flat)).map_err(from_arrow),
            Sink::Parquet(writer) => writer.write(batch).map_err(from_parquet),
            Sink::ArrowFile(writer) => writer.write(batch).map_err(from_arrow),
            Sink::ArrowStream(writer) => writer.write(batch).map_err(from_arrow),
        }
    }

    /// Ends the output. Without it a file never appears.
    pub(crate) fn finish(self) -> Outcome {
        let out = match self.0 {
            Sink::Table(sink) => sink.finish()?,
            Sink::Json(mut writer) => {
                writer.finish().map_err(from_arrow)?;
                writer.into_inner()
            }
            Sink::Csv(writer) => writer.into_inner(),
            Sink::Parquet(writer) => writer.into_inner().map_err(from_parquet)?,
            Sink::ArrowFile(writer) => writer.into_inner().map_err(from_arrow)?,
            Sink::ArrowStream(writer) => writer.into_inner().map_err(from_arrow)?,
        };
        Ok(out.finish()?)
    }
}

/// Rows as an aligned table. Columns are as wide as the widest of some thousand rows, which are printed together.
struct TableSink {
    out: Destination,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    is_begun: bool,
}

impl TableSink {
    const ROWS: usize = 4096;

    fn write(&mut self, batch: &RecordBatch) -> Outcome {
        self.rows.extend(text_rows(batch).map_err(from_arrow)?);
        if self.rows.len() >= Self::ROWS { self.print() } else { Ok(()) }
    }

    fn finish(mut self) -> Outcome<Destination> {
        if !self.is_begun || !self.rows.is_empty() {
            self.print()?;
        }
        Ok(self.out)
    }

    fn print(&mut self) -> Outcome {
        self.is_begun = true;
        let header: Vec<&str> = self.header.iter().map(String::as_str).collect();
        let mut styled = Vec::new();
        grid(&mut styled, &header, &std::mem::take(&mut self.rows))?;
        let text = if self.out.shows_styles() { styled } else { plain(&styled) };
        Ok(self.out.write_all(&text)?)
    }
}

fn names(schema: &SchemaRef) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

fn plain(styled: &[u8]) -> Vec<u8> {
    anstream::adapter::StripBytes::new().strip_next(styled).flatten().copied().collect()
}

/// A writer whose header is written even if no row follows.
fn csv_with_header(out: Destination, schema: &SchemaRef) -> Outcome<arrow_csv::Writer<Destination>> {
    let mut writer = arrow_csv::WriterBuilder::new().with_header(true).build(out);
    let empty = flattened(&RecordBatch::new_empty(schema.clone())).map_err(from_arrow)?;
    writer.write(&empty).map_err(from_arrow)?;
    Ok(writer)
}

/// The failure of a writer: that of its destination, where it has one.
fn from_arrow(error: ArrowError) -> Failure {
    match error {
        ArrowError::IoError(_, source) => Failure::Output(source),
        other => match io_beneath(&other) {
            Some(kind) => Failure::Output(kind.into()),
            None => Failure::Table(other.into()),
        },
    }
}

fn from_parquet(error: ParquetError) -> Failure {
    match io_beneath(&error) {
        Some(kind) => Failure::Output(kind.into()),
        None => Failure::Output(std::io::Error::other(error)),
    }
}

fn io_beneath(error: &(dyn std::error::Error + 'static)) -> Option<std::io::ErrorKind> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    // The CSV writer keeps only the text of what failed beneath it.
    error.to_string().contains("Broken pipe").then_some(std::io::ErrorKind::BrokenPipe)
}
