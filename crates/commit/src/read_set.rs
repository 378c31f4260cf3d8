//! What a transaction has read: everything that a concurrent commit could have made different.

use std::collections::BTreeSet;

use arrow_array::{ArrayRef, BooleanArray};
use deltaic_log::action::Add;
use deltaic_log::action_reconciliation::canonical_path;
use deltaic_log::partition_value::parse_column;
use deltaic_log::schema::StructField;
use deltaic_log::statistics::StatsExtractor;
use deltaic_log::{Result, TableConfiguration};
use deltaic_scan::expr::{EvalContext, Expr};
use deltaic_scan::prune::{KnownFiles, PruningPredicate, StatisticsColumns};

/// The whole table, predicates, files, applications: each as far as the transaction depends on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadSet {
    whole_table: bool,
    predicates: Vec<ReadPredicate>,
    /// Canonical paths.
    files: BTreeSet<String>,
    app_ids: BTreeSet<String>,
}

impl ReadSet {
    pub(crate) fn add_whole_table(&mut self) {
        self.whole_table = true;
    }

    pub(crate) fn add_predicate(
        &mut self,
        predicate: &Expr,
        table: &TableConfiguration,
        eval: &EvalContext,
    ) -> Result<()> {
        self.predicates.push(ReadPredicate::new(predicate, table, eval)?);
        Ok(())
    }

    pub(crate) fn add_files<'a>(&mut self, paths: impl IntoIterator<Item = &'a str>) {
        self.files.extend(paths.into_iter().map(|path| canonical_path(path).into_owned()));
    }

    pub(crate) fn add_app_id(&mut self, app_id: &str) {
        self.app_ids.insert(app_id.to_owned());
    }

    /// Whether the transaction depends on any file of the table.
    pub(crate) fn reads_files(&self) -> bool {
        self.whole_table || !self.predicates.is_empty() || !self.files.is_empty()
    }

    pub(crate) fn reads_whole_table(&self) -> bool {
        self.whole_table
    }

    pub(crate) fn reads_app(&self, app_id: &str) -> bool {
        self.app_ids.contains(app_id)
    }

    pub(crate) fn has_file(&self, path: &str) -> bool {
        self.files.contains(canonical_path(path).as_ref())
    }

    /// The first of these new files that the transaction would have read, had it been there.
    pub(crate) fn first_match<'a>(&self, adds: &'a [Add]) -> Option<&'a Add> {
        if self.whole_table {
            return adds.first();
        }
        let first = self.predicates.iter().filter_map(|predicate| predicate.first_match(adds)).min();
        first.and_then(|at| adds.get(at))
    }
}

/// A predicate by which files were chosen, typed against the table as it was read.
#[derive(Clone, Debug)]
struct ReadPredicate {
    table: TableConfiguration,
    pruning: PruningPredicate,
    /// The columns whose statistics it can use.
    columns: StatisticsColumns,
}

impl ReadPredicate {
    fn new(predicate: &Expr, table: &TableConfiguration, eval: &EvalContext) -> Result<Self> {
        let schema = table.schema().to_arrow();
        let pruning = PruningPredicate::try_new(predicate, &schema, table.partition_columns(), eval)?;
        let columns = StatisticsColumns::of([&pruning], table)?;
        Ok(Self { table: table.clone(), pruning, columns })
    }

    /// Where the first file is that might hold a matching row: all that is not proven might.
    fn first_match(&self, adds: &[Add]) -> Option<usize> {
        if adds.is_empty() {
            return None;
        }
        match self.might_match(adds) {
            Ok(matches) => matches.iter().position(|matches| matches != Some(false)),
            Err(_) => Some(0),
        }
    }

    fn might_match(&self, adds: &[Add]) -> Result<BooleanArray> {
        let (table, columns) = (&self.table, &self.columns);
        let mut extractor = StatsExtractor::new(table.physical_schema(), &columns.physical())?;
        for add in adds {
            extractor.push(add.stats.as_deref().map(str::as_bytes));
        }
        let statistics = extractor.finish();
        let partition_values = |field: &StructField| partition_values(adds, field, table);
        let (files, statistics) = (adds.len(), Some(&statistics));
        self.pruning.evaluate(&KnownFiles { files, table, columns, statistics, partition_values })
    }
}

/// A value that is none of its type is unknown, and so are its neighbours': no file is ruled out by it.
fn partition_values(adds: &[Add], field: &StructField, table: &TableConfiguration) -> Option<ArrayRef> {
    let key = field.physical_name(table.column_mapping_mode());
    // A file without the column breaks the specification: what stands in its rows is unknown.
    let texts: Option<Vec<Option<&str>>> =
        adds.iter().map(|add| add.partition_values.get(key).map(Option::as_deref)).collect();
    parse_column(texts?, &field.data_type).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use deltaic_log::ManualClock;
    use deltaic_log::action::{Metadata, Protocol};
    use deltaic_scan::expr::parse;
    use rstest::rstest;

    fn table(partitioned: bool) -> TableConfiguration {
        let schema = r#"{"type":"struct","fields":[{"name":"day","type":"date","nullable":true,"metadata":{}},{"name":"n","type":"long","nullable":true,"metadata":{}}]}"#;
        let partition_columns = if partitioned { vec!["day".to_owned()] } else { Vec::new() };
        let metadata = Metadata { schema_string: Some(schema.to_owned()), partition_columns, ..Metadata::default() };
        TableConfiguration::try_new(Protocol::weakest_with([]), metadata).unwrap()
    }

    fn file(path: &str, day: Option<&str>, stats: Option<&str>) -> Add {
        let partition_values = [("day".to_owned(), day.map(str::to_owned))].into();
        Add { path: path.to_owned(), partition_values, stats: stats.map(str::to_owned), ..Add::default() }
    }

    const STATS: &str = r#"{"numRecords":2,"minValues":{"n":10},"maxValues":{"n":19},"nullCount":{"n":0}}"#;

    #[rstest]
    #[case("day = '2024-01-01'", Some("a"))]
    #[case("day = '2024-01-02'", None)]
    #[case("day IS NULL", Some("b"))]
    #[case("day > '2023-01-01'", Some("a"))]
    // By statistics, too: neither file holds such a number, whatever its day is.
    #[case("n = 15", Some("a"))]
    #[case("n < 10", Some("b"))]
    #[case("n < 10 AND day = '2024-01-01'", None)]
    #[case("n IS NULL AND day = '2024-01-01'", None)]
    // Chance is no proof.
    #[case("rand() < 0", Some("a"))]
    fn new_files_are_judged_by_partition_and_statistics(#[case] predicate: &str, #[case] expected: Option<&str>) {
        let files = [file("a", Some("2024-01-01"), Some(STATS)), file("b", None, None)];
        let eval = EvalContext::new(&ManualClock::default());
        let mut read = ReadSet::default();
        let Ok(predicate) = parse(predicate) else { return };
        if read.add_predicate(&predicate, &table(true), &eval).is_err() {
            // Without the library of functions, the last case cannot be typed.
            return;
        }
        assert_eq!(read.first_match(&files).map(|add| add.path.as_str()), expected);
        assert_eq!(read.first_match(&[]), None);
    }

    #[test]
    fn what_is_malformed_rules_nothing_out() {
        let eval = EvalContext::new(&ManualClock::default());
        let mut read = ReadSet::default();
        read.add_predicate(&parse("day = '2024-01-02'").unwrap(), &table(true), &eval).unwrap();
        let files = [file("a", Some("yesterday"), None)];
        assert_eq!(read.first_match(&files).map(|add| add.path.as_str()), Some("a"));
        assert_eq!(
            read.first_match(&[Add { path: "b".to_owned(), ..Add::default() }]).map(|add| &*add.path),
            Some("b")
        );
    }

    #[test]
    fn the_whole_table_reads_every_file() {
        let mut read = ReadSet::default();
        assert!(!read.reads_files() && read.first_match(&[Add::default()]).is_none());
        read.add_whole_table();
        assert!(read.reads_files() && read.first_match(&[Add::default()]).is_some());
    }

    #[test]
    fn files_are_compared_by_their_canonical_path() {
        let mut read = ReadSet::default();
        read.add_files(["day=2024-01-01%20x/f"]);
        assert!(read.has_file("day=2024-01-01 x/f") && !read.has_file("f"));
    }
}
