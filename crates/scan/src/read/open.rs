//! Opening a data file: its footer and deletion vectors are read, its columns resolved, its rows chosen.

use super::assemble::{Assembly, Column, Constant};
use super::error::guarded;
use super::file_schema::FileSchema;
use super::footer::{Footer, PageIndex};
use super::pruning::Pruning;
use super::reader::Reader;
use super::resolve::{Child, Resolver, Wanted};
use super::row_groups::{RowGroup, choose};
use super::row_selection::LiveRows;
use super::runner::Runner;
use super::source::Source;
use crate::expr::{BoundExpr, EvalContext};
use crate::plan::{FileRead, MetadataColumn, ReadSpec};
use arrow_array::StringArray;
use arrow_schema::{DataType, Field, FieldRef, SchemaRef};
use deltaic_log::deletion_vector::{DeletionVector, DeletionVectorDescriptor, DeletionVectorLocation};
use deltaic_log::feature::{ColumnSource, Origin};
use deltaic_log::partition_value::parse_column;
use deltaic_log::{Error, ErrorKind, Result, ResultExt};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::arrow::{ProjectionMask, RowNumber};
use std::sync::Arc;
use url::Url;

/// A data file, ready to be decoded row group by row group.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) source: Source,
    pub(super) footer: Footer,
    pub(super) reader_metadata: ArrowReaderMetadata,
    pub(super) projection: ProjectionMask,
    pub(super) output: Assembly,
    pub(super) filter: Option<Filter>,
    pub(super) batch_rows: usize,
    pub(super) location: Url,
}

/// The rows to give out, decided on decoded batches.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) columns: Assembly,
    pub(super) predicate: BoundExpr,
    pub(super) context: EvalContext,
}

/// Opens the file, and says which of its row groups hold rows to be read.
pub(super) async fn open(reader: &Reader, runner: &Runner, read: FileRead) -> Result<(Arc<OpenFile>, Vec<RowGroup>)> {
    let location = read.location.clone();
    open_unnamed(reader, runner, read).await.with("file", location)
}

async fn open_unnamed(reader: &Reader, runner: &Runner, read: FileRead) -> Result<(Arc<OpenFile>, Vec<RowGroup>)> {
    let source = Source::open(reader.context.stores.locate(&read.location)?, runner).await?;
    let selective = read.spec.predicate.is_some() || read.rows.only.is_some() || read.rows.except.is_some();
    let page_index = if selective { PageIndex::Read } else { PageIndex::Skip };
    let (footer, only, except) = futures::try_join!(
        Footer::read(&source, read.size, page_index, runner),
        vector(reader, runner, &read.spec.table_root, read.rows.only.as_ref()),
        vector(reader, runner, &read.spec.table_root, read.rows.except.as_ref()),
    )?;
    let eval = reader.eval.clone();
    runner.run(move || guarded(|| prepare(source, footer, LiveRows { only, except }, &read, eval))).await
}

/// The deletion vector that a descriptor names.
pub(super) async fn vector(
    reader: &Reader,
    runner: &Runner,
    table_root: &Url,
    descriptor: Option<&DeletionVectorDescriptor>,
) -> Result<Option<DeletionVector>> {
    let Some(descriptor) = descriptor else { return Ok(None) };
    let (url, range) = match descriptor.location()? {
        DeletionVectorLocation::Relative { path, range } => (below(table_root, &path)?, range),
        DeletionVectorLocation::Absolute { uri, range } => (absolute(table_root, &uri)?, range),
        _ => return descriptor.decode_inline().map(Some),
    };
    let read = async {
        let source = Source::open(reader.context.stores.locate(&url)?, runner).await?;
        let size = if source.is_local() { source.size().await? } else { range.end };
        source.read(vec![range], size, runner).await
    };
    let bytes = read.await.with("deletion_vector_file", &url)?.swap_remove(0);
    descriptor.decode_fetched(&bytes).with("deletion_vector_file", &url).map(Some)
}

/// The URL of a decoded path below the root.
fn below(root: &Url, path: &str) -> Result<Url> {
    let mut url = root.clone();
    let no_base = || Error::new(ErrorKind::InvalidArgument, "the table's URL cannot have paths below it");
    url.path_segments_mut().map_err(|()| no_base())?.pop_if_empty().extend(path.split('/'));
    Ok(url)
}

/// The URL that an absolute path or URI of the log stands for.
fn absolute(root: &Url, uri: &str) -> Result<Url> {
    root.join(uri).map_err(|error| {
        Error::new(ErrorKind::CorruptLog, "the log names a deletion vector by no valid URI")
            .because(error)
            .with("uri", uri)
    })
}

/// All that happens between reading the footer and decoding the first page.
fn prepare(
    source: Source,
    footer: Footer,
    live: LiveRows,
    read: &FileRead,
    eval: EvalContext,
) -> Result<(Arc<OpenFile>, Vec<RowGroup>)> {
    let spec = &read.spec;
    let (output, predicate) = (spec.schema(), spec.predicate_schema());
    let schema = FileSchema::new(footer.metadata.clone())?;
    let wanted = wanted(&schema, spec, &output, &predicate)?;
    let virtual_columns = if needs_row_index(read) { vec![row_index_field()] } else { Vec::new() };
    let columns = Columns {
        resolver: Resolver { schema: &schema, wanted: &wanted },
        read,
        row_index: schema.nodes.iter().filter(|node| node.is_read(&wanted.leaves)).count(),
        rows: usize::try_from(footer.metadata.file_metadata().num_rows()).unwrap_or(0),
    };
    let output = Assembly { columns: columns.output(&output)?, schema: output };
    let pruning = Pruning::new(read, &schema, &predicate, &eval)?;
    let filter = match &spec.predicate {
        Some(expr) => Some(Filter {
            predicate: BoundExpr::bind_predicate(expr, &predicate, &eval)?,
            columns: Assembly { columns: columns.table(&spec.predicate_columns, &predicate)?, schema: predicate },
            context: eval,
        }),
        None => None,
    };
    let row_groups = choose(&footer.metadata, &live, &wanted.leaves, pruning.as_ref())?;
    let file = OpenFile {
        reader_metadata: schema.reader_metadata(&wanted.types, virtual_columns)?,
        projection: ProjectionMask::leaves(
            footer.metadata.file_metadata().schema_descr(),
            wanted.leaves.iter().copied(),
        ),
        batch_rows: spec.batch_rows.max(1),
        location: read.location.clone(),
        source,
        footer,
        output,
        filter,
    };
    Ok((Arc::new(file), row_groups))
}

fn wanted(schema: &FileSchema, spec: &ReadSpec, output: &SchemaRef, predicate: &SchemaRef) -> Result<Wanted> {
    let mut wanted = Wanted::default();
    let columns = spec.columns.iter().zip(output.fields());
    for (column, field) in columns.chain(spec.predicate_columns.iter().zip(predicate.fields())) {
        if let Origin::DataFile(source) = &column.origin {
            wanted.add(schema, source, field.data_type())?;
        }
    }
    for column in spec.metadata_columns.iter().filter_map(|column| materialized(spec, *column)) {
        wanted.add_named(schema, column);
    }
    Ok(wanted)
}

/// The name of the file's column that a metadata column's values may be in.
fn materialized(spec: &ReadSpec, column: MetadataColumn) -> Option<&str> {
    let tracking = spec.row_tracking.as_ref()?;
    match column {
        MetadataColumn::RowId => tracking.row_id_column.as_deref(),
        MetadataColumn::RowCommitVersion => tracking.row_commit_version_column.as_deref(),
        MetadataColumn::FilePath | MetadataColumn::RowIndex => None,
    }
}

fn needs_row_index(read: &FileRead) -> bool {
    let wants = |column| read.spec.metadata_columns.contains(&column);
    wants(MetadataColumn::RowIndex) || (wants(MetadataColumn::RowId) && read.base_row_id.is_some())
}

fn row_index_field() -> FieldRef {
    Arc::new(Field::new(MetadataColumn::RowIndex.name(), DataType::Int64, false).with_extension_type(RowNumber))
}

/// Says where the columns of one file's batches come from.
struct Columns<'a> {
    resolver: Resolver<'a>,
    read: &'a FileRead,
    /// Where the decoder puts the row index, if it is asked for one: behind the file's own columns.
    row_index: usize,
    /// How many rows the file has.
    rows: usize,
}

impl Columns<'_> {
    fn output(&self, schema: &SchemaRef) -> Result<Vec<Column>> {
        let mut columns = self.table(&self.read.spec.columns, schema)?;
        for column in &self.read.spec.metadata_columns {
            columns.push(self.metadata(*column).with("column", column.name())?);
        }
        Ok(columns)
    }

    fn table(&self, sources: &[ColumnSource], schema: &SchemaRef) -> Result<Vec<Column>> {
        let pairs = sources.iter().zip(schema.fields());
        pairs.map(|(source, field)| self.column(source, field).with("column", &source.name)).collect()
    }

    fn column(&self, source: &ColumnSource, field: &Field) -> Result<Column> {
        Ok(match &source.origin {
            Origin::DataFile(data) => Column::File(self.resolver.column(data, field.data_type())?),
            Origin::PartitionValue { key } => {
                let value = self.read.partition_values.get(key).and_then(Option::as_deref);
                self.constant(parse_column([value], &source.data_type)?)
            }
            Origin::Null => Column::File(Child::Missing(field.data_type().clone())),
        })
    }

    fn metadata(&self, column: MetadataColumn) -> Result<Column> {
        let stored = || match materialized(&self.read.spec, column) {
            Some(name) => self.resolver.named(name),
            None => Ok(None),
        };
        Ok(match column {
            MetadataColumn::FilePath => self.constant(Arc::new(StringArray::from(vec![self.read.location.as_str()]))),
            MetadataColumn::RowIndex => Column::RowIndex(self.row_index),
            MetadataColumn::RowId => Column::Tracked {
                materialized: stored()?,
                start: self.read.base_row_id,
                row_index: self.read.base_row_id.map(|_| self.row_index),
            },
            MetadataColumn::RowCommitVersion => Column::Tracked {
                materialized: stored()?,
                start: self.read.default_row_commit_version,
                row_index: None,
            },
        })
    }

    fn constant(&self, value: arrow_array::ArrayRef) -> Column {
        Column::Constant(Constant::new(value, self.rows.min(self.read.spec.batch_rows)))
    }
}
