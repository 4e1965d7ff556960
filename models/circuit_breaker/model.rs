//! Sub-model `breaker`: one circuit breaker, its clients, and time.
//!
//! A call is acquire → run → report, arbitrarily late: the backend is whatever lies between the two, so no assumption
//! is made about it. Time is an action. Clients are slots with at most one call in flight; that some calls are *late*
//! (admitted before the breaker last changed its phase) is what a generation number tells in an implementation.

use serde::Serialize;
use stateright::{Model, Property};

pub use super::deviations::{Quirk, Variant};
use super::properties;
pub use super::properties::History;
pub use super::window::{Tally, WINDOW_MAX, WINDOW_TICKS_MAX, Window, WindowKind};

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
    /// Number of clients, each with at most one call in flight.
    pub clients: u8,
    /// Ticks by which the clock may be set back at once.
    pub skew_ticks: u8,
    /// How often it may be set back.
    pub steps_back_max: u8,
    /// How the calls end that it lets through.
    pub backend: Backend,
    /// Whether to keep one state of those that differ only in which client is which. For exploration alone: inputs name
    /// clients.
    pub interchangeable_clients: bool,
    /// What the breaker does otherwise than it should.
    pub variant: Variant,
    /// Rules of published breakers that are not this model's.
    pub quirks: Vec<Quirk>,
}

/// How calls end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// Calls end in any way, at any time.
    #[default]
    Any,
    /// At most so many calls end otherwise than in success; after that the backend is healthy. This is a budget of
    /// faults, not of progress.
    Heals {
        /// Calls that fail, are slow, ignored or cancelled, or panic.
        faults_max: u8,
    },
    /// Every call fails.
    Dead,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// An idle client asks to be let through.
    Acquire {
        /// The client, 0-based.
        client: u8,
    },
    /// A client's call ends.
    Report {
        /// The client, 0-based.
        client: u8,
        /// How the call ends.
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
    /// The call succeeded in time.
    Success,
    /// The call failed by an error of the backend.
    Failure,
    /// The call succeeded, but too slowly.
    Slow,
    /// The call failed by an error that is not the backend's.
    Ignored,
    /// The caller went away.
    Cancelled,
    /// The caller panicked.
    Panicked,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Outcome; 6] =
        [Outcome::Success, Outcome::Failure, Outcome::Slow, Outcome::Ignored, Outcome::Cancelled, Outcome::Panicked];
}

/// A configuration.
///
/// Invariants, whatever the variant: clients beyond the model's are idle; while the breaker is open no call is current;
/// a half-open round has not more successes than permits; the clock was set back no more often than the model allows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The breaker's phase.
    pub phase: Phase,
    /// The results it has counted.
    pub window: Window,
    /// What each client does.
    pub calls: [Call; CLIENTS_MAX],
    /// How often the clock was set back.
    pub steps_back: u8,
    /// Faults so far, of a backend that heals.
    pub faults: u8,
    /// History variables.
    pub history: History,
}

/// The breaker's phase. Ticks are counted down to zero, and below zero by as much as the clock may still be set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Phase {
    /// Lets everyone through.
    Closed,
    /// Lets no one through.
    Open {
        /// Ticks until the first caller turns it half-open.
        ticks_left: i8,
    },
    /// Lets a few through, to see.
    HalfOpen {
        /// Permits that are out or were used.
        admitted: u8,
        /// Probes that succeeded.
        succeeded: u8,
        /// Ticks until the round is given up if all permits are out.
        ticks_left: i8,
    },
}

/// What a client does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Call {
    /// The client does nothing.
    #[default]
    Idle,
    /// The client has a call that was admitted before the last change of phase.
    Late,
    /// The client has a call that was admitted since the last change of phase.
    Current,
}

impl State {
    /// Results counted, by kind.
    pub fn tally(&self, model: &Breaker) -> Tally {
        self.window.tally(model.window)
    }

    pub(super) fn running(&self) -> u8 {
        self.calls.iter().filter(|call| **call == Call::Current).count() as u8
    }

    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Breaker) -> bool {
        let beyond = &self.calls[usize::from(model.clients)..];
        let of_phase = match self.phase {
            Phase::Closed => true,
            Phase::Open { .. } => self.running() == 0,
            Phase::HalfOpen { succeeded, .. } => succeeded <= model.permits,
        };
        of_phase && beyond.iter().all(|call| *call == Call::Idle) && self.steps_back <= model.steps_back_max
    }

    /// Changes the phase: calls admitted so far are late from now on.
    fn turn(&mut self, phase: Phase, window: Window) {
        self.phase = phase;
        self.window = window;
        for call in self.calls.iter_mut().filter(|call| **call == Call::Current) {
            *call = Call::Late;
        }
    }
}

impl Breaker {
    /// The breaker of the story: window 4, minimum 4, half of them, 2 permits, 3 ticks; 4 clients, a clock that keeps
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

    /// The model with a defect.
    #[must_use]
    pub fn with(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
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
        let late_room = room || !self.trusts_late_results();
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
        assert!(after.is_consistent(self), "{after:?}");
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::properties()
    }
}

/// The rules, each as it should be; where a variant or a quirk deviates, a hook of `deviations.rs` says so.
impl Breaker {
    /// Whether `client` is let through.
    fn acquire(&self, state: &mut State, client: u8) -> bool {
        let admitted = match state.phase {
            Phase::Closed => true,
            Phase::Open { ticks_left } if ticks_left > 0 && !self.wraps(ticks_left) => false,
            Phase::Open { .. } => {
                state.turn(self.half_open(), self.cleared(state.window));
                true
            }
            Phase::HalfOpen { .. } if self.admits_every_probe() => true,
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

    /// Ends the call of `client`.
    fn report(&self, state: &mut State, client: u8, outcome: Outcome) {
        let call = std::mem::take(&mut state.calls[usize::from(client)]);
        let result = self.counted(self.perceived(outcome));
        if call == Call::Late && !self.trusts_late(result) {
            return;
        }
        match (state.phase, result) {
            (Phase::Closed, Some(result)) => {
                state.window.add(self.window, result, self.slides(), self.len_max());
                if self.opens_at(result, state.window.tally(self.window)) {
                    state.turn(self.opened(), self.cleared(state.window));
                }
            }
            (Phase::HalfOpen { admitted, succeeded: 0, ticks_left }, Some(_)) if self.passes_over_first_probe() => {
                state.phase = Phase::HalfOpen { admitted, succeeded: 1, ticks_left };
            }
            (Phase::HalfOpen { admitted, succeeded, ticks_left }, Some(result)) if self.is_success(result) => {
                let (succeeded, ticks_left) = self.still_counted(succeeded, ticks_left);
                if succeeded + 1 >= self.permits {
                    state.turn(Phase::Closed, self.closing(state.window));
                } else {
                    state.phase = Phase::HalfOpen { admitted, succeeded: succeeded + 1, ticks_left };
                }
            }
            (Phase::HalfOpen { admitted, succeeded, ticks_left }, Some(_)) if self.ignores_failed_probe() => {
                state.phase = Phase::HalfOpen { admitted: admitted.saturating_sub(1), succeeded, ticks_left };
            }
            (Phase::HalfOpen { .. }, Some(_)) => state.turn(self.opened(), self.cleared(state.window)),
            (Phase::HalfOpen { admitted, succeeded, ticks_left }, None) => {
                let given_back = u8::from(!self.leaks_permit());
                let admitted = admitted.saturating_sub(given_back);
                state.phase = Phase::HalfOpen { admitted, succeeded, ticks_left };
            }
            (Phase::Closed, None) | (Phase::Open { .. }, _) => {}
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
                    None if self.probes_age_out() && succeeded > 0 => (ticks_left - ticks).max(-1),
                    None => 0,
                },
            },
        };
    }

    /// Whether results call for opening.
    pub(super) fn is_due(&self, results: Tally) -> bool {
        let reaches = |count: u8, percent: u8| u32::from(count) * 100 >= u32::from(percent) * u32::from(results.calls);
        results.calls >= self.minimum_calls
            && (reaches(results.failed, self.failure_rate_percent)
                || self.slow_rate_percent.is_some_and(|percent| reaches(results.slow, percent)))
    }
}
