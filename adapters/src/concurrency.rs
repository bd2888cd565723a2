//! The number of calls in flight, adapted to what a throttling service accepts.
//!
//! DynamoDB does not queue excess calls, it throttles them. So throttled calls, and not latencies, show that the rate
//! is too high. A few of them show nothing: a busy partition throttles some calls at any rate. So the share of
//! throttled calls in a window of responses decides, and calls made before a decision do not count for the next one.
//!
//! This has no clock and makes no calls. Its tests run it against a simulated table.

/// Most calls in flight. One takes about 6 ms, so these are 10,000 calls a second: more than 512 MB of function have
/// processor time for.
pub const CALLS_IN_FLIGHT_MAX: usize = 64;

/// Calls in flight at first: fewer, because up to forty transformers of a file begin at the same time.
const CALLS_IN_FLIGHT_START: u32 = 16;

/// Responses in a window, once the rate of the service is known.
const WINDOW_RESPONSES: u32 = 100;

/// Throttled calls tolerated in a window: one in eight. If every twentieth call is throttled for other reasons, one
/// window in five hundred has more by chance.
const THROTTLED_TOLERATED: u32 = WINDOW_RESPONSES / 8;

/// While the rate is explored, a window has as many responses as calls may be in flight, and tolerates one throttled
/// call in four, because few responses are less reliable.
const EXPLORING_TOLERATED: u32 = 4;

/// The limit is in thousandths, so that shares of it are integers.
const THOUSANDTHS: u32 = 1000;
// The largest limit is a small number.
const CALLS_IN_FLIGHT_MAX_THOUSANDTHS: u32 = CALLS_IN_FLIGHT_MAX as u32 * THOUSANDTHS;

/// The period between two decisions in which a call was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Era(u64);

/// The number of calls that may be in flight.
///
/// It doubles with each window until one has too many throttled calls or the maximum is reached. From then on, each
/// good window adds one call, and each bad one removes the share that was throttled, at most half. The result is about
/// what the service accepts.
#[derive(Clone, Debug)]
pub struct Concurrency {
    limit_thousandths: u32,
    is_exploring: bool,
    era: Era,
    responses: u32,
    throttled: u32,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self {
            limit_thousandths: CALLS_IN_FLIGHT_START * THOUSANDTHS,
            is_exploring: true,
            era: Era(0),
            responses: 0,
            throttled: 0,
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

    /// The current era, to be kept with each call.
    #[must_use]
    pub fn era(&self) -> Era {
        self.era
    }

    /// Records the response to a call that was made in `era`.
    pub fn note(&mut self, era: Era, was_throttled: bool) {
        if era != self.era {
            return;
        }
        self.responses += 1;
        self.throttled += u32::from(was_throttled);
        let (window, tolerated) = self.window();
        // Too many are too many, whatever the rest of the window is like.
        if self.throttled > tolerated {
            self.shrink();
        } else if self.responses >= window {
            self.grow();
        }
    }

    /// The responses in the current window, and how many of them may be throttled.
    fn window(&self) -> (u32, u32) {
        if !self.is_exploring {
            return (WINDOW_RESPONSES, THROTTLED_TOLERATED);
        }
        let responses = self.limit_thousandths / THOUSANDTHS;
        (responses, responses / EXPLORING_TOLERATED)
    }

    fn grow(&mut self) {
        let added = if self.is_exploring { self.limit_thousandths } else { THOUSANDTHS };
        let most = CALLS_IN_FLIGHT_MAX_THOUSANDTHS;
        self.limit_thousandths = (self.limit_thousandths + added).min(most);
        self.is_exploring &= self.limit_thousandths < most;
        self.begin_window();
    }

    fn shrink(&mut self) {
        let accepted = self.responses - self.throttled;
        let remaining = (self.limit_thousandths / self.responses * accepted).max(self.limit_thousandths / 2);
        self.limit_thousandths = remaining.max(THOUSANDTHS);
        self.is_exploring = false;
        // Calls in flight were sent at the old rate and must not count against the new one.
        self.era = Era(self.era.0 + 1);
        self.begin_window();
    }

    fn begin_window(&mut self) {
        (self.responses, self.throttled) = (0, 0);
    }
}

#[cfg(test)]
mod tests;
