//! Sub-model `breaker`: one circuit breaker, its clients, and time.
//!
//! A call is acquire → run → report, arbitrarily late: the backend is whatever lies between the two, so no assumption
//! is made about it. Time is an action. Clients are slots with at most one call in flight; that some calls are *late*
//! (admitted before the breaker last changed its phase) is what a generation number tells in an implementation.

mod properties;
mod window;

use serde::Serialize;
use stateright::{Model, Property};

pub use self::properties::History;
use self::window::Counted;
pub use self::window::{Tally, WINDOW_MAX, WINDOW_TICKS_MAX, Window, WindowKind};

/// Most clients that a state has room for.
pub const CLIENTS_MAX: usize = 8;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// What the failure rate is taken of.
    pub window: WindowKind,
    /// Results in the window before it can trip.
    pub minimum_calls: u8,
    /// Failures in the window at which it trips, in percent.
    pub failure_rate_percent: u8,
    /// Slow calls in the window at which it trips, in percent. `None`: a slow call is a success.
    pub slow_rate_percent: Option<u8>,
    /// Calls admitted in one half-open round; as many successes close it.
    pub permits: u8,
    /// Ticks for which it stays open.
    pub open_wait_ticks: u8,
    /// Ticks after which a half-open round whose permits are all out is given up. `None`: never.
    pub half_open_wait_ticks: Option<u8>,
    /// Clients, each with at most one call in flight.
    pub clients: u8,
    /// Ticks by which the clock may be set back at once.
    pub skew_ticks: u8,
    /// How often it may be set back.
    pub steps_back_max: u8,
    /// How the calls end that it lets through.
    pub backend: Backend,
    /// Keep one state of those that differ only in who is who. For exploration alone: inputs name clients.
    pub interchangeable_clients: bool,
    /// What it does otherwise than it should.
    pub variant: Variant,
    /// Rules of published breakers that are not these.
    pub quirks: Vec<Quirk>,
}

/// How calls end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// In any way, at any time.
    #[default]
    Any,
    /// At most so many end otherwise than in success: after that it is healthy. A budget of faults, not of progress.
    Heals {
        /// Calls that fail, are slow, ignored or cancelled, or panic.
        faults_max: u8,
    },
    /// Each fails.
    Dead,
}

/// A rule of some published breaker that is not this model's. A crate with several has a model with all of them, to
/// which it must conform; with one left out it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// Half-open admits everyone.
    UnlimitedProbes,
    /// A result counts whenever its call was admitted.
    TrustsLateResults,
    /// A result that is to be ignored is a success.
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
    /// As it should be.
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
    /// Keeps the window of before it opened when it closes again.
    KeepsWindowOnClose,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// An idle client asks to be let through.
    Acquire {
        /// 0-based.
        client: u8,
    },
    /// A client's call ends.
    Report {
        /// 0-based.
        client: u8,
        /// How.
        outcome: Outcome,
    },
    /// Time passes.
    Tick,
    /// The clock is set back by the model's skew.
    StepBack,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Outcome {
    /// In time.
    Success,
    /// By an error of the backend.
    Failure,
    /// Successfully, but too slowly.
    Slow,
    /// By an error that is not the backend's.
    Ignored,
    /// The caller went away.
    Cancelled,
    /// The caller panicked.
    Panicked,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 6] =
        [Outcome::Success, Outcome::Failure, Outcome::Slow, Outcome::Ignored, Outcome::Cancelled, Outcome::Panicked];
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The breaker's phase.
    pub phase: Phase,
    /// The results it has counted.
    pub window: Window,
    /// What each client is at.
    pub calls: [Call; CLIENTS_MAX],
    /// How often the clock was set back.
    pub steps_back: u8,
    /// Faults so far, of a backend that heals.
    pub faults: u8,
    /// History.
    pub history: History,
}

/// The breaker's phase. Ticks are counted down to zero; below it by as much as the clock may still be set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Phase {
    /// Lets everyone through.
    Closed,
    /// Lets no one through.
    Open {
        /// Until the first caller turns it half-open.
        ticks_left: i8,
    },
    /// Lets a few through, to see.
    HalfOpen {
        /// Permits that are out or were used.
        admitted: u8,
        /// Probes that succeeded.
        succeeded: u8,
        /// Until the round is given up if all permits are out.
        ticks_left: i8,
    },
}

/// What a client is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Call {
    /// Nothing.
    #[default]
    Idle,
    /// A call admitted before the last change of phase.
    Late,
    /// A call admitted since.
    Current,
}

impl State {
    /// Results counted, by kind.
    pub fn tally(&self, model: &Breaker) -> Tally {
        self.window.tally(model.window)
    }

    fn running(&self) -> u8 {
        self.calls.iter().filter(|call| **call == Call::Current).count() as u8
    }

    /// Calls of the older generations, from now on.
    fn turn(&mut self, phase: Phase, window: Window) {
        self.phase = phase;
        self.window = window;
        for call in self.calls.iter_mut().filter(|call| **call == Call::Current) {
            *call = Call::Late;
        }
    }
}

impl Breaker {
    /// A breaker as of the story: window 4, minimum 4, half of them, 2 permits, 3 ticks; 4 clients, a clock that keeps
    /// going forward.
    pub const fn small() -> Self {
        Breaker {
            window: WindowKind::Calls(4),
            minimum_calls: 4,
            failure_rate_percent: 50,
            slow_rate_percent: None,
            permits: 2,
            open_wait_ticks: 3,
            half_open_wait_ticks: None,
            clients: 4,
            skew_ticks: 0,
            steps_back_max: 0,
            backend: Backend::Any,
            interchangeable_clients: false,
            variant: Variant::Sound,
            quirks: Vec::new(),
        }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }

    fn is(&self, variant: Variant) -> bool {
        self.variant == variant
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    fn slides(&self) -> bool {
        !self.is(Variant::WindowNeverSlides)
    }

    /// Whether the time since it opened comes out negative, and is taken for a very long one.
    fn wraps(&self, ticks_left: i8) -> bool {
        self.is(Variant::WrapsBackwardClock) && ticks_left > self.open_wait_ticks as i8
    }

    /// The window after a change of phase.
    fn cleared(&self, window: Window) -> Window {
        if self.is(Variant::KeepsWindowOnClose) { window } else { Window::default() }
    }

    fn opened(&self) -> Phase {
        let early = i8::from(self.is(Variant::ReopensEarly));
        Phase::Open { ticks_left: self.open_wait_ticks as i8 - early }
    }

    fn half_open(&self) -> Phase {
        let admitted = u8::from(!self.is(Variant::ForgetsElectingProbe) && !self.has(Quirk::UnlimitedProbes));
        Phase::HalfOpen { admitted, succeeded: 0, ticks_left: self.half_open_wait_ticks.unwrap_or(0) as i8 }
    }

    /// The result that `outcome` counts as; none if it does not.
    fn counted(&self, outcome: Outcome) -> Option<Counted> {
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

    /// Whether results call for opening.
    fn is_due(&self, results: Tally) -> bool {
        let reaches = |count: u8, percent: u8| u32::from(count) * 100 >= u32::from(percent) * u32::from(results.calls);
        results.calls >= self.minimum_calls
            && (reaches(results.failed, self.failure_rate_percent)
                || self.slow_rate_percent.is_some_and(|percent| reaches(results.slow, percent)))
    }

    /// The same as this variant takes it.
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

    /// Results that a window of calls remembers to have come.
    fn len_max(&self) -> u8 {
        match self.window {
            WindowKind::Calls(size) => size + u8::from(self.has(Quirk::NeedsOneResultMore)),
            WindowKind::Ticks { .. } | WindowKind::Everything { .. } => 0,
        }
    }

    fn acquire(&self, state: &mut State, client: u8) -> bool {
        let admitted = match state.phase {
            Phase::Closed => true,
            Phase::Open { ticks_left } if ticks_left > 0 && !self.wraps(ticks_left) => false,
            Phase::Open { .. } => {
                state.turn(self.half_open(), self.cleared(state.window));
                true
            }
            Phase::HalfOpen { .. } if self.has(Quirk::UnlimitedProbes) => true,
            Phase::HalfOpen { admitted, succeeded, ticks_left } if admitted < self.permits => {
                state.phase = Phase::HalfOpen { admitted: admitted + 1, succeeded, ticks_left };
                true
            }
            Phase::HalfOpen { ticks_left, .. } => {
                if self.half_open_wait_ticks.is_some() && ticks_left <= 0 {
                    state.turn(self.opened(), self.cleared(state.window));
                }
                false
            }
        };
        if admitted {
            state.calls[usize::from(client)] = Call::Current;
        }
        admitted
    }

    fn report(&self, state: &mut State, client: u8, outcome: Outcome) {
        let call = std::mem::take(&mut state.calls[usize::from(client)]);
        let outcome = match outcome {
            Outcome::Slow if self.is(Variant::OverlooksSlowCalls) => Outcome::Success,
            outcome => outcome,
        };
        let result = self.counted(outcome);
        let trusts_late = self.is(Variant::TrustsLateResults) || self.has(Quirk::TrustsLateResults);
        if call == Call::Late && (!trusts_late || result.is_none()) {
            return;
        }
        match (state.phase, result) {
            (Phase::Closed, Some(result)) => {
                state.window.add(self.window, result, self.slides(), self.len_max());
                let may_open = result == Counted::Failure || !self.has(Quirk::OnlyFailuresOpen);
                if may_open && self.takes_as_due(state.window.tally(self.window)) {
                    state.turn(self.opened(), self.cleared(state.window));
                }
            }
            (Phase::HalfOpen { admitted, succeeded: 0, ticks_left }, Some(_))
                if self.has(Quirk::SecondProbeDecides) =>
            {
                state.phase = Phase::HalfOpen { admitted, succeeded: 1, ticks_left };
            }
            (Phase::HalfOpen { admitted, succeeded, ticks_left }, Some(result))
                if result == Counted::Success || (result == Counted::Slow && self.has(Quirk::SlowProbeSucceeds)) =>
            {
                let (succeeded, ticks_left) = self.still_counted(succeeded, ticks_left);
                if succeeded + 1 >= self.permits {
                    state.turn(Phase::Closed, self.cleared(state.window));
                    if self.has(Quirk::ClosingSuccessCounts) {
                        state.window.add(self.window, Counted::Success, true, self.len_max());
                    }
                } else {
                    state.phase = Phase::HalfOpen { admitted, succeeded: succeeded + 1, ticks_left };
                }
            }
            (Phase::HalfOpen { admitted, succeeded, ticks_left }, Some(_)) => {
                if self.is(Variant::IgnoresFailedProbe) {
                    state.phase = Phase::HalfOpen { admitted: admitted.saturating_sub(1), succeeded, ticks_left };
                } else {
                    state.turn(self.opened(), self.cleared(state.window));
                }
            }
            (Phase::HalfOpen { admitted, succeeded, ticks_left }, None) => {
                if !self.is(Variant::LeaksPermitOnCancel) {
                    state.phase = Phase::HalfOpen { admitted: admitted.saturating_sub(1), succeeded, ticks_left };
                }
            }
            (Phase::Closed, None) | (Phase::Open { .. }, _) => {}
        }
    }

    /// The successes of a half-open round that still count, and for how long the one to come will.
    fn still_counted(&self, succeeded: u8, ticks_left: i8) -> (u8, i8) {
        match self.window {
            WindowKind::Ticks { ticks, .. } if self.has(Quirk::ProbesAgeOut) => {
                (if ticks_left < 0 { 0 } else { succeeded }, ticks as i8 - 1)
            }
            _ => (succeeded, ticks_left),
        }
    }

    /// Moves the clock by `ticks`, back if negative.
    fn elapse(&self, state: &mut State, ticks: i8) {
        let floor = -((self.skew_ticks * (self.steps_back_max - state.steps_back)) as i8);
        let moved = |left: i8| (left - ticks).max(floor);
        state.phase = match state.phase {
            Phase::Closed => Phase::Closed,
            Phase::Open { ticks_left } => Phase::Open { ticks_left: moved(ticks_left) },
            Phase::HalfOpen { admitted, succeeded, ticks_left } => Phase::HalfOpen {
                admitted,
                succeeded,
                ticks_left: match self.half_open_wait_ticks {
                    Some(_) => moved(ticks_left),
                    None if self.has(Quirk::ProbesAgeOut) && succeeded > 0 => (ticks_left - ticks).max(-1),
                    None => 0,
                },
            },
        };
    }
}

impl Model for Breaker {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            phase: Phase::Closed,
            window: Window::default(),
            calls: [Call::Idle; CLIENTS_MAX],
            steps_back: 0,
            faults: 0,
            history: History::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let room = state.window.has_room(self.window);
        // Late results fill the window only of a breaker that takes them.
        let late_room = room || !(self.is(Variant::TrustsLateResults) || self.has(Quirk::TrustsLateResults));
        let reports = |client, room: bool| {
            let healthy = matches!(self.backend, Backend::Heals { faults_max } if state.faults >= faults_max);
            let brought = move |outcome: &Outcome| {
                let ends_so = match self.backend {
                    Backend::Any => true,
                    Backend::Heals { .. } => !healthy || *outcome == Outcome::Success,
                    Backend::Dead => *outcome == Outcome::Failure,
                };
                ends_so && (room || self.counted(*outcome).is_none())
            };
            Outcome::ALL.into_iter().filter(brought).map(move |outcome| Action::Report { client, outcome })
        };
        for client in 0..self.clients {
            match state.calls[usize::from(client)] {
                Call::Idle => actions.push(Action::Acquire { client }),
                Call::Late => actions.extend(reports(client, late_room)),
                Call::Current => actions.extend(reports(client, room)),
            }
        }
        actions.push(Action::Tick);
        if state.steps_back < self.steps_back_max {
            actions.push(Action::StepBack);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        let mut admitted = false;
        match action {
            Action::Acquire { client } => admitted = self.acquire(&mut after, client),
            Action::Report { client, outcome } => {
                self.report(&mut after, client, outcome);
                if matches!(self.backend, Backend::Heals { .. }) && outcome != Outcome::Success {
                    after.faults += 1;
                }
            }
            Action::Tick => {
                self.elapse(&mut after, 1);
                after.window.tick(self.window, self.slides());
            }
            Action::StepBack => {
                after.steps_back += 1;
                self.elapse(&mut after, -(self.skew_ticks as i8));
            }
        }
        self.remember(before, action, admitted, &mut after);
        if self.interchangeable_clients {
            after.calls.sort_unstable_by(|left, right| right.cmp(left));
        }
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}
