//! What is measured of one column of one file.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::NullBuffer;
use deltaic_log::Result;
use deltaic_log::schema::DataType;

use super::bounds::Bounds;

/// A column's statistics so far.
#[derive(Clone, Debug)]
pub(crate) enum Collector {
    /// Not measured.
    Skip,
    /// A void column, which no file holds: null in every row.
    Void { is_measured: bool },
    /// By field.
    Struct(Vec<(String, Collector)>),
    /// A column without fields.
    Leaf { nulls: u64, bounds: Bounds },
}

/// The objects of statistics that mirror the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Min,
    Max,
    NullCount,
}

impl Collector {
    pub(super) fn leaf(data_type: &DataType, prefix_length: usize) -> Self {
        Self::Leaf { nulls: 0, bounds: Bounds::of(data_type, prefix_length) }
    }

    /// Takes more rows of the column into account.
    pub(crate) fn update(&mut self, array: &ArrayRef) -> Result<()> {
        self.update_below(array, None)
    }

    fn update_below(&mut self, array: &ArrayRef, parent_nulls: Option<&NullBuffer>) -> Result<()> {
        let nulls = || NullBuffer::union(parent_nulls, array.logical_nulls().as_ref());
        match self {
            Self::Skip | Self::Void { .. } => Ok(()),
            Self::Struct(children) => {
                let nulls = nulls();
                let columns = array.as_struct().columns().iter();
                children
                    .iter_mut()
                    .filter(|(_, child)| child.is_in_files())
                    .zip(columns)
                    .try_for_each(|((_, child), column)| child.update_below(column, nulls.as_ref()))
            }
            Self::Leaf { nulls: count, bounds } => {
                let nulls = nulls();
                *count += nulls.as_ref().map_or(0, |nulls| nulls.null_count() as u64);
                bounds.update(array, nulls)
            }
        }
    }

    /// Whether the column has a place in this object, be it empty.
    pub(super) fn has(&self, section: Section) -> bool {
        match self {
            Self::Skip => false,
            Self::Void { is_measured } => *is_measured && section == Section::NullCount,
            Self::Struct(children) => children.iter().any(|(_, child)| child.has(section)),
            Self::Leaf { bounds, .. } => section == Section::NullCount || bounds.are_known(),
        }
    }

    /// Whether files hold the column.
    pub(super) fn is_in_files(&self) -> bool {
        !matches!(self, Self::Void { .. })
    }

    /// The column's value in this object, for a file of so many rows; `None` where it has none.
    pub(super) fn render(&self, section: Section, rows: u64) -> Option<String> {
        match self {
            Self::Skip => None,
            Self::Void { .. } => self.has(section).then(|| rows.to_string()),
            Self::Struct(_) if !self.has(section) => None,
            Self::Struct(children) => {
                let members = children.iter();
                let members = members
                    .filter_map(|(name, child)| Some(format!("{}:{}", quoted(name), child.render(section, rows)?)));
                Some(format!("{{{}}}", members.collect::<Vec<_>>().join(",")))
            }
            Self::Leaf { nulls, bounds } => match section {
                Section::NullCount => Some(nulls.to_string()),
                Section::Min => bounds.min(),
                Section::Max => bounds.max(),
            },
        }
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is always JSON")
}
