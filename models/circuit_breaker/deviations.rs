//! Where the model deviates: a [`Variant`] has a defect, a [`Quirk`] is the rule of some published breaker. Each is a hook
//! that the rules of the sound model ask.

use super::model::{Breaker, Outcome, Phase};
use super::window::{Counted, Tally, Window, WindowKind};

/// A rule of some published breaker that is not this model's. A crate with several has a model with all of them, to
/// which it must conform; with one left out it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// Half-open admits everyone.
    UnlimitedProbes,
    /// A result counts whenever its call was admitted.
    TrustsLateResults,
    /// A result that is to be ignored counts as a success.
    IgnoredIsSuccess,
    /// A panic is no result; a probe that panics gives its permit back.
    PanicIsNoResult,
    /// A slow probe is a success, though slow calls have a rate while closed.
    SlowProbeSucceeds,
    /// The rate is that of the window, but is looked at only when one result more than the window holds has come.
    NeedsOneResultMore,
    /// The first result of a half-open round decides nothing, the second everything.
    SecondProbeDecides,
    /// A success of a probe counts only as long as the time window holds it: probes further apart than that use up the
    /// permits and never close it.
    ProbesAgeOut,
    /// The success that closes it is the first result of the new window.
    ClosingSuccessCounts,
    /// Only a failure can open it, whatever the rate is after a success.
    OnlyFailuresOpen,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// The breaker as it should be.
    #[default]
    Sound,
    /// Takes the result of a call that was admitted before the last change of phase (no generation).
    TrustsLateResults,
    /// Does not take back the permit of a cancelled or ignored probe.
    LeaksPermitOnCancel,
    /// Does not count the probe of the caller that turned it half-open (the loser of the election gets one more).
    ForgetsElectingProbe,
    /// Fills the window and then keeps it as it is: later results are not seen until it is cleared.
    WindowNeverSlides,
    /// Stays half-open when a probe fails.
    IgnoresFailedProbe,
    /// Computes the time since it opened without regard to a clock that went back: the difference wraps.
    WrapsBackwardClock,
    /// Turns half-open a tick before its wait is over.
    ReopensEarly,
    /// Does not wait for the minimum of calls.
    TripsBelowMinimum,
    /// Trips above the rate, not at it.
    ComparesRateStrictly,
    /// Counts a slow call as a success though it has a slow-call rate.
    OverlooksSlowCalls,
    /// Keeps the window from before it opened when it closes again.
    KeepsWindowOnClose,
}

impl Breaker {
    fn is(&self, variant: Variant) -> bool {
        self.variant == variant
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// Whether a window that is full makes room.
    pub(super) fn slides(&self) -> bool {
        !self.is(Variant::WindowNeverSlides)
    }

    /// Whether results of late calls may count.
    pub(super) fn trusts_late_results(&self) -> bool {
        self.is(Variant::TrustsLateResults) || self.has(Quirk::TrustsLateResults)
    }

    /// Whether the result of a late call counts.
    pub(super) fn trusts_late(&self, result: Option<Counted>) -> bool {
        self.trusts_late_results() && result.is_some()
    }

    /// Whether half-open admits everyone.
    pub(super) fn admits_every_probe(&self) -> bool {
        self.has(Quirk::UnlimitedProbes)
    }

    /// Whether a probe's success is forgotten with time.
    pub(super) fn probes_age_out(&self) -> bool {
        self.has(Quirk::ProbesAgeOut)
    }

    /// Whether the first result of a half-open round decides nothing.
    pub(super) fn passes_over_first_probe(&self) -> bool {
        self.has(Quirk::SecondProbeDecides)
    }

    /// Whether a failed probe opens nothing.
    pub(super) fn ignores_failed_probe(&self) -> bool {
        self.is(Variant::IgnoresFailedProbe)
    }

    /// Whether the permit of a probe without a result is lost.
    pub(super) fn leaks_permit(&self) -> bool {
        self.is(Variant::LeaksPermitOnCancel)
    }

    /// Whether a probe that ends so counts towards closing.
    pub(super) fn is_success(&self, result: Counted) -> bool {
        result == Counted::Success || (result == Counted::Slow && self.has(Quirk::SlowProbeSucceeds))
    }

    /// How `outcome` looks to this variant.
    pub(super) fn perceived(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Slow if self.is(Variant::OverlooksSlowCalls) => Outcome::Success,
            outcome => outcome,
        }
    }

    /// Whether the breaker opens now that `result` has come.
    pub(super) fn opens_at(&self, result: Counted, results: Tally) -> bool {
        let may_open = result == Counted::Failure || !self.has(Quirk::OnlyFailuresOpen);
        may_open && self.takes_as_due(results)
    }

    /// Whether the time since it opened comes out negative, and is taken for a very long one.
    pub(super) fn wraps(&self, ticks_left: i8) -> bool {
        self.is(Variant::WrapsBackwardClock) && ticks_left > self.open_wait_ticks as i8
    }

    /// The window after a change of phase.
    pub(super) fn cleared(&self, window: Window) -> Window {
        if self.is(Variant::KeepsWindowOnClose) { window } else { Window::default() }
    }

    /// The phase that opening leads to.
    pub(super) fn opened(&self) -> Phase {
        let early = i8::from(self.is(Variant::ReopensEarly));
        Phase::Open { ticks_left: self.open_wait_ticks as i8 - early }
    }

    /// The phase in which a round of probes begins.
    pub(super) fn half_open(&self) -> Phase {
        let admitted = u8::from(!self.is(Variant::ForgetsElectingProbe) && !self.has(Quirk::UnlimitedProbes));
        Phase::HalfOpen { admitted, succeeded: 0, ticks_left: self.half_open_wait_ticks.unwrap_or(0) as i8 }
    }

    /// The window that closing leaves.
    pub(super) fn closing(&self, window: Window) -> Window {
        let mut window = self.cleared(window);
        if self.has(Quirk::ClosingSuccessCounts) {
            window.add(self.window, Counted::Success, true, self.len_max());
        }
        window
    }

    /// The result that `outcome` counts as; `None` if it does not count.
    pub(super) fn counted(&self, outcome: Outcome) -> Option<Counted> {
        match outcome {
            Outcome::Success => Some(Counted::Success),
            Outcome::Panicked if self.has(Quirk::PanicIsNoResult) => None,
            Outcome::Ignored if self.has(Quirk::IgnoredIsSuccess) => Some(Counted::Success),
            Outcome::Failure | Outcome::Panicked => Some(Counted::Failure),
            Outcome::Slow if self.slow_rate_percent.is_none() => Some(Counted::Success),
            Outcome::Slow => Some(Counted::Slow),
            Outcome::Ignored | Outcome::Cancelled => None,
        }
    }

    /// Whether results call for opening, as this variant takes it ([`Breaker::is_due`]).
    fn takes_as_due(&self, results: Tally) -> bool {
        let exceeds = |count: u8, percent: u8| u32::from(count) * 100 > u32::from(percent) * u32::from(results.calls);
        match self.variant {
            Variant::TripsBelowMinimum => {
                results.calls > 0 && Breaker { minimum_calls: 0, ..self.clone() }.is_due(results)
            }
            Variant::ComparesRateStrictly => {
                results.calls >= self.minimum_calls
                    && (exceeds(results.failed, self.failure_rate_percent)
                        || self.slow_rate_percent.is_some_and(|percent| exceeds(results.slow, percent)))
            }
            _ => match self.window {
                WindowKind::Calls(size) if self.has(Quirk::NeedsOneResultMore) => {
                    results.calls > size && self.is_due(Tally { calls: size, ..results })
                }
                _ => self.is_due(results),
            },
        }
    }

    /// Number of results that a window of calls remembers to have come.
    pub(super) fn len_max(&self) -> u8 {
        match self.window {
            WindowKind::Calls(size) => size + u8::from(self.has(Quirk::NeedsOneResultMore)),
            WindowKind::Ticks { .. } | WindowKind::Everything { .. } => 0,
        }
    }

    /// The successes of a half-open round that still count, and for how long the one to come will.
    pub(super) fn still_counted(&self, succeeded: u8, ticks_left: i8) -> (u8, i8) {
        match self.window {
            WindowKind::Ticks { ticks, .. } if self.has(Quirk::ProbesAgeOut) => {
                (if ticks_left < 0 { 0 } else { succeeded }, ticks as i8 - 1)
            }
            _ => (succeeded, ticks_left),
        }
    }
}
