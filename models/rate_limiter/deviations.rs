//! Where the model deviates: each [`Variant`] has one defect, and each deviation is a hook that the rules ask.

use super::algorithms::Seen;
use super::model::Limiter;

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// The limiter as it should be.
    #[default]
    Sound,
    /// Compares what it has admitted with ≤ where < is meant.
    AdmitsOneMore,
    /// Lets go of an admission a tick before the window is over.
    ForgetsAtTheEdge,
    /// Refills whole tokens at every check and forgets the part that is left over.
    DropsTheRemainder,
    /// Computes the time since its last step without regard to a clock that is behind: the difference wraps, and very
    /// long ago everything was full.
    WrapsBackwardClock,
    /// Charges a request that it denies.
    CountsDenied,
    /// Refills without looking at the burst.
    RefillsBeyondBurst,
    /// Collects keys that are still in use.
    CollectsBusyKeys,
    /// Has one limiter for all keys.
    SharesOneLimiter,
    /// A limiter that was used before admits one more than the burst; one that never was does not (governor before
    /// 0.8.0).
    AdmitsOneMoreOnceUsed,
    /// Begins anew when its quota is changed.
    ForgetsOnSetQuota,
    /// Keeps its rate with less precision than a tick, rounded down: a cell is due a tick later than the rate says (nginx).
    RoundsRateDown,
    /// Takes a bucket to be as old as a clock shows that is behind: what has come since is refilled once more by the next
    /// one that is right.
    FollowsBackwardClock,
}

impl Limiter {
    fn is(&self, variant: Variant) -> bool {
        self.variant == variant
    }

    /// Ticks for which an admission is remembered.
    pub(super) fn memory(&self) -> i8 {
        self.ticks() - i8::from(self.is(Variant::ForgetsAtTheEdge))
    }

    /// Most requests that one window may admit.
    pub(super) fn most(&self) -> u8 {
        self.limit + u8::from(self.is(Variant::AdmitsOneMore))
    }

    /// Whether what began `at` is taken to be long over because the clock is behind it.
    pub(super) fn wraps(&self, seen: Seen, at: i8) -> bool {
        self.is(Variant::WrapsBackwardClock) && seen.at < at
    }

    /// Forgets of a log the entries `ahead` of a clock that is behind them.
    pub(super) fn wrap_log(&self, ahead: &mut [u8]) {
        if self.is(Variant::WrapsBackwardClock) {
            ahead.fill(0);
        }
    }

    /// Instant when a bucket was last looked at, that was looked at before `at` and is by a clock that is `seen`.
    pub(super) fn looked(&self, at: i8, seen: Seen) -> i8 {
        if self.is(Variant::FollowsBackwardClock) { seen.at } else { at.max(seen.at) }
    }

    /// Tokens that a bucket holds after a refill; a bound of the model where the burst is none.
    pub(super) fn capped(&self, tokens: i16, token: i16) -> i16 {
        let burst = if self.refills_beyond_burst() { 3 * i16::from(self.burst) } else { self.burst.into() };
        tokens.min(burst * token)
    }

    /// Whether a bucket is refilled without a look at the burst.
    pub(super) fn refills_beyond_burst(&self) -> bool {
        self.is(Variant::RefillsBeyondBurst)
    }

    /// Parts of a token that a refill brings, of those that have come.
    pub(super) fn refilled(&self, come: i16, token: i16) -> i16 {
        if self.drops_the_remainder() { come - come % token } else { come }
    }

    /// Whether every check refills whole tokens, and forgets the part that is left over.
    pub(super) fn drops_the_remainder(&self) -> bool {
        self.is(Variant::DropsTheRemainder)
    }

    /// Ticks by which a cell is due later than the rate says.
    pub(super) fn interval_lost(&self) -> u8 {
        u8::from(self.is(Variant::RoundsRateDown))
    }

    /// Ticks that a cell may come before it is due.
    pub(super) fn tolerance(&self) -> i8 {
        let more = [Variant::AdmitsOneMore, Variant::AdmitsOneMoreOnceUsed];
        (self.burst - 1 + u8::from(more.contains(&self.variant))) as i8 * self.interval_ticks() as i8
    }

    /// Instant when the first cell of all is due that comes `at` an instant.
    pub(super) fn first_due(&self, at: i8) -> i8 {
        if self.is_late_at_first() { at + self.interval_ticks() as i8 } else { at }
    }

    /// Whether the first cell of all is due an interval late, so that a limiter that was used is told from a fresh one.
    pub(super) fn is_late_at_first(&self) -> bool {
        self.is(Variant::AdmitsOneMoreOnceUsed)
    }

    /// Whether a request that is denied is charged.
    pub(super) fn counts_denied(&self) -> bool {
        self.is(Variant::CountsDenied)
    }

    /// Whether what was admitted is forgotten when the quota is changed.
    pub(super) fn forgets_on_set_quota(&self) -> bool {
        self.is(Variant::ForgetsOnSetQuota)
    }

    /// Whether keys are collected that are still in use.
    pub(super) fn collects_busy_keys(&self) -> bool {
        self.is(Variant::CollectsBusyKeys)
    }

    /// Index of the limiter of `key`.
    pub(super) fn cell_of(&self, key: u8) -> usize {
        if self.is(Variant::SharesOneLimiter) { 0 } else { usize::from(key) }
    }
}
