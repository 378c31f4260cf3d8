//! Which columns are measured.

use std::fmt::Write;

use deltaic_log::feature::WriterRequirements;
use deltaic_log::schema::{ColumnMappingMode, ColumnPath, DataType, PrimitiveType, StructField, same_name};
use deltaic_log::table_properties::{StatsColumnCount, property};
use deltaic_log::{Result, TableConfiguration};

use super::collector::{Collector, Section, quoted};
use crate::data::physical_schema::PhysicalSchema;

/// How many characters of a string are kept where the table does not say.
const STRING_PREFIX_LENGTH: u64 = 32;

/// What is measured of each column of a file.
#[derive(Clone, Debug)]
pub(crate) struct StatisticsPlan {
    /// By column, void ones among those of a file: its name, and an empty collector.
    columns: Vec<(String, Collector)>,
    tight_bounds: bool,
}

impl StatisticsPlan {
    pub(crate) fn new(
        table: &TableConfiguration,
        physical: &PhysicalSchema,
        requirements: &WriterRequirements,
        always: &[ColumnPath],
    ) -> Result<Self> {
        let properties = table.properties();
        let prefix_length = properties.get(&property::DATA_SKIPPING_STRING_PREFIX_LENGTH)?;
        let wanted = match properties.get(&property::DATA_SKIPPING_STATS_COLUMNS)? {
            Some(columns) => Wanted::Named(columns),
            None => match properties.get(&property::DATA_SKIPPING_NUM_INDEXED_COLS)? {
                StatsColumnCount::All => Wanted::First(u64::MAX),
                StatsColumnCount::First(count) => Wanted::First(count),
            },
        };
        let prefix_length = usize::try_from(prefix_length.unwrap_or(STRING_PREFIX_LENGTH)).unwrap_or(usize::MAX);
        let mode = table.column_mapping_mode();
        let logical = |path: &ColumnPath| table.schema().to_logical_path(path, mode);
        let always = always.iter().filter_map(logical).collect();
        let mut chooser = Chooser { wanted, always, mode, prefix_length };
        let mut column = |field: &StructField| {
            let name = field.physical_name(table.column_mapping_mode()).to_owned();
            match table.is_partition_column(&field.name) {
                true => (name, Collector::Skip),
                false => (name, chooser.collector(field, &ColumnPath::from(field.name.as_str()))),
            }
        };
        let is_here = |place: usize, field: &StructField| {
            let is_void = field.data_type == PrimitiveType::Void.into() && !table.is_partition_column(&field.name);
            is_void || physical.columns.iter().any(|(held, _)| *held == place)
        };
        let fields = table.schema().fields.iter().enumerate();
        let here = fields.filter(|(place, field)| is_here(*place, field)).map(|(_, field)| column(field));
        // What stands in files behind the table's columns is not measured.
        let extra = physical.columns.iter().filter(|(place, _)| *place >= table.schema().fields.len());
        let columns = here.chain(extra.map(|_| (String::new(), Collector::Skip))).collect();
        Ok(Self { columns, tight_bounds: requirements.tight_bounds })
    }

    /// An empty collector for each column of a file.
    pub(crate) fn collectors(&self) -> Vec<Collector> {
        let held = self.columns.iter().map(|(_, collector)| collector).filter(|collector| collector.is_in_files());
        held.cloned().collect()
    }

    /// The statistics of a file, as the log holds them.
    pub(crate) fn render(&self, rows: u64, collectors: &[Collector]) -> String {
        let mut text = format!("{{\"numRecords\":{rows}");
        for (key, section) in
            [("minValues", Section::Min), ("maxValues", Section::Max), ("nullCount", Section::NullCount)]
        {
            if !self.columns.iter().any(|(_, collector)| collector.has(section)) {
                continue;
            }
            let mut measured = collectors.iter();
            let columns = self.columns.iter().map(|(name, empty)| {
                let collector = if empty.is_in_files() { measured.next().unwrap_or(empty) } else { empty };
                Some(format!("{}:{}", quoted(name), collector.render(section, rows)?))
            });
            let members: Vec<String> = columns.flatten().collect();
            write!(text, ",\"{key}\":{{{}}}", members.join(",")).expect("writing to a String never fails");
        }
        if self.tight_bounds {
            text.push_str(",\"tightBounds\":true");
        }
        text.push('}');
        text
    }
}

enum Wanted {
    Named(Vec<ColumnPath>),
    /// So many leaves more.
    First(u64),
}

struct Chooser {
    wanted: Wanted,
    /// Wanted whatever the properties say.
    always: Vec<ColumnPath>,
    mode: ColumnMappingMode,
    prefix_length: usize,
}

impl Chooser {
    fn collector(&mut self, field: &StructField, at: &ColumnPath) -> Collector {
        match &field.data_type {
            DataType::Primitive(PrimitiveType::Void) => Collector::Void { is_measured: self.wants(at) },
            DataType::Struct(fields) => {
                let children = fields.fields.iter().map(|child| {
                    let name = child.physical_name(self.mode).to_owned();
                    (name, self.collector(child, &at.child(child.name.as_str())))
                });
                Collector::Struct(children.collect())
            }
            leaf if self.wants(at) => Collector::leaf(leaf, self.prefix_length),
            _ => Collector::Skip,
        }
    }

    /// Whether this leaf is measured. To be asked once for each, in order.
    fn wants(&mut self, leaf: &ColumnPath) -> bool {
        let is_due = self.always.iter().any(|column| is_at_or_above(column, leaf));
        let is_wanted = match &mut self.wanted {
            Wanted::First(left) => {
                let wants = *left > 0;
                *left = left.saturating_sub(1);
                wants
            }
            Wanted::Named(columns) => columns.iter().any(|column| is_at_or_above(column, leaf)),
        };
        is_due || is_wanted
    }
}

fn is_at_or_above(column: &ColumnPath, leaf: &ColumnPath) -> bool {
    let (column, leaf) = (column.names(), leaf.names());
    column.len() <= leaf.len() && column.iter().zip(leaf).all(|(a, b)| same_name(a, b))
}
