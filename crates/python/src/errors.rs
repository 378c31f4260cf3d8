//! Errors as Python's exceptions: the classes of `deltaic.exceptions`, with `kind` and one line of text.

use deltaic::{Error, ErrorKind};
use pyo3::prelude::*;

/// The exception for an error of a call that reads or keeps up.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    raise(py, class(error.kind()), error)
}

/// The exception for an error of a call that writes rows: those that do not fit the table are a mismatch of schemas.
pub(crate) fn write_exception(py: Python<'_>, error: &Error) -> PyErr {
    let mismatches = match error.kind() {
        ErrorKind::UnknownColumn => true,
        ErrorKind::InvalidArgument => error.context("column").is_some(),
        _ => false,
    };
    raise(py, if mismatches { "SchemaMismatchError" } else { class(error.kind()) }, error)
}

/// An exception that no error of the engine stands behind.
pub(crate) fn delta_error(py: Python<'_>, message: &str) -> PyErr {
    instance(py, "DeltaError", message).map_or_else(|error| error, PyErr::from_value)
}

fn class(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotATable => "TableNotFoundError",
        ErrorKind::UnsupportedProtocol | ErrorKind::MissingProtocol | ErrorKind::MissingMetadata => {
            "DeltaProtocolError"
        }
        ErrorKind::CommitRetriesExhausted | ErrorKind::CommitUnknown => "CommitFailedError",
        ErrorKind::InvalidArgument
        | ErrorKind::UnknownColumn
        | ErrorKind::InvalidExpression
        | ErrorKind::InvalidProperty
        | ErrorKind::InvalidRow => "InvalidArgumentError",
        kind if kind.is_concurrent_modification() => "CommitFailedError",
        _ => "DeltaError",
    }
}

fn raise(py: Python<'_>, class: &str, error: &Error) -> PyErr {
    let line = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    let made = instance(py, class, &line).and_then(|exception| {
        exception.setattr("kind", error.kind().name())?;
        Ok(exception)
    });
    made.map_or_else(|error| error, PyErr::from_value)
}

fn instance<'py>(py: Python<'py>, class: &str, message: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("deltaic.exceptions")?.getattr(class)?.call1((message,))
}
