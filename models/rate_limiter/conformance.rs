//! What the outside sees of the model, and the words in which its traces are told.

use std::collections::BTreeMap;

use counterpart::{Interface, Spec};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Action, KEYS_MAX, Limiter, Quota, State};
use super::properties::{AT_MOST_LIMIT, ITS_CURVE, NO_DOUBLE_BURST, READY_AFTER_SILENCE};

/// A tick of the model, as a limiter under test sees it.
pub const TICK_NS: u64 = 1_000_000_000;

/// Reading of the clock of a limiter under test at first: there is room for clocks that are behind, and it is the
/// beginning of a window whatever its length.
pub fn start_ns(model: &Limiter) -> u64 {
    100 * u64::from(model.window_ticks) * TICK_NS
}

/// How the model reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct LimiterSpec;

impl Spec for LimiterSpec {
    type Model = Limiter;

    fn parameters(&self, model: &Limiter) -> BTreeMap<String, String> {
        let mut parameters = vec![
            ("algorithm", format!("{:?}", model.algorithm)),
            ("window", format!("{} ticks", model.window_ticks)),
            ("limit", model.limit.to_string()),
            ("keys", model.keys.to_string()),
            ("clients' clocks", format!("{:?}", model.skews_ticks)),
        ];
        if model.algorithm.has_burst() {
            parameters.push(("burst", model.burst.to_string()));
        }
        if model.collects {
            parameters.push(("idle keys", "collected".into()));
        }
        if !model.quotas.is_empty() {
            let quota = |quota: &Quota| format!("{} or {} at once", quota.limit, quota.burst);
            parameters.push(("quotas", model.quotas.iter().map(quota).collect::<Vec<_>>().join(", ")));
        }
        if model.monitored_ticks > 0 {
            parameters.push(("monitored", format!("{} ticks", model.monitored_ticks)));
        }
        parameters.push(("variant", format!("{:?}", model.variant)));
        parameters.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Check { client, .. } => format!("client {client}"),
            Action::Tick => "clock".into(),
            Action::Collect => "collector".into(),
            Action::SetQuota { .. } => "operator".into(),
        }
    }

    fn state_json(&self, model: &Limiter, state: &State) -> Value {
        let keys = 0..usize::from(model.keys);
        let remembered: Vec<String> = keys.clone().map(|key| model.described(&state.cells[key])).collect();
        let mut shown = json!({ "remembered": remembered.join(" | ") });
        if model.algorithm.is_aligned() {
            shown["ticks into the window"] = state.phase.into();
        }
        if state.quota > 0 {
            shown["quota"] = state.quota.into();
        }
        if model.monitored_ticks > 0 {
            let ticks = usize::from(model.monitored_ticks);
            let admitted = keys.map(|key| {
                let counts = state.history.admitted[key][..ticks].iter().rev();
                counts.map(|count| if *count == 0 { ".".into() } else { count.to_string() }).collect::<String>()
            });
            shown["admitted, by tick"] = admitted.collect::<Vec<_>>().join(" | ").into();
        }
        shown
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        BECAUSE
    }
}

/// Why each property comes to be violated, for a reader who knows only the story.
const BECAUSE: &[(&str, &str)] = &[
    (
        AT_MOST_LIMIT,
        "the limit is kept in the limiter's own windows, or on average, and not in every window: whoever stands behind it \
         sees more within one window's time than was promised",
    ),
    (
        NO_DOUBLE_BURST,
        "the limit is spent in the last tick of one window and again in the first tick of the next: each window is within \
         its limit, and what stands behind sees twice as much at once",
    ),
    (ITS_CURVE, "more passes than the algorithm can ever admit: this limiter does not limit"),
    (READY_AFTER_SILENCE, "nobody was admitted for as long as it takes to be entitled again, and a request is denied"),
];

/// What the outside sees of the limiter.
#[derive(Clone, Copy, Debug, Default)]
pub struct LimiterInterface;

/// What a client, the clock or the collector gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The request may pass.
    Admitted,
    /// The request may not pass.
    Denied,
    /// There is nothing to say.
    Done,
}

impl<E> From<Result<(), E>> for Answer {
    fn from(checked: Result<(), E>) -> Self {
        if checked.is_ok() { Answer::Admitted } else { Answer::Denied }
    }
}

/// What can be read between checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Seen {
    /// Ticks until each key would pass, by a right clock; 0 for at once.
    pub retry_after_ticks: [u8; KEYS_MAX],
}

impl Interface for LimiterInterface {
    type Model = Limiter;
    type Input = Action;
    type Output = Answer;
    type Snapshot = Seen;

    fn label(&self, model: &Limiter, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, Answer)> {
        let answer = match *action {
            Action::Check { client, key } if model.admits(from, client, key) => Answer::Admitted,
            Action::Check { .. } => Answer::Denied,
            Action::Tick | Action::Collect | Action::SetQuota { .. } => Answer::Done,
        };
        Some((*action, answer))
    }

    fn snapshot(&self, model: &Limiter, state: &State) -> Option<Seen> {
        Some(Seen { retry_after_ticks: by_key(model.keys, |key| model.retry_after_ticks(state, key)) })
    }
}

pub(super) fn by_key(keys: u8, of: impl Fn(u8) -> u8) -> [u8; KEYS_MAX] {
    let mut all = [0; KEYS_MAX];
    (0..keys).for_each(|key| all[usize::from(key)] = of(key));
    all
}
