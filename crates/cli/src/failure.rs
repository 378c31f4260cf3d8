//! How a run ends.

use std::fmt;
use std::io;
use std::process::ExitCode;

use deltaic::{Error, ErrorKind};

/// What a verb comes to.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a run ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// deltaic refused or failed.
    Table(Error),
    /// Output could not be written.
    Output(io::Error),
    /// `check` found something; it is printed already.
    Findings,
    /// Ctrl-C.
    Interrupted,
}

impl Failure {
    /// The documented exit code. A reader that went away, as `head` does, is no failure.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Table(error) => code(error.kind()),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Output(_) => 6,
            Self::Findings => 1,
            Self::Interrupted => 130,
        })
    }

    /// Whether there is something left to be said about it.
    pub(crate) fn is_silent(&self) -> bool {
        match self {
            Self::Findings | Self::Interrupted => true,
            Self::Output(error) => error.kind() == io::ErrorKind::BrokenPipe,
            Self::Table(_) => false,
        }
    }
}

fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::InvalidArgument | ErrorKind::UnknownColumn | ErrorKind::InvalidExpression => 2,
        ErrorKind::NotATable | ErrorKind::VersionNotFound | ErrorKind::ChangeDataUnavailable => 3,
        ErrorKind::MissingProtocol
        | ErrorKind::MissingMetadata
        | ErrorKind::VersionGap
        | ErrorKind::CorruptLog
        | ErrorKind::CorruptData
        | ErrorKind::MissingFile
        | ErrorKind::InvalidProperty => 4,
        ErrorKind::UnsupportedProtocol => 5,
        ErrorKind::Storage => 6,
        ErrorKind::Evaluation | ErrorKind::ResourceLimit | ErrorKind::InvalidRow => 7,
        ErrorKind::Cancelled => 130,
        _ => 8,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(error) => error.fmt(f),
            Self::Output(error) => write!(f, "the output cannot be written: {error}"),
            Self::Findings => f.write_str("the check has findings"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Table(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Output(error.into())
    }
}
