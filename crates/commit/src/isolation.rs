//! Which isolation level a commit runs at, and whether it is a blind append.
//!
//! The table's property `delta.isolationLevel` sets the level; a commit that only stores rows otherwise runs at
//! `SnapshotIsolation`, as it cannot spoil what others read.

use deltaic_log::table_properties::{IsolationLevel, property};
use deltaic_log::{Result, TableConfiguration};

use crate::operation::Effect;
use crate::read_set::ReadSet;
use crate::staged::Staged;

/// The level at which `staged` is committed.
pub(crate) fn of_commit(table: &TableConfiguration, staged: &Staged) -> Result<IsolationLevel> {
    let level = table.properties().get(&property::ISOLATION_LEVEL)?;
    let rearranges = match level {
        IsolationLevel::Serializable => staged.changes_no_rows(),
        IsolationLevel::WriteSerializable => {
            staged.changes_no_rows() && staged.operation.effect() != Effect::MayChangeRows
        }
        IsolationLevel::SnapshotIsolation => true,
    };
    Ok(if rearranges { IsolationLevel::SnapshotIsolation } else { level })
}

/// The level's name, as the log has it.
pub(crate) fn name(level: IsolationLevel) -> &'static str {
    match level {
        IsolationLevel::Serializable => "Serializable",
        IsolationLevel::WriteSerializable => "WriteSerializable",
        IsolationLevel::SnapshotIsolation => "SnapshotIsolation",
    }
}

/// Whether the commit adds files, at most, and depends on none that it read.
pub(crate) fn is_blind_append(staged: &Staged, read: &ReadSet) -> bool {
    staged.only_adds() && !read.reads_files()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Operation;
    use deltaic_log::action::{Add, Metadata, Protocol, Remove, SetTransaction};
    use rstest::rstest;

    /// Files of `adds` and `removes` (whether each changes rows), and an application's identifier or none.
    fn staged(operation: Operation, adds: &[bool], removes: &[bool], with_txn: bool) -> Staged {
        let mut staged = Staged::new(operation, None, String::new());
        staged.adds = adds.iter().map(|data_change| Add { data_change: *data_change, ..Add::default() }).collect();
        staged.removes =
            removes.iter().map(|data_change| Remove { data_change: *data_change, ..Remove::default() }).collect();
        if with_txn {
            let txn = SetTransaction { app_id: "a".to_owned(), version: 1, last_updated: None };
            staged.transactions.insert("a".to_owned(), txn);
        }
        staged
    }

    #[rstest]
    #[case("Serializable", Operation::new("WRITE"), &[true], &[], false, "Serializable")]
    #[case("Serializable", Operation::new("WRITE"), &[false], &[false], false, "SnapshotIsolation")]
    #[case("Serializable", Operation::rearranging("OPTIMIZE"), &[false], &[true], false, "Serializable")]
    #[case("Serializable", Operation::rearranging("OPTIMIZE"), &[false], &[], true, "Serializable")]
    #[case("WriteSerializable", Operation::new("WRITE"), &[false], &[], false, "WriteSerializable")]
    #[case("WriteSerializable", Operation::rearranging("OPTIMIZE"), &[false], &[], false, "SnapshotIsolation")]
    #[case("WriteSerializable", Operation::rearranging("OPTIMIZE"), &[true], &[], false, "WriteSerializable")]
    #[case("SnapshotIsolation", Operation::new("WRITE"), &[true], &[], false, "SnapshotIsolation")]
    fn levels(
        #[case] set: &str,
        #[case] operation: Operation,
        #[case] adds: &[bool],
        #[case] removes: &[bool],
        #[case] with_txn: bool,
        #[case] expected: &str,
    ) {
        let configuration = [("delta.isolationLevel".to_owned(), set.to_owned())].into();
        let metadata = Metadata { configuration, ..Metadata::default() };
        let table = TableConfiguration::try_new(Protocol::weakest_with([]), metadata).unwrap();
        let staged = staged(operation, adds, removes, with_txn);
        assert_eq!(name(of_commit(&table, &staged).unwrap()), expected);
    }

    #[test]
    fn an_append_is_blind_unless_it_read() {
        let of = |adds: &[bool], removes: &[bool]| staged(Operation::new("WRITE"), adds, removes, true);
        let mut read = ReadSet::default();
        read.add_app_id("a");
        assert!(is_blind_append(&of(&[true], &[]), &read));
        assert!(is_blind_append(&of(&[], &[]), &read));
        assert!(!is_blind_append(&of(&[true], &[true]), &read));
        read.add_files(["a"]);
        assert!(!is_blind_append(&of(&[true], &[]), &read));
    }
}
