//! One error type for the whole workspace.
//!
//! An [`Error`] says three things: its [`ErrorKind`], which tells the caller what to do next; a message, which names the
//! party at fault and the remedy; and context as key-value pairs (`table`, `file`, `line`, `version`, `feature`,
//! `column`), added by whoever knows them on the way up.

use std::error::Error as StdError;
use std::fmt;

/// The result of everything fallible in deltaic.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, seen from the caller: each kind says what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The location holds no Delta table. Check the path, or create the table.
    NotATable,
    /// The version or time asked for is outside of what the log still holds. The message gives the range.
    VersionNotFound,
    /// The log begins without a `protocol` action. The table is broken: restore its log.
    MissingProtocol,
    /// The log begins without a `metaData` action. The table is broken: restore its log.
    MissingMetadata,
    /// Commits are missing in the middle of the log. Restore the missing files.
    VersionGap,
    /// The table needs a protocol version or feature that this library lacks. Use a newer release, or drop the feature.
    UnsupportedProtocol,
    /// A file of the log (commit, checkpoint, sidecar) is damaged or breaks the specification.
    CorruptLog,
    /// A data, change data or deletion vector file is damaged or contradicts the log.
    CorruptData,
    /// A file that the log names does not exist in storage.
    MissingFile,
    /// Storage refused or failed: credentials, network, permissions. Retrying may help.
    Storage,
    /// The caller's arguments are wrong: an unknown option, a bad URL, contradicting settings.
    InvalidArgument,
    /// A column name resolves to no column, or to more than one.
    UnknownColumn,
    /// SQL text or an expression cannot be parsed or typed.
    InvalidExpression,
    /// An expression failed on a row: overflow, division by zero, a failed cast.
    Evaluation,
    /// A table property has a value outside of what the specification allows.
    InvalidProperty,
    /// Input asks for more than a safety limit allows (size, depth, count), or for more than the memory bound.
    ResourceLimit,
    /// Change data was asked for over versions that recorded none, or whose schema cannot be read as one.
    ChangeDataUnavailable,
    /// A row does not fit the table: it breaks a constraint, or a value would have to change to be stored. Nothing was
    /// written: correct the row, which the context names.
    InvalidRow,
    /// The operation was cancelled by the caller.
    Cancelled,
    /// A concurrent commit added files that this transaction would have read. Run the operation again on the new version.
    ConcurrentAppend,
    /// A concurrent commit removed files that this transaction read. Run the operation again on the new version.
    ConcurrentDeleteRead,
    /// A concurrent commit removed files that this transaction removes too. Run the operation again on the new version.
    ConcurrentDeleteDelete,
    /// A concurrent commit changed the table's metadata. Run the operation again on the new version.
    MetadataChanged,
    /// A concurrent commit changed the table's protocol. Run the operation again on the new version.
    ProtocolChanged,
    /// A concurrent commit of the same application, or to the same metadata domain. Run the operation again on the new version.
    ConcurrentTransaction,
    /// Other writers won every attempt that the retry policy allows. Nothing was committed: run the operation again.
    CommitRetriesExhausted,
    /// Storage could not be asked whether the commit stands. Settle it before anything else: no file may be removed, and
    /// nothing written anew, until then.
    CommitUnknown,
    /// What was staged breaks a rule that every commit keeps; the context names it. Nothing was committed: correct it.
    InvalidCommit,
    /// The storage does not keep two writers apart. Nothing was committed: choose another way to commit.
    UnsafeStorage,
    /// A rule that deltaic upholds itself is broken: please report it.
    Internal,
}

impl ErrorKind {
    /// The kind's stable, snake_case name, as machines read it.
    ///
    /// ```
    /// assert_eq!(deltaic_log::ErrorKind::VersionGap.name(), "version_gap");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Self::NotATable => "not_a_delta_table",
            Self::VersionNotFound => "version_not_found",
            Self::MissingProtocol => "missing_protocol",
            Self::MissingMetadata => "missing_metadata",
            Self::VersionGap => "version_gap",
            Self::UnsupportedProtocol => "unsupported_protocol",
            Self::CorruptLog => "corrupt_log",
            Self::CorruptData => "corrupt_data",
            Self::MissingFile => "missing_file",
            Self::Storage => "storage",
            Self::InvalidArgument => "invalid_argument",
            Self::UnknownColumn => "unknown_column",
            Self::InvalidExpression => "invalid_expression",
            Self::Evaluation => "evaluation",
            Self::InvalidProperty => "invalid_property",
            Self::ResourceLimit => "resource_limit",
            Self::ChangeDataUnavailable => "change_data_unavailable",
            Self::InvalidRow => "invalid_row",
            Self::Cancelled => "cancelled",
            Self::ConcurrentAppend => "concurrent_append",
            Self::ConcurrentDeleteRead => "concurrent_delete_read",
            Self::ConcurrentDeleteDelete => "concurrent_delete_delete",
            Self::MetadataChanged => "metadata_changed",
            Self::ProtocolChanged => "protocol_changed",
            Self::ConcurrentTransaction => "concurrent_transaction",
            Self::CommitRetriesExhausted => "commit_retries_exhausted",
            Self::CommitUnknown => "commit_unknown",
            Self::InvalidCommit => "invalid_commit",
            Self::UnsafeStorage => "unsafe_storage",
            Self::Internal => "internal",
        }
    }
}

impl ErrorKind {
    /// Whether another writer's commit made this one impossible: nothing was committed, and running the whole operation
    /// again, on the new version, may succeed.
    ///
    /// ```
    /// assert!(deltaic_log::ErrorKind::ConcurrentAppend.is_concurrent_modification());
    /// ```
    pub fn is_concurrent_modification(self) -> bool {
        matches!(
            self,
            Self::ConcurrentAppend
                | Self::ConcurrentDeleteRead
                | Self::ConcurrentDeleteDelete
                | Self::MetadataChanged
                | Self::ProtocolChanged
                | Self::ConcurrentTransaction
        )
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error of deltaic: kind, message, context, and the error beneath it.
///
/// `Display` is one line (message, then context); `Debug` adds the kind and the sources, a line each.
///
/// ```
/// use deltaic_log::{Error, ErrorKind};
/// let error = Error::new(ErrorKind::CorruptLog, "the line is no JSON object").with("file", "0.json").with("line", 3);
/// assert_eq!(error.kind(), ErrorKind::CorruptLog);
/// assert_eq!(error.to_string(), "the line is no JSON object (file: 0.json, line: 3)");
/// assert_eq!(error.context("line"), Some("3"));
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`, whose message names the party at fault and the remedy.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), context: Vec::new(), source: None }))
    }

    /// The same error with one more fact. The first value given for a key stands: it was closest to the cause.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        if self.context(key).is_none() {
            self.0.context.push((key, value.to_string()));
        }
        self
    }

    /// The same error with the error beneath it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message alone, without context.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The fact recorded under `key`, if any.
    pub fn context(&self, key: &str) -> Option<&str> {
        self.0.context.iter().find(|(k, _)| *k == key).map(|(_, v)| v.as_str())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(source) = &self.0.source {
            write!(f, ": {source}")?;
        }
        for (i, (key, value)) in self.0.context.iter().enumerate() {
            write!(f, "{}{key}: {value}", if i == 0 { " (" } else { ", " })?;
        }
        if self.0.context.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind, self.0.message)?;
        for (key, value) in &self.0.context {
            write!(f, "\n    {key}: {value}")?;
        }
        let mut source = self.source();
        while let Some(cause) = source {
            write!(f, "\n    caused by: {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        match &error {
            object_store::Error::NotFound { .. } => Error::new(ErrorKind::MissingFile, "storage has no such file"),
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                let message = "storage refuses access: check the credentials and what they permit";
                Error::new(ErrorKind::Storage, message).because(error)
            }
            _ => Error::new(ErrorKind::Storage, "storage failed").because(error),
        }
    }
}

impl From<arrow_schema::ArrowError> for Error {
    fn from(error: arrow_schema::ArrowError) -> Self {
        use arrow_schema::ArrowError as A;
        let kind = match &error {
            A::DivideByZero | A::ArithmeticOverflow(_) | A::ComputeError(_) | A::CastError(_) => ErrorKind::Evaluation,
            _ => ErrorKind::Internal,
        };
        Error::new(kind, "a columnar kernel failed").because(error)
    }
}

/// Adds context to the error of a [`Result`].
pub trait ResultExt<T> {
    /// The same result, whose error carries one more fact.
    fn with(self, key: &'static str, value: impl fmt::Display) -> Result<T>;
}

impl<T> ResultExt<T> for Result<T> {
    fn with(self, key: &'static str, value: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.with(key, value))
    }
}
