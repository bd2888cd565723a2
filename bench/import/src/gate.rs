//! What a table takes: all, all but some by chance, or so many writes a second.

use std::time::{Duration, Instant};

/// How a table throttles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Throttling {
    /// Not at all.
    None,
    /// So many of a thousand calls, by chance.
    Thousandths(u64),
    /// What exceeds so many writes a second.
    Cap(u32),
}

/// How much a table that is idle saves up. DynamoDB saves minutes; with this little the cap is one.
const SAVED_MAX: Duration = Duration::from_millis(100);

/// The decision about each write.
#[derive(Debug)]
pub(crate) struct Gate {
    throttling: Throttling,
    chance: fastrand::Rng,
    /// When the writes that were taken will have been paid for.
    paid_at: Option<Instant>,
}

impl Gate {
    /// One that has taken nothing yet.
    pub(crate) fn new(throttling: Throttling) -> Self {
        Self { throttling, chance: fastrand::Rng::with_seed(1), paid_at: None }
    }

    /// Whether a write is taken that comes now.
    pub(crate) fn takes(&mut self, now: Instant) -> bool {
        match self.throttling {
            Throttling::None => true,
            Throttling::Thousandths(refused) => self.chance.u64(..1000) >= refused,
            Throttling::Cap(writes_per_second) => {
                let paid_at = self.paid_at.map_or(now, |at| at.max(now)) + Duration::from_secs(1) / writes_per_second;
                let is_taken = paid_at <= now + SAVED_MAX;
                if is_taken {
                    self.paid_at = Some(paid_at);
                }
                is_taken
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_lets_through_what_it_says_however_much_comes() {
        let (mut gate, begin) = (Gate::new(Throttling::Cap(500)), Instant::now());
        // Ten calls every millisecond for two seconds.
        let taken = (0..20_000).filter(|call| gate.takes(begin + Duration::from_micros(call * 100))).count();
        assert!((1_000..=1_051).contains(&taken), "{taken}");
    }

    #[test]
    fn chance_refuses_its_share() {
        let mut gate = Gate::new(Throttling::Thousandths(50));
        let refused = (0..100_000).filter(|_| !gate.takes(Instant::now())).count();
        assert!((4_700..5_300).contains(&refused), "{refused}");
        let mut gate = Gate::new(Throttling::None);
        assert!((0..1000).all(|_| gate.takes(Instant::now())));
    }
}
