//! What the footer and the page index say about the predicate: row groups and pages in which it is true nowhere.

use super::file_schema::{FileNode, FileSchema, find};
use crate::expr::{ColumnPath, EvalContext};
use crate::plan::{FileRead, arrow_field};
use crate::prune::PruningPredicate;
use crate::prune::parquet::{FileColumn, FileColumns, PageBounds, PartitionValues, RowGroupBounds};
use arrow_schema::{DataType, Schema};
use deltaic_log::Result;
use deltaic_log::feature::{FieldSource, Origin, Shape};
use deltaic_log::partition_value::parse_column;
use parquet::file::metadata::ParquetMetaData;
use std::ops::Range;

/// A predicate, and where its columns' statistics are in one file.
#[derive(Debug)]
pub(super) struct Pruning {
    predicate: PruningPredicate,
    columns: FileColumns,
    partition_values: PartitionValues,
}

impl Pruning {
    /// `None` where the read has no predicate, or does not want it used.
    pub(super) fn new(
        read: &FileRead,
        schema: &FileSchema,
        predicate: &Schema,
        eval: &EvalContext,
    ) -> Result<Option<Self>> {
        let Some(expr) = read.spec.predicate.as_ref().filter(|_| read.spec.pruning) else { return Ok(None) };
        let (mut columns, mut partition_values) = (FileColumns::new(), PartitionValues::new());
        for column in &read.spec.predicate_columns {
            match &column.origin {
                Origin::DataFile(source) => {
                    let field = arrow_field(column);
                    add_leaves(
                        &mut columns,
                        &schema.nodes,
                        source,
                        field.data_type(),
                        &ColumnPath::from(column.name.as_str()),
                    );
                }
                Origin::PartitionValue { key } => {
                    let value = read.partition_values.get(key).and_then(Option::as_deref);
                    partition_values.insert(column.name.clone(), parse_column([value], &column.data_type)?);
                }
                Origin::Null => {}
            }
        }
        let partition_columns: Vec<_> = partition_values.keys().cloned().collect();
        let predicate = PruningPredicate::try_new(expr, predicate, &partition_columns, eval)?;
        Ok(Some(Self { predicate, columns, partition_values }))
    }

    /// For each row group, whether some row might match.
    pub(super) fn row_groups(&self, metadata: &ParquetMetaData) -> Result<Vec<bool>> {
        let all: Vec<usize> = (0..metadata.num_row_groups()).collect();
        let bounds = RowGroupBounds::new(metadata, &all, &self.columns, &self.partition_values);
        Ok(self.predicate.evaluate(&bounds)?.values().iter().collect())
    }

    /// The rows of a row group, counted from its beginning, in whose pages some row might match; `None` where the file
    /// has no page index.
    pub(super) fn rows(&self, metadata: &ParquetMetaData, row_group: usize) -> Result<Option<Vec<Range<u64>>>> {
        let bounds = PageBounds::new(&self.predicate, metadata, row_group, &self.columns, &self.partition_values);
        bounds.map(|bounds| bounds.matching_rows(&self.predicate)).transpose()
    }
}

/// Adds the leaves of a column, but for those within lists and maps, whose bounds are not those of any one value.
fn add_leaves(
    columns: &mut FileColumns,
    nodes: &[FileNode],
    source: &FieldSource,
    target: &DataType,
    path: &ColumnPath,
) {
    let Some(node) = find(nodes, source).map(|at| &nodes[at]) else { return };
    match (&source.shape, target) {
        (Shape::Struct(sources), DataType::Struct(fields)) => {
            for (source, field) in sources.iter().zip(fields) {
                add_leaves(columns, &node.children, source, field.data_type(), &path.child(&source.name));
            }
        }
        (Shape::Primitive { .. }, target) if node.children.is_empty() => {
            let (file_type, logical_type) = (node.field.data_type().clone(), target.clone());
            columns.insert(path.clone(), FileColumn { leaf: node.leaves.start, file_type, logical_type });
        }
        _ => {}
    }
}
