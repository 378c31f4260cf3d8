//! Spec: [Reader Requirements for Column Mapping](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#reader-requirements-for-column-mapping):
//! which leaves of one data file the logical columns need, and how to build them from those.
//!
//! Two walks over the same trees, so that no column is decoded that nobody asked for: [`Wanted`] gathers the leaves;
//! once they are all known, [`Resolver`] says where the decoder will put each field.

use super::convert::{Convert, decoded_type};
use super::file_schema::{FileNode, FileSchema, find, find_name, position};
use arrow_schema::{DataType, FieldRef, Fields};
use deltaic_log::feature::{FieldSource, Shape};
use deltaic_log::schema::PrimitiveType;
use deltaic_log::{Error, ErrorKind, Result, ResultExt};
use std::collections::{BTreeMap, BTreeSet};

/// The leaves to decode, and the types to decode them as where that is not the file's own.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) leaves: BTreeSet<usize>,
    pub(super) types: BTreeMap<usize, DataType>,
}

impl Wanted {
    /// Adds what the logical field `source`, of Arrow type `target`, needs of the file.
    pub(super) fn add(&mut self, schema: &FileSchema, source: &FieldSource, target: &DataType) -> Result<()> {
        if source.field_id.is_some() && !schema.has_field_ids() {
            return Err(no_field_ids()).with("column", &source.name);
        }
        self.add_field(schema, &schema.nodes, source, target)
    }

    /// Adds a column of 64-bit integers, found by name.
    pub(super) fn add_named(&mut self, schema: &FileSchema, name: &str) {
        if let Some(at) = find_name(&schema.nodes, name) {
            self.leaves.extend(schema.nodes[at].leaves.clone());
        }
    }

    fn add_field(
        &mut self,
        schema: &FileSchema,
        nodes: &[FileNode],
        source: &FieldSource,
        target: &DataType,
    ) -> Result<()> {
        if is_void(&source.shape) {
            return Ok(());
        }
        match find(nodes, source) {
            Some(at) => self.add_node(schema, &nodes[at], &source.shape, target).with("column", &source.name),
            None => Ok(()),
        }
    }

    fn add_node(&mut self, schema: &FileSchema, node: &FileNode, shape: &Shape, target: &DataType) -> Result<()> {
        match (shape, target, node.field.data_type()) {
            (Shape::Struct(sources), DataType::Struct(fields), DataType::Struct(_)) => {
                for (source, field) in sources.iter().zip(fields) {
                    self.add_field(schema, &node.children, source, field.data_type())?;
                }
                self.anchor(node);
            }
            (Shape::Array { element }, DataType::List(field), DataType::List(_)) => {
                self.add_node(schema, &node.children[0], &element.shape, field.data_type())?;
            }
            (Shape::Map { key, value }, DataType::Map(entry, _), DataType::Map(..)) => {
                let (key_type, value_type) = entry_types(entry)?;
                self.add_node(schema, &node.children[0], &key.shape, key_type)?;
                self.add_node(schema, &node.children[1], &value.shape, value_type)?;
            }
            (Shape::Variant, _, DataType::Struct(_)) => self.leaves.extend(node.leaves.clone()),
            (Shape::Primitive { .. }, target, file) if node.children.is_empty() && !file.is_nested() => {
                self.add_leaf(schema, node, target);
            }
            (_, target, file) => return Err(mismatch(file, target)),
        }
        Ok(())
    }

    fn add_leaf(&mut self, schema: &FileSchema, node: &FileNode, target: &DataType) {
        let leaf = node.leaves.start;
        self.leaves.insert(leaf);
        if let Some(data_type) = decoded_type(node.field.data_type(), schema.is_int96(leaf), target) {
            self.types.insert(leaf, data_type);
        }
    }

    /// A struct of whose wanted fields the file has none is not null for that: one leaf below it tells where it is.
    fn anchor(&mut self, node: &FileNode) {
        if !node.is_read(&self.leaves) && !node.leaves.is_empty() {
            self.leaves.insert(node.leaves.start);
        }
    }
}

/// How an array of the table's type is built from a decoded one.
#[derive(Debug, PartialEq)]
pub(super) enum Build {
    /// A column without parts.
    Leaf(Convert),
    /// A struct of the table's fields, each from a field of the decoded struct.
    Struct { fields: Fields, children: Vec<Child> },
    /// A list, whose elements are built.
    List { element: FieldRef, build: Box<Build> },
    /// A map, whose keys and values are built.
    Map { entry: FieldRef, key: Box<Build>, value: Box<Build> },
    /// A variant, perhaps shredded.
    Variant { fields: Fields },
}

/// Where a field comes from.
#[derive(Debug, PartialEq)]
pub(super) enum Child {
    /// The decoded field at this position, built so.
    At(usize, Build),
    /// The file has no such field: null.
    Missing(DataType),
}

/// Says how to build columns, given all leaves that the decoder reads.
#[derive(Clone, Copy)]
pub(super) struct Resolver<'a> {
    pub(super) schema: &'a FileSchema,
    pub(super) wanted: &'a Wanted,
}

impl Resolver<'_> {
    /// Where the column `source` comes from.
    pub(super) fn column(&self, source: &FieldSource, target: &DataType) -> Result<Child> {
        self.field(&self.schema.nodes, source, target)
    }

    /// Where a column of 64-bit integers comes from, found by name.
    pub(super) fn named(&self, name: &str) -> Result<Option<Child>> {
        let Some(at) = find_name(&self.schema.nodes, name) else { return Ok(None) };
        let build = self.leaf(&self.schema.nodes[at], &DataType::Int64).with("column", name)?;
        Ok(Some(Child::At(position(&self.schema.nodes, at, &self.wanted.leaves), build)))
    }

    fn field(&self, nodes: &[FileNode], source: &FieldSource, target: &DataType) -> Result<Child> {
        let found = find(nodes, source).filter(|at| nodes[*at].is_read(&self.wanted.leaves) && !is_void(&source.shape));
        let Some(at) = found else { return Ok(Child::Missing(target.clone())) };
        let build = self.node(&nodes[at], &source.shape, target).with("column", &source.name)?;
        Ok(Child::At(position(nodes, at, &self.wanted.leaves), build))
    }

    fn node(&self, node: &FileNode, shape: &Shape, target: &DataType) -> Result<Build> {
        Ok(match (shape, target) {
            (Shape::Struct(sources), DataType::Struct(fields)) => {
                let pairs = sources.iter().zip(fields);
                let children = pairs.map(|(source, field)| self.field(&node.children, source, field.data_type()));
                Build::Struct { fields: fields.clone(), children: children.collect::<Result<_>>()? }
            }
            (Shape::Array { element }, DataType::List(field)) => {
                let build = self.node(&node.children[0], &element.shape, field.data_type())?;
                Build::List { element: field.clone(), build: Box::new(build) }
            }
            (Shape::Map { key, value }, DataType::Map(entry, _)) => {
                let (key_type, value_type) = entry_types(entry)?;
                let key = Box::new(self.node(&node.children[0], &key.shape, key_type)?);
                let value = Box::new(self.node(&node.children[1], &value.shape, value_type)?);
                Build::Map { entry: entry.clone(), key, value }
            }
            (Shape::Variant, DataType::Struct(fields)) => Build::Variant { fields: fields.clone() },
            (_, target) => self.leaf(node, target)?,
        })
    }

    fn leaf(&self, node: &FileNode, target: &DataType) -> Result<Build> {
        let decoded = self.wanted.types.get(&node.leaves.start).unwrap_or(node.field.data_type());
        Convert::between(decoded, target).map(Build::Leaf).ok_or_else(|| mismatch(node.field.data_type(), target))
    }
}

fn is_void(shape: &Shape) -> bool {
    matches!(shape, Shape::Primitive { data_type: PrimitiveType::Void, .. })
}

fn entry_types(entry: &FieldRef) -> Result<(&DataType, &DataType)> {
    match entry.data_type() {
        DataType::Struct(fields) if fields.len() == 2 => Ok((fields[0].data_type(), fields[1].data_type())),
        other => Err(Error::new(ErrorKind::Internal, format!("a map's entries are no pair but {other}"))),
    }
}

fn mismatch(file: &DataType, table: &DataType) -> Error {
    Error::new(ErrorKind::CorruptData, "the data file holds a column in a type that cannot be read as the table's")
        .with("type_in_file", file)
        .with("type_in_table", table)
}

fn no_field_ids() -> Error {
    Error::new(
        ErrorKind::CorruptData,
        "the table maps columns by field id, but the data file has no ids: rewrite the file with a writer that supports \
         column mapping (spec: \"Column Mapping\")",
    )
}
