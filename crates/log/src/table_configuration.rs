//! What protocol and metadata mean together, parsed once.
//!
//! A [`TableConfiguration`] exists only for tables that this library can read: [`TableConfiguration::try_new`] parses
//! and checks, and everybody after it can rely on that.

use crate::action::{Metadata, Protocol};
use crate::feature::{ALL, COLUMN_MAPPING, FeatureSpec, ReaderRequirements, Support, WriterRequirements};
use crate::schema::{ColumnMappingMode, StructField, StructType, same_name};
use crate::table_properties::{Property, PropertyValue, TableProperties, property};
use crate::{Error, ErrorKind, Result};
use std::sync::Arc;

/// A table's protocol and metadata, parsed and known to be readable. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct TableConfiguration(Arc<Inner>);

#[derive(Debug, PartialEq)]
struct Inner {
    protocol: Protocol,
    metadata: Metadata,
    schema: StructType,
    physical_schema: StructType,
    partition_columns: Vec<String>,
    properties: TableProperties,
    column_mapping_mode: ColumnMappingMode,
}

/// How a table is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// By its path: storage alone says which commits there are.
    ByPath,
    /// By a catalog, which hands in the commits that it knows.
    ThroughCatalog,
}

impl TableConfiguration {
    /// The configuration that these two actions describe.
    ///
    /// Fails with [`ErrorKind::UnsupportedProtocol`] where this library cannot read such tables, with
    /// [`ErrorKind::CorruptLog`] where the actions contradict themselves or the specification, and with
    /// [`ErrorKind::InvalidProperty`] where the column mapping mode is none. An absent schema is one without columns.
    ///
    /// ```
    /// use deltaic_log::{TableConfiguration, action::{Metadata, Protocol}};
    /// let protocol: Protocol = serde_json::from_str(r#"{"minReaderVersion":1,"minWriterVersion":2}"#).unwrap();
    /// let metadata: Metadata = serde_json::from_str(r#"{"id":"x","partitionColumns":["DAY"],"schemaString":
    ///     "{\"type\":\"struct\",\"fields\":[{\"name\":\"day\",\"type\":\"date\",\"nullable\":true,\"metadata\":{}}]}"}"#).unwrap();
    /// let table = TableConfiguration::try_new(protocol, metadata)?;
    /// assert_eq!(table.partition_columns(), ["day"]);
    /// # Ok::<(), deltaic_log::Error>(())
    /// ```
    pub fn try_new(protocol: Protocol, metadata: Metadata) -> Result<Self> {
        protocol.check_readable()?;
        check_format(&metadata)?;
        let schema =
            metadata.schema_string.as_deref().map_or_else(|| Ok(StructType::default()), StructType::from_json)?;
        schema.check_unique_names()?;
        let properties = TableProperties::new(&metadata.configuration);
        let column_mapping_mode = match protocol.supports(&COLUMN_MAPPING) {
            true => properties.get(&property::COLUMN_MAPPING_MODE)?,
            false => ColumnMappingMode::None,
        };
        schema.check_column_mapping(column_mapping_mode)?;
        let partition_columns = resolve_partition_columns(&metadata, &schema)?;
        let physical_schema = schema.physical(column_mapping_mode);
        let table = Self(Arc::new(Inner {
            protocol,
            metadata,
            schema,
            physical_schema,
            partition_columns,
            properties,
            column_mapping_mode,
        }));
        table.reader_requirements().map(|_| table)
    }

    /// The protocol, as the log has it.
    pub fn protocol(&self) -> &Protocol {
        &self.0.protocol
    }

    /// The metadata, as the log has it.
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// The table's schema, under logical names.
    pub fn schema(&self) -> &StructType {
        &self.0.schema
    }

    /// The table's schema, under physical names: those of statistics, partition values and, but for
    /// [`ColumnMappingMode::Id`], data files.
    pub fn physical_schema(&self) -> &StructType {
        &self.0.physical_schema
    }

    /// The partition columns' logical names, spelled as in the schema, in the order of the partitioning.
    pub fn partition_columns(&self) -> &[String] {
        &self.0.partition_columns
    }

    /// Whether the column of exactly this logical name is a partition column.
    pub fn is_partition_column(&self, name: &str) -> bool {
        self.0.partition_columns.iter().any(|column| column == name)
    }

    /// The partition columns' fields, in the order of the partitioning.
    pub fn partition_fields(&self) -> impl Iterator<Item = &StructField> {
        self.0.partition_columns.iter().filter_map(|name| self.0.schema.field(name))
    }

    /// The table's properties.
    pub fn properties(&self) -> &TableProperties {
        &self.0.properties
    }

    /// How columns are found in data files.
    pub fn column_mapping_mode(&self) -> ColumnMappingMode {
        self.0.column_mapping_mode
    }

    /// Whether the table supports the feature, and makes use of it (spec: "Active Features").
    pub fn is_active(&self, feature: &FeatureSpec) -> bool {
        self.protocol().supports(feature) && (feature.is_active)(self)
    }

    /// What all of the table's features together ask of readers.
    pub fn reader_requirements(&self) -> Result<ReaderRequirements> {
        ReaderRequirements::of(self)
    }

    /// What all of the table's features together ask of whoever writes rows.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptLog`] where a column's metadata is broken.
    pub fn writer_requirements(&self) -> Result<WriterRequirements> {
        WriterRequirements::of(self)
    }

    /// Fails with [`ErrorKind::UnsupportedProtocol`] where the table cannot be opened in this way: one that a catalog
    /// manages is not to be opened by path. The message names the catalog, if the table does.
    pub fn check_access(&self, access: Access) -> Result<()> {
        let managed = |feature: &&FeatureSpec| access == Access::ByPath && self.protocol().supports(feature);
        for feature in ALL.iter().filter(managed) {
            if let Support::ThroughCatalog { why, remedy } = feature.read {
                let catalog = self.catalog().map(|name| format!(" ({name})")).unwrap_or_default();
                let message = format!("the table cannot be opened by its path, as {why}{catalog}: {remedy}");
                return Err(Error::new(ErrorKind::UnsupportedProtocol, message)
                    .with("feature", feature.name)
                    .with("heading", feature.heading.title));
            }
        }
        Ok(())
    }

    /// The catalog that manages the table, as far as its properties tell.
    pub fn catalog(&self) -> Option<&str> {
        let unity = ["io.unitycatalog.tableId", "ucTableId"];
        match unity.iter().any(|key| self.properties().text(key).is_some()) {
            true => Some("Unity Catalog"),
            false => self.properties().text(property::COMMIT_COORDINATOR.spec.key),
        }
    }

    /// Whether the property is set, and set to true. One that is set to what it does not allow is not.
    pub(crate) fn is_set<T: PropertyValue + Into<Option<bool>>>(&self, property: &Property<T>) -> bool {
        self.properties().get(property).is_ok_and(|value| value.into() == Some(true))
    }

    /// Whether the property is set to anything.
    pub(crate) fn is_set_at_all<T>(&self, property: &Property<T>) -> bool {
        self.properties().text(property.spec.key).is_some()
    }

    /// Whether a column, at any depth, has this metadata key.
    pub(crate) fn has_column_metadata(&self, key: &str) -> bool {
        self.schema().fields_at_every_depth().iter().any(|(_, field)| field.metadata.contains_key(key))
    }
}

fn check_format(metadata: &Metadata) -> Result<()> {
    let provider = &metadata.format.provider;
    if provider.eq_ignore_ascii_case("parquet") {
        return Ok(());
    }
    let message =
        format!("the table's data files are in the format {provider:?}, where the specification allows parquet alone");
    Err(Error::new(ErrorKind::UnsupportedProtocol, message).with("format", provider))
}

fn resolve_partition_columns(metadata: &Metadata, schema: &StructType) -> Result<Vec<String>> {
    let mut resolved: Vec<String> = Vec::with_capacity(metadata.partition_columns.len());
    for name in &metadata.partition_columns {
        let field = schema.fields.iter().find(|field| same_name(&field.name, name));
        let problem = match field {
            None => "is not in the table's schema",
            Some(field) if resolved.contains(&field.name) => "is listed twice",
            Some(field) if field.data_type.as_primitive().is_none() => "has a type that no partition column can have",
            Some(field) => {
                resolved.push(field.name.clone());
                continue;
            }
        };
        let message = format!("the partition column {name:?} {problem}: the table's metadata is broken");
        return Err(Error::new(ErrorKind::CorruptLog, message).with("column", name));
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::{FieldSource, Origin, PartSource, RowTrackingSource, Shape};
    use crate::schema::PrimitiveType;
    use serde_json::{Value, json};

    fn table(protocol: Value, schema: Value, partitions: &[&str], configuration: Value) -> Result<TableConfiguration> {
        let metadata = json!({
            "id": "x",
            "schemaString": schema.to_string(),
            "partitionColumns": partitions,
            "configuration": configuration,
        });
        TableConfiguration::try_new(
            serde_json::from_value(protocol).unwrap(),
            serde_json::from_value(metadata).unwrap(),
        )
    }

    fn protocol_with(features: &[&str]) -> Value {
        json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features})
    }

    fn columns(fields: Value) -> Value {
        json!({"type": "struct", "fields": fields})
    }

    fn column(name: &str, id: i32, data_type: Value) -> Value {
        let metadata = json!({"delta.columnMapping.id": id, "delta.columnMapping.physicalName": format!("col-{id}")});
        json!({"name": name, "type": data_type, "nullable": true, "metadata": metadata})
    }

    fn long(former_types: Vec<PrimitiveType>) -> Shape {
        Shape::Primitive { data_type: PrimitiveType::Long, former_types }
    }

    #[test]
    fn each_column_has_its_origin() {
        let mut list = column("list", 3, json!({"type": "array", "elementType": "long", "containsNull": true}));
        list["metadata"]["delta.columnMapping.nested.ids"] = json!({"col-3.element": 31});
        list["metadata"]["delta.typeChanges"] =
            json!([{"fromType": "short", "toType": "long", "fieldPath": "element"}]);
        let schema = columns(json!([column("Day", 1, json!("date")), column("v", 2, json!("void")), list]));
        let features = ["columnMapping", "typeWidening", "deletionVectors"];
        let table =
            table(protocol_with(&features), schema, &["day"], json!({"delta.columnMapping.mode": "id"})).unwrap();
        assert_eq!(table.partition_columns(), ["Day"]);
        assert_eq!(table.physical_schema().fields[2].name, "col-3");

        let requirements = table.reader_requirements().unwrap();
        assert!(requirements.deletion_vectors && requirements.type_widening && requirements.row_tracking.is_none());
        let origins: Vec<_> = requirements.columns.iter().map(|column| column.origin.clone()).collect();
        let element = PartSource { field_id: Some(31), nullable: true, shape: long(vec![PrimitiveType::Short]) };
        let list = FieldSource {
            name: "list".to_owned(),
            physical_name: "col-3".to_owned(),
            field_id: Some(3),
            nullable: true,
            shape: Shape::Array { element: Box::new(element) },
        };
        assert_eq!(origins, [Origin::PartitionValue { key: "col-1".to_owned() }, Origin::Null, Origin::DataFile(list)]);
        let carried = serde_json::from_str(&serde_json::to_string(&requirements).unwrap()).unwrap();
        assert_eq!(requirements, carried);
    }

    #[test]
    fn the_mapping_mode_counts_only_where_the_protocol_supports_it() {
        let schema = columns(json!([{"name": "a", "type": "long", "nullable": true, "metadata": {}}]));
        let name = json!({"delta.columnMapping.mode": "name"});
        let old = json!({"minReaderVersion": 1, "minWriterVersion": 2});
        assert_eq!(
            table(old, schema.clone(), &[], name.clone()).unwrap().column_mapping_mode(),
            ColumnMappingMode::None
        );
        let new = json!({"minReaderVersion": 2, "minWriterVersion": 5});
        assert_eq!(table(new.clone(), schema.clone(), &[], name).unwrap_err().kind(), ErrorKind::CorruptLog);
        let nonsense = json!({"delta.columnMapping.mode": "nonsense"});
        assert_eq!(table(new, schema, &[], nonsense).unwrap_err().kind(), ErrorKind::InvalidProperty);
    }

    #[test]
    fn row_tracking_names_its_columns_while_enabled() {
        let protocol =
            json!({"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["rowTracking", "domainMetadata"]});
        let configuration = |enabled| json!({"delta.enableRowTracking": enabled, "delta.rowTracking.materializedRowIdColumnName": "_row-id"});
        let requirements = |enabled| {
            table(protocol.clone(), columns(json!([])), &[], configuration(enabled))
                .unwrap()
                .reader_requirements()
                .unwrap()
        };
        let source = RowTrackingSource { row_id_column: Some("_row-id".to_owned()), row_commit_version_column: None };
        assert_eq!(requirements("true").row_tracking, Some(source));
        assert_eq!(requirements("false").row_tracking, None);
    }

    #[test]
    fn a_catalogs_table_is_not_opened_by_path() {
        let features = ["catalogManaged", "vacuumProtocolCheck"];
        let configuration = json!({"io.unitycatalog.tableId": "7"});
        let table = table(protocol_with(&features), columns(json!([])), &[], configuration).unwrap();
        table.check_access(Access::ThroughCatalog).unwrap();
        let error = table.check_access(Access::ByPath).unwrap_err();
        assert_eq!((error.kind(), error.context("feature")), (ErrorKind::UnsupportedProtocol, Some("catalogManaged")));
        assert!(error.message().contains("Unity Catalog"), "{error}");
    }

    #[test]
    fn broken_metadata_is_named() {
        let old = json!({"minReaderVersion": 1, "minWriterVersion": 2});
        let field = |name, data_type| json!({"name": name, "type": data_type, "nullable": true, "metadata": {}});
        let schema = columns(json!([field("a", json!("long")), field("s", columns(json!([])))]));
        for partitions in [&["b"][..], &["a", "A"], &["s"]] {
            let error = table(old.clone(), schema.clone(), partitions, json!({})).unwrap_err();
            assert_eq!((error.kind(), error.context("column")), (ErrorKind::CorruptLog, partitions.last().copied()));
        }
        let twins = columns(json!([field("a", json!("long")), field("A", json!("long"))]));
        assert_eq!(table(old, twins, &[], json!({})).unwrap_err().kind(), ErrorKind::CorruptLog);
    }

    #[test]
    fn an_unknown_type_change_is_refused() {
        let mut changed = column("a", 1, json!("integer"));
        changed["metadata"]["delta.typeChanges"] = json!([{"fromType": "long", "toType": "integer"}]);
        let error = table(protocol_with(&["typeWidening"]), columns(json!([changed])), &[], json!({})).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedProtocol);
    }
}
