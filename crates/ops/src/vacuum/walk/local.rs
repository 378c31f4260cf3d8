use std::fs::{DirEntry, ReadDir};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deltaic_log::cpu::{self, Cpu};
use deltaic_log::store::modified;
use deltaic_log::{Error, ErrorKind, Result};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, FuturesUnordered, StreamExt};

use super::super::hidden::Hidden;
use super::super::report::VacuumFile;
use super::Found;

/// Folders read at the same time.
const LANES: usize = 4;
/// Entries read before others get their turn: a folder may hold millions.
const ENTRIES_AT_ONCE: usize = 10_000;

/// A folder, and how far it is read.
struct Folder {
    path: PathBuf,
    entries: Option<ReadDir>,
    is_empty: bool,
}

/// What one turn finds.
struct Turn {
    found: Vec<Found>,
    below: Vec<Folder>,
    rest: Option<Folder>,
}

struct Walk {
    cpu: Arc<dyn Cpu>,
    root: Arc<PathBuf>,
    hidden: Arc<Hidden>,
    waiting: Vec<Folder>,
    running: FuturesUnordered<BoxFuture<'static, Result<Turn>>>,
}

pub(super) fn walk(cpu: Arc<dyn Cpu>, root: PathBuf, hidden: Hidden) -> BoxStream<'static, Result<Vec<Found>>> {
    let waiting = vec![Folder::new(root.clone())];
    let (root, hidden) = (Arc::new(root), Arc::new(hidden));
    let walk = Walk { cpu, root, hidden, waiting, running: FuturesUnordered::new() };
    stream::try_unfold(walk, |mut walk| async move {
        walk.start_turns();
        let Some(turn) = walk.running.next().await else { return Ok(None) };
        let Turn { found, below, rest } = turn?;
        // The newest folders first: the fewest wait then.
        walk.waiting.extend(rest.into_iter().chain(below));
        Ok(Some((found, walk)))
    })
    .boxed()
}

impl Walk {
    fn start_turns(&mut self) {
        while self.running.len() < LANES {
            let Some(folder) = self.waiting.pop() else { return };
            let (cpu, root, hidden) = (self.cpu.clone(), self.root.clone(), self.hidden.clone());
            let turn = async move { cpu::run(&cpu, move || folder.read_on(&root, &hidden)).await };
            self.running.push(Box::pin(turn));
        }
    }
}

impl Folder {
    fn new(path: PathBuf) -> Self {
        Self { path, entries: None, is_empty: true }
    }

    fn read_on(mut self, root: &Path, hidden: &Hidden) -> Result<Turn> {
        let mut turn = Turn { found: Vec::new(), below: Vec::new(), rest: None };
        let mut entries = match self.entries.take() {
            Some(entries) => entries,
            None => match std::fs::read_dir(&self.path) {
                Ok(entries) => entries,
                // Somebody has deleted it since.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(turn),
                Err(error) => return Err(failed(&self.path, error)),
            },
        };
        let mut read = 0;
        for entry in entries.by_ref().take(ENTRIES_AT_ONCE) {
            read += 1;
            let entry = entry.map_err(|error| failed(&self.path, error))?;
            turn.take(&entry, root, hidden)?;
        }
        self.is_empty &= read == 0;
        if read == ENTRIES_AT_ONCE {
            turn.rest = Some(Self { entries: Some(entries), ..self });
        } else if self.is_empty && self.path != root {
            turn.found.extend(self.as_empty(root));
        }
        Ok(turn)
    }

    fn as_empty(&self, root: &Path) -> Option<Found> {
        let meta = std::fs::symlink_metadata(&self.path).ok()?;
        Some(Found::EmptyFolder { path: relative(&self.path, root)?, modified: modified(&meta) })
    }
}

impl Turn {
    /// Takes up an entry, unless it is hidden, a link, or gone meanwhile.
    fn take(&mut self, entry: &DirEntry, root: &Path, hidden: &Hidden) -> Result<()> {
        let is_hidden = entry.file_name().to_str().is_none_or(|name| hidden.is_hidden(name));
        if is_hidden {
            return Ok(());
        }
        let path = entry.path();
        // The entry itself, not what it may link to.
        let meta = match entry.metadata() {
            Ok(meta) => meta,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(&path, error)),
        };
        if meta.is_dir() {
            self.below.push(Folder::new(path));
        } else if let Some(path) = meta.is_file().then(|| relative(&path, root)).flatten() {
            self.found.push(Found::File(VacuumFile { path, size: meta.len(), modified: modified(&meta) }));
        }
        Ok(())
    }
}

/// The path below the root, as text; `None` where it is none, and no table's.
fn relative(path: &Path, root: &Path) -> Option<String> {
    path.strip_prefix(root).ok()?.to_str().map(str::to_owned)
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    let message = "a folder of the table could not be listed: check its permissions";
    Error::new(ErrorKind::Storage, message).because(error).with("file", path.display())
}
