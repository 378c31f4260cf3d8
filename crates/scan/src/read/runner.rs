//! Where blocking and CPU work happens: on the embedder's executor, or right here on the caller's own thread.

use deltaic_log::Result;
use deltaic_log::cpu::{self, Cpu};
use std::sync::Arc;

/// Runs jobs that an async thread must not run itself.
#[derive(Clone, Debug)]
pub(super) enum Runner {
    /// The caller is an async thread: jobs go to the executor.
    Cpu(Arc<dyn Cpu>),
    /// The caller gave a thread of its own for the whole read.
    Here,
}

impl Runner {
    pub(super) async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        match self {
            Self::Cpu(cpu) => cpu::run(cpu, job).await,
            Self::Here => job(),
        }
    }

    /// How many jobs make progress at the same time.
    pub(super) fn parallelism(&self) -> usize {
        match self {
            Self::Cpu(cpu) => cpu.parallelism().max(1),
            Self::Here => 1,
        }
    }
}
