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
    /// By column: its name, and an empty collector.
    columns: Vec<(String, Collector)>,
    tight_bounds: bool,
}

impl StatisticsPlan {
    pub(crate) fn new(
        table: &TableConfiguration,
        physical: &PhysicalSchema,
        requirements: &WriterRequirements,
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
        let mut chooser = Chooser { wanted, mode: table.column_mapping_mode(), prefix_length };
        let mut column = |place: usize| {
            let Some(field) = table.schema().fields.get(place) else { return (String::new(), Collector::Skip) };
            let name = field.physical_name(table.column_mapping_mode()).to_owned();
            match table.is_partition_column(&field.name) {
                true => (name, Collector::Skip),
                false => (name, chooser.collector(field, &ColumnPath::from(field.name.as_str()))),
            }
        };
        let columns = physical.columns.iter().map(|(place, _)| column(*place)).collect();
        Ok(Self { columns, tight_bounds: requirements.tight_bounds })
    }

    /// An empty collector for each column of a file.
    pub(crate) fn collectors(&self) -> Vec<Collector> {
        self.columns.iter().map(|(_, collector)| collector.clone()).collect()
    }

    /// The statistics of a file, as the log holds them.
    pub(crate) fn render(&self, rows: u64, collectors: &[Collector]) -> String {
        let mut text = format!("{{\"numRecords\":{rows}");
        for (key, section) in
            [("minValues", Section::Min), ("maxValues", Section::Max), ("nullCount", Section::NullCount)]
        {
            if !collectors.iter().any(|collector| collector.has(section)) {
                continue;
            }
            let names = self.columns.iter().map(|(name, _)| name);
            let members: Vec<String> = names
                .zip(collectors)
                .filter_map(|(name, collector)| Some(format!("{}:{}", quoted(name), collector.render(section)?)))
                .collect();
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
    mode: ColumnMappingMode,
    prefix_length: usize,
}

impl Chooser {
    fn collector(&mut self, field: &StructField, at: &ColumnPath) -> Collector {
        match &field.data_type {
            DataType::Primitive(PrimitiveType::Void) => Collector::Skip,
            DataType::Struct(fields) => {
                let fields = fields.fields.iter().filter(|field| field.data_type != PrimitiveType::Void.into());
                let children = fields.map(|child| {
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
        match &mut self.wanted {
            Wanted::First(left) => {
                let wants = *left > 0;
                *left = left.saturating_sub(1);
                wants
            }
            Wanted::Named(columns) => columns.iter().any(|column| is_at_or_above(column, leaf)),
        }
    }
}

fn is_at_or_above(column: &ColumnPath, leaf: &ColumnPath) -> bool {
    let (column, leaf) = (column.names(), leaf.names());
    column.len() <= leaf.len() && column.iter().zip(leaf).all(|(a, b)| same_name(a, b))
}
