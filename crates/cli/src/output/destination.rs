//! Where rows go: standard output, or a file that appears when it is complete.

use std::fs::File;
use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};

/// Standard output, or a file.
pub(super) enum Destination {
    Standard(BufWriter<Stdout>),
    File(PartialFile),
}

impl Destination {
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        match path {
            None => Ok(Self::Standard(BufWriter::new(io::stdout()))),
            Some(path) => PartialFile::create(path).map(Self::File).map_err(|error| named(path, &error)),
        }
    }

    /// Whether what is written may hold styles: a terminal shows them, a file never does.
    pub(super) fn shows_styles(&self) -> bool {
        match self {
            Self::Standard(_) => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            Self::File(_) => false,
        }
    }

    /// Makes everything written last, and a file appear.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Standard(mut out) => out.flush(),
            Self::File(file) => file.finish(),
        }
    }
}

/// The error with the file's name.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(out) => out.write(bytes),
            Self::File(file) => file.writer().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(out) => out.flush(),
            Self::File(file) => file.writer().flush(),
        }
    }
}

/// A file under another name until it is finished; removed where it never is.
pub(super) struct PartialFile {
    writer: Option<BufWriter<File>>,
    partial: PathBuf,
    path: PathBuf,
}

impl PartialFile {
    fn create(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            // Renaming would say so too, but only when every row is written.
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(".partial");
        let partial = path.with_file_name(name);
        let writer = Some(BufWriter::with_capacity(1 << 18, File::create(&partial)?));
        Ok(Self { writer, partial, path: path.to_owned() })
    }

    fn writer(&mut self) -> &mut BufWriter<File> {
        self.writer.as_mut().expect("the writer is taken by `finish` alone, which takes the file")
    }

    fn finish(mut self) -> io::Result<()> {
        self.writer().flush()?;
        std::fs::rename(&self.partial, &self.path)?;
        self.writer = None;
        Ok(())
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            // What cannot be removed is left behind under a name that says what it is.
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_when_it_is_complete_and_never_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        let mut destination = Destination::open(Some(&path)).unwrap();
        destination.write_all(b"a,b\n").unwrap();
        assert!(!path.exists());
        destination.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"a,b\n");

        let mut dropped = Destination::open(Some(&folder.path().join("other.csv"))).unwrap();
        dropped.write_all(b"a").unwrap();
        drop(dropped);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
