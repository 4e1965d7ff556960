//! What the outside sees of the model, and the words in which its traces are told.

use std::collections::BTreeMap;

use counterpart::model::{FairKey, Temporal};
use counterpart::trace::itf_state;
use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, Backend, Breaker, Phase, State, Tally, WindowKind};
use super::properties::{self, CAN_CLOSE, CLOSES};

/// A tick of the model, as a breaker under test sees it.
pub const TICK_MS: u64 = 1_000;

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct BreakerSpec {
    /// Whether to ask that the breaker closes for good once the backend is healthy. It makes sense of a backend that
    /// heals.
    pub closes_for_good: bool,
}

impl Spec for BreakerSpec {
    type Model = Breaker;

    fn temporal(&self) -> Vec<Temporal<Breaker>> {
        properties::temporal(self.closes_for_good)
    }

    fn fairness(&self, _: &Breaker, _: &State, action: &Action) -> Vec<FairKey> {
        properties::fairness(action)
    }

    fn must_progress(&self, _: &Breaker, _: &State, action: &Action) -> bool {
        *action != Action::StepBack
    }

    fn parameters(&self, model: &Breaker) -> BTreeMap<String, String> {
        let window = match model.window {
            WindowKind::Calls(size) => format!("{size} calls"),
            WindowKind::Ticks { ticks, results_max } => format!("{ticks} ticks of at most {results_max} results"),
            WindowKind::Everything { results_max } => format!("all results since it closed, at most {results_max}"),
        };
        let mut parameters = vec![
            ("window", window),
            ("minimum", model.minimum_calls.to_string()),
            ("failure rate", format!("{}%", model.failure_rate_percent)),
            ("permits", model.permits.to_string()),
            ("open wait", format!("{} ticks", model.open_wait_ticks)),
            ("clients", model.clients.to_string()),
        ];
        if let Some(percent) = model.slow_rate_percent {
            parameters.push(("slow rate", format!("{percent}%")));
        }
        if let Some(ticks) = model.half_open_wait_ticks {
            parameters.push(("half-open wait", format!("{ticks} ticks")));
        }
        if model.steps_back_max > 0 {
            parameters
                .push(("clock", format!("set back {} times by {} ticks", model.steps_back_max, model.skew_ticks)));
        }
        if model.backend != Backend::Any {
            parameters.push(("backend", format!("{:?}", model.backend)));
        }
        if model.interchangeable_clients {
            parameters.push(("clients told apart", "no".into()));
        }
        if !model.quirks.is_empty() {
            let quirks: Vec<String> = model.quirks.iter().map(|quirk| format!("{quirk:?}")).collect();
            parameters.push(("quirks", quirks.join(" ")));
        }
        parameters.push(("variant", format!("{:?}", model.variant)));
        parameters.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Acquire { client } | Action::Report { client, .. } => format!("client {client}"),
            Action::Tick | Action::StepBack => "clock".into(),
        }
    }

    fn state_json(&self, model: &Breaker, state: &State) -> Value {
        json!({
            "phase": itf_state(&state.phase),
            "window": state.window.entries(model.window),
            "calls": itf_state(&&state.calls[..usize::from(model.clients)]),
            "clock set back": state.steps_back,
            "faults": state.faults,
            "history": state.history.breaches().join(", "),
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        BECAUSE
    }
}

/// Why each property comes to be violated, for a reader who knows only the story.
const BECAUSE: &[(&str, &str)] = &[
    (CAN_CLOSE, "every permit was lost with a cancelled probe, and nothing gives one back"),
    (CLOSES, "it waits for probes that nobody is let through to make"),
    (
        "a dead backend sees no more calls per open wait than permits",
        "the backend is down, and gets more calls than the few it was to be asked",
    ),
    (
        "a half-open round admits no more than its permits",
        "half-open is there to ask a sick backend a few careful questions; whoever is let through uncounted turns the \
         probe into a stampede",
    ),
    (
        "only results of the current generation move it",
        "the result is of a call that began before the breaker opened: it says how the backend was then, and is taken for \
         how it is now",
    ),
    (
        "open admits none before its wait is over",
        "the wait is what gives the backend time to drain; a call let through early takes that time away again",
    ),
    ("it opens only when the results call for it", "a healthy backend is cut off"),
    ("it opens whenever the results call for it", "a failing backend goes on being called"),
    (
        "a failed probe opens it again",
        "the probe has shown that the backend is still down, and the breaker goes on sending calls to it",
    ),
    (
        "every permit out belongs to a running or successful probe",
        "a cancelled probe took its permit with it: when all are lost no caller can ever close the breaker again",
    ),
];

/// What the outside sees of the breaker.
#[derive(Clone, Copy, Debug, Default)]
pub struct BreakerInterface;

/// What a client or the clock gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The call is let through.
    Admitted,
    /// The call is not let through.
    Rejected,
    /// There is nothing to say.
    Done,
}

/// What an operator sees between calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// `closed`, `open` or `half-open`.
    pub phase: &'static str,
    /// Ticks until a probe may be let through, of an open breaker.
    pub retry_after_ticks: Option<u64>,
    /// Permits left, of a half-open breaker.
    pub permits_left: Option<u32>,
    /// Results in the window.
    pub calls: u32,
    /// Failures among them.
    pub failed: u32,
    /// Slow ones among them.
    pub slow: u32,
}

impl Interface for BreakerInterface {
    type Model = Breaker;
    type Input = Action;
    type Output = Answer;
    type Snapshot = Seen;

    fn label(&self, _: &Breaker, from: &State, action: &Action, to: Option<&State>) -> Option<(Action, Answer)> {
        let answer = match action {
            Action::Acquire { client } => {
                // An idle client that is not idle afterwards was let through.
                let after = to.unwrap_or(from).calls[usize::from(*client)];
                if after == Default::default() { Answer::Rejected } else { Answer::Admitted }
            }
            Action::Report { .. } | Action::Tick | Action::StepBack => Answer::Done,
        };
        Some((*action, answer))
    }

    fn snapshot(&self, model: &Breaker, state: &State) -> Option<Seen> {
        let Tally { calls, failed, slow } = state.tally(model);
        let (phase, retry_after_ticks, permits_left) = match state.phase {
            Phase::Closed => ("closed", None, None),
            Phase::Open { ticks_left } => ("open", Some(u64::try_from(ticks_left).unwrap_or(0)), None),
            Phase::HalfOpen { admitted, .. } => {
                ("half-open", None, Some(u32::from(model.permits.saturating_sub(admitted))))
            }
        };
        Some(Seen {
            phase,
            retry_after_ticks,
            permits_left,
            calls: calls.into(),
            failed: failed.into(),
            slow: slow.into(),
        })
    }
}
