use std::time::Duration;

use deltaic_log::Context;

/// How often a commit is tried again, and how long it waits in between.
///
/// Waits double from `delay_min` to `delay_max`; each is cut to a random part of itself, so that writers that met once do not
/// meet again. The first retry does not wait.
///
/// ```
/// use deltaic_commit::RetryPolicy;
/// let patient = RetryPolicy { attempts_max: 10_000, ..RetryPolicy::default() };
/// assert!(patient.delay_max > patient.delay_min);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many versions are tried before the commit gives up to other writers.
    pub attempts_max: u32,
    /// How often a put of unknown outcome is put again before it is given back as unknown.
    pub settlements_max: u32,
    /// The first wait.
    pub delay_min: Duration,
    /// The longest wait.
    pub delay_max: Duration,
}

impl Default for RetryPolicy {
    /// 1,000 versions; 8 settlements; 2 milliseconds to 2 seconds.
    fn default() -> Self {
        Self {
            attempts_max: 1_000,
            settlements_max: 8,
            delay_min: Duration::from_millis(2),
            delay_max: Duration::from_secs(2),
        }
    }
}

impl RetryPolicy {
    /// Waits after the `failures`th failure in a row.
    pub(crate) async fn pause(&self, failures: u32, context: &Context) {
        let delay = self.delay(failures, random(context));
        if !delay.is_zero() {
            context.clock.sleep(delay).await;
        }
    }

    /// A part of the wait, as `random` says.
    fn delay(&self, failures: u32, random: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(2) else { return Duration::ZERO };
        let whole = self.delay_min.saturating_mul(1 << doublings.min(20)).min(self.delay_max);
        whole.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

/// Random bits, from the one source of chance that a context has. Its ids may only count up, so their bits are mixed.
fn random(context: &Context) -> u32 {
    let (high, low) = context.ids.uuid().as_u64_pair();
    let mut mixed = (high ^ low.rotate_left(32)).wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let policy = RetryPolicy::default();
        let longest: Vec<u128> = (1..=14).map(|failures| policy.delay(failures, u32::MAX).as_millis()).collect();
        assert_eq!(longest, [0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2000, 2000, 2000]);
        assert_eq!(policy.delay(u32::MAX, u32::MAX), policy.delay_max);
        assert_eq!(policy.delay(5, 0), Duration::ZERO);
    }
}
