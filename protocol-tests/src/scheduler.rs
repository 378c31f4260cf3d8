//! Tasks that take turns as a seed says: what goes wrong between them once goes wrong again.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::Rng;

/// A task.
pub type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs the tasks on this thread to their end. Whose turn it is, `rng` says; a turn ends where a task waits.
///
/// A task may wait for nothing but [`yield_now`]: nobody would wake it.
pub fn run_interleaved(mut tasks: Vec<Task<'_>>, rng: &mut Rng) {
    let mut context = Context::from_waker(Waker::noop());
    while !tasks.is_empty() {
        let turn = rng.below(tasks.len());
        if tasks[turn].as_mut().poll(&mut context).is_ready() {
            drop(tasks.swap_remove(turn));
        }
    }
}

/// The task, which ends as if its process were killed when it has had that many turns: between two requests, since a turn ends
/// where one is made.
pub fn killed_after<'a>(turns: usize, mut task: Task<'a>) -> Task<'a> {
    let mut left = turns;
    Box::pin(poll_fn(move |context| match left {
        0 => Poll::Ready(()),
        _ => {
            left -= 1;
            task.as_mut().poll(context)
        }
    }))
}

/// Ends the task's turn.
pub async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        // For executors that wait to be woken.
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
