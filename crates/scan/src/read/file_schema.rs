//! A data file's schema as a tree that knows its Parquet leaves.

use super::error::corrupt_parquet;
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use deltaic_log::Result;
use deltaic_log::feature::FieldSource;
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type as PhysicalType;
use parquet::file::metadata::ParquetMetaData;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// The columns of a data file, in Arrow's terms, derived from the Parquet types alone: what some writers embed as their
/// own Arrow schema (dictionaries, views, time zones) says nothing about the table.
#[derive(Debug)]
pub(super) struct FileSchema {
    pub(super) nodes: Vec<FileNode>,
    metadata: Arc<ParquetMetaData>,
    arrow: SchemaRef,
}

/// A field of the file, at any depth.
#[derive(Debug)]
pub(super) struct FileNode {
    pub(super) field: FieldRef,
    /// The fields of a struct; the element of a list; key and value of a map.
    pub(super) children: Vec<FileNode>,
    /// The Parquet leaf columns below.
    pub(super) leaves: Range<usize>,
    /// The number of Parquet's own for the field, if the writer gave one.
    pub(super) field_id: Option<i32>,
}

impl FileSchema {
    pub(super) fn new(metadata: Arc<ParquetMetaData>) -> Result<Self> {
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let arrow = ArrowReaderMetadata::try_new(metadata.clone(), options).map_err(corrupt_parquet)?.schema().clone();
        Ok(Self { nodes: nodes_of(arrow.fields(), &mut 0), metadata, arrow })
    }

    /// Whether any field, at any depth, has a field id.
    pub(super) fn has_field_ids(&self) -> bool {
        fn any(nodes: &[FileNode]) -> bool {
            nodes.iter().any(|node| node.field_id.is_some() || any(&node.children))
        }
        any(&self.nodes)
    }

    /// Whether the leaf is stored as the deprecated 96-bit timestamp.
    pub(super) fn is_int96(&self, leaf: usize) -> bool {
        self.metadata.file_metadata().schema_descr().column(leaf).physical_type() == PhysicalType::INT96
    }

    /// What a decoder of this file needs to know, where the leaves in `types` are decoded directly as the given types,
    /// and `virtual_columns` come behind the file's own.
    pub(super) fn reader_metadata(
        &self,
        types: &BTreeMap<usize, DataType>,
        virtual_columns: Vec<FieldRef>,
    ) -> Result<ArrowReaderMetadata> {
        let options = ArrowReaderOptions::new().with_virtual_columns(virtual_columns).map_err(corrupt_parquet)?;
        let options = if types.is_empty() {
            options.with_skip_arrow_metadata(true)
        } else {
            let fields: Fields = self.nodes.iter().map(|node| node.retyped(types)).collect();
            options.with_schema(Arc::new(Schema::new_with_metadata(fields, self.arrow.metadata().clone())))
        };
        ArrowReaderMetadata::try_new(self.metadata.clone(), options).map_err(corrupt_parquet)
    }
}

impl FileNode {
    /// Whether any leaf below is among `leaves`: whether the decoder gives out this field.
    pub(super) fn is_read(&self, leaves: &BTreeSet<usize>) -> bool {
        leaves.range(self.leaves.clone()).next().is_some()
    }

    fn retyped(&self, types: &BTreeMap<usize, DataType>) -> FieldRef {
        if types.range(self.leaves.clone()).next().is_none() {
            return self.field.clone();
        }
        let child = |at: usize| self.children[at].retyped(types);
        let data_type = match self.field.data_type() {
            DataType::Struct(_) => DataType::Struct(self.children.iter().map(|child| child.retyped(types)).collect()),
            DataType::List(_) => DataType::List(child(0)),
            DataType::Map(entry, sorted) => {
                let entries = DataType::Struct([child(0), child(1)].into_iter().collect());
                DataType::Map(Arc::new(entry.as_ref().clone().with_data_type(entries)), *sorted)
            }
            _ => types[&self.leaves.start].clone(),
        };
        Arc::new(self.field.as_ref().clone().with_data_type(data_type))
    }
}

/// Which of `nodes` holds the field: by id where the table maps columns by id, else by name, in exactly this case.
pub(super) fn find(nodes: &[FileNode], source: &FieldSource) -> Option<usize> {
    match source.field_id {
        Some(id) => nodes.iter().position(|node| node.field_id == Some(id)),
        None => find_name(nodes, &source.physical_name),
    }
}

pub(super) fn find_name(nodes: &[FileNode], name: &str) -> Option<usize> {
    nodes.iter().position(|node| node.field.name() == name)
}

/// Where the decoder puts `nodes[at]` among its siblings, if it reads only `leaves`.
pub(super) fn position(nodes: &[FileNode], at: usize, leaves: &BTreeSet<usize>) -> usize {
    nodes[..at].iter().filter(|node| node.is_read(leaves)).count()
}

/// Arrow's fields, depth first, are Parquet's leaves in their order: a list or a map adds no leaf of its own.
fn nodes_of(fields: &Fields, next_leaf: &mut usize) -> Vec<FileNode> {
    fields.iter().map(|field| node_of(field, next_leaf)).collect()
}

fn node_of(field: &FieldRef, next_leaf: &mut usize) -> FileNode {
    let start = *next_leaf;
    let children = match field.data_type() {
        DataType::Struct(fields) => nodes_of(fields, next_leaf),
        DataType::List(element) => vec![node_of(element, next_leaf)],
        DataType::Map(entry, _) => match entry.data_type() {
            DataType::Struct(fields) => nodes_of(fields, next_leaf),
            _ => Vec::new(),
        },
        _ => {
            *next_leaf += 1;
            Vec::new()
        }
    };
    FileNode { field: field.clone(), children, leaves: start..*next_leaf, field_id: field_id(field) }
}

fn field_id(field: &Field) -> Option<i32> {
    field.metadata().get(PARQUET_FIELD_ID_META_KEY)?.parse().ok()
}
