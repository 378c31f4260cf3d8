//! Failures on the way to a server, told from answers of a server.

use std::error::Error as StdError;
use std::fmt;

use object_store::Error;

/// The error; where no answer came, with the reason that the client keeps at the bottom of its causes.
pub(super) fn explained(error: Error) -> Error {
    match error {
        Error::Generic { store, source } if is_failure(&*source) => {
            Error::Generic { store, source: Box::new(Unanswered(source)) }
        }
        other => other,
    }
}

/// Whether the server gave no answer: it could not be reached, or the connection broke.
pub(super) fn is_failure(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(is_http_error)
}

fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

#[cfg(any(feature = "aws", feature = "azure", feature = "gcp", feature = "http"))]
fn is_http_error(error: &(dyn StdError + 'static)) -> bool {
    error.is::<object_store::client::HttpError>()
}

#[cfg(not(any(feature = "aws", feature = "azure", feature = "gcp", feature = "http")))]
fn is_http_error(_: &(dyn StdError + 'static)) -> bool {
    false
}

/// The client's error says "error sending request"; its first cause says why.
#[derive(Debug)]
struct Unanswered(Box<dyn StdError + Send + Sync>);

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)?;
        let said = self.0.to_string();
        match causes(&*self.0).last().map(ToString::to_string) {
            Some(reason) if !said.contains(&reason) => write!(f, ": {reason}"),
            _ => Ok(()),
        }
    }
}

impl StdError for Unanswered {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}
