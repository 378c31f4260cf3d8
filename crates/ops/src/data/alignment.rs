//! From the columns of an input to those of the table: by name, at every depth, in the table's own types.
//!
//! Nullability is left aside here: rows are checked later, when all of their columns are there.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, RecordBatch, StructArray, make_array, new_null_array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_cast::cast;
use arrow_schema::{DataType as Arrow, Field, FieldRef, Fields, Schema};
use deltaic_log::schema::{ArrayType, ColumnPath, DataType, MapType, StructField, StructType, same_name};
use deltaic_log::{Error, ErrorKind, Result};

use super::cast::{Cast, Misfit};

/// For each column of the table, where its values come from.
#[derive(Clone, Debug)]
pub(crate) struct Alignment {
    columns: Vec<Option<Source>>,
    names: Vec<String>,
}

#[derive(Clone, Debug)]
struct Source {
    /// The input's column.
    index: usize,
    conversion: Conversion,
}

/// How one type becomes another.
#[derive(Clone, Debug)]
enum Conversion {
    Keep,
    /// Of a void column, or of a field that the input lacks.
    Null(Arrow),
    Cast(Cast),
    Struct {
        fields: Fields,
        children: Vec<Option<Source>>,
    },
    List {
        element: FieldRef,
        conversion: Box<Conversion>,
    },
    Map {
        entries: FieldRef,
        key: Box<Conversion>,
        value: Box<Conversion>,
    },
}

impl Alignment {
    /// # Errors
    /// [`ErrorKind::UnknownColumn`] where the input has a column that the table lacks; [`ErrorKind::InvalidArgument`] where
    /// two are one column of the table, or a type cannot become the table's.
    pub(crate) fn new(input: &Schema, table: &StructType) -> Result<Self> {
        let columns = sources(input.fields(), table, &ColumnPath::root())?;
        Ok(Self { columns, names: table.fields.iter().map(|field| field.name.clone()).collect() })
    }

    /// Whether the input brings this column of the table.
    pub(crate) fn has(&self, place: usize) -> bool {
        self.columns[place].is_some()
    }

    /// The table's columns; `None` for those that the input lacks.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRow`] for a value that would change, with `column`, `row` (from `first_row` on) and `value`.
    pub(crate) fn apply(&self, batch: &RecordBatch, first_row: u64) -> Result<Vec<Option<ArrayRef>>> {
        let convert = |(source, name): (&Option<Source>, &String)| {
            let Some(source) = source else { return Ok(None) };
            let converted = source.conversion.apply(batch.column(source.index));
            converted.map(Some).map_err(|misplaced| misplaced.error(name, first_row))
        };
        self.columns.iter().zip(&self.names).map(convert).collect()
    }
}

fn sources(input: &Fields, table: &StructType, at: &ColumnPath) -> Result<Vec<Option<Source>>> {
    let mut found: Vec<Option<Source>> = table.fields.iter().map(|_| None).collect();
    for (index, field) in input.iter().enumerate() {
        let path = at.child(field.name().as_str());
        let place = find(field.name(), table, &path)?;
        let target = &table.fields[place];
        if found[place].is_some() {
            let message = format!("two columns of the input are the table's column {path}: leave one out");
            return Err(Error::new(ErrorKind::InvalidArgument, message).with("column", path));
        }
        found[place] = Some(Source { index, conversion: conversion(field, &target.data_type, &path)? });
    }
    Ok(found)
}

fn find(name: &str, table: &StructType, path: &ColumnPath) -> Result<usize> {
    let exact = table.fields.iter().position(|field| field.name == name);
    exact.or_else(|| table.fields.iter().position(|field| same_name(&field.name, name))).ok_or_else(|| {
        let hint = table.resolve(&ColumnPath::from(name)).err().map(|error| error.message().to_owned());
        let message = format!(
            "the input has the column {path}, which the table lacks: leave it out, or merge the schemas ({})",
            hint.unwrap_or_default()
        );
        Error::new(ErrorKind::UnknownColumn, message).with("column", path)
    })
}

fn conversion(from: &Field, to: &DataType, at: &ColumnPath) -> Result<Conversion> {
    let target = relaxed(to).to_arrow();
    if *from.data_type() == target {
        return Ok(Conversion::Keep);
    }
    let unfit = || unfit(from.data_type(), to, at);
    Ok(match (unpacked(from.data_type()), to, &target) {
        (Arrow::Null, ..) => Conversion::Null(target),
        (from, DataType::Primitive(primitive), _) => Conversion::Cast(Cast::new(from, *primitive).ok_or_else(unfit)?),
        (Arrow::Struct(given), DataType::Struct(wanted), Arrow::Struct(fields)) => {
            Conversion::Struct { fields: fields.clone(), children: sources(given, wanted, at)? }
        }
        (Arrow::Struct(given), DataType::Variant, Arrow::Struct(fields)) => {
            let binaries = StructType::new(
                ["metadata", "value"]
                    .map(|name| StructField::nullable(name, deltaic_log::schema::PrimitiveType::Binary)),
            );
            let children = sources(given, &binaries, at)?;
            if children.iter().any(Option::is_none) {
                return Err(unfit());
            }
            Conversion::Struct { fields: fields.clone(), children }
        }
        (
            Arrow::List(given)
            | Arrow::LargeList(given)
            | Arrow::FixedSizeList(given, _)
            | Arrow::ListView(given)
            | Arrow::LargeListView(given),
            DataType::Array(wanted),
            Arrow::List(element),
        ) => Conversion::List {
            element: element.clone(),
            conversion: Box::new(conversion(given, &wanted.element_type, &at.child("element"))?),
        },
        (Arrow::Map(given, _), DataType::Map(wanted), Arrow::Map(entries, _)) => {
            let Arrow::Struct(parts) = given.data_type() else { return Err(unfit()) };
            Conversion::Map {
                entries: entries.clone(),
                key: Box::new(conversion(&parts[0], &wanted.key_type, &at.child("key"))?),
                value: Box::new(conversion(&parts[1], &wanted.value_type, &at.child("value"))?),
            }
        }
        _ => return Err(unfit()),
    })
}

fn unpacked(data_type: &Arrow) -> &Arrow {
    match data_type {
        Arrow::Dictionary(_, values) => values,
        Arrow::RunEndEncoded(_, values) => values.data_type(),
        other => other,
    }
}

fn unfit(from: &Arrow, to: &DataType, at: &ColumnPath) -> Error {
    let message = format!(
        "the input's column {at} has the type {from}, which is not stored as the table's {to} without loss: cast it first"
    );
    Error::new(ErrorKind::InvalidArgument, message).with("column", at)
}

/// The same type, all of whose parts may be null.
pub(crate) fn relaxed(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Struct(fields) => relaxed_fields(fields).into(),
        DataType::Array(array) => {
            DataType::Array(Box::new(ArrayType { element_type: relaxed(&array.element_type), contains_null: true }))
        }
        DataType::Map(map) => DataType::Map(Box::new(MapType {
            key_type: relaxed(&map.key_type),
            value_type: relaxed(&map.value_type),
            value_contains_null: true,
        })),
        other => other.clone(),
    }
}

/// The same fields, all of which may be null.
pub(crate) fn relaxed_fields(fields: &StructType) -> StructType {
    let relax = |field: &StructField| StructField::nullable(field.name.clone(), relaxed(&field.data_type));
    fields.fields.iter().map(relax).collect()
}

/// A value that would change, and where it is below its column.
struct Misplaced {
    misfit: Misfit,
    path: Vec<String>,
}

impl Misplaced {
    fn below(mut self, step: &str) -> Self {
        self.path.insert(0, step.to_owned());
        self
    }

    /// Of an element of a list: the list's own place.
    fn of_list(mut self, offsets: &OffsetBuffer<i32>) -> Self {
        self.misfit.index = offsets.of_element(self.misfit.index);
        self
    }

    fn error(self, column: &str, first_row: u64) -> Error {
        let path = self.path.iter().fold(ColumnPath::from(column), |path, step| path.child(step.as_str()));
        let message = format!(
            "the value {} cannot be stored in the column {path} without loss: correct it, or cast the column first",
            self.misfit.value
        );
        Error::new(ErrorKind::InvalidRow, message)
            .with("column", path)
            .with("row", first_row + self.misfit.index as u64)
            .with("value", self.misfit.value)
    }
}

impl From<Misfit> for Misplaced {
    fn from(misfit: Misfit) -> Self {
        Self { misfit, path: Vec::new() }
    }
}

/// From an element's place to its list's.
pub(crate) trait OfElement {
    fn of_element(&self, element: usize) -> usize;
}

impl OfElement for OffsetBuffer<i32> {
    fn of_element(&self, element: usize) -> usize {
        let element = i32::try_from(element).unwrap_or(i32::MAX);
        self.partition_point(|offset| *offset <= element).saturating_sub(1)
    }
}

/// A kernel failed as a whole: the first value stands for all.
fn unconverted(_: arrow_schema::ArrowError) -> Misplaced {
    Misfit { index: 0, value: "of the batch".to_owned() }.into()
}

impl Conversion {
    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef, Misplaced> {
        match self {
            Self::Keep => Ok(array.clone()),
            Self::Null(to) => Ok(new_null_array(to, array.len())),
            Self::Cast(cast) => Ok(cast.apply(array)?),
            Self::Struct { fields, children } => structs(&plain(array)?, fields, children),
            Self::List { element, conversion } => {
                let list = as_list(&plain(array)?)?;
                let (offsets, values) = referenced(list.offsets(), list.values());
                let converted = conversion.apply(&values);
                let values = converted.map_err(|misplaced| misplaced.of_list(&offsets).below("element"))?;
                let list = ListArray::try_new(element.clone(), offsets, values, list.nulls().cloned());
                Ok(Arc::new(list.map_err(unconverted)?))
            }
            Self::Map { entries, key, value } => {
                let array = plain(array)?;
                let map = array.as_map();
                let (offsets, keys) = referenced(map.offsets(), map.keys());
                let (_, values) = referenced(map.offsets(), map.values());
                let part = |conversion: &Self, array, step| {
                    conversion.apply(array).map_err(|misplaced| misplaced.of_list(&offsets).below(step))
                };
                let columns = vec![part(key, &keys, "key")?, part(value, &values, "value")?];
                let Arrow::Struct(parts) = entries.data_type() else { return Ok(array) };
                let pairs = StructArray::try_new(parts.clone(), columns, None).map_err(unconverted)?;
                let map = MapArray::try_new(entries.clone(), offsets, pairs, map.nulls().cloned(), false);
                Ok(Arc::new(map.map_err(unconverted)?))
            }
        }
    }
}

fn structs(array: &ArrayRef, fields: &Fields, children: &[Option<Source>]) -> Result<ArrayRef, Misplaced> {
    let given = array.as_struct();
    let nulls = given.nulls();
    let columns = fields.iter().zip(children).map(|(field, child)| match child {
        None => Ok(new_null_array(field.data_type(), given.len())),
        Some(source) => {
            let column = masked(given.column(source.index), nulls)?;
            source.conversion.apply(&column).map_err(|misplaced| misplaced.below(field.name()))
        }
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(StructArray::try_new(fields.clone(), columns, nulls.cloned()).map_err(unconverted)?))
}

/// Without what stands below a null, which is no value and need not fit.
fn masked(column: &ArrayRef, nulls: Option<&NullBuffer>) -> Result<ArrayRef, Misplaced> {
    let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0) else { return Ok(column.clone()) };
    if matches!(column.data_type(), Arrow::Null | Arrow::Dictionary(..) | Arrow::RunEndEncoded(..)) {
        return Ok(column.clone());
    }
    let union = NullBuffer::union(Some(nulls), column.nulls());
    column.to_data().into_builder().nulls(union).build().map(make_array).map_err(unconverted)
}

fn plain(array: &ArrayRef) -> Result<ArrayRef, Misplaced> {
    match array.data_type() {
        Arrow::Dictionary(..) | Arrow::RunEndEncoded(..) => {
            cast(array, unpacked(array.data_type())).map_err(unconverted)
        }
        _ => Ok(array.clone()),
    }
}

fn as_list(array: &ArrayRef) -> Result<ListArray, Misplaced> {
    let element = match array.data_type() {
        Arrow::List(_) => return Ok(array.as_list::<i32>().clone()),
        Arrow::LargeList(element)
        | Arrow::FixedSizeList(element, _)
        | Arrow::ListView(element)
        | Arrow::LargeListView(element) => element.clone(),
        _ => return Err(Misfit { index: 0, value: "of the batch".to_owned() }.into()),
    };
    Ok(cast(array, &Arrow::List(element)).map_err(unconverted)?.as_list::<i32>().clone())
}

/// Only the elements that the lists hold.
fn referenced(offsets: &OffsetBuffer<i32>, values: &ArrayRef) -> (OffsetBuffer<i32>, ArrayRef) {
    let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
    if first == 0 && usize::try_from(last) == Ok(values.len()) {
        return (offsets.clone(), values.clone());
    }
    let place = |offset: i32| usize::try_from(offset).unwrap_or(0);
    let moved: Vec<i32> = offsets.iter().map(|offset| offset - first).collect();
    (OffsetBuffer::new(moved.into()), values.slice(place(first), place(last - first)))
}
