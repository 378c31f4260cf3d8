//! Where CPU work runs: the embedder's executor, or a rayon pool.

use std::fmt::Debug;
use std::sync::Arc;

use futures::channel::oneshot;

use crate::error::{Error, ErrorKind, Result};

/// Runs CPU-bound jobs (decoding, parsing, filtering). An engine brings its own pool; nothing else in deltaic spawns
/// threads. A job never blocks on another job.
pub trait Cpu: Debug + Send + Sync {
    /// Runs `job` soon, on any thread.
    fn spawn(&self, job: Box<dyn FnOnce() + Send>);

    /// How many jobs run at the same time: the width that callers split their work to.
    fn parallelism(&self) -> usize;
}

/// The process-wide rayon pool.
#[derive(Clone, Copy, Debug, Default)]
pub struct RayonCpu;

impl Cpu for RayonCpu {
    fn spawn(&self, job: Box<dyn FnOnce() + Send>) {
        rayon::spawn(job);
    }

    fn parallelism(&self) -> usize {
        rayon::current_num_threads()
    }
}

/// Runs each job at once on the calling thread: for single-threaded tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct InlineCpu;

impl Cpu for InlineCpu {
    fn spawn(&self, job: Box<dyn FnOnce() + Send>) {
        job();
    }

    fn parallelism(&self) -> usize {
        1
    }
}

/// Runs `job` on `cpu` and waits for its result without blocking the thread.
pub async fn run<T: Send + 'static>(cpu: &Arc<dyn Cpu>, job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let (send, receive) = oneshot::channel();
    cpu.spawn(Box::new(move || {
        // A receiver that is gone means that the caller was cancelled: nobody waits for the result.
        let _ = send.send(job());
    }));
    receive.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Cancelled, "the CPU executor dropped a job")))
}
