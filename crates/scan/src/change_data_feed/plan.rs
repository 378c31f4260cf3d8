//! From commits to reads: pure.

use super::commits::Commit;
use super::compatible::incompatibility;
use super::{CHANGE_TYPE, COMMIT_TIMESTAMP, COMMIT_VERSION};
use crate::location::file_url;
use crate::plan::{FileRead, ReadSpec, RowSet};
use crate::selection::Selection;
use arrow_schema::SchemaRef;
use deltaic_log::action::{Action, Add, AddCdcFile, PartitionValues, Remove};
use deltaic_log::feature::{ColumnSource, FeatureSpec, FieldSource, Origin, Shape};
use deltaic_log::partition_value::Scalar;
use deltaic_log::schema::{DataType, PrimitiveType, StructField, StructType, same_name};
use deltaic_log::{Error, ErrorKind, Result, TableConfiguration, Version};
use std::collections::BTreeMap;
use std::sync::Arc;
use url::Url;

/// What happened to a row, where no change data file tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// The row is new.
    Insert,
    /// The row is gone.
    Delete,
}

impl ChangeKind {
    /// The value of [`CHANGE_TYPE`].
    ///
    /// ```
    /// assert_eq!(deltaic_scan::change_data_feed::ChangeKind::Insert.name(), "insert");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Delete => "delete",
        }
    }
}

/// Turns the commits of a range, oldest first, into reads.
#[derive(Debug)]
pub(super) struct Planner {
    root: Url,
    /// The table as its rows are given.
    target: TableConfiguration,
    /// The table as of the commit at hand, once it changed in the range.
    current: Option<TableConfiguration>,
    /// Of rows whose kind of change the plan knows.
    derived: Arc<ReadSpec>,
    /// Of change data files, which tell the kind of each row.
    recorded: Arc<ReadSpec>,
}

impl Planner {
    /// A planner of what `selection` wants of the columns of [`schema_of`].
    pub(super) fn new(root: &Url, target: &TableConfiguration, selection: &Selection) -> Result<Self> {
        let columns = target.reader_requirements()?.columns;
        let reserved = |column: &&ColumnSource| FEED_COLUMNS.iter().any(|(name, _)| same_name(name, &column.name));
        if let Some(column) = columns.iter().find(reserved) {
            let message = "the table has a column whose name the change data feed needs for itself: rename the column";
            return Err(unavailable(message).with("column", &column.name));
        }
        let schema = schema_of(target);
        let spec = |change_type: Origin| {
            let [kind, version, time] = FEED_COLUMNS;
            let extra = [extra(kind, change_type), constant(version), constant(time)];
            let columns: Vec<_> = columns.iter().cloned().chain(extra).collect();
            selection.read_spec(root, &schema, &columns).map(Arc::new)
        };
        Ok(Self {
            root: root.clone(),
            target: target.clone(),
            current: None,
            derived: spec(Origin::PartitionValue { key: CHANGE_TYPE.to_owned() })?,
            recorded: spec(Origin::DataFile(recorded_change_type()))?,
        })
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.derived.schema()
    }

    /// Whether the changes of a version can be told, where the table was `table` then.
    pub(super) fn check(&mut self, table: &TableConfiguration, version: Version) -> Result<()> {
        let feed = FeatureSpec::named("changeDataFeed").expect("a feature of the specification");
        if !table.is_active(feed) {
            let message =
                "the change data feed was off: set delta.enableChangeDataFeed, and ask for changes since then";
            return Err(unavailable(message).with("version", version));
        }
        if let Some(why) = incompatibility(table, &self.target) {
            let message =
                format!("rows of older versions do not fit the table's schema: {why}; ask for changes since then");
            return Err(unavailable(message).with("version", version));
        }
        self.current = Some(table.clone());
        Ok(())
    }

    /// The reads of one commit.
    pub(super) fn commit(&mut self, commit: &Commit) -> Result<Vec<FileRead>> {
        self.follow(commit)?;
        let recorded = commit.actions.iter().filter_map(|action| match action {
            Action::AddCdcFile(file) => Some(file),
            _ => None,
        });
        let read = |file: &AddCdcFile| {
            let values = self.values(commit, &file.partition_values, None)?;
            self.read(&self.recorded, &file.path, file.size, values, RowSet::default())
        };
        let recorded = recorded.map(read).collect::<Result<Vec<_>>>()?;
        if recorded.is_empty() { self.derive(commit) } else { Ok(recorded) }
    }

    /// Takes note of a change of protocol or metadata.
    fn follow(&mut self, commit: &Commit) -> Result<()> {
        let (mut protocol, mut metadata) = (None, None);
        for action in &commit.actions {
            match action {
                Action::Protocol(new) => protocol = Some(new.clone()),
                Action::Metadata(new) => metadata = Some(new.clone()),
                _ => {}
            }
        }
        if protocol.is_none() && metadata.is_none() {
            return Ok(());
        }
        let current = self.current.as_ref().unwrap_or(&self.target);
        let protocol = protocol.unwrap_or_else(|| current.protocol().clone());
        let metadata = metadata.unwrap_or_else(|| current.metadata().clone());
        let table = TableConfiguration::try_new(protocol, metadata)?;
        self.check(&table, commit.version)
    }

    /// What the added and removed files say.
    fn derive(&self, commit: &Commit) -> Result<Vec<FileRead>> {
        let mut reads = Vec::new();
        for (path, Change { removed, added }) in changed_files(&commit.actions) {
            match (removed, added) {
                (Some(removed), Some(added)) => self.difference(commit, path, removed, added, &mut reads)?,
                (Some(removed), None) => {
                    let rows = RowSet::without(removed.deletion_vector.clone());
                    reads.push(self.removed(commit, path, removed, rows)?);
                }
                (None, Some(added)) => {
                    let rows = RowSet::without(added.deletion_vector.clone());
                    reads.push(self.added(commit, path, added, rows)?);
                }
                (None, None) => {}
            }
        }
        Ok(reads)
    }

    /// The rows by which a file's old and new deletion vector differ.
    fn difference(
        &self,
        commit: &Commit,
        path: &str,
        removed: &Remove,
        added: &Add,
        reads: &mut Vec<FileRead>,
    ) -> Result<()> {
        let (old, new) = (&removed.deletion_vector, &added.deletion_vector);
        if old == new {
            return Ok(());
        }
        if new.is_some() {
            let rows = RowSet { only: new.clone(), except: old.clone() };
            let values = self.values(commit, &added.partition_values, Some(ChangeKind::Delete))?;
            reads.push(self.read(&self.derived, path, added.size, values, rows)?);
        }
        if old.is_some() {
            reads.push(self.added(commit, path, added, RowSet { only: old.clone(), except: new.clone() })?);
        }
        Ok(())
    }

    fn added(&self, commit: &Commit, path: &str, added: &Add, rows: RowSet) -> Result<FileRead> {
        let values = self.values(commit, &added.partition_values, Some(ChangeKind::Insert))?;
        self.read(&self.derived, path, added.size, values, rows)
    }

    fn removed(&self, commit: &Commit, path: &str, removed: &Remove, rows: RowSet) -> Result<FileRead> {
        let partition_values = match &removed.partition_values {
            Some(values) => values.clone(),
            None if self.target.partition_columns().is_empty() => PartitionValues::new(),
            None => {
                let message = "a removed file's partition values were not recorded: its rows cannot be told any more";
                return Err(unavailable(message).with("file", path));
            }
        };
        let values = self.values(commit, &partition_values, Some(ChangeKind::Delete))?;
        self.read(&self.derived, path, removed.size.unwrap_or(0), values, rows)
    }

    /// The file's partition values, and with them what is the same for all of its rows here.
    fn values(&self, commit: &Commit, file: &PartitionValues, kind: Option<ChangeKind>) -> Result<PartitionValues> {
        let time = Scalar::Timestamp(commit.timestamp.0.saturating_mul(1_000)).to_text()?;
        let mut values = file.clone();
        values.insert(COMMIT_VERSION.to_owned(), Some(commit.version.to_string()));
        values.insert(COMMIT_TIMESTAMP.to_owned(), Some(time));
        values.extend(kind.map(|kind| (CHANGE_TYPE.to_owned(), Some(kind.name().to_owned()))));
        Ok(values)
    }

    fn read(
        &self,
        spec: &Arc<ReadSpec>,
        path: &str,
        size: i64,
        partition_values: PartitionValues,
        rows: RowSet,
    ) -> Result<FileRead> {
        Ok(FileRead {
            location: file_url(&self.root, path)?,
            size: u64::try_from(size).unwrap_or(0),
            partition_values,
            rows,
            base_row_id: None,
            default_row_commit_version: None,
            num_records: None,
            spec: spec.clone(),
        })
    }
}

/// What a commit did to one file.
#[derive(Default)]
struct Change<'a> {
    removed: Option<&'a Remove>,
    added: Option<&'a Add>,
}

/// The files whose rows a commit changed, by path.
fn changed_files(actions: &[Action]) -> BTreeMap<&str, Change<'_>> {
    let mut files: BTreeMap<&str, Change<'_>> = BTreeMap::new();
    for action in actions {
        match action {
            Action::Add(add) if add.data_change => files.entry(&add.path).or_default().added = Some(add),
            Action::Remove(remove) if remove.data_change => {
                files.entry(&remove.path).or_default().removed = Some(remove)
            }
            _ => {}
        }
    }
    files
}

/// The columns of the feed's own, behind the table's.
const FEED_COLUMNS: [(&str, PrimitiveType); 3] = [
    (CHANGE_TYPE, PrimitiveType::String),
    (COMMIT_VERSION, PrimitiveType::Long),
    (COMMIT_TIMESTAMP, PrimitiveType::Timestamp),
];

/// All columns of the changes of a table, under logical names.
pub(super) fn schema_of(table: &TableConfiguration) -> StructType {
    let own = FEED_COLUMNS.map(|(name, data_type)| StructField::nullable(name, data_type));
    StructType::new(table.schema().fields.iter().cloned().chain(own).collect::<Vec<_>>())
}

/// A column whose value is the same in every row of a file: it travels with the file's partition values.
fn constant(column: (&str, PrimitiveType)) -> ColumnSource {
    extra(column, Origin::PartitionValue { key: column.0.to_owned() })
}

fn extra((name, data_type): (&str, PrimitiveType), origin: Origin) -> ColumnSource {
    ColumnSource { name: name.to_owned(), data_type: DataType::Primitive(data_type), nullable: true, origin }
}

/// The column of change data files; it is no column of the table, so it has no physical name and no id.
fn recorded_change_type() -> FieldSource {
    FieldSource {
        name: CHANGE_TYPE.to_owned(),
        physical_name: CHANGE_TYPE.to_owned(),
        field_id: None,
        nullable: true,
        shape: Shape::Primitive { data_type: PrimitiveType::String, former_types: Vec::new() },
    }
}

fn unavailable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::ChangeDataUnavailable, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use deltaic_log::TimestampMs;
    use serde_json::{Value, json};

    /// A table of one column, `n`, with these properties.
    fn table(fields: Value, configuration: Value) -> TableConfiguration {
        let schema = json!({"type": "struct", "fields": fields}).to_string();
        let protocol = json!({"minReaderVersion": 1, "minWriterVersion": 4});
        let metadata =
            json!({"id": "x", "schemaString": schema, "partitionColumns": [], "configuration": configuration});
        TableConfiguration::try_new(
            serde_json::from_value(protocol).unwrap(),
            serde_json::from_value(metadata).unwrap(),
        )
        .unwrap()
    }

    fn field(name: &str, data_type: &str) -> Value {
        json!({"name": name, "type": data_type, "nullable": true, "metadata": {}})
    }

    fn feed_on() -> TableConfiguration {
        table(json!([field("n", "long")]), json!({"delta.enableChangeDataFeed": "true"}))
    }

    fn plan(actions: Value) -> Result<Vec<FileRead>> {
        let actions = serde_json::from_value(actions).unwrap();
        let mut planner = Planner::new(&"memory:///t/".parse().unwrap(), &feed_on(), &Selection::default()).unwrap();
        planner.commit(&Commit { version: Version(7), timestamp: TimestampMs(1_500), actions })
    }

    /// `kind path only except` of each read that the actions lead to.
    fn check(actions: Value, expected: &[&str]) {
        let vector = |vector: &Option<deltaic_log::deletion_vector::DeletionVectorDescriptor>| {
            vector.as_ref().map_or("-".to_owned(), |vector| vector.path_or_inline_dv.clone())
        };
        let text = |read: FileRead| {
            let kind =
                read.partition_values.get(CHANGE_TYPE).cloned().flatten().unwrap_or_else(|| "recorded".to_owned());
            format!("{kind} {} {} {}", read.location.path(), vector(&read.rows.only), vector(&read.rows.except))
        };
        assert_eq!(plan(actions).unwrap().into_iter().map(text).collect::<Vec<_>>(), expected);
    }

    fn add(path: &str, vector: Option<&str>, data_change: bool) -> Value {
        json!({"add": {"path": path, "partitionValues": {}, "size": 1, "modificationTime": 0, "dataChange": data_change,
            "deletionVector": vector.map(inline)}})
    }

    fn remove(path: &str, vector: Option<&str>, data_change: bool) -> Value {
        json!({"remove": {"path": path, "dataChange": data_change, "deletionVector": vector.map(inline)}})
    }

    fn inline(text: &str) -> Value {
        json!({"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": 1, "cardinality": 1})
    }

    #[test]
    fn added_rows_are_inserts_and_removed_rows_deletes() {
        check(json!([add("a", None, true)]), &["insert /t/a - -"]);
        check(json!([remove("a", None, true), add("b", None, true)]), &["delete /t/a - -", "insert /t/b - -"]);
        check(json!([remove("a", Some("old"), true)]), &["delete /t/a - old"]);
        check(json!([]), &[]);
    }

    #[test]
    fn a_changed_vector_gives_the_difference() {
        check(json!([remove("a", None, true), add("a", Some("new"), true)]), &["delete /t/a new -"]);
        check(json!([add("a", None, true), remove("a", Some("old"), true)]), &["insert /t/a old -"]);
        let both = json!([remove("a", Some("old"), true), add("a", Some("new"), true)]);
        check(both, &["delete /t/a new old", "insert /t/a old new"]);
        check(json!([remove("a", Some("same"), true), add("a", Some("same"), true)]), &[]);
    }

    #[test]
    fn what_only_moved_did_not_change() {
        check(json!([remove("a", None, false), add("b", None, false)]), &[]);
    }

    #[test]
    fn recorded_changes_stand_alone() {
        let recorded =
            json!({"cdc": {"path": "_change_data/c", "partitionValues": {}, "size": 1, "dataChange": false}});
        check(json!([add("a", None, true), recorded, remove("b", None, true)]), &["recorded /t/_change_data/c - -"]);
    }

    #[test]
    fn each_row_tells_version_and_time() {
        let read = plan(json!([add("a", None, true)])).unwrap().remove(0);
        assert_eq!(read.partition_values[COMMIT_VERSION].as_deref(), Some("7"));
        assert_eq!(read.partition_values[COMMIT_TIMESTAMP].as_deref(), Some("1970-01-01T00:00:01.500000Z"));
    }

    #[test]
    fn the_feed_must_be_on_and_the_schema_must_fit_throughout() {
        let on = json!({"delta.enableChangeDataFeed": "true"});
        for (table, fits) in [
            (feed_on(), true),
            (table(json!([]), on.clone()), true),
            (table(json!([field("n", "integer")]), on.clone()), true),
            (table(json!([field("n", "string")]), on.clone()), false),
            (table(json!([field("n", "long"), field("dropped", "long")]), on), false),
            (table(json!([field("n", "long")]), json!({})), false),
        ] {
            let checked = plan(json!([{"metaData": table.metadata()}]));
            assert_eq!(
                checked.map_err(|error| error.kind()).err(),
                (!fits).then_some(ErrorKind::ChangeDataUnavailable)
            );
        }
    }

    #[test]
    fn names_of_the_feeds_own_columns_are_reserved() {
        let taken = table(json!([field("_COMMIT_version", "long")]), json!({}));
        let error = Planner::new(&"memory:///t/".parse().unwrap(), &taken, &Selection::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ChangeDataUnavailable);
    }
}
