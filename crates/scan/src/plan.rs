//! What a scan reads, as plain data: an engine carries [`FileRead`]s to other machines and reads them there.

use crate::expr::Expr;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use deltaic_log::action::PartitionValues;
use deltaic_log::deletion_vector::DeletionVectorDescriptor;
use deltaic_log::feature::{ColumnSource, RowTrackingSource};
use deltaic_log::schema::StructField;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use url::Url;

/// One data file to be read: self-contained, serialisable, independent of all other files.
///
/// Reading gives exactly [`ReadSpec::schema`]: the rows of the file that no deletion vector hides and that satisfy the
/// predicate, in the order of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRead {
    /// Where the file is.
    pub location: Url,
    /// The file's size in bytes, as the log has it: a hint, which storage may correct.
    pub size: u64,
    /// The file's partition values, by the columns' physical names.
    pub partition_values: PartitionValues,
    /// Which rows of the file count.
    pub rows: RowSet,
    /// The row id of the file's first row, in tables that track rows.
    pub base_row_id: Option<i64>,
    /// The version that committed the file's rows, in tables that track rows.
    pub default_row_commit_version: Option<i64>,
    /// How many rows the file holds, deleted ones included, if the log knows.
    pub num_records: Option<u64>,
    /// What to read: one value for all files of a scan.
    pub spec: Arc<ReadSpec>,
}

/// The rows of a file that count: those of `only` (all, where it is `None`) that are not in `except`.
///
/// A file's deletion vector is its `except`. The change data feed asks for the rows that a commit deleted: those in the
/// new vector (`only`) that were not yet in the old one (`except`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RowSet {
    /// The rows to consider.
    pub only: Option<DeletionVectorDescriptor>,
    /// The rows to leave out.
    pub except: Option<DeletionVectorDescriptor>,
}

impl RowSet {
    /// All rows but those that `vector` deletes.
    pub fn without(vector: Option<DeletionVectorDescriptor>) -> Self {
        Self { only: None, except: vector }
    }
}

/// What is the same for all files of a scan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadSpec {
    /// The table's root, which deletion vectors are named relative to. Ends in a slash.
    pub table_root: Url,
    /// The columns to give out, in order.
    pub columns: Vec<ColumnSource>,
    /// Further columns to give out, behind `columns`.
    pub metadata_columns: Vec<MetadataColumn>,
    /// Which rows to give out: those for which this is true.
    pub predicate: Option<Expr>,
    /// The columns that the predicate names, with at least the nested fields that it needs. They may also be in `columns`.
    pub predicate_columns: Vec<ColumnSource>,
    /// How row ids and row commit versions are made.
    pub row_tracking: Option<RowTrackingSource>,
    /// Whether row groups and pages are skipped whose statistics contradict the predicate. Changes no result.
    pub pruning: bool,
    /// The most rows in one batch.
    pub batch_rows: usize,
}

impl ReadSpec {
    /// The batch size for those who have no wish of their own, in rows.
    pub const BATCH_ROWS_DEFAULT: usize = 8192;

    /// All of `columns`, no predicate, default batch size.
    pub fn new(table_root: Url, columns: Vec<ColumnSource>) -> Self {
        Self {
            table_root,
            columns,
            metadata_columns: Vec::new(),
            predicate: None,
            predicate_columns: Vec::new(),
            row_tracking: None,
            pruning: true,
            batch_rows: Self::BATCH_ROWS_DEFAULT,
        }
    }

    /// The schema of every batch: the logical columns, then the metadata columns.
    pub fn schema(&self) -> SchemaRef {
        let columns = self.columns.iter().map(arrow_field);
        Arc::new(Schema::new(
            columns.chain(self.metadata_columns.iter().map(|column| column.field())).collect::<Vec<_>>(),
        ))
    }

    /// The schema that the predicate sees.
    pub fn predicate_schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.predicate_columns.iter().map(arrow_field).collect::<Vec<_>>()))
    }
}

/// The Arrow field of a logical column.
pub(crate) fn arrow_field(column: &ColumnSource) -> Field {
    let ColumnSource { name, data_type, nullable, .. } = column;
    StructField { name: name.clone(), data_type: data_type.clone(), nullable: *nullable, metadata: Default::default() }
        .to_arrow()
}

/// A column that tells about a row instead of holding its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MetadataColumn {
    /// The row's stable id (spec: "Row IDs"); null in tables that do not track rows.
    RowId,
    /// The version that wrote the row last (spec: "Row Commit Versions"); null in tables that do not track rows.
    RowCommitVersion,
    /// The location of the row's file.
    FilePath,
    /// The row's position in its file, from 0, deleted rows counted.
    RowIndex,
}

impl MetadataColumn {
    /// The column's name in batches.
    ///
    /// ```
    /// assert_eq!(deltaic_scan::plan::MetadataColumn::RowId.name(), "_metadata.row_id");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Self::RowId => "_metadata.row_id",
            Self::RowCommitVersion => "_metadata.row_commit_version",
            Self::FilePath => "_metadata.file_path",
            Self::RowIndex => "_metadata.row_index",
        }
    }

    /// The column's field in batches.
    pub fn field(self) -> Field {
        match self {
            Self::RowId | Self::RowCommitVersion => Field::new(self.name(), DataType::Int64, true),
            Self::FilePath => Field::new(self.name(), DataType::Utf8, false),
            Self::RowIndex => Field::new(self.name(), DataType::Int64, false),
        }
    }
}
