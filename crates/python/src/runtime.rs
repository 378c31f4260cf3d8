//! Waiting for the engine from Python.
//!
//! ```text
//!   Python's thread                          the runtime's threads
//!   let other threads run ◄── every 100 ms ──── the call's task ──► its result
//!   signals? (Ctrl-C) ── yes ──► the task is dropped, KeyboardInterrupt
//! ```

use std::future::Future;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use deltaic::{Error, Result};
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::errors::{delta_error, exception};

/// How long Ctrl-C waits at most.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// One for the process, with the id of the process that made it.
static RUNTIME: OnceLock<(u32, std::io::Result<Runtime>)> = OnceLock::new();

/// The process's runtime.
///
/// A process that was forked from one that has a runtime has none of its threads: a call would wait for ever, so it is
/// refused. A child of a process that has only imported the package makes its own.
pub(crate) fn handle(py: Python<'_>) -> PyResult<&'static Handle> {
    let here = std::process::id();
    let make = || Builder::new_multi_thread().enable_time().enable_io().thread_name("deltaic").build();
    match RUNTIME.get_or_init(|| (here, make())) {
        (maker, _) if *maker != here => {
            let message = "this process was forked from one that used deltaic already, whose threads it lacks: start processes \
                           with the method `spawn` or `forkserver`";
            Err(delta_error(py, message))
        }
        (_, Ok(runtime)) => Ok(runtime.handle()),
        (_, Err(error)) => Err(delta_error(py, &format!("no threads could be started: {error}"))),
    }
}

/// Waits for `work`, while other Python threads run.
pub(crate) fn wait<T: Send + 'static>(
    py: Python<'_>,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> PyResult<T> {
    wait_or(py, exception, work)
}

/// [`wait`], with exceptions of this kind.
pub(crate) fn wait_or<T: Send + 'static>(
    py: Python<'_>,
    raise: fn(Python<'_>, &Error) -> PyErr,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> PyResult<T> {
    let (sender, mut receiver) = channel();
    let task = handle(py)?.spawn(async move {
        // Whoever was interrupted no longer listens.
        let _ = sender.send(work.await);
    });
    loop {
        let (received, back) = py.detach(move || listen(receiver));
        receiver = back;
        match received {
            Ok(outcome) => return outcome.map_err(|error| raise(py, &error)),
            Err(RecvTimeoutError::Timeout) => py.check_signals().inspect_err(|_| task.abort())?,
            // The task ended without a result: it panicked.
            Err(RecvTimeoutError::Disconnected) => {
                return Err(delta_error(py, "an error within deltaic: please report what you called, and how"));
            }
        }
    }
}

type Listened<T> = (std::result::Result<Result<T>, RecvTimeoutError>, Receiver<Result<T>>);

fn listen<T>(receiver: Receiver<Result<T>>) -> Listened<T> {
    (receiver.recv_timeout(TICK), receiver)
}
