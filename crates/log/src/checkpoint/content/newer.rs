//! The commits after a checkpoint, newest first.

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::{ContentOptions, FileActions, ROWS, add_rows, is_expired, remove_rows};
use crate::action::{Action, Add, Remove};
use crate::action_reconciliation::{KeySet, file_key};
use crate::checkpoint::encode::AddEncoder;
use crate::commit_file::ActionReader;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::segment::DeltaFile;
use crate::store::TableStore;
use crate::version::TimestampMs;

/// Commits that are read ahead.
const READ_AHEAD: usize = 32;

/// Paths and bytes of commits.
pub(super) type Commits = BoxStream<'static, Result<(String, Bytes)>>;

/// The commits, newest first, and what they leave standing.
pub(super) struct Newer {
    encoder: AddEncoder,
    deleted_after: TimestampMs,
    /// The files that the commits read so far mention.
    keys: KeySet,
    /// The commit that is being read.
    commit: Option<OpenCommit>,
    /// Standing actions that are not handed on yet.
    adds: Vec<Add>,
    removes: Vec<Remove>,
}

struct OpenCommit {
    path: String,
    reader: ActionReader,
    /// Its removes, until all of its adds are seen: the order within a commit is of no matter.
    removes: Vec<Remove>,
}

impl Newer {
    pub(super) fn new(options: &ContentOptions) -> Self {
        Self {
            encoder: AddEncoder::new(&options.schema),
            deleted_after: options.deleted_after,
            keys: KeySet::default(),
            commit: None,
            adds: Vec::new(),
            removes: Vec::new(),
        }
    }

    /// The keys of all files that the commits mention.
    pub(super) fn into_keys(self) -> KeySet {
        self.keys
    }

    /// Has a commit to read, if there is one left; whether there is none.
    pub(super) async fn advance(&mut self, commits: &mut Commits) -> Result<bool> {
        if self.commit.is_none() {
            let next = commits.try_next().await?;
            self.commit =
                next.map(|(path, bytes)| OpenCommit { path, reader: ActionReader::new(bytes), removes: Vec::new() });
        }
        Ok(self.commit.is_none())
    }

    pub(super) fn is_done(&self) -> bool {
        self.commit.is_none() && self.adds.is_empty() && self.removes.is_empty()
    }

    /// Reads on in the commit, and gives the rows that are worth handing on; all of them, if this is the end.
    pub(super) fn take_rows(&mut self, is_last: bool) -> Result<Vec<FileActions>> {
        if let Some(mut commit) = self.commit.take() {
            let ended = self.read(&mut commit).with("file", &commit.path)?;
            match ended {
                true => self.take_removes(commit.removes),
                false => self.commit = Some(commit),
            }
        }
        let mut items = Vec::new();
        let is_enough = |count: usize| count >= ROWS || is_last && count > 0;
        if is_enough(self.adds.len()) {
            let adds = self.encoder.of_actions(std::mem::take(&mut self.adds))?;
            items.push(add_rows(adds)?);
        }
        if is_enough(self.removes.len()) {
            items.push(remove_rows(std::mem::take(&mut self.removes), self.encoder.schema())?);
        }
        Ok(items)
    }

    /// Reads until there are rows enough; whether the commit is at its end.
    fn read(&mut self, commit: &mut OpenCommit) -> Result<bool> {
        let mut scratch = Vec::new();
        while self.adds.len() < ROWS {
            match commit.reader.next_action()? {
                Some(Action::Add(add)) => {
                    if self.keys.insert(file_key(&add.path, add.deletion_vector.as_ref(), &mut scratch)) {
                        self.adds.push(add);
                    }
                }
                Some(Action::Remove(remove)) => commit.removes.push(remove),
                Some(_) => {}
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    fn take_removes(&mut self, removes: Vec<Remove>) {
        let mut scratch = Vec::new();
        for remove in removes {
            let is_new = self.keys.insert(file_key(&remove.path, remove.deletion_vector.as_ref(), &mut scratch));
            if is_new && !is_expired(&remove, self.deleted_after) {
                self.removes.push(remove);
            }
        }
    }
}

/// The bytes of commits, newest first.
pub(super) fn read_commits(store: &TableStore, deltas: &[DeltaFile]) -> Commits {
    let store = store.clone();
    let paths: Vec<String> = deltas.iter().rev().map(|delta| delta.file.path.clone()).collect();
    let read = move |path: String| {
        let store = store.clone();
        async move {
            let gone =
                || Error::new(ErrorKind::MissingFile, "a commit is gone since it was listed").with("file", &path);
            let bytes = store.read(&path).await?.ok_or_else(gone)?;
            Ok((path, bytes))
        }
    };
    stream::iter(paths).map(read).buffered(READ_AHEAD).boxed()
}
