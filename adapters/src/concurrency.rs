//! How many calls are in flight at a time: as many as a throttling service takes.
//!
//! DynamoDB does not queue what is too much for it, it refuses. So refusals, and not the time that answers take, tell how much
//! is too much. A few of them tell nothing: one partition that is busy refuses some calls whatever the rate of all. So a window
//! of answers decides, by the share of refusals in it, and calls that were made before a decision count for no other.
//!
//! This knows neither a clock nor a service. Its own tests run it against a simulated table.

/// Most calls in flight. One takes about 6 ms, so these are 10,000 calls a second: more than 512 MB of function have processor
/// time for.
pub const CALLS_IN_FLIGHT_MAX: usize = 64;

/// Calls in flight at first: a part of that, because up to forty transformers of a file begin at the same moment.
const CALLS_IN_FLIGHT_START: u32 = 16;

/// How many answers a decision takes, once the service's rate is known.
const WINDOW_ANSWERS: u32 = 100;

/// How many refusals in such a window are tolerated: one in eight. Where every twentieth call is refused for no error of ours,
/// one window in five hundred has more than that by chance.
const REFUSALS_TOLERATED: u32 = WINDOW_ANSWERS / 8;

/// While the rate is looked for, a window is as many answers as there may be calls in flight, and one in four may be a
/// refusal, because so few answers tell less.
const EXPLORING_TOLERATED: u32 = 4;

/// The limit is kept in thousandths, so that shares of it need no fractions.
const THOUSANDTHS: u32 = 1000;
// The largest limit is a small number.
const CALLS_IN_FLIGHT_MAX_THOUSANDTHS: u32 = CALLS_IN_FLIGHT_MAX as u32 * THOUSANDTHS;

/// Which decision a call was made under.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Era(u64);

/// The number of calls that may be in flight.
///
/// It doubles with each window until one has too many refusals or the most is reached; from then on each good window adds one call, and each bad
/// one takes away the share that was refused, half at most. What remains is about what the service takes.
#[derive(Clone, Debug)]
pub struct Concurrency {
    limit_thousandths: u32,
    is_exploring: bool,
    era: Era,
    answers: u32,
    refusals: u32,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self {
            limit_thousandths: CALLS_IN_FLIGHT_START * THOUSANDTHS,
            is_exploring: true,
            era: Era(0),
            answers: 0,
            refusals: 0,
        }
    }
}

impl Concurrency {
    /// How many calls may be in flight now.
    #[must_use]
    pub fn limit(&self) -> usize {
        // Widening: the limit is a u32.
        (self.limit_thousandths / THOUSANDTHS) as usize
    }

    /// To be remembered with each call that is made now.
    #[must_use]
    pub fn era(&self) -> Era {
        self.era
    }

    /// Takes note of the answer to a call that was made in `era`.
    pub fn note(&mut self, era: Era, was_refused: bool) {
        if era != self.era {
            return;
        }
        self.answers += 1;
        self.refusals += u32::from(was_refused);
        let (window, tolerated) = self.window();
        // Too many refusals are too many however good the rest of the window may become.
        if self.refusals > tolerated {
            self.shrink();
        } else if self.answers >= window {
            self.grow();
        }
    }

    /// How many answers a decision takes now, and how many of them may be refusals.
    fn window(&self) -> (u32, u32) {
        if !self.is_exploring {
            return (WINDOW_ANSWERS, REFUSALS_TOLERATED);
        }
        let answers = self.limit_thousandths / THOUSANDTHS;
        (answers, answers / EXPLORING_TOLERATED)
    }

    fn grow(&mut self) {
        let added = if self.is_exploring { self.limit_thousandths } else { THOUSANDTHS };
        let most = CALLS_IN_FLIGHT_MAX_THOUSANDTHS;
        self.limit_thousandths = (self.limit_thousandths + added).min(most);
        self.is_exploring &= self.limit_thousandths < most;
        self.begin_window();
    }

    fn shrink(&mut self) {
        let taken = self.answers - self.refusals;
        let remaining = (self.limit_thousandths / self.answers * taken).max(self.limit_thousandths / 2);
        self.limit_thousandths = remaining.max(THOUSANDTHS);
        self.is_exploring = false;
        // What is in flight was sent at the old rate, and would be held against the new one.
        self.era = Era(self.era.0 + 1);
        self.begin_window();
    }

    fn begin_window(&mut self) {
        (self.answers, self.refusals) = (0, 0);
    }
}

#[cfg(test)]
mod tests;
