//! The only source of unique ids. Whatever needs a UUID takes an [`IdSource`].

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Makes unique ids.
pub trait IdSource: Debug + Send + Sync {
    /// A UUID that was never given before.
    fn uuid(&self) -> Uuid;
}

/// Random (version 4) UUIDs.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "the one place where random ids are made")]
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// Ids counted up from a seed: for tests and replays.
///
/// ```
/// use deltaic_log::{IdSource, SequentialIds};
/// let (a, b) = (SequentialIds::new(7), SequentialIds::new(7));
/// assert_eq!(a.uuid(), b.uuid());
/// assert_ne!(a.uuid(), a.uuid());
/// ```
#[derive(Debug)]
pub struct SequentialIds {
    seed: u64,
    next: AtomicU64,
}

impl SequentialIds {
    /// Ids that depend on `seed` and their order alone.
    pub fn new(seed: u64) -> Self {
        Self { seed, next: AtomicU64::new(0) }
    }
}

impl IdSource for SequentialIds {
    fn uuid(&self) -> Uuid {
        let n = self.next.fetch_add(1, Ordering::SeqCst);
        uuid::Builder::from_custom_bytes((u128::from(self.seed) << 64 | u128::from(n)).to_be_bytes()).into_uuid()
    }
}
