//! What is always so, the history variables that remember whether it was, and what whole runs promise.

use counterpart::model::{FairKey, Temporal};
use stateright::Property;

use super::model::{Action, Backend, Breaker, Call, Phase, State};
use super::window::{Counted, Window};

/// The promise that, from wherever it is, some schedule closes it.
pub const CAN_CLOSE: &str = "some schedule closes it";

/// The promise that it closes when nothing keeps it open.
pub const CLOSES: &str = "once the backend is healthy it closes for good";

/// The assumption that closing needs and nothing more: callers come, calls end, and time passes.
const LIFE_GOES_ON: &str = "callers come back, calls end, time passes";

/// History variables: they steer nothing, properties read them. Each is kept by comparing what happened with what the
/// rules say, whatever the variant does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// The window as it should be.
    pub results: Window,
    /// Ticks for which it must still stay open.
    pub ticks_closed_to_all: u8,
    /// Whether a late result changed the breaker.
    pub moved_by_late_result: bool,
    /// Whether it let a call through before its open wait was over.
    pub admitted_early: bool,
    /// Whether it opened though the results do not call for it.
    pub opened_undue: bool,
    /// Whether it stayed closed though the results call for it.
    pub missed_opening: bool,
    /// Whether a probe failed and it did not open.
    pub missed_reopening: bool,
    /// Calls let through since it last opened, where the backend is dead.
    pub calls_since_open: u8,
}

impl History {
    /// The rules that were broken, in words.
    pub(crate) fn breaches(&self) -> Vec<&'static str> {
        [
            (self.moved_by_late_result, "moved by a late result"),
            (self.admitted_early, "admitted early"),
            (self.opened_undue, "opened without cause"),
            (self.missed_opening, "did not open with cause"),
            (self.missed_reopening, "did not open again on a failed probe"),
        ]
        .into_iter()
        .filter_map(|(breached, name)| breached.then_some(name))
        .collect()
    }
}

impl Breaker {
    /// Keeps the history variables.
    pub(super) fn remember(&self, before: &State, action: Action, admitted: bool, after: &mut State) {
        let mut history = before.history;
        let opens = matches!(after.phase, Phase::Open { .. }) && !matches!(before.phase, Phase::Open { .. });
        match action {
            Action::Acquire { .. } => {
                history.admitted_early |= admitted && history.ticks_closed_to_all > 0;
                if self.backend == Backend::Dead && before.phase != Phase::Closed {
                    history.calls_since_open = (history.calls_since_open + u8::from(admitted)).min(self.permits + 1);
                }
            }
            Action::Report { client, outcome } => match before.calls[usize::from(client)] {
                Call::Idle => {}
                Call::Late => {
                    history.moved_by_late_result |= before.phase != after.phase || before.window != after.window;
                }
                Call::Current => {
                    let counted = self.counted(outcome);
                    match before.phase {
                        Phase::Closed => {
                            if let Some(result) = counted {
                                history.results.add(self.window, result, true, self.len_max());
                                let due = self.is_due(history.results.tally(self.window));
                                history.opened_undue |= opens && !due;
                                history.missed_opening |= !opens && due;
                            }
                        }
                        Phase::HalfOpen { .. } => {
                            let failed = counted.is_some_and(|result| result != Counted::Success);
                            history.missed_reopening |= failed && !opens;
                        }
                        Phase::Open { .. } => {}
                    }
                }
            },
            Action::Tick => {
                history.ticks_closed_to_all = history.ticks_closed_to_all.saturating_sub(1);
                history.results.tick(self.window, true);
            }
            Action::StepBack => {}
        }
        if opens {
            history.ticks_closed_to_all = self.open_wait_ticks;
            history.calls_since_open = 0;
        }
        if before.phase != Phase::Closed || after.phase != Phase::Closed {
            history.results = Window::default();
        }
        after.history = history;
    }
}

pub(super) fn properties() -> Vec<Property<Breaker>> {
    vec![
        Property::always("a half-open round admits no more than its permits", |model: &Breaker, state: &State| {
            match state.phase {
                Phase::HalfOpen { succeeded, .. } => succeeded + state.running() <= model.permits,
                Phase::Closed | Phase::Open { .. } => true,
            }
        }),
        Property::always("only results of the current generation move it", |_, state: &State| {
            !state.history.moved_by_late_result
        }),
        Property::always("open admits none before its wait is over", |_, state: &State| !state.history.admitted_early),
        Property::always("it opens only when the results call for it", |_, state: &State| !state.history.opened_undue),
        Property::always("it opens whenever the results call for it", |_, state: &State| !state.history.missed_opening),
        Property::always("a failed probe opens it again", |_, state: &State| !state.history.missed_reopening),
        Property::always("every permit out belongs to a running or successful probe", |_, state: &State| {
            match state.phase {
                Phase::HalfOpen { admitted, succeeded, .. } => admitted <= succeeded + state.running(),
                Phase::Closed | Phase::Open { .. } => true,
            }
        }),
        Property::always(
            "a dead backend sees no more calls per open wait than permits",
            |model: &Breaker, state: &State| state.history.calls_since_open <= model.permits,
        ),
        // In a closed breaker a call can only be late if the breaker was open in between.
        Property::sometimes("it closes again", |_, state: &State| {
            state.phase == Phase::Closed && state.calls.contains(&Call::Late)
        }),
        Property::sometimes(
            "a half-open round waits for its last permit",
            |model: &Breaker, state: &State| matches!(state.phase, Phase::HalfOpen { admitted, .. } if admitted >= model.permits),
        ),
    ]
}

/// What is asked of whole runs; `closes_for_good` is asked of a backend that heals.
pub(super) fn temporal(closes_for_good: bool) -> Vec<Temporal<Breaker>> {
    let closed = |_: &Breaker, state: &State| state.phase == Phase::Closed;
    let mut temporal = vec![Temporal::recoverable(CAN_CLOSE, closed)];
    if closes_for_good {
        temporal.push(Temporal::eventually_always(CLOSES, closed).under(LIFE_GOES_ON));
    }
    temporal
}

/// The fairness sets of an action that must not be put off for ever.
pub(super) fn fairness(action: &Action) -> Vec<FairKey> {
    match action {
        // Some caller comes, whoever it is; every call ends; the clock is not stopped.
        Action::Acquire { .. } => vec![FairKey::weak(LIFE_GOES_ON).of_each("acquire")],
        Action::Report { client, .. } => vec![FairKey::weak(LIFE_GOES_ON).of_each(("report", client))],
        Action::Tick => vec![FairKey::weak(LIFE_GOES_ON).of_each("tick")],
        Action::StepBack => Vec::new(),
    }
}
