//! Rows from a file or from standard input, in any of the formats that `read` writes.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use arrow_schema::{ArrowError, Field, FieldRef, Schema};
use deltaic::log::schema::{StructType, same_name};
use deltaic::ops::Input;
use deltaic::{Error, ErrorKind, Result};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::ChunkReader;

use crate::arguments::InputFormat;

/// How many rows are looked at where types must be guessed.
const ROWS_GUESSED_FROM: usize = 1_000;
const BATCH_ROWS: usize = 8_192;

/// The rows of `from`, `-` for standard input. Text is read as the types that the table has, if it is there: only what the
/// table lacks is guessed.
pub(crate) fn open(from: &Path, format: Option<InputFormat>, table: Option<&StructType>) -> Result<Input> {
    let format = format.or_else(|| by_extension(from)).ok_or_else(|| {
        let message = "the format cannot be told from the file's name: give --format";
        Error::new(ErrorKind::InvalidArgument, message).with("file", from.display())
    })?;
    let opened = if from == Path::new("-") { standard_input(format, table) } else { file(from, format, table) };
    opened.map_err(|error| match error {
        Unreadable::File(error) => {
            let message = "the input cannot be opened: check the path";
            Error::new(ErrorKind::InvalidArgument, message).because(error).with("file", from.display())
        }
        Unreadable::Content(error) => {
            let message = "the input is not in the format that was given, or is damaged";
            Error::new(ErrorKind::InvalidArgument, message).because(error).with("file", from.display())
        }
    })
}

enum Unreadable {
    File(std::io::Error),
    Content(ArrowError),
}

impl From<std::io::Error> for Unreadable {
    fn from(error: std::io::Error) -> Self {
        Self::File(error)
    }
}

impl From<ArrowError> for Unreadable {
    fn from(error: ArrowError) -> Self {
        Self::Content(error)
    }
}

impl From<parquet::errors::ParquetError> for Unreadable {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Content(error.into())
    }
}

fn by_extension(from: &Path) -> Option<InputFormat> {
    Some(match from.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "parquet" => InputFormat::Parquet,
        "csv" => InputFormat::Csv,
        "json" | "jsonl" | "ndjson" => InputFormat::Json,
        "arrow" | "arrows" | "ipc" | "feather" => InputFormat::Arrow,
        _ => return None,
    })
}

fn file(from: &Path, format: InputFormat, table: Option<&StructType>) -> Result<Input, Unreadable> {
    let open = || File::open(from).map(BufReader::new);
    match format {
        InputFormat::Parquet => parquet(File::open(from)?),
        InputFormat::Csv => csv(open()?, open()?, table),
        InputFormat::Json => json(open()?, open()?, table),
        InputFormat::Arrow => arrow(open()?),
    }
}

/// Parquet, and Arrow's file format, are read from their ends: standard input is then held in memory.
fn standard_input(format: InputFormat, table: Option<&StructType>) -> Result<Input, Unreadable> {
    let stdin = BufReader::with_capacity(1 << 20, std::io::stdin());
    match format {
        InputFormat::Parquet => parquet(bytes::Bytes::from(whole(stdin)?)),
        InputFormat::Arrow => arrow(Cursor::new(whole(stdin)?)),
        InputFormat::Csv | InputFormat::Json => {
            let (head, rest) = peek(stdin)?;
            let again = Cursor::new(head.clone()).chain(rest);
            match format {
                InputFormat::Csv => csv(Cursor::new(head), again, table),
                _ => json(Cursor::new(head), again, table),
            }
        }
    }
}

fn whole(mut from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The first lines, as far as types are guessed from them, and what comes after.
fn peek<R: BufRead>(mut from: R) -> std::io::Result<(Vec<u8>, R)> {
    let mut head = Vec::new();
    for _ in 0..=ROWS_GUESSED_FROM {
        if from.read_until(b'\n', &mut head)? == 0 {
            break;
        }
    }
    Ok((head, from))
}

fn parquet(from: impl ChunkReader + 'static) -> Result<Input, Unreadable> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(from)?.with_batch_size(BATCH_ROWS).build()?;
    Ok(Input::from_reader(reader))
}

fn csv(guess: impl Read, rows: impl Read + Send + 'static, table: Option<&StructType>) -> Result<Input, Unreadable> {
    let format = arrow_csv::reader::Format::default().with_header(true);
    let (guessed, _) = format.infer_schema(guess, Some(ROWS_GUESSED_FROM))?;
    let reader = arrow_csv::ReaderBuilder::new(Arc::new(as_in_table(&guessed, table)))
        .with_header(true)
        .with_batch_size(BATCH_ROWS)
        .build(rows)?;
    Ok(Input::from_reader(reader))
}

fn json(
    guess: impl BufRead,
    rows: impl Read + Send + 'static,
    table: Option<&StructType>,
) -> Result<Input, Unreadable> {
    let (guessed, _) = arrow_json::reader::infer_json_schema(guess, Some(ROWS_GUESSED_FROM))?;
    let reader = arrow_json::ReaderBuilder::new(Arc::new(as_in_table(&guessed, table)))
        .with_batch_size(BATCH_ROWS)
        .with_strict_mode(true)
        .build(BufReader::new(rows))?;
    Ok(Input::from_reader(reader))
}

fn arrow(mut from: impl Read + Seek + Send + 'static) -> Result<Input, Unreadable> {
    const FILE_MAGIC: &[u8; 6] = b"ARROW1";
    let mut start = [0; 6];
    let is_file = from.read_exact(&mut start).is_ok() && start == *FILE_MAGIC;
    from.rewind()?;
    Ok(match is_file {
        true => Input::from_reader(arrow_ipc::reader::FileReader::try_new(from, None)?),
        false => Input::from_reader(arrow_ipc::reader::StreamReader::try_new(from, None)?),
    })
}

/// What was guessed, corrected by what the table knows.
fn as_in_table(guessed: &Schema, table: Option<&StructType>) -> Schema {
    let known = |name: &str| table?.fields.iter().find(|field| same_name(&field.name, name));
    let field = |guessed: &FieldRef| match known(guessed.name()) {
        Some(field) => Arc::new(Field::new(guessed.name(), field.data_type.to_arrow(), true)),
        None => guessed.clone(),
    };
    Schema::new(guessed.fields().iter().map(field).collect::<Vec<_>>())
}

/// The schema of a file that new tables take after.
pub(crate) fn schema_of(file: &Path, format: Option<InputFormat>) -> Result<StructType> {
    StructType::from_arrow(open(file, format, None)?.schema())
}
