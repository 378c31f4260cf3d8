//! What an evaluation depends on besides its rows.

use super::functions::FunctionRegistry;
use super::time_zone::Zone;
use deltaic_log::{Clock, Result};
use std::sync::{Arc, LazyLock};

/// What expressions depend on besides their rows: the time that counts as "now", the session's time zone, the functions.
///
/// Cheap to clone. "Now" stands still: one context gives one answer.
///
/// ```
/// use deltaic_log::{ManualClock, TimestampMs};
/// use deltaic_scan::expr::EvalContext;
/// let clock = ManualClock::new(TimestampMs(1_000));
/// let context = EvalContext::new(&clock).with_time_zone("Europe/Paris").unwrap();
/// assert_eq!(context.now_us(), 1_000_000);
/// assert_eq!(context.zone().to_string(), "Europe/Paris");
/// ```
#[derive(Clone, Debug)]
pub struct EvalContext {
    now_us: i64,
    zone: Zone,
    registry: Arc<FunctionRegistry>,
}

impl EvalContext {
    /// A context whose "now" is what the clock shows at this moment; zone UTC, built-in functions.
    pub fn new(clock: &dyn Clock) -> Self {
        static BUILTIN: LazyLock<Arc<FunctionRegistry>> = LazyLock::new(|| Arc::new(FunctionRegistry::builtin()));
        Self { now_us: clock.now().0.saturating_mul(1_000), zone: Zone::UTC, registry: BUILTIN.clone() }
    }

    /// The same with another session time zone: an offset or a region's name.
    pub fn with_time_zone(mut self, zone: &str) -> Result<Self> {
        self.zone = zone.parse()?;
        Ok(self)
    }

    /// The same with other functions.
    #[must_use]
    pub fn with_registry(mut self, registry: Arc<FunctionRegistry>) -> Self {
        self.registry = registry;
        self
    }

    /// The time that counts as now: microseconds since the Unix epoch.
    pub fn now_us(&self) -> i64 {
        self.now_us
    }

    /// The time zone in which instants are shown and wall clocks read.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The functions that expressions may call.
    pub fn registry(&self) -> &FunctionRegistry {
        &self.registry
    }
}
