//! Spec: [Checkpoint Schema](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoint-schema), as Arrow's.
//!
//! Columns, their order, and that everything but a map's key is optional are as the reference implementation has them; only
//! timestamps are 64-bit microseconds, where that writes the deprecated INT96.

use std::sync::Arc;

use arrow_schema::{DataType as Arrow, Field, FieldRef, Fields, Schema, SchemaRef};

use crate::error::Result;
use crate::feature::DELETION_VECTORS;
use crate::schema::{DataType, PrimitiveType, StructField, StructType};
use crate::statistics::indexed_schema;
use crate::table_configuration::TableConfiguration;
use crate::table_properties::property;

/// The forms in which a checkpoint holds the statistics of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatisticsForms {
    /// As JSON text: the column `stats`.
    pub json: bool,
    /// As typed columns: `stats_parsed`, and the partition values as `partitionValues_parsed`.
    pub parsed: bool,
}

/// The columns of a table's checkpoints.
#[derive(Clone, Debug)]
pub struct CheckpointSchema(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    forms: StatisticsForms,
    indexed: StructType,
    partitions: StructType,
    add: Fields,
    classic: SchemaRef,
    v2: SchemaRef,
    files: SchemaRef,
}

impl StatisticsForms {
    /// Those that a table's properties ask for (spec: "writeStatsAsJson", "writeStatsAsStruct"): both, unless set.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidProperty`](crate::ErrorKind::InvalidProperty).
    pub fn of(table: &TableConfiguration) -> Result<Self> {
        let properties = table.properties();
        Ok(Self {
            json: properties.get(&property::CHECKPOINT_WRITE_STATS_AS_JSON)?,
            parsed: properties.get(&property::CHECKPOINT_WRITE_STATS_AS_STRUCT)?,
        })
    }
}

impl CheckpointSchema {
    /// The columns for a table.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidProperty`](crate::ErrorKind::InvalidProperty) where a property that chooses the columns with
    /// statistics has no valid value.
    ///
    /// ```
    /// use deltaic_log::checkpoint::encode::{CheckpointSchema, StatisticsForms};
    /// use deltaic_log::{TableConfiguration, action::{Metadata, Protocol}};
    /// let protocol: Protocol = serde_json::from_str(r#"{"minReaderVersion":1,"minWriterVersion":2}"#).unwrap();
    /// let metadata: Metadata = serde_json::from_str(r#"{"id":"x","schemaString":
    ///     "{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"date\",\"nullable\":true,\"metadata\":{}}]}"}"#).unwrap();
    /// let table = TableConfiguration::try_new(protocol, metadata)?;
    /// let schema = CheckpointSchema::new(&table, StatisticsForms::of(&table)?)?;
    /// let names: Vec<_> = schema.classic().fields().iter().map(|field| field.name().clone()).collect();
    /// assert_eq!(names, ["txn", "add", "remove", "metaData", "protocol", "domainMetadata"]);
    /// # Ok::<(), deltaic_log::Error>(())
    /// ```
    pub fn new(table: &TableConfiguration, forms: StatisticsForms) -> Result<Self> {
        let indexed = indexed_schema(table)?;
        let partitions = partition_schema(table);
        let add = add_fields(&indexed, &partitions, forms, table.protocol().supports(&DELETION_VECTORS));
        let add_and_remove = [structure("add", add.to_vec()), structure("remove", remove_fields())];
        let [txn, metadata, protocol, domain, checkpoint_metadata, sidecar] = small_columns();
        let [add_column, remove] = add_and_remove.clone();
        let classic = vec![txn, add_column, remove, metadata, protocol, domain];
        let v2 = [classic.as_slice(), &[checkpoint_metadata, sidecar]].concat();
        Ok(Self(Arc::new(Inner {
            forms,
            indexed,
            partitions,
            add,
            classic: Arc::new(Schema::new(classic)),
            v2: Arc::new(Schema::new(v2)),
            files: Arc::new(Schema::new(add_and_remove.to_vec())),
        })))
    }

    /// The forms of statistics.
    pub fn forms(&self) -> StatisticsForms {
        self.0.forms
    }

    /// All columns of a checkpoint of the V1 spec.
    pub fn classic(&self) -> &SchemaRef {
        &self.0.classic
    }

    /// All columns of the top-level file of a checkpoint of the V2 spec.
    pub fn v2(&self) -> &SchemaRef {
        &self.0.v2
    }

    /// The columns of sidecar files: `add` and `remove`.
    pub fn files(&self) -> &SchemaRef {
        &self.0.files
    }

    /// The fields of `add`.
    pub(crate) fn add(&self) -> &Fields {
        &self.0.add
    }

    /// The type of `remove`.
    pub(crate) fn remove(&self) -> &FieldRef {
        &self.0.files.fields()[1]
    }

    /// The fields of `stats_parsed`, where it is written.
    pub(crate) fn stats_parsed(&self) -> Option<&Fields> {
        let field = self.0.add.iter().find(|field| field.name() == "stats_parsed")?;
        if let Arrow::Struct(fields) = field.data_type() { Some(fields) } else { None }
    }

    /// The columns with statistics, under their physical names.
    pub(crate) fn indexed(&self) -> &StructType {
        &self.0.indexed
    }

    /// The partition columns that `partitionValues_parsed` has, under their physical names.
    pub(crate) fn partitions(&self) -> &StructType {
        &self.0.partitions
    }
}

/// Whether the specification has typed bounds for the type.
fn has_bounds(data_type: &DataType) -> bool {
    use PrimitiveType as P;
    let without = [P::Boolean, P::Binary, P::Void, P::IntervalYearMonth, P::IntervalDaySecond];
    data_type.as_primitive().is_some_and(|primitive| !without.contains(&primitive))
}

/// Parquet has columns for all partition types but void and intervals.
fn partition_schema(table: &TableConfiguration) -> StructType {
    use PrimitiveType as P;
    let without = [P::Void, P::IntervalYearMonth, P::IntervalDaySecond].map(DataType::from);
    let physical = |field: &StructField| StructField {
        name: field.physical_name(table.column_mapping_mode()).to_owned(),
        ..field.clone()
    };
    table.partition_fields().filter(|field| !without.contains(&field.data_type)).map(physical).collect()
}

fn add_fields(indexed: &StructType, partitions: &StructType, forms: StatisticsForms, with_vectors: bool) -> Fields {
    let mut fields = vec![
        text("path"),
        map("partitionValues"),
        long("size"),
        long("modificationTime"),
        boolean("dataChange"),
        map("tags"),
        deletion_vector(),
        long("baseRowId"),
        long("defaultRowCommitVersion"),
        text("clusteringProvider"),
    ];
    if forms.json {
        // A view: the text goes from one file to the next as it is.
        fields.push(field("stats", Arrow::Utf8View));
    }
    if forms.parsed {
        let values = partitions.fields.iter().map(typed).collect::<Vec<_>>();
        fields.extend((!values.is_empty()).then(|| structure("partitionValues_parsed", values)));
        fields.push(structure("stats_parsed", stats_fields(indexed, with_vectors)));
    }
    fields.into()
}

fn stats_fields(indexed: &StructType, with_vectors: bool) -> Vec<FieldRef> {
    let bounds = mirrored(indexed, &|field| has_bounds(&field.data_type).then(|| typed(field)));
    let counts = mirrored(indexed, &|field| Some(long(&field.name)));
    let mut fields = vec![long("numRecords")];
    if !bounds.is_empty() {
        fields.extend([structure("minValues", bounds.clone()), structure("maxValues", bounds)]);
    }
    fields.extend((!counts.is_empty()).then(|| structure("nullCount", counts)));
    fields.extend(with_vectors.then(|| boolean("tightBounds")));
    fields
}

/// The schema's structs, with what `leaf` makes of each other field; structs that are empty then are left out.
fn mirrored(schema: &StructType, leaf: &impl Fn(&StructField) -> Option<FieldRef>) -> Vec<FieldRef> {
    let mirror = |field: &StructField| match field.data_type.as_struct() {
        Some(inner) => {
            let inner = mirrored(inner, leaf);
            (!inner.is_empty()).then(|| structure(&field.name, inner))
        }
        None => leaf(field),
    };
    schema.fields.iter().filter_map(mirror).collect()
}

fn remove_fields() -> Vec<FieldRef> {
    vec![
        text("path"),
        long("deletionTimestamp"),
        boolean("dataChange"),
        boolean("extendedFileMetadata"),
        map("partitionValues"),
        long("size"),
        deletion_vector(),
        long("baseRowId"),
        long("defaultRowCommitVersion"),
    ]
}

fn deletion_vector() -> FieldRef {
    let fields = vec![
        text("storageType"),
        text("pathOrInlineDv"),
        field("offset", Arrow::Int32),
        field("sizeInBytes", Arrow::Int32),
        long("cardinality"),
        long("maxRowIndex"),
    ];
    structure("deletionVector", fields)
}

/// `txn`, `metaData`, `protocol`, `domainMetadata`, `checkpointMetadata` and `sidecar`.
fn small_columns() -> [FieldRef; 6] {
    let format = structure("format", vec![text("provider"), map("options")]);
    let integer = |name| field(name, Arrow::Int32);
    [
        structure("txn", vec![text("appId"), long("version"), long("lastUpdated")]),
        structure(
            "metaData",
            vec![
                text("id"),
                text("name"),
                text("description"),
                format,
                text("schemaString"),
                texts("partitionColumns"),
                map("configuration"),
                long("createdTime"),
            ],
        ),
        structure(
            "protocol",
            vec![
                integer("minReaderVersion"),
                integer("minWriterVersion"),
                texts("readerFeatures"),
                texts("writerFeatures"),
            ],
        ),
        structure("domainMetadata", vec![text("domain"), text("configuration"), boolean("removed")]),
        structure("checkpointMetadata", vec![long("version"), map("tags")]),
        structure("sidecar", vec![text("path"), long("sizeInBytes"), long("modificationTime"), map("tags")]),
    ]
}

fn field(name: &str, data_type: Arrow) -> FieldRef {
    Arc::new(Field::new(name, data_type, true))
}

fn typed(column: &StructField) -> FieldRef {
    field(&column.name, column.data_type.to_arrow())
}

fn text(name: &str) -> FieldRef {
    field(name, Arrow::Utf8)
}

fn long(name: &str) -> FieldRef {
    field(name, Arrow::Int64)
}

fn boolean(name: &str) -> FieldRef {
    field(name, Arrow::Boolean)
}

fn texts(name: &str) -> FieldRef {
    field(name, Arrow::List(text("element")))
}

fn map(name: &str) -> FieldRef {
    let entry = vec![Arc::new(Field::new("key", Arrow::Utf8, false)), text("value")];
    let entries = Field::new("key_value", Arrow::Struct(entry.into()), false);
    field(name, Arrow::Map(Arc::new(entries), false))
}

fn structure(name: &str, fields: Vec<FieldRef>) -> FieldRef {
    field(name, Arrow::Struct(fields.into()))
}
