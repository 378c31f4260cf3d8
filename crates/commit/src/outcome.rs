use deltaic_log::{Error, ErrorKind, Result, TimestampMs, Version};

use crate::maintenance::UpkeepReport;
use crate::settle::PendingCommit;

/// What became of a commit: never a guess.
#[derive(Debug)]
#[must_use = "a commit that is not committed, or not known to be, needs an answer"]
pub enum CommitOutcome {
    /// Everything that was staged stands as a version of the table.
    Committed(Committed),
    /// Nothing was committed, as the table has it already: an application's identifier says so.
    AlreadyCommitted {
        /// The application.
        app_id: String,
        /// How far the table says that it has written: as far as this commit, or farther.
        app_version: i64,
    },
    /// Nothing was committed, and nothing will be.
    NotCommitted(Error),
    /// Storage could not be asked whether the commit stands. Settle it ([`PendingCommit::settle`]) before anything else.
    Unknown {
        /// The commit.
        pending: PendingCommit,
        /// Why nobody knows.
        error: Error,
    },
}

/// A version of the table that a transaction made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Committed {
    /// The version.
    pub version: Version,
    /// The commit's own time, where the table has in-commit timestamps.
    pub timestamp: Option<TimestampMs>,
    /// How many versions were tried.
    pub attempts: u32,
    /// What was done for the log afterwards. Whatever it says, the commit stands.
    pub upkeep: UpkeepReport,
}

impl CommitOutcome {
    /// The version made; `None` where the table has it already.
    ///
    /// ```
    /// use deltaic_commit::{CommitOutcome, PendingCommit};
    /// use deltaic_log::{Error, ErrorKind, Version};
    /// let pending = PendingCommit::new(Version(3), "d2c639aa-8816-431a-aaf6-d3fe2512ff61", None);
    /// let unknown = CommitOutcome::Unknown { pending, error: Error::new(ErrorKind::Storage, "the store is gone") };
    /// let error = unknown.into_result().unwrap_err();
    /// assert_eq!((error.kind(), error.context("version")), (ErrorKind::CommitUnknown, Some("3")));
    /// ```
    ///
    /// # Errors
    /// The commit's error; [`ErrorKind::CommitUnknown`] with `version` and `txn_id` where nobody knows.
    pub fn into_result(self) -> Result<Option<Committed>> {
        match self {
            Self::Committed(committed) => Ok(Some(committed)),
            Self::AlreadyCommitted { .. } => Ok(None),
            Self::NotCommitted(error) => Err(error),
            Self::Unknown { pending, error } => {
                let message = "storage could not be asked whether the commit stands: settle it before anything else, and \
                               remove none of its files";
                Err(Error::new(ErrorKind::CommitUnknown, message)
                    .with("version", pending.version())
                    .with("txn_id", pending.txn_id())
                    .because(error))
            }
        }
    }
}
