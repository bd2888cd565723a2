//! The throttling of a table: none, random, or a cap of writes a second.

use std::time::{Duration, Instant};

/// How a table throttles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Throttling {
    /// None.
    None,
    /// So many of a thousand calls, at random.
    Thousandths(u64),
    /// Writes above so many a second.
    Cap(u32),
}

/// How much capacity an idle table saves. DynamoDB saves minutes; with this little the cap is strict.
const SAVED_MAX: Duration = Duration::from_millis(100);

/// The decision about each write.
#[derive(Debug)]
pub(crate) struct Gate {
    throttling: Throttling,
    chance: fastrand::Rng,
    /// When the capacity of the accepted writes will be restored.
    restored_at: Option<Instant>,
}

impl Gate {
    /// A gate that has accepted nothing yet.
    pub(crate) fn new(throttling: Throttling) -> Self {
        Self { throttling, chance: fastrand::Rng::with_seed(1), restored_at: None }
    }

    /// Whether a write that arrives now is accepted.
    pub(crate) fn accepts(&mut self, now: Instant) -> bool {
        match self.throttling {
            Throttling::None => true,
            Throttling::Thousandths(throttled) => self.chance.u64(..1000) >= throttled,
            Throttling::Cap(writes_per_second) => {
                let restored_at =
                    self.restored_at.map_or(now, |at| at.max(now)) + Duration::from_secs(1) / writes_per_second;
                let is_accepted = restored_at <= now + SAVED_MAX;
                if is_accepted {
                    self.restored_at = Some(restored_at);
                }
                is_accepted
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_bounds_the_accepted_writes() {
        let (mut gate, begin) = (Gate::new(Throttling::Cap(500)), Instant::now());
        // Ten calls every millisecond for two seconds.
        let accepted = (0..20_000).filter(|call| gate.accepts(begin + Duration::from_micros(call * 100))).count();
        assert!((1_000..=1_051).contains(&accepted), "{accepted}");
    }

    #[test]
    fn throttles_its_share_at_random() {
        let mut gate = Gate::new(Throttling::Thousandths(50));
        let throttled = (0..100_000).filter(|_| !gate.accepts(Instant::now())).count();
        assert!((4_700..5_300).contains(&throttled), "{throttled}");
        let mut gate = Gate::new(Throttling::None);
        assert!((0..1000).all(|_| gate.accepts(Instant::now())));
    }
}
