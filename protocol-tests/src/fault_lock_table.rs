//! A lock table that fails as a real one does: a call is not carried out, or carried out without an answer, or later.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use deltaic_commit::PutOutcome;
use deltaic_commit::committer::dynamodb::{InMemoryLockTable, LockEntry, LockTable};
use deltaic_log::{Error, ErrorKind, Result};
use futures::future::{BoxFuture, FutureExt};

use crate::scheduler::yield_now;
use crate::{Fault, Rng};

/// A lock table in memory, with faults. Each call lets other tasks run first. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct FaultLockTable {
    /// The lock table past all faults.
    pub truth: Arc<InMemoryLockTable>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    scripted: VecDeque<Fault>,
    random: Option<(Rng, usize)>,
    late: Vec<(usize, Write)>,
}

#[derive(Clone, Debug)]
enum Write {
    Create(LockEntry),
    Complete(LockEntry, i64),
}

impl FaultLockTable {
    /// The next writes meet these faults, in turn.
    pub fn fail_writes(&self, faults: impl IntoIterator<Item = Fault>) {
        self.with(|state| state.scripted.extend(faults));
    }

    /// That many of 100 calls meet a fault, as `seed` says; 0 for none any more.
    pub fn fail_at_random(&self, seed: u64, percent: usize) {
        self.with(|state| state.random = (percent > 0).then(|| (Rng::new(seed), percent)));
    }

    /// Every late write lands now.
    pub async fn land_all(&self) {
        for (_, write) in self.with(|state| std::mem::take(&mut state.late)) {
            let _ = self.carry_out(&write).await;
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets others run, and late writes land whose time has come.
    async fn step(&self) {
        yield_now().await;
        let due: Vec<Write> = self.with(|state| {
            for (calls, _) in &mut state.late {
                *calls = calls.saturating_sub(1);
            }
            let (due, late) = std::mem::take(&mut state.late).into_iter().partition(|(calls, _)| *calls == 0);
            state.late = late;
            let due: Vec<(usize, Write)> = due;
            due.into_iter().map(|(_, write)| write).collect()
        });
        for write in due {
            let _ = self.carry_out(&write).await;
        }
    }

    async fn carry_out(&self, write: &Write) -> PutOutcome {
        match write {
            Write::Create(entry) => self.truth.create(entry).await,
            Write::Complete(entry, expire_time_s) => {
                let done = self.truth.complete(entry, *expire_time_s).await;
                done.map_or_else(PutOutcome::Refused, |()| PutOutcome::Committed)
            }
        }
    }

    async fn write(&self, write: Write) -> PutOutcome {
        self.step().await;
        let fault = self.with(|state| {
            let scripted = state.scripted.pop_front();
            scripted.unwrap_or_else(|| state.random.as_mut().map_or(Fault::None, |(rng, percent)| any(rng, *percent)))
        });
        match fault {
            Fault::None => self.carry_out(&write).await,
            Fault::FailBefore | Fault::Torn => PutOutcome::Ambiguous(lost()),
            Fault::FailAfter | Fault::RefuseRetry | Fault::MeetItself => {
                let _ = self.carry_out(&write).await;
                PutOutcome::Ambiguous(lost())
            }
            Fault::Late(calls) => {
                self.with(|state| state.late.push((calls, write)));
                PutOutcome::Ambiguous(lost())
            }
            Fault::Refuse => PutOutcome::Refused(Error::new(ErrorKind::Storage, "the lock table refuses the call")),
        }
    }

    async fn before_read(&self) -> Result<()> {
        self.step().await;
        let fails = self.with(|state| state.random.as_mut().is_some_and(|(rng, percent)| rng.chance(*percent / 2)));
        if fails { Err(lost()) } else { Ok(()) }
    }
}

fn any(rng: &mut Rng, percent: usize) -> Fault {
    if !rng.chance(percent) {
        return Fault::None;
    }
    match rng.below(4) {
        0 => Fault::FailBefore,
        1 => Fault::FailAfter,
        2 => Fault::Refuse,
        _ => Fault::Late(1 + rng.below(40)),
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Storage, "the lock table did not answer")
}

impl LockTable for FaultLockTable {
    fn entry<'a>(&'a self, table_path: &'a str, file_name: &'a str) -> BoxFuture<'a, Result<Option<LockEntry>>> {
        async move {
            self.before_read().await?;
            self.truth.entry(table_path, file_name).await
        }
        .boxed()
    }

    fn latest<'a>(&'a self, table_path: &'a str) -> BoxFuture<'a, Result<Option<LockEntry>>> {
        async move {
            self.before_read().await?;
            self.truth.latest(table_path).await
        }
        .boxed()
    }

    fn create<'a>(&'a self, entry: &'a LockEntry) -> BoxFuture<'a, PutOutcome> {
        self.write(Write::Create(entry.clone())).boxed()
    }

    fn complete<'a>(&'a self, entry: &'a LockEntry, expire_time_s: i64) -> BoxFuture<'a, Result<()>> {
        async move {
            match self.write(Write::Complete(entry.clone(), expire_time_s)).await {
                PutOutcome::Committed | PutOutcome::Conflict => Ok(()),
                PutOutcome::Ambiguous(error) | PutOutcome::Refused(error) => Err(error),
            }
        }
        .boxed()
    }
}
