//! What a table is to be, and the metadata that says so.

use std::collections::BTreeMap;

use deltaic_log::action::{Format, Metadata};
use deltaic_log::schema::{ColumnMappingMode, ColumnPath, StructType};
use deltaic_log::table_properties::{TableProperties, property};
use deltaic_log::{Context, IdSource, Result, ResultExt, TableConfiguration};

use super::column_mapping::assign_ids;
use super::validate::validate;
use crate::target::Target;

/// A table that is to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TableSpec {
    pub(crate) schema: StructType,
    pub(crate) partition_by: Vec<String>,
    pub(crate) cluster_by: Vec<String>,
    pub(crate) properties: BTreeMap<String, String>,
    /// Conditions by name.
    pub(crate) constraints: BTreeMap<String, String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
}

impl TableSpec {
    pub(crate) fn new(schema: StructType) -> Self {
        Self {
            schema,
            partition_by: Vec::new(),
            cluster_by: Vec::new(),
            properties: BTreeMap::new(),
            constraints: BTreeMap::new(),
            name: None,
            description: None,
        }
    }

    /// The metadata of the new table, or of the one that takes the place of the target's, which keeps its id.
    ///
    /// # Errors
    /// As [`validate`].
    pub(crate) fn metadata(&self, target: &Target) -> Result<Metadata> {
        let context = target.store.context();
        let partition_columns = self.partition_columns()?;
        let mut configuration = self.properties.clone();
        let mode = TableProperties::new(&configuration).get(&property::COLUMN_MAPPING_MODE)?;
        validate(self, &partition_columns, mode, context)?;
        for (name, sql) in &self.constraints {
            configuration.insert(format!("{}{}", property::CONSTRAINT_PREFIX, name.to_lowercase()), sql.clone());
        }
        name_row_tracking_columns(&mut configuration, context)?;
        let schema = match mode {
            ColumnMappingMode::None => self.schema.clone(),
            _ => {
                let before = target.snapshot.as_ref().map(|snapshot| snapshot.configuration().properties());
                let used =
                    before.map_or(Ok(0), |properties| properties.get(&property::COLUMN_MAPPING_MAX_COLUMN_ID))?;
                let (schema, id_max) = assign_ids(&self.schema, used, &*context.ids);
                configuration.insert(property::COLUMN_MAPPING_MAX_COLUMN_ID.spec.key.to_owned(), id_max.to_string());
                schema
            }
        };
        let id = match &target.snapshot {
            Some(snapshot) => snapshot.metadata().id.clone(),
            None => context.ids.uuid().to_string(),
        };
        Ok(Metadata {
            id,
            name: self.name.clone(),
            description: self.description.clone(),
            format: Format::default(),
            schema_string: Some(schema.to_json()),
            partition_columns,
            configuration,
            created_time: Some(context.clock.now().0),
        })
    }

    /// As the schema spells them.
    fn partition_columns(&self) -> Result<Vec<String>> {
        let column = |name: &String| {
            let found = self.schema.resolve(&ColumnPath::from(name.as_str())).with("partition_column", name)?;
            Ok(found.field.name.clone())
        };
        self.partition_by.iter().map(column).collect()
    }
}

/// A table that tracks its rows says in which columns of data files the ids of moved rows are kept (spec: "Row Tracking").
pub(crate) fn name_row_tracking_columns(configuration: &mut BTreeMap<String, String>, context: &Context) -> Result<()> {
    if !TableProperties::new(configuration).get(&property::ENABLE_ROW_TRACKING)? {
        return Ok(());
    }
    for (key, prefix) in [
        (property::MATERIALIZED_ROW_ID_COLUMN_NAME.spec.key, "_row-id-col"),
        (property::MATERIALIZED_ROW_COMMIT_VERSION_COLUMN_NAME.spec.key, "_row-commit-version-col"),
    ] {
        configuration.entry(key.to_owned()).or_insert_with(|| format!("{prefix}-{}", context.ids.uuid()));
    }
    Ok(())
}

/// The metadata with another schema, whose new columns get ids where the table maps columns.
///
/// # Errors
/// [`deltaic_log::ErrorKind::InvalidProperty`].
pub(crate) fn with_schema(
    mut metadata: Metadata,
    table: &TableConfiguration,
    schema: StructType,
    ids: &dyn IdSource,
) -> Result<Metadata> {
    let schema = match table.column_mapping_mode() {
        ColumnMappingMode::None => schema,
        _ => {
            let used = table.properties().get(&property::COLUMN_MAPPING_MAX_COLUMN_ID)?;
            let (schema, id_max) = assign_ids(&schema, used, ids);
            let key = property::COLUMN_MAPPING_MAX_COLUMN_ID.spec.key;
            metadata.configuration.retain(|known, _| !known.eq_ignore_ascii_case(key));
            metadata.configuration.insert(key.to_owned(), id_max.to_string());
            schema
        }
    };
    metadata.schema_string = Some(schema.to_json());
    Ok(metadata)
}
