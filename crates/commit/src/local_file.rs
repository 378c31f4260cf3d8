//! Files that survive a crash of the machine, in the local file system: written under another name, synced, then renamed, and
//! the directory synced.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind as Io};
use std::path::Path;

/// What a written file survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A crash of the machine.
    Synced,
    /// A crash of the process; else as the operating system pleases.
    Unsynced,
}

impl Durability {
    /// Opens a new file; makes its directory, and whatever lacks above it, and writes each entry to disk.
    pub(crate) fn create(self, path: &Path) -> io::Result<File> {
        let create = || OpenOptions::new().write(true).create_new(true).open(path);
        match create() {
            Err(error) if error.kind() == Io::NotFound => {
                self.create_directory_of(path)?;
                create()
            }
            created => created,
        }
    }

    /// Writes what is in the file to disk.
    pub(crate) fn sync_file(self, file: &File) -> io::Result<()> {
        if self == Self::Synced { file.sync_all() } else { Ok(()) }
    }

    /// Writes the entry of `path` in its directory to disk.
    pub(crate) fn sync_directory_of(self, path: &Path) -> io::Result<()> {
        path.parent().map_or(Ok(()), |directory| self.sync_directory(directory))
    }

    fn create_directory_of(self, path: &Path) -> io::Result<()> {
        let Some(directory) = path.parent() else { return Ok(()) };
        let missing: Vec<&Path> = directory.ancestors().take_while(|directory| !directory.exists()).collect();
        std::fs::create_dir_all(directory)?;
        missing.into_iter().filter_map(Path::parent).try_for_each(|parent| self.sync_directory(parent))
    }

    fn sync_directory(self, directory: &Path) -> io::Result<()> {
        if self == Self::Synced { File::open(directory)?.sync_all() } else { Ok(()) }
    }
}
