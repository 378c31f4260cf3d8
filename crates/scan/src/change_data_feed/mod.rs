//! Spec: [Change Data Files](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#change-data-files) and
//! [Add CDC File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-cdc-file): which rows each version
//! inserted, updated and deleted.
//!
//! ```text
//! range --History--> versions --read, many at a time--> commits --plan, pure--> FileReads --Reader--> rows
//! ```
//!
//! A version that has change data files is described by them alone. Else its rows follow from its `add` and `remove`
//! actions: those of an added file were inserted, those of a removed file deleted; where one file got another deletion
//! vector, the rows by which the two differ. Actions that say `dataChange: false` changed nothing.

mod commits;
mod compatible;
mod plan;
mod range;

pub use plan::ChangeKind;
pub use range::{ChangeBound, ChangeRange};

use crate::plan::FileRead;
use crate::read::{BatchStream, ReadOptions, Reader};
use arrow_schema::SchemaRef;
use deltaic_log::{Result, ResultExt, Snapshot};
use plan::Planner;

/// The column that tells what happened to a row: `insert`, `update_preimage`, `update_postimage` or `delete`.
pub const CHANGE_TYPE: &str = "_change_type";
/// The column that tells in which version it happened.
pub const COMMIT_VERSION: &str = "_commit_version";
/// The column that tells when that version was committed.
pub const COMMIT_TIMESTAMP: &str = "_commit_timestamp";

/// The changes of a range of versions, planned: oldest version first.
#[derive(Clone, Debug)]
pub struct Changes {
    reads: Vec<FileRead>,
    schema: SchemaRef,
    reader: Reader,
}

impl Changes {
    /// Plans the changes of `range` in the table of which `latest` is the newest snapshot. Rows have the table's columns as
    /// of `latest`, then [`CHANGE_TYPE`], [`COMMIT_VERSION`] and [`COMMIT_TIMESTAMP`].
    ///
    /// # Errors
    /// [`deltaic_log::ErrorKind::VersionNotFound`] where the range begins after the newest version, or before the oldest
    /// commit that the log holds; [`deltaic_log::ErrorKind::InvalidArgument`] where it ends before it begins;
    /// [`deltaic_log::ErrorKind::ChangeDataUnavailable`] where the change data feed was off in one of the versions, or
    /// where the table's schema changed so that older rows do not fit it.
    #[tracing::instrument(name = "plan changes", skip_all, fields(table = %latest.store().root()))]
    pub async fn plan(latest: &Snapshot, range: ChangeRange) -> Result<Self> {
        Self::plan_unnamed(latest, range).await.with("table", latest.store().root())
    }

    async fn plan_unnamed(latest: &Snapshot, range: ChangeRange) -> Result<Self> {
        let mut planner = Planner::new(latest.store().root(), latest.configuration())?;
        let mut reads = Vec::new();
        if let Some((start, end)) = range.resolve(latest).await? {
            let first = commits::configuration_at(latest, start).await?;
            planner.check(&first, start)?;
            let mut commits = commits::read(latest, start, end).await?;
            while let Some(commit) = commits::next(&mut commits).await? {
                planner.commit(&commit, &mut reads).with("version", commit.version)?;
            }
        }
        let reader = Reader::new(latest.store().context().clone());
        Ok(Self { reads, schema: planner.schema(), reader })
    }

    /// The schema of every batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The files to be read, and which rows of them: plain data that any engine can read with a [`Reader`].
    pub fn reads(&self) -> &[FileRead] {
        &self.reads
    }

    /// The changes, read here.
    pub fn stream(&self, options: ReadOptions) -> BatchStream {
        let reads = futures::stream::iter(self.reads.clone().into_iter().map(Ok));
        self.reader.read_stream(self.schema.clone(), reads, options)
    }
}
