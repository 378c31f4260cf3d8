//! Files that were there before row tracking are added once more, with row ids: the backfill. Other commits go on meanwhile.
//!
//! Spec: [Row Tracking](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#row-tracking). A backfill changes no row and
//! reads none, so nobody's work is undone by it, nor its own by others: it leaves alone what another commit touched, and whoever
//! meets one takes over the row ids that it has given.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use deltaic_log::action_reconciliation::canonical_path;

use crate::operation::Effect;
use crate::staged::Staged;
use crate::winner::Winner;

/// The operation's name in the history, which other writers recognise it by.
pub(crate) const BACKFILL: &str = "ROW TRACKING BACKFILL";
/// The operation that takes row ids away again.
pub(crate) const UNBACKFILL: &str = "ROW TRACKING UNBACKFILL";

/// Whether a commit only gives row ids to files, or takes them.
pub(crate) fn is_of(winner: &Winner) -> bool {
    [BACKFILL, UNBACKFILL].contains(&winner.operation())
}

/// What is to be done after `winner`, where one of the two is a backfill.
pub(crate) fn rebase(staged: &mut Cow<'_, Staged>, winner: &Winner) {
    if staged.operation.effect() == Effect::Backfills {
        leave_alone(staged, winner);
    } else if winner.operation() == BACKFILL {
        take_over(staged, winner);
    }
}

/// A file that the winner removed must not come back, and one that it changed is not what it was.
fn leave_alone(staged: &mut Cow<'_, Staged>, winner: &Winner) {
    let paths = winner.adds.iter().map(|add| &add.path).chain(winner.removes.iter().map(|remove| &remove.path));
    let touched: BTreeSet<Cow<'_, str>> = paths.map(|path| canonical_path(path)).collect();
    let is_touched = |path: &str| touched.contains(&canonical_path(path));
    if staged.adds.iter().any(|add| is_touched(&add.path)) {
        staged.to_mut().adds.retain(|add| !is_touched(&add.path));
    }
}

/// A file that we change is the same file to those who track its rows: it keeps the ids that it was given.
fn take_over(staged: &mut Cow<'_, Staged>, winner: &Winner) {
    let given: BTreeMap<Cow<'_, str>, (Option<i64>, Option<i64>)> = winner
        .adds
        .iter()
        .map(|add| (canonical_path(&add.path), (add.base_row_id, add.default_row_commit_version)))
        .collect();
    let of = |path: &str| given.get(&canonical_path(path)).copied();
    let adds = staged.adds.iter().any(|add| add.base_row_id.is_none() && of(&add.path).is_some());
    let removes = staged.removes.iter().any(|remove| remove.base_row_id.is_none() && of(&remove.path).is_some());
    if !adds && !removes {
        return;
    }
    let staged = staged.to_mut();
    for add in staged.adds.iter_mut().filter(|add| add.base_row_id.is_none()) {
        if let Some(ids) = of(&add.path) {
            (add.base_row_id, add.default_row_commit_version) = ids;
        }
    }
    for remove in staged.removes.iter_mut().filter(|remove| remove.base_row_id.is_none()) {
        if let Some(ids) = of(&remove.path) {
            (remove.base_row_id, remove.default_row_commit_version) = ids;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Operation;
    use deltaic_log::action::{Add, CommitInfo, Remove};
    use rstest::rstest;

    fn add(path: &str, base_row_id: Option<i64>) -> Add {
        Add { path: path.to_owned(), base_row_id, default_row_commit_version: base_row_id, ..Add::default() }
    }

    fn remove(path: &str) -> Remove {
        Remove { path: path.to_owned(), ..Remove::default() }
    }

    fn winner(operation: &str, adds: Vec<Add>, removes: Vec<Remove>) -> Winner {
        let info = CommitInfo { operation: Some(operation.to_owned()), ..CommitInfo::default() };
        Winner { adds, removes, commit_info: Some(info), ..Winner::default() }
    }

    /// What we add after the winner: `path` or `path:row id`.
    #[rstest]
    #[case::ours_lost_a_file(Operation::row_tracking_backfill(), winner("DELETE", vec![], vec![remove("a%20b")]), "c")]
    #[case::ours_lost_a_changed_file(Operation::row_tracking_backfill(), winner("DELETE", vec![add("c", None)], vec![remove("c")]), "a b")]
    #[case::ours_keeps_the_rest(Operation::row_tracking_backfill(), winner("WRITE", vec![add("new", Some(1))], vec![]), "a b c")]
    #[case::another_gave_them(Operation::row_tracking_backfill(), winner(BACKFILL, vec![add("c", Some(7))], vec![]), "a b")]
    #[case::theirs_are_taken_over(Operation::new("DELETE"), winner(BACKFILL, vec![add("a%20b", Some(7)), add("x", Some(9))], vec![]), "a b:7 c")]
    #[case::nobody_backfills(Operation::new("DELETE"), winner("WRITE", vec![add("c", Some(7))], vec![]), "a b c")]
    #[case::they_take_them_away(Operation::new("DELETE"), winner(UNBACKFILL, vec![add("c", None)], vec![]), "a b c")]
    fn after(#[case] operation: Operation, #[case] winner: Winner, #[case] expected: &str) {
        let mut staged = Staged::new(operation, None, String::new());
        staged.adds = vec![add("a b", None), add("c", None)];
        staged.removes = vec![remove("a b")];
        let mut staged = Cow::Borrowed(&staged);
        rebase(&mut staged, &winner);
        let shown = |add: &Add| match add.base_row_id {
            Some(id) => format!("{}:{id}", add.path),
            None => add.path.clone(),
        };
        assert_eq!(staged.adds.iter().map(shown).collect::<Vec<_>>().join(" "), expected);
        let is_same = staged.adds.iter().map(|add| add.base_row_id).next() == Some(staged.removes[0].base_row_id);
        assert!(is_same || expected == "c", "what is removed and added again is one file");
    }
}
